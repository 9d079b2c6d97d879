import { createChance } from '../base/index.ts';

/** Numbers that a seed decides: a failure is repeated with the seed that it printed. */
export class Random {
  readonly #next: () => number;

  constructor(seed: number) {
    this.#next = createChance(seed);
  }

  /** From 0 up to, and without, 1. */
  next(): number {
    return this.#next() / 2 ** 32;
  }

  /** A whole number, both ends included. */
  whole(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<Value>(values: readonly Value[]): Value {
    const value = values[this.whole(0, values.length - 1)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}
