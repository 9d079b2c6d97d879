import { assert } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { keyLengthOf, valueLengthOf, weightOfLeaf } from './leaf.ts';
import { Chunk } from './memory.ts';
import type { Nodes, Page } from './page-memory.ts';

/*
 * Leaves and branches are no objects: they lie in chunks of memory as they are hashed, each
 * beginning at a multiple of four bytes.
 *
 *   leaf:   keyLength · path 32 · changedAt u64 LE · valueLength u32 LE · value · key
 *   branch: leaf bits u16, page bits u16 (both: `INSIDE`) · weight, above 2^32, and whether pages
 *           lie below · weight · count · 0 u16, bitmap u16 LE · hash 32 of each child · place of
 *           each child
 *
 * A branch that takes another's place copies it and has places and hashes of the changed children
 * put in. With an object and an array for each branch, and one for each leaf, half of the time of
 * an update went into cache misses between them and into collecting them.
 *
 * The place of a node is the chunk's number in a `Table` and the word where it begins. In a
 * branch, chunk 0 is the branch's own.
 *
 * Nothing points into the memory of a page, so that it may go at any time: a branch inside of a
 * page is found by its path, and a leaf of it that gets a new neighbour is copied.
 */

// Words of a branch.
const WEIGHT_HIGH = 1;
const WEIGHT = 2;
const COUNT = 3;
const BITS = 4;
const HASHES = 5;
/** The remainder by four of where the hashed part of a branch begins. */
export const BRANCH_SKEW = 2;
const WORDS_PER_HASH = 8;
const WORDS_PER_CHILD = WORDS_PER_HASH + 2;
/** Measured with Node.js 24: a leaf's head and its share of branches. */
const LEAF_MEMORY_BYTES = 100;

export type { Nodes, PageMemory, PageRoot } from './page-memory.ts';
export { Page } from './page-memory.ts';

/** Memory that some leaves take, in bytes; an estimate, good to about a fifth. */
export function memoryOf(node: { readonly weight: number; readonly count: number }): number {
  return node.weight + LEAF_MEMORY_BYTES * node.count;
}

// Kinds of nodes: a number each, for they are asked for at every step.
export const NOTHING = 0;
export const LEAF = 1;
/** Two or more leaves below one prefix, or fewer below pages that are not in memory. */
export const BRANCH = 2;
export const PAGE = 3;
/** A branch inside of a page, which is found there by its path; below a page, of that page. */
export const INSIDE = 4;
export type Kind = typeof NOTHING | typeof LEAF | typeof BRANCH | typeof PAGE | typeof INSIDE;

/** Where a node is, in a table. */
export type Ref = { readonly kind: Kind; readonly chunk: number; readonly at: number };

export const NO_REF: Ref = { kind: NOTHING, chunk: 0, at: 0 };

/**
 * What the places in the nodes of some versions mean. From one checkpoint to the next versions
 * share a table, which only grows; positive numbers are chunks of changes, negative ones pages.
 */
export class Table {
  readonly pages: readonly Page[];
  readonly #chunks: Chunk[];

  private constructor(pages: readonly Page[], chunks: Chunk[]) {
    this.pages = pages;
    this.#chunks = chunks;
  }

  static of(pages: readonly Page[]): Table {
    return new Table(pages, []);
  }

  /** How many chunks of changes there are. */
  get length(): number {
    return this.#chunks.length;
  }

  /** This table, or a copy when there is something in it beyond a length. */
  branchedAt(length: number): Table {
    if (this.#chunks.length === length) return this;
    return new Table(this.pages, this.#chunks.slice(0, length));
  }

  truncate(length: number): void {
    this.#chunks.length = length;
  }

  /** Its number. */
  add(chunk: Chunk): number {
    return this.#chunks.push(chunk);
  }

  chunk(id: number): Chunk {
    return this.#chunks[id - 1] as Chunk; // Numbers come from `add`.
  }

  page(id: number): Page {
    return this.pages[~id] as Page; // Numbers come from `pageId`.
  }
}

/** The number of page number `index` of a table. */
export function pageId(index: number): number {
  return ~index;
}

/** Hands out words of large chunks, which it adds to a table. */
export class Arena {
  readonly #table: Table;
  readonly #chunkWords: number;
  readonly #isUsedAgain: boolean;
  #used = 0;
  chunk = new Chunk(0);
  id = 0;
  /** Bytes of all its chunks. */
  takenBytes = 0;

  /** @param first A chunk to begin with, whatever stands in it; it is not counted as taken. */
  constructor(table: Table, chunkWords: number, first?: Chunk) {
    this.#table = table;
    this.#chunkWords = chunkWords;
    this.#isUsedAgain = first !== undefined;
    if (first === undefined) return;
    this.chunk = first;
    this.id = table.add(first);
  }

  /**
   * Where `length` words for a branch begin in `chunk`, of number `id` (read both right after);
   * those before its hashes are zero.
   */
  take(length: number): number {
    if (this.#used + length > this.chunk.words.length) {
      this.chunk = new Chunk(Math.max(length, this.#chunkWords));
      this.id = this.#table.add(this.chunk);
      this.takenBytes += this.chunk.bytes.length;
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    if (this.#isUsedAgain) this.chunk.words.fill(0, at, at + HASHES);
    return at;
  }
}

/* -------------------------------------------------------------- branches */

/** How many bits of sixteen are set. */
export function bitCount(bits: number): number {
  let count = bits - ((bits >> 1) & 0x5555);
  count = (count & 0x3333) + ((count >> 2) & 0x3333);
  count = (count + (count >> 4)) & 0x0f0f;
  return (count + (count >> 8)) & 31;
}

/** Place among a branch's children of the one for `nibble`, which the bitmap must have. */
export function childPlace(bitmap: number, nibble: number): number {
  return bitCount(bitmap & ((1 << nibble) - 1));
}

/** Words that a branch takes. */
export function branchWords(children: number): number {
  return HASHES + WORDS_PER_CHILD * children;
}

/** Bit n: there is a child for nibble n. */
export function bitmapOf({ bytes }: Chunk, at: number): number {
  const from = 4 * (at + BITS) + BRANCH_SKEW;
  return (bytes[from] ?? 0) | ((bytes[from + 1] ?? 0) << 8);
}

/** Word where the hash of child number `place` stands. */
export function hashWord(at: number, place: number): number {
  return at + HASHES + WORDS_PER_HASH * place;
}

/** First byte of a branch that is hashed. */
export function hashedFrom(at: number): number {
  return 4 * (at + BITS) + BRANCH_SKEW;
}

/** A copy of the hash of child number `place`. */
export function childHash(chunk: Chunk, at: number, place: number): Hash {
  const from = 4 * hashWord(at, place);
  return chunk.bytes.slice(from, from + 32) as Hash; // Where digests are written.
}

/** Word where the place of child number `place` of `children` stands: chunk, then word. */
export function placeWord(at: number, children: number, place: number): number {
  return at + HASHES + WORDS_PER_HASH * children + 2 * place;
}

export function kindOfChild(
  { words }: { readonly words: Int32Array },
  at: number,
  nibble: number,
): Kind {
  const bits = words[at] ?? 0;
  const isPage = ((bits >> (16 + nibble)) & 1) !== 0;
  if (((bits >> nibble) & 1) !== 0) return isPage ? INSIDE : LEAF;
  return isPage ? PAGE : BRANCH;
}

/** Notes what the child of a nibble is. */
export function setKindOfChild(
  { words }: { readonly words: Int32Array },
  at: number,
  nibble: number,
  kind: Kind,
): void {
  const others = (words[at] ?? 0) & ~(0x1_0001 << nibble);
  const leafBit = kind === LEAF || kind === INSIDE ? 1 << nibble : 0;
  const pageBit = kind === PAGE || kind === INSIDE ? 1 << (16 + nibble) : 0;
  words[at] = others | leafBit | pageBit;
}

/** Where the child of a nibble of the bitmap is. */
export function childOf(table: Table, ref: Ref, nibble: number): Ref {
  const chunk = table.chunk(ref.chunk);
  const { at } = ref;
  const bitmap = bitmapOf(chunk, at);
  const word = placeWord(at, bitCount(bitmap), childPlace(bitmap, nibble));
  return {
    kind: kindOfChild(chunk, at, nibble),
    chunk: (chunk.words[word] ?? 0) || ref.chunk, // 0 is the branch's own.
    at: chunk.words[word + 1] ?? 0,
  };
}

export function writeBitmap({ bytes }: Chunk, at: number, bitmap: number): void {
  const from = 4 * (at + BITS) + BRANCH_SKEW;
  bytes[from] = bitmap & 255;
  bytes[from + 1] = bitmap >> 8;
}

export function branchCount({ words }: Chunk, at: number): number {
  return (words[at + COUNT] ?? 0) >>> 0;
}

export function branchWeight({ words }: Chunk, at: number): number {
  return ((words[at + WEIGHT] ?? 0) >>> 0) + ((words[at + WEIGHT_HIGH] ?? 0) >> 1) * 0x1_0000_0000;
}

/** Whether a branch is one of a page: of leaves and branches, none of them elsewhere. */
export function isPlainBranch({ words }: Chunk, at: number): boolean {
  const kinds = words[at] ?? 0;
  const bits = words[at + BITS] ?? 0;
  // No leaf where there is no child.
  return words[at + WEIGHT_HIGH] === 0 && (bits & 0xffff) === 0 && (kinds & ~(bits >>> 16)) === 0;
}

/** Whether page boundaries lie below. */
export function isUpper({ words }: Chunk, at: number): boolean {
  return ((words[at + WEIGHT_HIGH] ?? 0) & 1) !== 0;
}

/** Notes that no page boundaries lie below. */
export function clearUpper({ words }: { readonly words: Int32Array }, at: number): void {
  words[at + WEIGHT_HIGH] = (words[at + WEIGHT_HIGH] ?? 0) & ~1;
}

export function writeTotals(
  { words }: Chunk,
  at: number,
  totals: { readonly weight: number; readonly count: number; readonly isUpper: boolean },
): void {
  const { weight, count, isUpper: upper } = totals;
  assert(weight >= 0 && count >= 0, 'sums of what is there');
  words[at + WEIGHT_HIGH] = (Math.floor(weight / 0x1_0000_0000) << 1) | (upper ? 1 : 0);
  words[at + WEIGHT] = weight;
  words[at + COUNT] = count;
}

/** Encoded size and number of the leaves below a node. */
export function totalsOf(
  table: Table,
  ref: Ref,
): { readonly weight: number; readonly count: number; readonly isUpper: boolean } {
  if (ref.kind === NOTHING) return { weight: 0, count: 0, isUpper: false };
  if (ref.kind === PAGE) {
    const { weight, count } = table.page(ref.chunk);
    return { weight, count, isUpper: true };
  }
  const chunk = table.chunk(ref.chunk);
  const { at } = ref;
  if (ref.kind === LEAF) {
    const weight = weightOfLeaf(keyLengthOf(chunk, at), valueLengthOf(chunk, at));
    return { weight, count: 1, isUpper: false };
  }
  return {
    weight: branchWeight(chunk, at),
    count: branchCount(chunk, at),
    isUpper: isUpper(chunk, at),
  };
}

/** The children of a branch, by nibble. */
export function childrenOf(table: Table, ref: Ref): Ref[] {
  const bitmap = bitmapOf(table.chunk(ref.chunk), ref.at);
  const children: Ref[] = [];
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((bitmap & (1 << nibble)) !== 0) children.push(childOf(table, ref, nibble));
  }
  return children;
}

/** The node below a page that is in memory, in the page's own table. */
export function insideOf(root: Nodes): { readonly table: Table; readonly ref: Ref } {
  const table = Table.of([]);
  return { table, ref: { kind: root.kind, chunk: table.add(root.chunk), at: 0 } };
}
