import type { HashSuite } from '../crypto/index.ts';
import type { Height, StateChange } from '../ledger/index.ts';
import { StateTree } from './tree.ts';

/** What one run of {@link runStateBench} took. */
export type StateBenchResult = {
  /** One figure a round: milliseconds to apply the updates and have the new root. */
  readonly updateMs: readonly number[];
  readonly memoryBytes: number;
};

/**
 * Times random updates with a new root in a tree that is wholly in memory. Keys have 34 bytes and
 * values 80, like balances.
 *
 * @param options.now A clock in milliseconds; this room has none.
 */
export function runStateBench(
  suite: HashSuite,
  options: {
    readonly keys: number;
    readonly updates: number;
    readonly rounds: number;
    readonly now: () => number;
  },
): StateBenchResult {
  const { keys, updates, rounds, now } = options;
  const tree = StateTree.empty(suite, { versionsKept: 2 });
  let height = 0;
  const change = (number: number, mark: number): StateChange => {
    const key = new Uint8Array(34);
    new DataView(key.buffer).setUint32(2, number);
    const value = new Uint8Array(80);
    new DataView(value.buffer).setUint32(0, mark);
    return { key, value };
  };
  const apply = (changes: readonly StateChange[]): void => {
    tree.apply(height++ as Height, changes); // Counts from 0.
    tree.root();
  };
  for (let start = 0; start < keys; start += 50_000) {
    const length = Math.min(50_000, keys - start);
    apply(Array.from({ length }, (_, at) => change(start + at, 0)));
  }
  let seed = 1;
  const updateMs: number[] = [];
  for (let round = 1; round <= rounds; round++) {
    const chosen = new Set<number>();
    while (chosen.size < updates) {
      // Xorshift (Marsaglia 2003): the same keys in every run.
      seed ^= seed << 13;
      seed ^= seed >>> 17;
      seed ^= seed << 5;
      chosen.add((seed >>> 0) % keys);
    }
    const changes = [...chosen].map((number) => change(number, round));
    const before = now();
    apply(changes);
    updateMs.push(now() - before);
  }
  return { updateMs, memoryBytes: tree.memoryBytes() };
}
