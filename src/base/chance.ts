/**
 * Whole numbers from 0 to 2^32 - 1, the same for the same seed in every engine (mulberry32 by
 * Tommy Ettinger). For what tests and test programs leave to chance, never for secrets.
 */
export function createChance(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
