import type { Bytes } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Page } from './nodes.ts';

/** How a tree is kept; none of it changes a root. */
export type StateTreeOptions = {
  /**
   * Newest versions that can be read and proved, the head included; default 64. Fewer, but at least
   * four, when they hold more memory than `evict` allows.
   */
  readonly versionsKept?: number;
  /** Encoded bytes above which a page is split into sixteen; default 65,536. */
  readonly pageBytesMax?: number;
  /** How whole pages are written from now on; default `leaves`. Both forms are read. */
  readonly pageRecords?: PageRecordForm;
};

/**
 * `leaves`: keys, heights and values, so that loading a page hashes all of it. `image`: as it lies
 * in memory, twice as large on the disk, and read four times as fast.
 */
export type PageRecordForm = 'leaves' | 'image';

/** What a key held before a block changed it. */
export type UndoEntry = {
  readonly key: Bytes;
  readonly previous: { readonly value: Bytes; readonly changedAt: Height } | undefined;
};

/** The state after a block that is not committed yet. */
export type StagedState = {
  readonly height: Height;
  /** Its root; computed when first asked for. */
  readonly root: () => Hash;
  /** What the changed keys held before, by path. */
  readonly undo: () => UndoEntry[];
};

/** What a checkpoint writes; see `StateTree.planCheckpoint`. */
export type CheckpointPlan = {
  readonly height: Height;
  readonly root: Hash;
  readonly generation: number;
  /** All pages of the state. */
  readonly pages: readonly Page[];
  /** Those that the store does not hold. */
  readonly written: readonly Page[];
  /** Store keys of pages that the checkpoint before had and this one has not. */
  readonly replacedKeys: readonly Bytes[];
  /** The layout, complete. */
  readonly fullLayout: () => Bytes;
  /** The layout, as a difference to that of the checkpoint before. */
  readonly layoutChange: () => Bytes;
  /** Encodes one of `written`, with the key under which the store keeps it. */
  readonly encode: (page: Page) => { readonly key: Bytes; readonly value: Bytes };
};
