import { describe, expect, it } from 'vitest';
import { createPrng } from './prng.ts';
import { createTimedQueue } from './queue.ts';
import { FAULTS, scenarioOf } from './scenario.ts';
import { simulate } from './simulate.ts';

const seeds = Array.from({ length: 60 }, (_, at) => at + 1);

describe('simulated networks', () => {
  it('without faults every height is decided, in its first round', () => {
    for (const seed of seeds.slice(0, 10)) {
      const { verdict, stats } = simulate(seed, scenarioOf(seed, []));
      expect({ seed, verdict }).toEqual({ seed, verdict: { kind: 'passed' } });
      expect(stats).toMatchObject({ lost: 0, crashes: 0, evidence: 0, roundMax: 0 });
    }
  });

  it('under each fault alone they hold too', () => {
    for (const fault of FAULTS) {
      for (const seed of seeds.slice(0, 4)) {
        const { verdict } = simulate(seed, scenarioOf(seed, [fault]));
        expect({ fault, seed, verdict }).toEqual({ fault, seed, verdict: { kind: 'passed' } });
      }
    }
  });

  it('a seed fixes everything that happens, and another seed another run', () => {
    const hashes = seeds.slice(0, 10).map((seed) => simulate(seed, scenarioOf(seed, FAULTS)));
    const again = seeds.slice(0, 10).map((seed) => simulate(seed, scenarioOf(seed, FAULTS)));
    expect(again).toEqual(hashes);
    expect(new Set(hashes.map((report) => report.traceHash)).size).toBe(10);
  });

  it('a third of the power offline stops the network, and the run says so', () => {
    const scenario = {
      ...scenarioOf(3, []),
      powers: [1n, 1n, 1n],
      roles: ['honest', 'honest', 'silent'],
      boundMs: 5000,
    } as const;
    const { verdict } = simulate(3, scenario);
    expect(verdict).toMatchObject({ kind: 'violated', code: 'liveness' });
  });

  it('a third of the power that equivocates can split the network, and the run says so', () => {
    const codes = new Set<string>();
    for (const seed of seeds) {
      const drawn = scenarioOf(seed, FAULTS);
      const scenario = {
        ...drawn,
        powers: [1n, 1n, 1n, 1n],
        roles: ['equivocator', 'equivocator', 'honest', 'honest'],
        boundMs: 5000,
      } as const;
      const { verdict } = simulate(seed, scenario);
      if (verdict.kind === 'violated') codes.add(verdict.code);
    }
    expect([...codes]).toContain('agreement');
  });
});

describe('instruments of the simulator', () => {
  it('the generator gives the same numbers for ever', () => {
    const prng = createPrng(42);
    expect([prng.next(), prng.next(), prng.next()]).toEqual(FROZEN);
    expect(createPrng(42 + 2 ** 40).next()).not.toBe(FROZEN[0]);
  });

  it('the queue gives the earliest first, and of equals the first put in', () => {
    const queue = createTimedQueue<string>();
    for (const [atMs, item] of [
      [5, 'd'],
      [1, 'a'],
      [3, 'b'],
      [3, 'c'],
    ] as const) {
      queue.push(atMs, item);
    }
    const order = [1, 2, 3, 4].map(() => queue.pop()?.item);
    expect(order).toEqual(['a', 'b', 'c', 'd']);
    expect(queue.pop()).toBeUndefined();
  });
});

/** Changing these changes what every seed means. */
const FROZEN = [145_076_852, 3_246_010_591, 4_141_225_530];
