import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../base/index.ts';
import { person } from '../ledger/testing/world.ts';
import { SLEPT_MS } from './limits.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';
import type { VirtualClock } from './testing/virtual-clock.ts';
import { contradictions, votesPublished } from './testing/votes.ts';
import { WakeWatch } from './wake-watch.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const OTHERS = [FIRST, SECOND, THIRD];
/** Well below the 10 s that pass between two rounds of questions to peers. */
const BACK_MS = 2_500;

/** The clock of a machine that can be put to sleep: it goes on, but nothing fires. */
class SleepyClock implements Clock {
  readonly #clock: VirtualClock;
  #held: (() => void)[] | undefined;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  now() {
    return this.#clock.now();
  }

  after(delayMs: number, callback: () => void): () => void {
    let isCancelled = false;
    const fire = (): void => {
      if (!isCancelled) callback();
    };
    const cancel = this.#clock.after(delayMs, () => {
      if (this.#held === undefined) fire();
      else this.#held.push(fire);
    });
    return () => {
      isCancelled = true;
      cancel();
    };
  }

  sleep(): void {
    this.#held ??= [];
  }

  /** Everything that was due fires at once, in the order in which it was due. */
  wake(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const fire of held) fire();
  }
}

let village = new Village();
let clock = new SleepyClock(village.clock);
afterEach(() => village.stopAll());

const votesOfSleeper = () => votesPublished(village).filter((vote) => vote.validatorIndex === 3);

/**
 * Puts the fourth validator to sleep for a while; connections stay, and carry nothing. Returns how
 * many votes it had sent when it woke.
 */
async function sleepFor(ms: number, meanwhile: () => Promise<void>): Promise<number> {
  clock.sleep();
  village.hub.delivers = ({ from, to }) => from !== FOURTH && to !== FOURTH;
  await meanwhile();
  await village.clock.pass(ms);
  village.hub.delivers = () => true;
  const said = votesOfSleeper().length;
  clock.wake();
  return said;
}

describe('a validator whose machine slept', () => {
  it('signs nothing of what was decided meanwhile, and is at the head again in seconds', async () => {
    for (const moment of ['new-height', 'propose', 'prevote', 'precommit']) {
      village = new Village(FUNDED);
      clock = new SleepyClock(village.clock);
      await village.startAll(...OTHERS);
      await village.start(FOURTH, { change: { clock } });
      await village.decide(1, VALIDATORS);
      // Falls asleep in the middle of a height.
      const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 2));
      const stepOf = () => village.node(FOURTH).consensus()?.step;
      await village.clock.until(moment, () => stepOf() === moment);
      const said = await sleepFor(60_000, async () => {
        expect(await village.settled(id, OTHERS)).toEqual(['final']);
        for (let value = 3; value < 6; value++) await village.decide(value, OTHERS);
      });
      const head = heightOf(village.node(FIRST));
      expect(heightOf(village.node(FOURTH))).toBeLessThan(head);
      await village.clock.until(
        'the sleeper is at the head',
        () => heightOf(village.node(FOURTH)) >= head,
        BACK_MS,
      );
      await village.decide(9, VALIDATORS);
      const fresh = votesOfSleeper().slice(said);
      expect(fresh.length, `asleep in ${moment}`).toBeGreaterThan(0);
      for (const vote of fresh) expect(vote.height).toBeGreaterThan(head);
      expect(contradictions(village)).toEqual([]);
      await village.stopAll();
    }
  });

  it('goes on where all slept at once: each hears that the others know no more', async () => {
    village = new Village(FUNDED);
    const clocks = VALIDATORS.map(() => new SleepyClock(village.clock));
    await Promise.all(
      VALIDATORS.map((name, at) => {
        const own = clocks[at];
        return village.start(name, own === undefined ? {} : { change: { clock: own } });
      }),
    );
    await village.decide(1, VALIDATORS);
    for (const each of clocks) each.sleep();
    await village.clock.pass(3_600_000);
    for (const each of clocks) each.wake();
    await village.decide(2, VALIDATORS);
    expect(contradictions(village)).toEqual([]);
  });
});

describe('a node that only watches', () => {
  it('counts for compared only what it was told since it woke', async () => {
    village = new Village(FUNDED);
    clock = new SleepyClock(village.clock);
    await village.startAll(...VALIDATORS);
    await village.start('watcher', { home: 'tab', change: { clock } });
    await village.decide(1, [...VALIDATORS, 'watcher']);
    expect(village.node('watcher').status().hasCompared).toBe(true);
    clock.sleep();
    village.hub.delivers = ({ from, to }) => from !== 'watcher' && to !== 'watcher';
    await village.clock.pass(20_000);
    clock.wake();
    await village.clock.pass(100);
    expect(village.node('watcher').status().hasCompared).toBe(false);
    village.hub.delivers = () => true;
    await village.clock.pass(500);
    village.node('watcher').wake();
    await village.clock.until(
      'it was told again',
      () => village.node('watcher').status().hasCompared,
      100,
    );
  });
});

describe('a watch', () => {
  it('tells each pause once, to whoever looks first', async () => {
    village = new Village();
    const pauses: number[] = [];
    const watch = new WakeWatch(village.clock, (forMs) => pauses.push(forMs));
    watch.start();
    await village.clock.pass(60_000);
    expect(pauses).toEqual([]);
    village.clock.shift(SLEPT_MS);
    watch.look();
    watch.look();
    await village.clock.pass(3_000);
    expect(pauses).toEqual([SLEPT_MS]);
    // A clock that is put back is no sleep.
    village.clock.shift(-3_600_000);
    watch.look();
    watch.stop();
    village.clock.shift(7_200_000);
    watch.look();
    expect(pauses).toEqual([SLEPT_MS]);
    expect(village.clock.timerCount).toBe(0);
  });
});
