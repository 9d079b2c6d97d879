/** Whole random numbers from a seed; the same in every engine, since only 32-bit integers occur. */
export type Prng = {
  /** 0 to 2^32 - 1. */
  next(): number;
  /** 0 to `bound` - 1; `bound` is 1 to 2^32 - 1. */
  below(bound: number): number;
  /** `low` to `high`, both included. */
  between(low: number, high: number): number;
  /** True `perMille` times in a thousand. */
  chance(perMille: number): boolean;
  /** One of a list that is not empty. */
  pick<Item>(items: readonly Item[]): Item;
};

/** sfc32 by Chris Doty-Humphrey (PractRand): 128 bits of state, three words from the seed. */
export function createPrng(seed: number): Prng {
  let a = seed >>> 0;
  let b = Math.floor(seed / 2 ** 32) >>> 0;
  let c = 0x9e37_79b9;
  let counter = 1;
  const next = () => {
    const result = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + result;
    c |= 0;
    return result >>> 0;
  };
  for (let count = 0; count < 16; count++) next();
  const below = (bound: number) => next() % bound;
  return {
    next,
    below,
    between: (low, high) => low + below(high - low + 1),
    chance: (perMille) => below(1000) < perMille,
    pick: (items) => items[below(items.length)] as (typeof items)[number], // Below its length.
  };
}
