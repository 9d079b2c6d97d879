import { keyLengthOf, leafWords, valueLengthOf } from './leaf.ts';
import type { Chunk } from './memory.ts';
import type { Arena } from './nodes.ts';
import {
  bitCount,
  bitmapOf,
  branchWords,
  INSIDE,
  kindOfChild,
  LEAF,
  placeWord,
  setKindOfChild,
} from './nodes.ts';

/** Where the copy of a leaf of a page begins in the arena's chunk: nothing points into pages. */
export function copyLeaf(arena: Arena, source: Chunk, at: number): number {
  const length = leafWords(keyLengthOf(source, at), valueLengthOf(source, at));
  const to = arena.take(length);
  const { words } = arena.chunk;
  const { words: from } = source;
  for (let word = 0; word < length; word++) words[to + word] = from[at + word] ?? 0;
  return to;
}

/**
 * Copies a branch to where there is room for it. Its children stay where they are; those inside of
 * a page are named by it.
 *
 * @param arena Where the leaves of a page go.
 * @param id Number of the source, or of the page whose memory it is.
 */
export function copyBranch(
  arena: Arena,
  source: Chunk,
  id: number,
  at: number,
  copy: Chunk,
  copyAt: number,
): void {
  const children = bitCount(bitmapOf(source, at));
  const length = branchWords(children);
  const { words } = copy;
  const { words: sourceWords } = source;
  for (let word = 0; word < length; word++) words[copyAt + word] = sourceWords[at + word] ?? 0;
  if (id < 0) {
    detachChildren(arena, source, id, at, copy, copyAt);
    return;
  }
  const end = copyAt + length;
  for (let word = placeWord(copyAt, children, 0); word < end; word += 2) {
    if (words[word] === 0) words[word] = id;
  }
}

/** Lets the copy of a page's branch name its children without pointing into the page. */
function detachChildren(
  arena: Arena,
  source: Chunk,
  id: number,
  at: number,
  copy: Chunk,
  copyAt: number,
): void {
  const bitmap = bitmapOf(source, at);
  let from = placeWord(at, bitCount(bitmap), 0);
  let to = placeWord(copyAt, bitCount(bitmap), 0);
  const { words } = copy;
  for (let bits = bitmap; bits !== 0; bits &= bits - 1, from += 2, to += 2) {
    const nibble = 31 - Math.clz32(bits & -bits);
    if (kindOfChild(source, at, nibble) === LEAF) {
      words[to + 1] = copyLeaf(arena, source, source.words[from + 1] ?? 0);
      words[to] = arena.id;
    } else {
      setKindOfChild(copy, copyAt, nibble, INSIDE);
      words[to] = id;
      words[to + 1] = 0;
    }
  }
}
