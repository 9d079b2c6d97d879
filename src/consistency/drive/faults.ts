import { setTimeout as wait } from 'node:timers/promises';
import type { LinkState } from './links.ts';
import type { Prng } from './prng.ts';
import type { Recorder } from './recorder.ts';
import type { Relays } from './relays.ts';
import { VALIDATORS } from './relays.ts';

export const FAULTS = ['kill', 'partition', 'pause'] as const;
export type Fault = (typeof FAULTS)[number];

const CALM_MS = { least: 500, spread: 2_000 };
const FAULT_MS = { least: 500, spread: 3_500 };

type Dependencies = {
  readonly relays: Relays;
  readonly recorder: Recorder;
  readonly prng: Prng;
  readonly say: (text: string) => void;
};

/**
 * Does harm, one thing after the other, until `signal`; leaves every relay running and reachable.
 *
 * @returns How often each fault was done.
 */
export async function doHarm(
  faults: readonly Fault[],
  dependencies: Dependencies,
  signal: AbortSignal,
): Promise<Map<Fault, number>> {
  const { prng, say } = dependencies;
  const counts = new Map<Fault, number>();
  const [first, ...others] = faults;
  if (first === undefined) return counts;
  while (!signal.aborted) {
    await pause(CALM_MS.least + prng.below(CALM_MS.spread), signal);
    if (signal.aborted) break;
    const fault = prng.pick([first, ...others]);
    counts.set(fault, (counts.get(fault) ?? 0) + 1);
    const heal = await begin(fault, dependencies);
    await pause(FAULT_MS.least + prng.below(FAULT_MS.spread), signal);
    await heal();
    say('    healed');
  }
  return counts;
}

/** Waits, but not beyond the end. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await wait(ms, undefined, { signal }).catch(() => undefined);
}

async function begin(fault: Fault, dependencies: Dependencies): Promise<() => Promise<void>> {
  const { relays, recorder, prng, say } = dependencies;
  if (fault === 'partition') return partition(dependencies);
  const victims = pickSome(prng);
  say(`    ${fault} ${victims.join(' and ')}`);
  if (fault === 'pause') {
    for (const victim of victims) relays.pause(victim);
    return async () => {
      for (const victim of victims) relays.resume(victim);
    };
  }
  await Promise.all(
    victims.map(async (victim) => {
      await relays.kill(victim);
      recorder.restarted(victim);
    }),
  );
  return async () => {
    await Promise.all(victims.map((victim) => relays.restart(victim)));
  };
}

/** Mostly one relay, sometimes so many that nothing can be decided, sometimes all. */
function pickSome(prng: Prng): number[] {
  const count = prng.pick([1, 1, 1, 1, 2, 2, 3, VALIDATORS]);
  const all = Array.from({ length: VALIDATORS }, (_, at) => at);
  while (all.length > count) all.splice(prng.below(all.length), 1);
  return all;
}

async function partition({ relays, prng, say }: Dependencies): Promise<() => Promise<void>> {
  const state: LinkState = prng.pick(['stalled', 'cut']);
  const side = new Set(pickSome(prng));
  // With everybody on one side every link breaks.
  const isAll = side.size === VALIDATORS;
  const ways = prng.pick(['both', 'both', 'out', 'in']);
  say(`    partition ${[...side].join(' and ')}, ${isAll ? 'all links' : ways}, ${state}`);
  for (let from = 0; from < VALIDATORS; from++) {
    for (let to = 0; to < VALIDATORS; to++) {
      const isOut = side.has(from) && !side.has(to);
      const isIn = side.has(to) && !side.has(from);
      const isBroken = isAll || (isOut && ways !== 'in') || (isIn && ways !== 'out');
      if (from !== to && isBroken) relays.links.set(from, to, state);
    }
  }
  return async () => relays.links.heal();
}
