import { defined } from '../base/index.ts';
import type { ConsensusEvent, VerifiedProposal, VerifiedVote } from '../consensus/index.ts';
import { ZERO_HASH } from '../crypto/index.ts';
import type { Round } from '../ledger/index.ts';
import { makeBlock } from './blocks.ts';
import { blockTimeMs, headHash } from './driver.ts';
import { mintProposal, mintVote } from './minting.ts';
import { isScripted } from './plot.ts';
import type { SimulatedNode, World } from './world.ts';
import { broadcast, hadWinner, send, winnerOf } from './world.ts';

/**
 * A vote of a traitor. Often it supports whatever is proposed, against any lock of its own, since
 * a quorum needs it; else each peer hears the vote, another face of it, both, or nothing.
 */
export function sendFaces(world: World, node: SimulatedNode, vote: VerifiedVote): void {
  const { prng, oracle } = world;
  const choices = [
    undefined,
    ...node.state.blocks.map((known) => known.blockHash),
    ZERO_HASH, // A block that nobody has.
  ];
  const isBetrayal = hadWinner(world, vote.vote.height, vote.vote.round);
  const isSupport = prng.chance(600) || isBetrayal;
  const silence = mintVote({ ...vote.vote, blockHash: undefined });
  const { kind, height, round } = vote.vote;
  if (isScripted(world, height, round)) {
    oracle.voteLeft(vote.vote); // In its own books only.
    return;
  }
  if (prng.chance(world.scenario.farPerMille)) sendFar(world, node, vote);
  const winner = kind === 'precommit' ? winnerOf(world, height, round) : undefined;
  for (const { index: to } of world.nodes) {
    if (to === node.index) continue;
    const other = mintVote({ ...vote.vote, blockHash: prng.pick(choices) });
    const support = mintVote({ ...vote.vote, blockHash: supportedBlock(world, node, vote, to) });
    const faces = prng.pick([[vote], [other], [vote, other], [other, vote], []]);
    const spoken = winner !== undefined ? [to === winner ? support : silence] : faces;
    for (const face of isSupport && winner === undefined ? [support] : spoken) {
      oracle.voteLeft(face.vote);
      const event: ConsensusEvent = { kind: 'vote-received', vote: face };
      send(world, node.index, to, { kind: 'message', to, event });
    }
  }
  // It also counts its own vote, which the oracle must know.
  oracle.voteLeft(vote.vote);
}

// The block that traitors showed to that node in this round, or the first proposal seen.
function supportedBlock(world: World, node: SimulatedNode, { vote }: VerifiedVote, to: number) {
  const shown = world.shown.get(`${vote.height}/${vote.round}/${to}`);
  if (shown !== undefined) return shown;
  const round = node.state.rounds.find((each) => each.round === vote.round);
  return round?.proposals[0]?.blockHash;
}

// A vote of a round that is far away, or just ahead.
function sendFar(world: World, node: SimulatedNode, { vote }: VerifiedVote): void {
  const ahead = world.prng.pick([1, 2, 5, 100_000]);
  const far = mintVote({ ...vote, round: (vote.round + ahead) as Round }); // Far below 2^32.
  world.oracle.voteLeft(far.vote);
  broadcast(world, node.index, { kind: 'vote-received', vote: far });
}

/** A proposal of a traitor: a second block for some, invalid blocks, false justifications. */
export function sendTwins(world: World, node: SimulatedNode, signed: VerifiedProposal): void {
  const { prng } = world;
  const { proposal } = signed;
  if (isScripted(world, proposal.height, proposal.round)) return;
  const isBetrayal = hadWinner(world, proposal.height, proposal.round);
  const twin = makeBlock({
    height: proposal.height,
    parentHash: headHash(world, node),
    proposer:
      world.scenario.forgePerMille > 0 && prng.chance(300)
        ? prng.pick(world.membership.validators).publicKey
        : defined(node.ownPublicKey, 'only members lead'),
    atMs: blockTimeMs(world, node, world.nowMs),
    isValid: isBetrayal || prng.chance(700),
    payload: prng.next(),
    membershipHash: world.membershipHash,
  });
  const known = node.state.blocks.map(({ block, blockHash }) => ({ block, blockHash }));
  const { block, blockHash } = isBetrayal || prng.chance(800) ? twin : prng.pick([twin, ...known]);
  const isJustified = proposal.round > 0 && prng.chance(600);
  const latest = proposal.round - 1;
  const claimed = prng.pick([latest, latest, prng.below(Math.max(1, proposal.round))]);
  const validRound = isJustified ? (claimed as Round) : undefined; // Below a round.
  const other = mintProposal({ ...proposal, validRound, block }, blockHash, node.index);
  const isOneForAll = isBetrayal || prng.chance(600);
  for (const { index: to } of world.nodes) {
    if (to === node.index) continue;
    const faces = prng.pick([[signed], [other], [signed, other], [other, signed], []]);
    const spoken = isOneForAll ? [other] : faces;
    const [shown] = spoken;
    const name = `${proposal.height}/${proposal.round}/${to}`;
    if (shown !== undefined) world.shown.set(name, shown.blockHash);
    for (const face of spoken) {
      const event: ConsensusEvent = { kind: 'proposal-received', proposal: face };
      send(world, node.index, to, { kind: 'message', to, event });
    }
  }
}
