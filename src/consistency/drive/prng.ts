/** Chance from a seed (mulberry32): the same choices for the same seed. */
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
  let state = seed >>> 0;
  const word = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
  const prng: Prng = {
    next: () => word() / 2 ** 32,
    below: (bound) => Math.floor(prng.next() * bound),
    pick: (values) => values[prng.below(values.length)] ?? values[0],
    fork: () => createPrng(word()),
  };
  return prng;
}
