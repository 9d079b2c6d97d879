import type { Bytes } from '../base/index.ts';

/**
 * The drawers of a store. Retired names stay listed so that none is used twice.
 *
 * - `meta`: small records by name: format, epoch marker, checkpoint, node options.
 * - `journal`: one record a block, key = height (8 bytes big-endian), until a checkpoint covers it.
 * - `blocks`: committed blocks with receipts and certificate, key = height.
 * - `pages`: pages of state, key = page prefix.
 * - `index`: where transactions, blocks and accounts are found: segments of sorted entries.
 * - `wal`: the write-ahead log of consensus.
 * - `peers`: what is known of peers.
 */
export const SPACES = ['meta', 'journal', 'blocks', 'pages', 'index', 'wal', 'peers'] as const;
export type Space = (typeof SPACES)[number];

/** One change of a batch. */
export type WriteOperation =
  | {
      readonly kind: 'put';
      readonly space: Space;
      readonly key: Uint8Array;
      readonly value: Uint8Array;
    }
  | { readonly kind: 'delete'; readonly space: Space; readonly key: Uint8Array }
  /** Deletes every key of the half-open range [from, to). */
  | {
      readonly kind: 'delete-range';
      readonly space: Space;
      readonly from: Uint8Array;
      readonly to: Uint8Array;
    };

export type Entry = { readonly key: Bytes; readonly value: Bytes };

/** Keys in [from, to) in dictionary order of bytes; absent bounds are open. */
export type KeyRange = {
  readonly from?: Uint8Array;
  readonly to?: Uint8Array;
  readonly reverse?: boolean;
  /** At most this many entries, 1 to 10,000. */
  readonly limit: number;
};

export type SpaceUsage = { readonly space: Space; readonly count: number; readonly bytes: number };

/**
 * Remembers bytes under byte keys, in named spaces. Keys are 1 to 128 bytes. Values handed out are
 * the caller's own, each in a buffer of its own; values handed in are not retained after the
 * promise settles.
 *
 * Rejects with `TabellionError`: `store-closed`, `store-full` (quota or disk), `store-failed`,
 * `store-in-use` (another writer holds it), `store-too-new` (written by a later version).
 */
export interface KeyValueStore {
  /** About how large the values should be of which many are read in no order; 64 KB when absent. */
  readonly valueBytesBest?: number;
  get(space: Space, key: Uint8Array): Promise<Bytes | undefined>;
  /** Values in the order of the keys. */
  getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Bytes | undefined)[]>;
  list(space: Space, range: KeyRange): Promise<Entry[]>;
  /**
   * Performs all operations or none, even when the process is killed. `strict` returns only after
   * the bytes would survive a loss of power, as far as the platform can promise that.
   */
  write(operations: readonly WriteOperation[], durability: 'relaxed' | 'strict'): Promise<void>;
  usage(): Promise<SpaceUsage[]>;
  /** Deletes everything in every space. */
  clear(): Promise<void>;
  /** Waits for what was begun; may be called twice. */
  close(): Promise<void>;
}

/** Lets a test stop the process at a named place: throw, or kill, inside the callback. */
export type CrashPointOptions = {
  /** Called where the store is about to write (`…-begun`) and right after it did (`…-done`). */
  readonly onCrashPoint?: (name: StoreCrashPoint) => void | Promise<void>;
};

/** Places inside a store where a kill is interesting. */
export type StoreCrashPoint = 'store-write-begun' | 'store-write-done';
