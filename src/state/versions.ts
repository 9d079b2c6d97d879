import type { Result } from '../base/index.ts';
import { equalBytes, fail, ok } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { DeletedKey } from './deleted-keys.ts';
import type { LayoutError } from './errors.ts';
import type { Items } from './items.ts';
import { changedAtOf, leafValue } from './leaf.ts';
import type { Page, Ref, Table } from './nodes.ts';
import { decodeLayouts, treeOfPages } from './page.ts';
import type { UndoEntry } from './types.ts';

/** The state after a block. */
export type Version = {
  readonly height: number;
  readonly table: Table;
  /** Chunks of the table that it may use; another version may have added more. */
  readonly length: number;
  readonly root: Ref;
  readonly hash: Hash;
  /** Memory of chunks that only this version and older ones use. */
  heldBytes: number;
  /** Pages that later ones have not. */
  readonly heldPages: Page[];
};

/** The state of a checkpoint, with no page loaded. */
export function versionOfLayouts(
  suite: HashSuite,
  checkpoint: {
    readonly height: number;
    readonly root: Hash;
    readonly layouts: readonly Uint8Array[];
  },
): Result<Version, LayoutError> {
  const { height, root, layouts } = checkpoint;
  const pages = decodeLayouts(layouts);
  if (!pages.ok) return pages;
  const upper = treeOfPages(suite, pages.value);
  if (!upper.ok) return upper;
  if (!equalBytes(upper.value.hash, root)) return fail({ code: 'layout-corrupt' });
  const { length } = upper.value.table;
  return ok({ ...upper.value, height, length, heldBytes: 0, heldPages: [] });
}

/** The versions behind staged states, which callers hold without seeing nodes. */
export type Staging = {
  readonly version: Version;
  readonly base: Version | undefined;
  /** Bytes of the chunks that it added. */
  readonly bytes: number;
  /** Pages of its base that it has other nodes for. */
  readonly replaced: readonly Page[];
  readonly deleted: readonly DeletedKey[];
};

/** An eighth of what the branches above one changed leaf take, where changes share the upper ones. */
const CHUNK_WORDS_PER_CHANGE = 32;
const CHUNK_WORDS_MIN = 1024;
const CHUNK_WORDS_MAX = 256 * 1024;

/** Some chunks a block, since half of the last one is not used. */
export function arenaWords(changes: number): number {
  return Math.min(CHUNK_WORDS_MAX, Math.max(CHUNK_WORDS_MIN, CHUNK_WORDS_PER_CHANGE * changes));
}

/** What changed keys held before. */
export function undoOf(items: Items): UndoEntry[] {
  const entries: UndoEntry[] = [];
  for (let place = 0; place < items.count; place++) {
    const chunk = items.previousChunks[place];
    const at = items.previousAts[place] ?? 0;
    entries.push({
      key: items.key(place),
      previous:
        chunk === undefined
          ? undefined
          : { value: leafValue(chunk, at), changedAt: changedAtOf(chunk, at) },
    });
  }
  return entries;
}
