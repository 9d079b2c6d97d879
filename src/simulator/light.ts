import { defined, equalBytes, unreachable } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type {
  LightAnchor,
  LightBlock,
  LightEffect,
  LightEvent,
  LightRules,
  LightState,
  TrustedBlock,
} from '../light/index.ts';
import { createLight, LIGHT_RULES, lightProgress, step } from '../light/index.ts';
import type { Scene } from './light-liar.ts';
import { isBy, lie } from './light-liar.ts';
import type { Prng } from './prng.ts';
import { createPrng } from './prng.ts';
import { QUICK_SUITE } from './quick-suite.ts';
import { Violation } from './violation.ts';
import type { Delivery, SimulatedNode, World } from './world.ts';
import { isChaos, isCut, nodeAt } from './world.ts';

/** Something that reaches a light client, or a node from one. */
export type LightDelivery =
  /** It hears the heads of some nodes, and its own clock. */
  | { readonly kind: 'light-tick' }
  | {
      readonly kind: 'light-asked';
      readonly to: number;
      readonly ticket: number;
      readonly heights: readonly number[];
    }
  | { readonly kind: 'light-heard'; readonly event: LightEvent };

/** A light client that follows a run from outside, and what it trusted so far. */
export type Follower = {
  readonly prng: Prng;
  readonly rules: LightRules;
  readonly start: TrustedBlock;
  readonly scene: Scene;
  readonly trusted: { readonly height: number; readonly hash: Hash }[];
  state: LightState;
};

const TICK_MS = 2000;
/** Nodes whose heads it hears at each tick. */
const HEARD = 2;
const OPTIONS = { trustingPeriodMs: undefined, clockDriftMs: 1000 };
/** As many ticks as a run may take after its faults: each liar is found out before. */
const FINAL_TICKS_MAX = 200;

/** What a light client's peers may know. */
type Seen = Pick<World, 'membership' | 'genesis' | 'nodes' | 'scenario' | 'oracle'>;

/** Blocks and certificates of nodes as a light client is shown them. */
export function createFollower(
  seed: number,
  world: Seen,
  trusted: TrustedBlock,
  rules: Partial<LightRules>,
): Follower {
  const anchor: LightAnchor = { suite: QUICK_SUITE, chainId: trusted.header.chainId };
  const longest = () =>
    world.nodes.reduce((best, node) => (node.chain.length > best.chain.length ? node : best));
  const traitors = world.scenario.roles.flatMap((role, at) => (role === 'equivocator' ? [at] : []));
  const scene: Scene = {
    anchor,
    header: (height) =>
      height === 0 ? world.genesis.block.header : longest().chain[height - 1]?.block.header,
    genuine: (height) => shown(world, longest(), height),
    lost: (height) => lostBlock(world, height),
    membership: () => world.membership,
    traitors,
  };
  const allRules = { ...LIGHT_RULES, ...rules };
  const start = { anchor, options: OPTIONS, trusted, nowMs: 0, rules: allRules };
  return {
    prng: createPrng(seed + 2 ** 41),
    rules: allRules,
    start: trusted,
    scene,
    trusted: [],
    state: createLight({ ...start, limits: { requestTicksMax: 3 } }),
  };
}

function shown(
  { genesis, membership }: Seen,
  { chain }: Pick<SimulatedNode, 'chain'>,
  height: number,
): LightBlock | undefined {
  const committed = chain[height - 1];
  if (committed === undefined) return undefined;
  const parent = defined(height === 1 ? genesis : chain[height - 2], 'chains have no holes');
  return {
    parent: parent.block.header,
    header: committed.block.header,
    certificate: committed.certificate,
    membership,
    nextMembership: undefined,
  };
}

// A block that somebody knows and nobody decided, with every vote for it that left its voter.
function lostBlock(world: Seen, height: number): LightBlock | undefined {
  const { nodes, oracle, genesis, membership } = world;
  for (const { state, chain } of nodes) {
    if (state.height !== height || chain.length !== height - 1) continue;
    const parent = chain.at(-1) ?? genesis;
    for (const { block, blockHash } of state.blocks) {
      const { header } = block;
      if (!equalBytes(header.parentHash, parent.blockHash)) continue;
      const certificate = oracle.votesFor(header.height, blockHash);
      if (certificate === undefined) continue;
      const light = { parent: parent.block.header, header, certificate, membership };
      return { ...light, nextMembership: undefined };
    }
  }
  return undefined;
}

/* ------------------------------------------------------------ deliveries */

/** Whether a delivery is one of the light client's. */
export function isLightDelivery(delivery: Delivery): delivery is LightDelivery {
  return delivery.kind.startsWith('light-');
}

/** Lets something happen to the light client, or to a node that it asked. */
export function deliverLight(world: World, delivery: LightDelivery): void {
  switch (delivery.kind) {
    case 'light-tick':
      tick(world);
      return;
    case 'light-asked': {
      const blocks = answerOf(world, delivery.to, delivery.heights);
      if (blocks === undefined) return; // It will be asked no longer than some ticks.
      const { ticket } = delivery;
      const nowMs = world.nowMs;
      const event: LightEvent = { kind: 'light-blocks-received', ticket, blocks, nowMs };
      sendLight(world, delivery.to, { kind: 'light-heard', event });
      return;
    }
    case 'light-heard':
      advance(world, delivery.event);
      return;
    default:
      unreachable(delivery);
  }
}

/** Asks for the light client's next tick. */
export function scheduleLight(world: World): void {
  world.queue.push(world.nowMs + TICK_MS, { kind: 'light-tick' });
}

function tick(world: World): void {
  const { follower } = world;
  scheduleLight(world);
  for (let count = 0; count < HEARD; count++) {
    const node = nodeAt(world, follower.prng.below(world.nodes.length));
    const event = statusOf(world, node);
    if (event !== undefined) sendLight(world, node.index, { kind: 'light-heard', event });
  }
  advance(world, { kind: 'tick', nowMs: world.nowMs });
}

function statusOf(world: World, node: SimulatedNode): LightEvent | undefined {
  const { follower, nowMs } = world;
  const { prng, scene } = follower;
  if (!node.isUp || node.role === 'silent') return undefined;
  const height = node.chain.length;
  const { index } = node;
  const name = { peerId: `${index}`, voice: `${index}` };
  const earliestHeight = 0 as Height; // It keeps all.
  const status = { kind: 'peer-status', ...name, earliestHeight, nowMs } as const;
  if (node.role === 'equivocator' && prng.chance(700)) {
    const far = prng.pick([1, 2, 3, 1000]) + height;
    const headHash = scene.header(prng.below(height + 1))?.parentHash ?? world.genesis.blockHash;
    return { ...status, headHeight: far as Height, headHash }; // Small.
  }
  const headHash = node.chain.at(-1)?.blockHash ?? world.genesis.blockHash;
  return { ...status, headHeight: height as Height, headHash }; // The chain is short.
}

function answerOf(
  world: World,
  to: number,
  heights: readonly number[],
): readonly LightBlock[] | undefined {
  const node = nodeAt(world, to);
  const { scene, prng } = world.follower;
  if (!node.isUp || node.role === 'silent') return undefined;
  if (node.role === 'equivocator') return lie(scene, prng, heights, world.nowMs);
  return heights.flatMap((height) => shown(world, node, height) ?? []);
}

// Over a link like all others; its faults are drawn for themselves, so that nodes see the same.
function sendLight(world: World, node: number, delivery: LightDelivery): void {
  const { scenario, queue, follower } = world;
  const { prng } = follower;
  const isLost =
    isChaos(world) &&
    (isCut(world, node, world.nodes.length) || prng.chance(scenario.lossPerMille));
  if (isLost) return;
  const delayMs = isChaos(world) ? prng.between(1, scenario.delayMaxMs) : prng.between(1, 10);
  queue.push(world.nowMs + delayMs, delivery);
}

function advance(world: World, event: LightEvent): void {
  const { follower } = world;
  run(world, follower, event, (to, ticket, heights) =>
    sendLight(world, to, { kind: 'light-asked', to, ticket, heights }),
  );
}

type Ask = (to: number, ticket: number, heights: readonly number[]) => void;

function run(world: World, client: Follower, first: LightEvent, ask: Ask): void {
  const events = [first];
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    const { state, effects } = step(client.state, event);
    client.state = state;
    for (const effect of effects) {
      const answer = perform(world, client, effect, ask);
      if (answer !== undefined) events.push(answer);
    }
  }
}

function perform(
  world: World,
  client: Follower,
  effect: LightEffect,
  ask: Ask,
): LightEvent | undefined {
  switch (effect.kind) {
    case 'request-light-blocks':
      ask(Number(effect.peerId), effect.ticket, effect.heights);
      return undefined;
    case 'verify-claims': {
      const { ticket, claims } = effect;
      return { kind: 'claims-verified', ticket, isValid: claims.every(isBy) };
    }
    case 'trust-block': {
      const { header, hash } = effect.trusted;
      client.trusted.push({ height: header.height, hash });
      world.oracle.lightTrusted(header.height, hash);
      return undefined;
    }
    case 'raise-alarm':
      throw new Violation('light-client-disagrees', 'an alarm without conflicting decisions');
    case 'report-peer': {
      const isHard = effect.fault === 'bad-block' || effect.fault === 'malformed-answer';
      const isHonest = nodeAt(world, Number(effect.peerId)).role !== 'equivocator';
      if (!isHard || !isHonest) return undefined;
      throw new Violation('light-client-disagrees', `it blames node ${effect.peerId}`);
    }
    default:
      return undefined;
  }
}

/* -------------------------------------------------------------- the end */

/**
 * When the nodes are done the follower must prove their head too, and in every second run also a
 * client that comes only now.
 */
export function finishLight(seed: number, world: World): void {
  const { follower, scenario, nowMs } = world;
  const { anchor, options, limits } = follower.state;
  const fresh: Follower = {
    ...follower,
    trusted: [],
    state: createLight({
      anchor,
      options,
      limits,
      rules: follower.rules,
      trusted: follower.start,
      nowMs,
    }),
  };
  const endMs = world.nowMs;
  for (const client of seed % 2 === 0 ? [follower, fresh] : [follower]) {
    for (let count = 0; !isAtHead(client, scenario.heights); count++) {
      if (count > FINAL_TICKS_MAX) {
        const { height } = lightProgress(client.state).head.header;
        throw new Violation('light-client-stalled', `height ${height} of ${scenario.heights}`);
      }
      settle(world, client);
    }
  }
  // How long the nodes took is not how long this took.
  world.nowMs = endMs;
}

function isAtHead({ state }: Follower, height: number): boolean {
  return state.head.trusted.header.height >= height;
}

// One tick in which some nodes tell their heads, and every answer comes at once.
function settle(world: World, client: Follower): void {
  world.nowMs += TICK_MS;
  const answers: LightEvent[] = [{ kind: 'tick', nowMs: world.nowMs }];
  for (let count = 0; count < HEARD; count++) {
    const node = nodeAt(world, client.prng.below(world.nodes.length));
    const status = statusOf(world, node);
    if (status !== undefined) answers.push(status);
  }
  for (let event = answers.shift(); event !== undefined; event = answers.shift()) {
    run(world, client, event, (to, ticket, heights) => {
      const blocks = answerOf(world, to, heights);
      const { nowMs } = world;
      const reason = 'timeout' as const;
      answers.push(
        blocks === undefined
          ? { kind: 'request-failed', ticket, reason, nowMs }
          : { kind: 'light-blocks-received', ticket, blocks, nowMs },
      );
    });
  }
}
