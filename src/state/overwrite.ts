import type { HashSuite } from '../crypto/index.ts';
import { hashBranchInto, hashLeafInto } from './hashing.ts';
import type { Items } from './items.ts';
import {
  isSamePath,
  keyLengthOf,
  leafWords,
  nibbleOf,
  pathWord,
  valueLengthOf,
  weightOfLeaf,
} from './leaf.ts';
import { PATH_NIBBLES } from './limits.ts';
import { Chunk } from './memory.ts';
import type { PageRoot } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  branchCount,
  branchWeight,
  childPlace,
  hashWord,
  kindOfChild,
  LEAF,
  placeWord,
  writeTotals,
} from './nodes.ts';

/** Puts leaves in the place of others that are as long, so that every node stays where it is. */
class Overwriter {
  readonly #suite: HashSuite;
  #chunk = new Chunk(0);
  #ats = new Int32Array(16);

  constructor(suite: HashSuite) {
    this.#suite = suite;
  }

  overwrite({ chunk, kind }: PageRoot, items: Items, depth: number): boolean {
    const { count } = items;
    this.#chunk = chunk;
    if (this.#ats.length < count) this.#ats = new Int32Array(2 * count);
    for (let place = 0; place < count; place++) {
      const at = items.isPut[place] === 1 ? this.#find(kind === LEAF, items, place, depth) : -1;
      if (at < 0) return false;
      this.#ats[place] = at;
    }
    if (kind === LEAF) for (let place = 0; place < count; place++) this.#writeLeaf(items, place);
    else if (count > 0) this.#writeBelow(0, items, 0, count, depth);
    return true;
  }

  /** Where the leaf stands that an item may be written over; or -1. */
  #find(isLeaf: boolean, items: Items, place: number, depth: number): number {
    const chunk = this.#chunk;
    const itemAt = items.ats[place] ?? 0;
    let at = 0;
    let isBranch = !isLeaf;
    for (let here = depth; isBranch; here++) {
      if (here >= PATH_NIBBLES) return -1;
      const nibble = nibbleOf(items.chunk.bytes, 4 * pathWord(itemAt), here);
      const bitmap = bitmapOf(chunk, at);
      if ((bitmap & (1 << nibble)) === 0) return -1;
      isBranch = kindOfChild(chunk, at, nibble) === BRANCH;
      at = chunk.words[placeWord(at, bitCount(bitmap), childPlace(bitmap, nibble)) + 1] ?? 0;
    }
    const isIt =
      isSamePath(items.chunk, pathWord(itemAt), chunk, pathWord(at)) &&
      wordsOf(items.chunk, itemAt) === wordsOf(chunk, at);
    return isIt ? at : -1;
  }

  /** @returns How much heavier the leaf became. */
  #writeLeaf(items: Items, place: number): number {
    const chunk = this.#chunk;
    const at = this.#ats[place] ?? 0;
    const from = items.ats[place] ?? 0;
    const difference = weightOf(items.chunk, from) - weightOf(chunk, at);
    const length = wordsOf(chunk, at);
    for (let word = 0; word < length; word++) {
      chunk.words[at + word] = items.chunk.words[from + word] ?? 0;
    }
    return difference;
  }

  /** @returns How much heavier the branch became. */
  #writeBelow(at: number, items: Items, low: number, high: number, depth: number): number {
    const chunk = this.#chunk;
    const bitmap = bitmapOf(chunk, at);
    let difference = 0;
    for (let start = low; start < high; ) {
      const nibble = items.nibble(start, depth);
      const end = items.runEnd(start, high, depth);
      const place = childPlace(bitmap, nibble);
      const childAt = chunk.words[placeWord(at, bitCount(bitmap), place) + 1] ?? 0;
      const target = 4 * hashWord(at, place);
      if (kindOfChild(chunk, at, nibble) === LEAF) {
        difference += this.#writeLeaf(items, start);
        hashLeafInto(this.#suite, chunk, childAt, chunk.bytes, target);
      } else {
        difference += this.#writeBelow(childAt, items, start, end, depth + 1);
        hashBranchInto(this.#suite, chunk, childAt, chunk.bytes, target);
      }
      start = end;
    }
    const weight = branchWeight(chunk, at) + difference;
    writeTotals(chunk, at, { weight, count: branchCount(chunk, at), isUpper: false });
    return difference;
  }
}

function wordsOf(chunk: Chunk, at: number): number {
  return leafWords(keyLengthOf(chunk, at), valueLengthOf(chunk, at));
}

function weightOf(chunk: Chunk, at: number): number {
  return weightOfLeaf(keyLengthOf(chunk, at), valueLengthOf(chunk, at));
}

const overwriters = new WeakMap<HashSuite, Overwriter>();

/**
 * Puts distinct changes in place in a whole page, hashes and weights included, where each takes the
 * place of a leaf that is as long: most do, and then nothing has to be copied.
 *
 * @param depth Nibbles of the page's prefix, which all changes share.
 * @returns Whether it could; otherwise the page is as it was.
 */
export function overwrite(suite: HashSuite, page: PageRoot, items: Items, depth: number): boolean {
  let overwriter = overwriters.get(suite);
  if (overwriter === undefined) {
    overwriter = new Overwriter(suite);
    overwriters.set(suite, overwriter);
  }
  return overwriter.overwrite(page, items, depth);
}
