import { Growing } from './growing.ts';
import { branchBelow } from './inside.ts';
import type { Chunk } from './memory.ts';
import type { Nodes, Page, PageMemory } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  branchWords,
  INSIDE,
  kindOfChild,
  LEAF,
  placeWord,
  setKindOfChild,
} from './nodes.ts';
import { HOT_NIBBLES } from './reads.ts';

type PageNodes = { readonly root: Nodes; readonly under: Nodes | undefined };

/** Copies of a page the branches on the way to some leaves. */
class Pruner {
  readonly #copied = new Growing();

  prune({ root, under }: PageNodes, paths: readonly number[]): PageMemory | undefined {
    if (root.kind !== BRANCH) return undefined;
    this.#copied.used = 0;
    if (root.isWhole) this.#copyWhole(root.chunk, 0, paths, 0);
    else this.#copyKept(root.chunk, 0, { chunk: under?.chunk, at: 0 }, paths, 0);
    return { root: this.#copied.finish(BRANCH, false), under: undefined };
  }

  /** Copies a branch of a whole page, and below it only what the paths lead through. */
  #copyWhole(source: Chunk, at: number, paths: readonly number[], depth: number): number {
    const copied = this.#copied;
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const to = copied.append(source, at, branchWords(children));
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      const childAt = source.words[word + 1] ?? 0;
      let childTo = 0;
      if (kindOfChild(source, at, nibble) === LEAF) childTo = copied.appendLeaf(source, childAt);
      else {
        const through = pathsThrough(paths, depth, nibble);
        if (through.length > 0) childTo = this.#copyWhole(source, childAt, through, depth + 1);
        else setKindOfChild(copied, to, nibble, INSIDE);
      }
      copied.words[word + shift + 1] = childTo;
    }
    return to;
  }

  /** Copies a branch that was kept with all that is there, and what the paths lead through. */
  #copyKept(
    source: Chunk,
    at: number,
    below: { readonly chunk: Chunk | undefined; readonly at: number },
    paths: readonly number[],
    depth: number,
  ): number {
    const copied = this.#copied;
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const to = copied.append(source, at, branchWords(children));
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      const kind = kindOfChild(source, at, nibble);
      const childAt = source.words[word + 1] ?? 0;
      let childTo = 0;
      if (kind === LEAF) childTo = copied.appendLeaf(source, childAt);
      else {
        const through = pathsThrough(paths, depth, nibble);
        const { chunk } = below;
        const belowAt = chunk === undefined ? -1 : branchBelow(chunk, below.at, nibble);
        if (kind === BRANCH) {
          childTo = this.#copyKept(source, childAt, { chunk, at: belowAt }, through, depth + 1);
        } else if (chunk !== undefined && belowAt >= 0 && through.length > 0) {
          childTo = this.#copyWhole(chunk, belowAt, through, depth + 1);
          setKindOfChild(copied, to, nibble, BRANCH);
        }
      }
      copied.words[word + shift + 1] = childTo;
    }
    return to;
  }
}

const NONE: readonly number[] = [];

function pathsThrough(paths: readonly number[], depth: number, nibble: number): readonly number[] {
  if (paths.length === 0 || depth >= HOT_NIBBLES) return NONE;
  const shift = 4 * (HOT_NIBBLES - 1 - depth);
  return paths.filter((path) => ((path >> shift) & 15) === nibble);
}

const pruner = new Pruner();

/**
 * What is kept of a page when there is no room for all of it: what blocks changed, and the way to
 * leaves that are read again and again; `undefined` when that is nothing.
 */
export function pruned(page: Page): PageMemory | undefined {
  const { memory } = page;
  const paths = page.reads?.hot() ?? [];
  if (memory === undefined || (memory.root.isWhole && paths.length === 0)) return undefined;
  return pruner.prune(memory, paths);
}
