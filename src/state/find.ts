import type { Bytes } from '../base/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { branchInside } from './inside.ts';
import { comparePaths, isBelow, leafValue, leafValueView, nibbleOf, pathWord } from './leaf.ts';
import type { Chunk } from './memory.ts';
import { SHARED_WORDS_MAX } from './memory.ts';
import type { Page, Ref, Table } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  childPlace,
  INSIDE,
  kindOfChild,
  LEAF,
  NOTHING,
  PAGE,
  placeWord,
} from './nodes.ts';

type Tree = { readonly table: Table; readonly root: Ref };
type FoundLeaf = { readonly chunk: Chunk; readonly at: number };

/** The page on the way to a path that is not in memory, the leaf at its end, or neither. */
function walk(
  { table, root }: Tree,
  path: Uint8Array,
  onPage: ((page: Page) => void) | undefined,
): Page | FoundLeaf | undefined {
  let { kind, at } = root;
  if (kind === NOTHING) return undefined;
  let id = root.chunk;
  let chunk = kind === PAGE ? undefined : table.chunk(id);
  let page: Page | undefined;
  for (let depth = 0; ; depth++) {
    if (kind === PAGE) {
      page = table.page(id);
      const inside = page.root;
      if (inside === undefined) return page;
      if (onPage === undefined && inside.isWhole) return undefined; // No page lies below a page.
      onPage?.(page);
      ({ kind, chunk } = inside);
      at = 0;
    } else if (kind === INSIDE) {
      if (id !== 0) page = table.page(id); // 0 is the page's own.
      if (page === undefined) return undefined; // Never: nothing else is inside of anything.
      const inside = branchInside(page, path, 0, depth);
      if (inside === undefined) return page;
      onPage?.(page);
      kind = BRANCH;
      ({ chunk, at } = inside);
    }
    if (chunk === undefined) return undefined; // Never: all but pages are in one.
    if (kind === LEAF) {
      const isIt = comparePaths(path, 0, chunk.bytes, 4 * pathWord(at)) === 0;
      return isIt ? { chunk, at } : undefined;
    }
    const nibble = nibbleOf(path, 0, depth);
    const bitmap = bitmapOf(chunk, at);
    if ((bitmap & (1 << nibble)) === 0) return undefined;
    const word = placeWord(at, bitCount(bitmap), childPlace(bitmap, nibble));
    kind = kindOfChild(chunk, at, nibble);
    id = chunk.words[word] ?? 0;
    at = chunk.words[word + 1] ?? 0;
    // 0 is the branch's own.
    if (id !== 0 && kind !== PAGE && kind !== INSIDE) chunk = table.chunk(id);
  }
}

/**
 * The leaf at a path. Throws `MissingKey` when its page is not in memory.
 *
 * @param onPage Told each loaded page on the way, so that the cache knows what is in use.
 */
export function find(
  tree: Tree,
  path: Bytes,
  context: { readonly key: Bytes; readonly onPage: (page: Page) => void },
): FoundLeaf | undefined {
  const end = walk(tree, path, context.onPage);
  if (end === undefined || 'chunk' in end) return end;
  if (!isBelow(path, 0, end.prefix)) return undefined;
  throw new MissingKey(context.key);
}

/** The page on the way to a path that is not in memory, if there is one. */
export function findMissingPage(tree: Tree, path: Uint8Array): Page | undefined {
  const end = walk(tree, path, undefined);
  return end === undefined || 'chunk' in end ? undefined : end;
}

/** The value of a leaf, for whoever may keep it: of memory that is used again it is a copy. */
export function foundValue({ chunk, at }: FoundLeaf): Bytes {
  return chunk.words.length > SHARED_WORDS_MAX ? leafValueView(chunk, at) : leafValue(chunk, at);
}
