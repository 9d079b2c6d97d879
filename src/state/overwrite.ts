import type { Bytes } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { hashBranchInto, hashLeafInto } from './hashing.ts';
import type { Items } from './items.ts';
import {
  changedAtOf,
  isSamePath,
  keyLengthOf,
  keyView,
  leafValueView,
  leafWords,
  nibbleOf,
  pathView,
  pathWord,
  valueLengthOf,
  weightOfLeaf,
} from './leaf.ts';
import { PATH_NIBBLES } from './limits.ts';
import { Chunk } from './memory.ts';
import type { Kind, Nodes, Ref } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  branchCount,
  branchWeight,
  childPlace,
  hashWord,
  INSIDE,
  kindOfChild,
  LEAF,
  placeWord,
  Table,
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

  overwrite({ chunk, kind }: Nodes, items: Items, depth: number): boolean {
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
export function overwrite(suite: HashSuite, page: Nodes, items: Items, depth: number): boolean {
  let overwriter = overwriters.get(suite);
  if (overwriter === undefined) {
    overwriter = new Overwriter(suite);
    overwriters.set(suite, overwriter);
  }
  return overwriter.overwrite(page, items, depth);
}

/** What is written over in a page: where it comes from, where it goes, and how many words. */
const FIELDS_OF_COPY = 3;

/** Puts nodes that blocks made in the place of those of a page. */
class ChangeWriter {
  #page = new Chunk(0);
  #table = Table.of([]);
  #since = 0;
  #sources: Chunk[] = [];
  #copies = new Int32Array(16 * FIELDS_OF_COPY);

  write(page: Nodes, table: Table, ref: Ref, since: number): boolean {
    this.#page = page.chunk;
    this.#table = table;
    this.#since = since;
    this.#sources = [];
    const isAlike =
      ref.kind === page.kind && this.#compare(ref.kind, table.chunk(ref.chunk), ref.at, 0);
    if (isAlike) this.#copy();
    this.#sources = [];
    this.#table = Table.of([]);
    return isAlike;
  }

  /** Notes what a node changes in the one that stands there; whether all of it has room there. */
  #compare(kind: Kind, source: Chunk, at: number, to: number): boolean {
    if (kind === LEAF) return this.#compareLeaf(source, at, to);
    const page = this.#page;
    const bitmap = bitmapOf(source, at);
    if (bitmapOf(page, to) !== bitmap) return false;
    const children = bitCount(bitmap);
    // Totals, hashes; not where the children are.
    this.#note(source, at + 1, to + 1, placeWord(0, children, 0) - 1);
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      const childKind = kindOfChild(source, at, nibble);
      const kindThere = kindOfChild(page, to, nibble);
      if (kindThere !== (childKind === INSIDE ? BRANCH : childKind)) return false;
      if (childKind === INSIDE) continue;
      const child = this.#table.chunk(source.words[word] ?? 0);
      const childTo = page.words[word + shift + 1] ?? 0;
      if (!this.#compare(childKind, child, source.words[word + 1] ?? 0, childTo)) return false;
    }
    return true;
  }

  #compareLeaf(source: Chunk, at: number, to: number): boolean {
    // Others were copied beside one that changed.
    if (changedAtOf(source, at) <= this.#since) return true;
    const length = wordsOf(source, at);
    if (length !== wordsOf(this.#page, to)) return false;
    this.#note(source, at, to, length);
    return true;
  }

  #note(source: Chunk, from: number, to: number, length: number): void {
    const at = FIELDS_OF_COPY * this.#sources.push(source);
    if (at > this.#copies.length) {
      const copies = new Int32Array(2 * at);
      copies.set(this.#copies);
      this.#copies = copies;
    }
    this.#copies[at - 3] = from;
    this.#copies[at - 2] = to;
    this.#copies[at - 1] = length;
  }

  #copy(): void {
    const { words } = this.#page;
    for (const [index, source] of this.#sources.entries()) {
      const at = FIELDS_OF_COPY * index;
      const from = this.#copies[at] ?? 0;
      const to = this.#copies[at + 1] ?? 0;
      const length = this.#copies[at + 2] ?? 0;
      for (let word = 0; word < length; word++) words[to + word] = source.words[from + word] ?? 0;
    }
  }
}

/** A leaf that a block changed, where it wrote it. */
type ChangedLeaf = {
  readonly path: Bytes;
  readonly key: Bytes;
  readonly put: { readonly changedAt: Height; readonly value: Bytes };
};

function changedLeaf(chunk: Chunk, at: number): ChangedLeaf {
  const put = { changedAt: changedAtOf(chunk, at), value: leafValueView(chunk, at) };
  return { path: pathView(chunk, at), key: keyView(chunk, at), put };
}

const changeWriter = new ChangeWriter();

/**
 * Makes of a whole page what blocks made of it, where each of their nodes takes the place of one
 * that is as large, so that nothing beside it is needed.
 *
 * @param page Nobody looks into it any more who may not see the changes.
 * @param ref The node that stands in its place.
 * @param since Height above which leaves are changed ones.
 * @returns Whether it could; otherwise the page is as it was.
 */
export function overwriteChanged(page: Nodes, table: Table, ref: Ref, since: number): boolean {
  return changeWriter.write(page, table, ref, since);
}

/** The leaves that blocks changed below a node, views of where they wrote them. */
export function changedLeaves(table: Table, ref: Ref, since: number): readonly ChangedLeaf[] {
  const changed: ChangedLeaf[] = [];
  const visit = (kind: Kind, source: Chunk, at: number): void => {
    if (kind === LEAF) {
      if (changedAtOf(source, at) > since) changed.push(changedLeaf(source, at));
      return;
    }
    const bitmap = bitmapOf(source, at);
    let word = placeWord(at, bitCount(bitmap), 0);
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const childKind = kindOfChild(source, at, 31 - Math.clz32(bits & -bits));
      if (childKind === INSIDE) continue;
      visit(childKind, table.chunk(source.words[word] ?? 0), source.words[word + 1] ?? 0);
    }
  };
  visit(ref.kind, table.chunk(ref.chunk), ref.at);
  return changed;
}
