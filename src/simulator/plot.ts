import { defined } from '../base/index.ts';
import type { VerifiedProposal, VerifiedVote } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Block, Height, Round, Vote } from '../ledger/index.ts';
import { makeBlock } from './blocks.ts';
import { mintProposal, mintVote } from './minting.ts';
import type { Plot } from './scenario.ts';
import type { SimulatedNode, World } from './world.ts';
import { broadcast, send, winnerOf } from './world.ts';

/**
 * What happens in one round of a plotted height.
 *
 * - `blur`: every honest member prevotes the block, none hears enough of it in time.
 * - `solo`: one node alone hears enough precommits, commits, and is heard no more.
 * - `strike`: a traitor leads, and proposes another block than the one decided.
 * - `stall`: traitors vote nil, so that no block gets a quorum.
 */
type Act = 'stall' | 'blur' | 'solo' | 'strike';

const SCRIPTS: { readonly [Name in Plot]: readonly Act[] } = {
  none: [],
  betray: ['solo', 'strike'],
  'betray-after-restart': ['solo', 'strike'],
  revive: ['blur', 'solo', 'strike'],
  lag: [],
};

/** What the plot wants of a round; undefined when it wants nothing. */
export function actOf(world: World, height: Height, round: number): Act | undefined {
  const { plot, healAtMs } = world.scenario;
  if (plot === 'lag') return world.nowMs < healAtMs ? 'stall' : undefined;
  const script = SCRIPTS[plot];
  return script.length > 0 && isPlotted(world, height) ? script[round] : undefined;
}

// A height at which a traitor's turn comes just when it should, and not before.
function isPlotted(world: World, height: Height): boolean {
  const { scenario } = world;
  const { plots } = world.plotting;
  let isFit = plots.get(height);
  if (isFit === undefined) {
    isFit = SCRIPTS[scenario.plot].every((act, round) => {
      const leader = leaderOf(world, height, round);
      return (leader?.role === 'equivocator') === (act === 'strike');
    });
    plots.set(height, isFit);
  }
  return isFit && world.nowMs < scenario.healAtMs;
}

function leaderOf(world: World, height: Height, round: number): SimulatedNode | undefined {
  const node = defined(world.nodes[0], 'there are nodes');
  const turn = { height, round: round as Round }; // A place in a script.
  return world.nodes[node.engine.leaderOf(world.membership, turn) ?? -1];
}

/** Whether traitors do in a round what the plot says, and not what their machines want. */
export function isScripted(world: World, height: Height, round: number): boolean {
  return world.scenario.plot === 'lag' || actOf(world, height, round) !== undefined;
}

/**
 * Who alone shall learn a decision: anybody honest; but where the others restart it is the leader,
 * so that none of them can hear the proposal again.
 */
export function soloistOf(world: World, height: Height, round: number): number {
  const leader = leaderOf(world, height, round);
  const isLeader = world.scenario.plot === 'betray-after-restart';
  return isLeader && leader !== undefined ? leader.index : world.prng.pick(honestVoters(world));
}

// Places of the honest members.
function honestVoters({ nodes }: World): readonly number[] {
  const voters = nodes.filter(({ role, ownPublicKey }) => role === 'honest' && ownPublicKey);
  return voters.map(({ index }) => index);
}

/** What the traitors know and did; one a world. */
export type Plotting = {
  /** Whether the plot can be played at each height. */
  readonly plots: Map<number, boolean>;
  /** Acts begun, by height and round. */
  readonly begun: Set<string>;
  /** The block of the first act, and who prevoted it. */
  readonly first: Map<number, { readonly block: Block; readonly blockHash: Hash }>;
  readonly prevotes: Map<number, VerifiedVote[]>;
  /** Heights at which the prevotes held back are told. */
  readonly revived: Set<number>;
};

export function createPlotting(): Plotting {
  return {
    plots: new Map(),
    begun: new Set(),
    first: new Map(),
    prevotes: new Map(),
    revived: new Set(),
  };
}

/** Whether a node must not hear a vote yet: of the honest ones' prevotes it misses the next one's. */
export function isBlurred(world: World, vote: Vote, to: number): boolean {
  const { kind, height, round, validatorIndex } = vote;
  if (actOf(world, height, round) !== 'blur' || kind !== 'prevote') return false;
  if (world.plotting.revived.has(height)) return false;
  const voters = honestVoters(world);
  const place = voters.indexOf(to);
  if (place < 0) return world.nodes[to]?.role === 'honest'; // A watcher hears nothing.
  return voters[(place + 1) % voters.length] === validatorIndex;
}

/** A node committed: whether the plot wanted it to be the only one, and what follows. */
export function afterCommit(world: World, node: SimulatedNode, height: Height, round: Round): void {
  if (actOf(world, height, round) !== 'solo') return;
  if (world.winners.get(`${height}/${round}`) !== node.index) return;
  world.hushedUntilMs[node.index] = world.scenario.healAtMs;
  if (world.scenario.plot !== 'betray-after-restart') return;
  for (const { index: to, role } of world.nodes) {
    if (to === node.index || role !== 'honest') continue;
    // Late enough for their precommits to be written, sooner than the next round.
    world.queue.push(world.nowMs + world.prng.between(30, 60), { kind: 'kill', to });
  }
}

/** An honest member proposed: in the first acts the traitors vote as the plot needs it. */
export function onProposed(world: World, { proposal, blockHash }: VerifiedProposal): void {
  const { height, round, block } = proposal;
  const act = actOf(world, height, round);
  if (act === undefined || act === 'stall' || !begins(world, height, round)) return;
  const { first, prevotes } = world.plotting;
  if (!first.has(height)) {
    first.set(height, { block, blockHash });
    prevotes.set(height, []);
  }
  if (act === 'blur') voteNil(world, height, round);
  if (act === 'solo') {
    const winner = winnerOf(world, height, round);
    voteOfTraitors(world, { kind: 'prevote', height, round }, () => blockHash);
    const toWinner = (to: number) => (to === winner ? blockHash : undefined);
    voteOfTraitors(world, { kind: 'precommit', height, round }, toWinner);
  }
}

/** An honest member voted: the traitors keep what they need later. */
export function onVoted(world: World, vote: VerifiedVote): void {
  const { kind, height, round, blockHash } = vote.vote;
  if (kind === 'prevote' && round === 0 && blockHash !== undefined) {
    world.plotting.prevotes.get(height)?.push(vote);
  }
}

/** An honest member began a round: in the last act the leader is a traitor, and strikes. */
export function onRoundBegun(world: World, height: Height, round: Round): void {
  const act = actOf(world, height, round);
  if (act === 'stall' && begins(world, height, round)) voteNil(world, height, round);
  if (act !== 'strike' || !begins(world, height, round)) return;
  const { first, prevotes, revived } = world.plotting;
  const known = first.get(height);
  const leader = leaderOf(world, height, round);
  if (known === undefined || leader?.ownPublicKey === undefined) return;
  const isRevival = world.scenario.plot === 'revive';
  const { header } = known.block;
  const struck = isRevival
    ? known
    : makeBlock({
        height,
        parentHash: header.parentHash,
        proposer: leader.ownPublicKey,
        atMs: Math.max(world.nowMs, header.timestampMs),
        isValid: true,
        payload: world.prng.next(),
        membershipHash: world.membershipHash,
      });
  // A fresh block, or one that claims the round of the lock; a revived one has its own round.
  const validRound = isRevival || world.prng.chance(500) ? (0 as Round) : undefined; // A round.
  const proposal = mintProposal(
    { height, round, validRound, block: struck.block },
    struck.blockHash,
    leader.index,
  );
  broadcast(world, leader.index, { kind: 'proposal-received', proposal });
  if (isRevival) {
    revived.add(height);
    for (const vote of prevotes.get(height) ?? []) {
      broadcast(world, leader.index, { kind: 'vote-received', vote });
    }
  }
  for (const kind of ['prevote', 'precommit'] as const) {
    voteOfTraitors(world, { kind, height, round }, () => struck.blockHash);
  }
}

/** An honest member returned: the traitors show it the other face of what they voted. */
export function onReturned(world: World, node: SimulatedNode): void {
  const { height } = node.state;
  const place = SCRIPTS[world.scenario.plot].indexOf('solo');
  const round = place as Round; // A place in a script, if there is one.
  if (place < 0 || actOf(world, height, round) !== 'solo') return;
  if (!world.plotting.begun.has(`${height}/${round}`)) return;
  voteNil(world, height, round, [node]);
}

// Whether nobody was here before.
function begins({ plotting }: World, height: Height, round: Round): boolean {
  const name = `${height}/${round}`;
  if (plotting.begun.has(name)) return false;
  plotting.begun.add(name);
  return true;
}

function voteNil(world: World, height: Height, round: Round, hearers = world.nodes): void {
  for (const kind of ['prevote', 'precommit'] as const) {
    voteOfTraitors(world, { kind, height, round }, () => undefined, hearers);
  }
}

function voteOfTraitors(
  world: World,
  slot: Pick<Vote, 'kind' | 'height' | 'round'>,
  choiceFor: (to: number) => Hash | undefined,
  hearers: readonly SimulatedNode[] = world.nodes,
): void {
  for (const { index: validatorIndex, role } of world.nodes) {
    if (role !== 'equivocator') continue;
    for (const { index: to } of hearers) {
      if (to === validatorIndex) continue;
      const vote = mintVote({ ...slot, validatorIndex, blockHash: choiceFor(to) });
      world.oracle.voteLeft(vote.vote);
      send(world, validatorIndex, to, {
        kind: 'message',
        to,
        event: { kind: 'vote-received', vote },
      });
    }
  }
}
