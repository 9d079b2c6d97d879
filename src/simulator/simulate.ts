import { AssertionError } from '../base/index.ts';
import type { ConsensusEvent } from '../consensus/index.ts';
import { deliver } from './driver.ts';
import { finishLight } from './light.ts';
import { runLightLab } from './light-lab.ts';
import type { Mutation } from './mutation.ts';
import type { Scenario } from './scenario.ts';
import type { Trace } from './trace.ts';
import { createTrace } from './trace.ts';
import type { ViolationCode } from './violation.ts';
import { Violation } from './violation.ts';
import type { Delivery, SimulationStats, World } from './world.ts';
import { createWorld } from './world.ts';

/** How a run ended. */
export type Verdict =
  | { readonly kind: 'passed' }
  | { readonly kind: 'violated'; readonly code: ViolationCode; readonly message: string };

/** One run. Equal seeds, scenarios and code give equal reports in every JavaScript engine. */
export type SimulationReport = {
  readonly seed: number;
  readonly traceHash: string;
  readonly verdict: Verdict;
  readonly stats: SimulationStats;
};

/** One seed in so many also has a light client on a chain whose members change. */
const LAB_EVERY = 4;

/** A run that needs more than this will not end. */
const DELIVERIES_MAX = 300_000;

/**
 * Runs one network from one seed until every honest node committed all heights, a rule is broken,
 * or the time is over.
 *
 * @param mutation What is broken in every honest node, to see that a run notices.
 */
export function simulate(
  seed: number,
  scenario: Scenario,
  mutation: Mutation = {},
): SimulationReport {
  const world = createWorld(seed, scenario, mutation);
  const trace = createTrace();
  let verdict: Verdict = { kind: 'passed' };
  try {
    run(seed, world, trace);
    if (seed % LAB_EVERY === 0) runLightLab(seed, mutation.light ?? {}, trace);
  } catch (error) {
    if (error instanceof Violation) {
      verdict = { kind: 'violated', code: error.code, message: error.message };
    } else if (error instanceof AssertionError) {
      verdict = { kind: 'violated', code: 'assertion', message: error.message };
    } else {
      throw error;
    }
  }
  world.stats.endMs = world.nowMs;
  world.stats.healedMs = Math.max(0, world.nowMs - scenario.healAtMs);
  return { seed, traceHash: trace.finish(), verdict, stats: world.stats };
}

function run(seed: number, world: World, trace: Trace): void {
  const endMs = world.scenario.healAtMs + world.scenario.boundMs;
  for (let count = 0; count < DELIVERIES_MAX; count++) {
    const next = world.queue.pop();
    if (next === undefined || next.atMs > endMs) break;
    world.nowMs = next.atMs;
    world.stats.deliveries++;
    record(trace, next.atMs, next.item);
    deliver(world, next.item);
    if (isDone(world)) {
      finishLight(seed, world);
      for (const { hash } of world.follower.trusted) trace.bytes(hash);
      return;
    }
  }
  const reached = world.nodes.map((node) => node.chain.length).join(', ');
  throw new Violation('liveness', `heights ${reached} of ${world.scenario.heights}`);
}

function isDone(world: World): boolean {
  const { heights } = world.scenario;
  return world.nodes.every((node) => node.role !== 'honest' || node.chain.length >= heights);
}

function record(trace: Trace, atMs: number, delivery: Delivery): void {
  trace.number(atMs);
  trace.number('to' in delivery ? delivery.to : -1);
  trace.text(delivery.kind);
  if (delivery.kind === 'light-heard') trace.text(delivery.event.kind);
  if (delivery.kind === 'message' || delivery.kind === 'answer') {
    recordEvent(trace, delivery.event);
  }
}

function recordEvent(trace: Trace, event: ConsensusEvent): void {
  trace.text(event.kind);
  switch (event.kind) {
    case 'vote-received':
    case 'vote-signed': {
      const { kind, round, validatorIndex, blockHash } = event.vote.vote;
      trace.text(kind);
      trace.number(round);
      trace.number(validatorIndex);
      if (blockHash !== undefined) trace.bytes(blockHash);
      return;
    }
    case 'proposal-received':
    case 'proposal-signed':
      trace.number(event.proposal.proposal.round);
      trace.bytes(event.proposal.blockHash);
      return;
    case 'timeout-elapsed':
      trace.text(event.timeout.kind);
      trace.number(event.timeout.round);
      return;
    case 'block-built':
    case 'block-validated':
    case 'decision-received':
      trace.bytes(event.blockHash);
      return;
    default:
  }
}
