import type { Bytes } from '../base/index.ts';
import { defined } from '../base/index.ts';
import type {
  ConsensusEngine,
  ConsensusEvent,
  ConsensusState,
  Instruments,
  VerifiedWalEntry,
} from '../consensus/index.ts';
import { combineEngine, describeEngineError } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { ConsensusOptions, Height, Membership } from '../ledger/index.ts';
import { membershipHashOf } from '../ledger/index.ts';
import type { HashedBlock } from './blocks.ts';
import { makeGenesis } from './blocks.ts';
import type { DoorRules } from './door.ts';
import { DOOR_RULES } from './door.ts';
import { forge } from './forger.ts';
import type { Follower, LightDelivery } from './light.ts';
import { createFollower, scheduleLight } from './light.ts';
import type { Mutation } from './mutation.ts';
import type { Committed, Oracle } from './oracle.ts';
import { createOracle } from './oracle.ts';
import type { Plotting } from './plot.ts';
import { actOf, createPlotting, isBlurred, soloistOf } from './plot.ts';
import type { Prng } from './prng.ts';
import { createPrng } from './prng.ts';
import type { TimedQueue } from './queue.ts';
import { createTimedQueue } from './queue.ts';
import { QUICK_SUITE } from './quick-suite.ts';
import type { Role, Scenario } from './scenario.ts';

/** Something that reaches a node, or the light client beside them. */
export type Delivery =
  | LightDelivery
  /** From another node; lost when this one is down. */
  | { readonly kind: 'message'; readonly to: number; readonly event: ConsensusEvent }
  /** From within (signer, timer, builder, store); lost when that life ended. */
  | {
      readonly kind: 'answer';
      readonly to: number;
      readonly life: number;
      readonly event: ConsensusEvent;
    }
  /** A node asks for messages of its height. */
  | {
      readonly kind: 'request';
      readonly to: number;
      readonly from: number;
      readonly height: Height;
      readonly round: number;
    }
  | { readonly kind: 'restart'; readonly to: number }
  /** Dies between two events. */
  | { readonly kind: 'kill'; readonly to: number }
  /** A node compares heads with another, as sync does. */
  | { readonly kind: 'status'; readonly to: number };

/** A node: what is volatile (`state`), what is durable (`wal`, `chain`), and its world. */
export type SimulatedNode = {
  readonly index: number;
  readonly role: Role;
  readonly ownPublicKey: Bytes | undefined;
  readonly engine: ConsensusEngine;
  state: ConsensusState;
  isUp: boolean;
  /** Counts restarts; answers to a former life are void. */
  life: number;
  wal: readonly VerifiedWalEntry[];
  /** Below this height it signs nothing: its log of it was lost. */
  signFrom: Height;
  /** Entries of the last write. */
  writtenLast: number;
  chain: readonly Committed[];
};

export type SimulationStats = {
  deliveries: number;
  lost: number;
  crashes: number;
  /** Logs lost whole. */
  wipes: number;
  evidence: number;
  /** Messages that a door kept out. */
  refused: number;
  roundMax: number;
  /** Virtual time at the end, and how long after the faults' end that is. */
  endMs: number;
  healedMs: number;
};

/** All nodes, the network between them, and the one generator that decides every fault. */
export type World = {
  readonly scenario: Scenario;
  readonly prng: Prng;
  readonly queue: TimedQueue<Delivery>;
  readonly oracle: Oracle;
  readonly membership: Membership;
  readonly membershipHash: Hash;
  readonly genesis: HashedBlock;
  readonly nodes: readonly SimulatedNode[];
  /** The light client that follows this run. */
  readonly follower: Follower;
  readonly mutation: { readonly isLogSynced: boolean; readonly isLogMissed: boolean };
  readonly door: { readonly rules: DoorRules; readonly membership: Membership };
  readonly stats: SimulationStats;
  /** When the last message of each link arrives, for links that keep order. */
  readonly lastArrivalMs: number[];
  /** Who alone shall learn the decision of a round; -1 for the usual. */
  readonly winners: Map<string, number>;
  /** Who hears the prevotes of a round, a bit a node; drawn with the first of them. */
  readonly hearers: Map<string, number>;
  /** Which block traitors proposed to whom, by height, round and node. */
  readonly shown: Map<string, Hash>;
  readonly plotting: Plotting;
  /** Until when each node is out of reach. */
  readonly hushedUntilMs: number[];
  nowMs: number;
};

/** Short, so that chaos holds many rounds. */
const OPTIONS: ConsensusOptions = {
  membership: 'fixed',
  leader: 'rotating',
  agreement: 'three-phase',
  proposeTimeoutMs: 200,
  prevoteTimeoutMs: 100,
  precommitTimeoutMs: 100,
  timeoutDeltaMs: 50,
  heartbeatMs: 1000,
  blockBytesMax: 1_000_000,
  blockTransactionsMax: 1000,
};

/** How often each node compares heads with another, in virtual milliseconds. */
const STATUS_EVERY_MS = 400;

function membershipOf(scenario: Scenario): Membership {
  const validators = scenario.powers.map((power, index) => ({
    publicKey: new Uint8Array(32).fill(index + 1),
    power,
    name: `v${index}`,
  }));
  return { validators };
}

function engineOf(membership: Membership, instruments: Instruments): ConsensusEngine {
  const engine = combineEngine(OPTIONS, membership, instruments);
  if (!engine.ok) throw new Error(describeEngineError(engine.error));
  return engine.value;
}

const AMNESIA: NonNullable<Instruments['rules']> = { locks: false, keepsValidValue: false };

/** A world before its first event, in which every honest node has the mutation. */
export function createWorld(seed: number, scenario: Scenario, mutation: Mutation): World {
  const membership = membershipOf(scenario);
  const { wrap = (engine: ConsensusEngine) => engine } = mutation;
  const honest = wrap(engineOf(membership, mutation));
  const amnesiac = engineOf(membership, { rules: AMNESIA });
  const start = { height: 1 as Height, membership, signFrom: 0 as Height }; // In range.
  const count = scenario.powers.length + scenario.watchers;
  const nodes = Array.from({ length: count }, (_, index): SimulatedNode => {
    const ownPublicKey = membership.validators[index]?.publicKey;
    const role = scenario.roles[index] ?? 'honest';
    const engine = role === 'amnesiac' ? amnesiac : honest;
    return {
      index,
      role,
      ownPublicKey,
      engine,
      state: engine.start({ ...start, ownPublicKey }),
      isUp: true,
      life: 0,
      wal: [],
      signFrom: 0 as Height, // In range.
      writtenLast: 0,
      chain: [],
    };
  });
  const membershipHash = membershipHashOf(QUICK_SUITE, membership);
  const genesis = makeGenesis(membershipHash);
  const oracle = createOracle(honest, membership, scenario.roles);
  const trusted = {
    header: genesis.block.header,
    hash: genesis.blockHash,
    membership,
    nextMembership: membership,
  };
  const seen = { membership, genesis, nodes, scenario, oracle };
  const world: World = {
    scenario,
    // Not the scenario's own generator, so that a scenario may be changed by hand.
    prng: createPrng(seed + 2 ** 40),
    queue: createTimedQueue(),
    oracle,
    membership,
    membershipHash,
    genesis,
    nodes,
    follower: createFollower(seed, seen, trusted, mutation.light ?? {}),
    mutation: { isLogSynced: true, isLogMissed: true, ...mutation },
    door: { rules: { ...DOOR_RULES, ...mutation.door }, membership },
    stats: {
      deliveries: 0,
      lost: 0,
      crashes: 0,
      wipes: 0,
      evidence: 0,
      refused: 0,
      roundMax: 0,
      endMs: 0,
      healedMs: 0,
    },
    lastArrivalMs: [],
    winners: new Map(),
    hearers: new Map(),
    shown: new Map(),
    plotting: createPlotting(),
    hushedUntilMs: [],
    nowMs: 0,
  };
  scheduleLight(world);
  for (const node of nodes) {
    offerWork(world, node);
    world.queue.push(world.prng.below(STATUS_EVERY_MS), { kind: 'status', to: node.index });
  }
  return world;
}

export function nodeAt(world: World, index: number): SimulatedNode {
  return defined(world.nodes[index], 'every index names a node');
}

/** Whether faults still happen. */
export function isChaos(world: World): boolean {
  return world.nowMs < world.scenario.healAtMs;
}

/** Gives a node its mempool's word, while there are blocks to make. */
export function offerWork(world: World, node: SimulatedNode): void {
  const { height } = node.state;
  if (height > world.scenario.heights) return;
  answer(world, node, world.prng.below(100), { kind: 'work-available', height });
}

/** Brings an answer from within a node, unless it dies before. */
export function answer(
  world: World,
  node: SimulatedNode,
  delayMs: number,
  event: ConsensusEvent,
): void {
  const { index: to, life } = node;
  world.queue.push(world.nowMs + delayMs, { kind: 'answer', to, life, event });
}

/** Sends over a link with whatever the scenario does to it. */
export function send(world: World, from: number, to: number, delivery: Delivery): void {
  const { scenario, prng, queue, stats } = world;
  if (!isChaos(world)) {
    queue.push(world.nowMs + prng.between(1, 10), delivery);
    return;
  }
  const copies = prng.chance(scenario.duplicatePerMille) ? 2 : 1;
  for (let copy = 0; copy < copies; copy++) {
    const isLost =
      isCut(world, from, to) || isWithheld(world, delivery) || prng.chance(scenario.lossPerMille);
    if (isLost) {
      stats.lost++;
      continue;
    }
    let atMs = world.nowMs + prng.between(1, scenario.delayMaxMs);
    if (!scenario.mayReorder) {
      const link = from * world.nodes.length + to;
      atMs = Math.max(atMs, world.lastArrivalMs[link] ?? 0);
      world.lastArrivalMs[link] = atMs;
    }
    queue.push(atMs, delivery);
  }
  maybeForge(world, delivery);
  if (prng.chance(scenario.replayPerMille)) {
    queue.push(world.nowMs + prng.between(500, 4000), delivery);
  }
}

// Somebody on the way sends something else too; it may overtake the message.
function maybeForge(world: World, delivery: Delivery): void {
  const { scenario, prng, queue } = world;
  if (delivery.kind !== 'message') return;
  // Blocks are rare among messages, and worth more to a forger.
  const weight = delivery.event.kind === 'vote-received' ? 1 : 8;
  if (!prng.chance(weight * scenario.forgePerMille)) return;
  const event = forge(world, delivery.event);
  if (event === undefined) return;
  const delayMs = prng.pick([0, prng.below(scenario.delayMaxMs)]);
  queue.push(world.nowMs + delayMs, { ...delivery, event });
}

export function isCut(world: World, from: number, to: number): boolean {
  const isHushed = (node: number) => world.nowMs < (world.hushedUntilMs[node] ?? 0);
  if (isHushed(from) || isHushed(to)) return true;
  return world.scenario.cuts.some((cut) => {
    if (world.nowMs < cut.fromMs || world.nowMs >= cut.toMs) return false;
    const [sideFrom, sideTo] = [(cut.sides >> from) & 1, (cut.sides >> to) & 1];
    return sideFrom !== sideTo && (!cut.isOneWay || sideFrom === 1);
  });
}

/**
 * The node that alone shall learn a decision of this round, or undefined: nobody hears its
 * precommit, and traitors precommit the block to it and nil to the others. A rule that lets go of a
 * lock too early then shows.
 */
export function winnerOf(world: World, height: Height, round: number): number | undefined {
  const name = `${height}/${round}`;
  let winner = world.winners.get(name);
  if (winner === undefined) {
    const isPlotted = actOf(world, height, round) === 'solo';
    const isDrawn =
      isChaos(world) &&
      !hadWinner(world, height, round) &&
      world.prng.chance(world.scenario.hidePerMille);
    winner = isDrawn ? world.prng.below(world.nodes.length) : -1;
    if (isPlotted) winner = soloistOf(world, height, round);
    world.winners.set(name, winner);
  }
  return winner < 0 ? undefined : winner;
}

/** Whether an earlier round of a height had a {@link winnerOf}: traitors now want another block. */
export function hadWinner(world: World, height: Height, round: number): boolean {
  for (let earlier = 0; earlier < round; earlier++) {
    if ((world.winners.get(`${height}/${earlier}`) ?? -1) >= 0) return true;
  }
  return false;
}

// Uneven loss: a winner's precommit, and prevotes of some rounds on their way to some nodes.
function isWithheld(world: World, delivery: Delivery): boolean {
  const { withholdPerMille } = world.scenario;
  if (delivery.kind !== 'message' || delivery.event.kind !== 'vote-received') return false;
  const { height, round, kind, validatorIndex } = delivery.event.vote.vote;
  if (isBlurred(world, delivery.event.vote.vote, delivery.to)) return true;
  if (kind === 'precommit') return winnerOf(world, height, round) === validatorIndex;
  if (withholdPerMille === 0) return false;
  const name = `${height}/${round}`;
  let hearers = world.hearers.get(name);
  if (hearers === undefined) {
    const everybody = (1 << world.nodes.length) - 1;
    const some = world.prng.below(1 << world.nodes.length);
    hearers = world.prng.chance(withholdPerMille) ? some : everybody;
    world.hearers.set(name, hearers);
  }
  return ((hearers >> delivery.to) & 1) === 0;
}

/** Puts a node out of reach for a while, as the scenario wants it. */
export function maybeHush(world: World, node: SimulatedNode): void {
  if (!isChaos(world) || !world.prng.chance(world.scenario.hushPerMille)) return;
  world.hushedUntilMs[node.index] = world.nowMs + world.prng.between(500, 4000);
}

/** Sends to all others. */
export function broadcast(world: World, from: number, event: ConsensusEvent): void {
  if (event.kind === 'proposal-received') maybeForgeForAll(world, event);
  for (const { index: to } of world.nodes) {
    if (to !== from) send(world, from, to, { kind: 'message', to, event });
  }
}

// Somebody is faster than the leader, with one forgery for everybody.
function maybeForgeForAll(world: World, event: ConsensusEvent): void {
  const { scenario, prng, queue } = world;
  if (!prng.chance(4 * scenario.forgePerMille) || !isChaos(world)) return;
  const forged = forge(world, event);
  if (forged === undefined) return;
  for (const { index: to } of world.nodes) {
    queue.push(world.nowMs, { kind: 'message', to, event: forged });
  }
}

/** Asks for the next comparison of heads. */
export function scheduleStatus(world: World, node: SimulatedNode): void {
  world.queue.push(world.nowMs + STATUS_EVERY_MS, { kind: 'status', to: node.index });
}
