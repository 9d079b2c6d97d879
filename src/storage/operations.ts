import { assert } from '../base/index.ts';
import { LIST_LIMIT_MAX, STORE_KEY_BYTES_MAX } from './limits.ts';
import type { KeyRange, Space, WriteOperation } from './types.ts';

/** States that a key has 1 to 128 bytes. */
export function assertKey(key: Uint8Array): void {
  assert(key.length >= 1 && key.length <= STORE_KEY_BYTES_MAX, `key of ${key.length} bytes`);
}

/** States that every key of a batch can be stored. */
export function assertOperations(operations: readonly WriteOperation[]): void {
  for (const operation of operations) {
    if (operation.kind === 'delete-range') {
      assertKey(operation.from);
      assertKey(operation.to);
    } else {
      assertKey(operation.key);
    }
  }
}

/** States that a range asks for a bounded number of entries. */
export function assertRange(range: KeyRange): void {
  const { limit } = range;
  assert(Number.isInteger(limit) && limit >= 1 && limit <= LIST_LIMIT_MAX, `limit ${limit}`);
  if (range.from !== undefined) assertKey(range.from);
  if (range.to !== undefined) assertKey(range.to);
}

/** The spaces that a batch touches, each once. */
export function spacesOf(operations: readonly WriteOperation[]): Space[] {
  return [...new Set(operations.map((operation) => operation.space))];
}

/** A queue of one: runs tasks in the order given, each after the one before has settled. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  /** Runs `task` when all tasks given before have settled. */
  run<Value>(task: () => Promise<Value>): Promise<Value> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined); // The caller sees the failure; the queue goes on.
    return result;
  }

  /** Settles when all tasks given so far have. */
  idle(): Promise<void> {
    return this.#last.then(() => undefined);
  }
}

/** Changes of count and bytes of each space, gathered while a batch is performed. */
export class UsageDelta {
  readonly #deltas = new Map<Space, { count: number; bytes: number }>();

  /** Notes that `space` lost a value of `removed` bytes and got one of `added` (with the key). */
  note(space: Space, change: { readonly removed?: number; readonly added?: number }): void {
    const delta = this.#deltas.get(space) ?? { count: 0, bytes: 0 };
    if (change.removed !== undefined) {
      delta.count -= 1;
      delta.bytes -= change.removed;
    }
    if (change.added !== undefined) {
      delta.count += 1;
      delta.bytes += change.added;
    }
    this.#deltas.set(space, delta);
  }

  /** The usage after the batch, given the usage before it. */
  addTo(usage: UsageTable): UsageTable {
    const next = new Map(usage);
    for (const [space, delta] of this.#deltas) {
      const old = usage.get(space) ?? { count: 0, bytes: 0 };
      next.set(space, { count: old.count + delta.count, bytes: old.bytes + delta.bytes });
    }
    return next;
  }
}

/** Count of keys and bytes (keys and values) of each space. */
export type UsageTable = ReadonlyMap<Space, { readonly count: number; readonly bytes: number }>;
