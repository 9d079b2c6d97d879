import type { Bytes } from '../base/index.ts';
import { defined } from '../base/index.ts';
import {
  encodeLeaf,
  keyLengthOf,
  leafWords,
  valueLengthOf,
  weightOfLeaf,
  writeLength,
} from './leaf.ts';
import type { Kind, PageRoot, Ref, Table } from './nodes.ts';
import {
  bitCount,
  bitmapOf,
  branchCount,
  branchWeight,
  branchWords,
  Chunk,
  clearUpper,
  kindOfChild,
  LEAF,
  NOTHING,
  PAGE,
  placeWord,
  setKindOfChild,
} from './nodes.ts';

const COUNT_BYTES_MAX = 5;
const SCRATCH_WORDS_MIN = 64 * 1024;
/** Up to here a loop is quicker than a call. */
const LOOP_WORDS_MAX = 96;

/**
 * Copies subtrees node by node. Without objects on the way: a checkpoint copies every page that
 * changed, at a quarter of a microsecond a leaf where objects cost two.
 */
class Compactor {
  /** What is copied goes here first, for nobody knows how long it is. */
  #words = new Int32Array(SCRATCH_WORDS_MIN);
  #used = 0;
  #table: Table | undefined;

  compact(table: Table, ref: Ref): PageRoot {
    this.#table = table;
    this.#used = 0;
    let { kind, at } = ref;
    let chunk: Chunk | undefined;
    if (kind === PAGE) {
      const root = loadedPage(table, ref.chunk);
      ({ kind, chunk } = root);
      at = 0;
    } else if (kind !== NOTHING) chunk = table.chunk(ref.chunk);
    if (chunk !== undefined) this.#copy(chunk, at, kind);
    this.#table = undefined;
    const compacted = new Chunk(this.#used);
    compacted.words.set(this.#words.subarray(0, this.#used));
    return { chunk: compacted, kind };
  }

  /** Copies words to the end; where they begin. */
  #append(source: Chunk, at: number, length: number): number {
    const to = this.#used;
    this.#used += length;
    while (this.#used > this.#words.length) {
      const grown = new Int32Array(2 * this.#words.length);
      grown.set(this.#words);
      this.#words = grown;
    }
    const words = this.#words;
    const { words: from } = source;
    if (length > LOOP_WORDS_MAX) words.set(from.subarray(at, at + length), to);
    else for (let word = 0; word < length; word++) words[to + word] = from[at + word] ?? 0;
    return to;
  }

  /** Where the copy begins. */
  #copy(source: Chunk, at: number, kind: Kind): number {
    if (kind === LEAF) {
      return this.#append(
        source,
        at,
        leafWords(keyLengthOf(source, at), valueLengthOf(source, at)),
      );
    }
    const bitmap = bitmapOf(source, at);
    const children = bitCount(bitmap);
    const to = this.#append(source, at, branchWords(children));
    clearUpper({ words: this.#words }, to);
    let word = placeWord(at, children, 0);
    const shift = to - at;
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      let childKind = kindOfChild(source, at, nibble);
      const id = source.words[word] ?? 0;
      let childAt = source.words[word + 1] ?? 0;
      let child = source;
      if (childKind === PAGE) {
        const root = loadedPage(this.#tableOf(), id);
        child = root.chunk;
        childKind = root.kind;
        childAt = 0;
        setKindOfChild({ words: this.#words }, to, nibble, childKind);
      } else if (id !== 0) child = this.#tableOf().chunk(id);
      const childTo = this.#copy(child, childAt, childKind);
      this.#words[word + shift] = 0;
      this.#words[word + shift + 1] = childTo;
    }
    return to;
  }

  #tableOf(): Table {
    return defined(this.#table, 'set while something is copied');
  }
}

function loadedPage(table: Table, id: number): PageRoot {
  return defined(table.page(id).root, 'a page that is joined is in memory');
}

const compactor = new Compactor();

/**
 * Copies nodes into a chunk of their own, without page boundaries, hashes included, so that the
 * chunks of the blocks that made them can be freed.
 */
export function compact(table: Table, ref: Ref): PageRoot {
  return compactor.compact(table, ref);
}

/** Encodes a page's leaves: key, height of the last change, value; sorted by path. */
export function encodePage({ chunk, kind }: PageRoot): Bytes {
  const isLeaf = kind === LEAF;
  const weight = isLeaf
    ? weightOfLeaf(keyLengthOf(chunk, 0), valueLengthOf(chunk, 0))
    : branchWeight(chunk, 0);
  // A leaf is at most as long as it weighs.
  const bytes = new Uint8Array(weight + COUNT_BYTES_MAX);
  let used = writeLength(bytes, 0, isLeaf ? 1 : branchCount(chunk, 0));
  const write = (at: number, of: Kind): void => {
    if (of === LEAF) {
      used = encodeLeaf(chunk, at, bytes, used);
      return;
    }
    const bitmap = bitmapOf(chunk, at);
    let word = placeWord(at, bitCount(bitmap), 0);
    for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
      const nibble = 31 - Math.clz32(bits & -bits);
      write(chunk.words[word + 1] ?? 0, kindOfChild(chunk, at, nibble));
    }
  };
  write(0, kind);
  return bytes.slice(0, used);
}
