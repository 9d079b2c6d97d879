import { nibbleOf } from './leaf.ts';
import type { Chunk } from './memory.ts';
import type { Page, Ref } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  childPlace,
  INSIDE,
  insideOf,
  kindOfChild,
  PAGE,
  placeWord,
  Table,
} from './nodes.ts';

/** A branch in the memory of a page. */
export type InsideBranch = { readonly chunk: Chunk; readonly at: number };

/**
 * The branch of a page that stands at a depth of a path; `undefined` when it is not in memory. Some
 * node outside of the page, or above it, says that there is one.
 */
export function branchInside(
  page: Page,
  path: Uint8Array,
  pathAt: number,
  depth: number,
): InsideBranch | undefined {
  const { root } = page;
  if (root === undefined) return undefined;
  const { chunk } = root;
  const at = descend(chunk, path, pathAt, page.depth, depth);
  if (at >= 0) return { chunk, at };
  // What did not change since stands where it stood.
  const { under } = page;
  if (under === undefined) return undefined;
  const below = descend(under.chunk, path, pathAt, page.depth, depth);
  return { chunk: under.chunk, at: below };
}

/** Where the node of a depth begins; -1 when it is not in the chunk. */
function descend(
  chunk: Chunk,
  path: Uint8Array,
  pathAt: number,
  from: number,
  depth: number,
): number {
  let at = 0;
  for (let here = from; here < depth; here++) {
    const nibble = nibbleOf(path, pathAt, here);
    const bitmap = bitmapOf(chunk, at);
    if (kindOfChild(chunk, at, nibble) === INSIDE) return -1;
    const word = placeWord(at, bitCount(bitmap), childPlace(bitmap, nibble));
    at = chunk.words[word + 1] ?? 0;
  }
  return at;
}

/** Where the branch for a nibble begins; -1 when none is in the chunk, or `at` is -1. */
export function branchBelow(chunk: Chunk, at: number, nibble: number): number {
  if (at < 0) return -1;
  const bitmap = bitmapOf(chunk, at);
  if ((bitmap & (1 << nibble)) === 0 || kindOfChild(chunk, at, nibble) !== BRANCH) return -1;
  return chunk.words[placeWord(at, bitCount(bitmap), childPlace(bitmap, nibble)) + 1] ?? -1;
}

/** A path that begins with the nibbles of a prefix; zeros follow. */
export function pathOfPrefix(prefix: ArrayLike<number>): Uint8Array {
  const path = new Uint8Array(32);
  for (let depth = 0; depth < prefix.length; depth++) {
    setNibble(path, depth, prefix[depth] ?? 0);
  }
  return path;
}

/** Puts nibble number `depth` of a path. */
export function setNibble(path: Uint8Array, depth: number, nibble: number): void {
  const byte = path[depth >> 1] ?? 0;
  path[depth >> 1] = (depth & 1) === 0 ? (byte & 15) | (nibble << 4) : (byte & 0xf0) | nibble;
}

/**
 * The topmost node of a page, or the branch inside of it that stands at a depth of a path, in a
 * table of its own; `undefined` when it is not in memory.
 */
export function nodeInside(
  page: Page,
  node: Ref,
  path: Uint8Array,
  depth: number,
): { readonly table: Table; readonly ref: Ref } | undefined {
  if (node.kind === PAGE) return page.root === undefined ? undefined : insideOf(page.root);
  const branch = branchInside(page, path, 0, depth);
  if (branch === undefined) return undefined;
  const table = Table.of([]);
  return { table, ref: { kind: BRANCH, chunk: table.add(branch.chunk), at: branch.at } };
}
