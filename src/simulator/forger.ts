import { defined, equalBytes } from '../base/index.ts';
import type { ConsensusEvent, VerifiedProposal, VerifiedVote } from '../consensus/index.ts';
import { ZERO_HASH } from '../crypto/index.ts';
import { alterBody, makeBlock } from './blocks.ts';
import { mintCertificate, mintProposal, mintVote, OUTSIDER } from './minting.ts';
import type { World } from './world.ts';

/**
 * What somebody on the way makes of a message: without the key of an honest member, but maybe with
 * that of a traitor. The door must keep every such message out, or the machine must bear it.
 */
export function forge(world: World, event: ConsensusEvent): ConsensusEvent | undefined {
  switch (event.kind) {
    case 'vote-received':
      return world.prng.chance(500) ? otherVote(world, event.vote) : proof(world, event.vote);
    case 'proposal-received': {
      const { proposal } = event;
      const forged = world.prng.chance(500) ? withOtherBody(proposal) : usurped(world, proposal);
      return { kind: 'proposal-received', proposal: forged };
    }
    case 'decision-received':
      return { ...event, block: alterBody(event.block) };
    default:
      return undefined;
  }
}

// A vote in the name of a member that did not sign it.
function otherVote({ prng }: World, { vote }: VerifiedVote): ConsensusEvent {
  const blockHash = vote.blockHash === undefined ? ZERO_HASH : undefined;
  const choice = prng.chance(500) ? blockHash : ZERO_HASH;
  return { kind: 'vote-received', vote: mintVote({ ...vote, blockHash: choice }, OUTSIDER) };
}

// A decision proved by one genuine precommit, or by precommits that nobody signed.
function proof(world: World, { vote }: VerifiedVote): ConsensusEvent | undefined {
  const { kind, height, round, blockHash, validatorIndex } = vote;
  if (kind !== 'precommit' || blockHash === undefined) return undefined;
  const voter = defined(world.nodes[validatorIndex], 'a member has a node');
  const known = voter.state.blocks.find((each) => equalBytes(each.blockHash, blockHash));
  if (known === undefined) return undefined;
  const isShort = world.prng.chance(500);
  const members = isShort ? [validatorIndex] : world.membership.validators.map((_, at) => at);
  const signer = isShort ? validatorIndex : OUTSIDER;
  const certificate = mintCertificate({ height, round, blockHash }, members, () => signer);
  return { kind: 'decision-received', block: known.block, blockHash, certificate };
}

// The header and its signature are genuine; the body is not.
function withOtherBody({ proposal, blockHash, ...signed }: VerifiedProposal): VerifiedProposal {
  const altered = { ...proposal, block: alterBody(proposal.block) };
  return { ...signed, proposal: altered, blockHash } as VerifiedProposal; // As it travels.
}

// A block for a turn that is another's: in the leader's name, or by a traitor in its own.
function usurped(world: World, { proposal }: VerifiedProposal): VerifiedProposal {
  const { header } = proposal.block;
  const traitor = world.nodes.find((node) => node.role === 'equivocator');
  const isOwnName = traitor?.ownPublicKey !== undefined && world.prng.chance(500);
  const proposer = isOwnName ? traitor.ownPublicKey : header.proposer;
  const { block, blockHash } = makeBlock({
    height: header.height,
    parentHash: header.parentHash,
    proposer,
    atMs: header.timestampMs,
    isValid: true,
    payload: world.prng.next(),
    membershipHash: world.membershipHash,
  });
  const signer = traitor?.index ?? OUTSIDER;
  const fresh = { ...proposal, validRound: undefined, block };
  return mintProposal(fresh, blockHash, signer);
}
