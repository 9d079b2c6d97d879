import { createChance } from '../../base/index.ts';

/** Chance from a seed: the same choices for the same seed. */
export type Prng = {
  /** From 0 up to, but not including, 1. */
  next(): number;
  /** A whole number below `bound`. */
  below(bound: number): number;
  pick<const Value>(values: readonly [Value, ...Value[]]): Value;
  /** An independent generator. */
  fork(): Prng;
};

export function createPrng(seed: number): Prng {
  const word = createChance(seed);
  const prng: Prng = {
    next: () => word() / 2 ** 32,
    below: (bound) => Math.floor(prng.next() * bound),
    pick: (values) => values[prng.below(values.length)] ?? values[0],
    fork: () => createPrng(word()),
  };
  return prng;
}
