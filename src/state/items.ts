import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import { DeltaReader } from './delta.ts';
import {
  comparePaths,
  isBelow,
  keyOf,
  LEAF_FIXED_WORDS,
  leafWords,
  nibbleOf,
  pathWord,
  writeEncodedLeaf,
  writeLeaf,
} from './leaf.ts';
import type { Cursor } from './lengths.ts';
import { readLength } from './lengths.ts';
import { PAGE_LEAVES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from './limits.ts';
import type { Scratch } from './memory.ts';
import { Chunk } from './memory.ts';
import type { Table } from './nodes.ts';

/** Nibbles in an item's order; 28 bits are a small integer in every engine. */
const ORDER_NIBBLES = 7;
/** Items are sorted as numbers, order first, then which change it is: 53 bits. */
const CHANGES_MAX = 2 ** 25;
/** Bytes of an encoded leaf beside its key and value, at least. */
const ENCODED_LEAF_BYTES_MIN = 10;

/** What shall stand under a key: a value, or nothing. */
type Entry = {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
  /** When it was put, if not at the height of all. */
  readonly changedAt?: number;
};

/** What is known of some items, by place; memory that pages use one after the other. */
export class ItemArrays {
  ats = new Int32Array(0);
  isPut = new Uint8Array(0);
  orders = new Int32Array(0);
  previousChunks: (Chunk | undefined)[] = [];
  previousAts = new Int32Array(0);

  /** Arrays for at least so many; whatever stands in them is void. */
  take(count: number): ItemArrays {
    if (this.ats.length >= count) return this;
    const size = 2 * count;
    this.ats = new Int32Array(size);
    this.isPut = new Uint8Array(size);
    this.orders = new Int32Array(size);
    this.previousChunks = new Array(size).fill(undefined);
    this.previousAts = new Int32Array(size);
    return this;
  }
}

/** Changes as leaves in a chunk of their own, by path. */
export class Items {
  readonly count: number;
  readonly chunk: Chunk;
  /** The chunk's number. */
  readonly id: number;
  /** Where each begins in the chunk; of what goes, only the path is written. */
  readonly ats: Int32Array;
  /** 1 where a value is put. */
  readonly isPut: Uint8Array;
  /** The leaf that stood there before, if there was one; set by the update. */
  readonly previousChunks: (Chunk | undefined)[];
  readonly previousAts: Int32Array;
  /** Whether each key came once; otherwise they are of no use. */
  readonly areDistinct: boolean;
  readonly #keyOf: (place: number) => Bytes;
  /** The first seven nibbles: tells nearly all items apart without a look at their paths. */
  readonly #orders: Int32Array;

  private constructor(
    table: Table,
    fields: {
      readonly chunk: Chunk;
      readonly count: number;
      readonly arrays: ItemArrays;
      readonly areDistinct: boolean;
      readonly keyOf: (place: number) => Bytes;
    },
  ) {
    const { arrays } = fields;
    this.count = fields.count;
    this.chunk = fields.chunk;
    this.id = table.add(fields.chunk);
    this.ats = arrays.ats;
    this.isPut = arrays.isPut;
    this.areDistinct = fields.areDistinct;
    this.#orders = arrays.orders;
    this.#keyOf = fields.keyOf;
    this.previousChunks = arrays.previousChunks;
    this.previousAts = arrays.previousAts;
  }

  /** The changes of a block at a height. */
  static ofChanges(
    suite: HashSuite,
    table: Table,
    entries: readonly Entry[],
    height: number,
  ): Items {
    const { length } = entries;
    assert(length < CHANGES_MAX, 'changes of one block');
    let words = 0;
    for (const { key, value } of entries) words += leafWords(key.length, value?.length ?? 0);
    const chunk = new Chunk(words);
    const begins = writeEntries(suite, chunk, entries, height);
    const { sources, orders, areDistinct } = sortByPath(chunk, begins);
    const ats = new Int32Array(length);
    const isPut = new Uint8Array(length);
    const entryOf = (place: number) => entries[sources[place] ?? 0] as Entry; // One an item.
    for (let place = 0; place < length; place++) {
      ats[place] = begins[sources[place] ?? 0] ?? 0;
      if (entryOf(place).value !== undefined) isPut[place] = 1;
    }
    const key = (place: number) => entryOf(place).key;
    const arrays = new ItemArrays();
    Object.assign(arrays, { ats, isPut, orders });
    arrays.previousChunks = new Array(length).fill(undefined);
    arrays.previousAts = new Int32Array(length);
    return new Items(table, { chunk, count: length, arrays, areDistinct, keyOf: key });
  }

  /**
   * The leaves of a page's bytes; `undefined` when these are not the one encoding of one leaf or
   * more, sorted by path, all below the prefix.
   *
   * @param where.scratch Where the leaves are written, so that they live until it, or `arrays`, is
   *   used again.
   */
  static ofPage(
    suite: HashSuite,
    table: Table,
    encoded: Uint8Array,
    where: {
      readonly prefix: Uint8Array;
      readonly scratch: Scratch;
      readonly arrays: ItemArrays;
    },
  ): Items | undefined {
    const { prefix, scratch, arrays } = where;
    const read = readLeaves(suite, encoded, scratch, arrays);
    if (read === undefined) return undefined;
    const { chunk, count: length } = read;
    const { bytes } = chunk;
    const { ats, orders } = arrays;
    for (let place = 0; place < length; place++) {
      const from = 4 * pathWord(ats[place] ?? 0);
      const order = orderOf(bytes, from);
      orders[place] = order;
      const before = place === 0 ? -1 : (orders[place - 1] ?? 0);
      if (before > order) return undefined;
      if (before < order) continue;
      const beforeFrom = 4 * pathWord(ats[place - 1] ?? 0);
      if (comparePaths(bytes, beforeFrom, bytes, from) >= 0) return undefined;
    }
    // They are sorted: what lies between two below the prefix is too.
    for (const at of [ats[0] ?? 0, ats[length - 1] ?? 0]) {
      if (!isBelow(bytes, 4 * pathWord(at), prefix)) return undefined;
    }
    arrays.isPut.fill(1, 0, length);
    const key = (place: number) => keyOf(chunk, ats[place] ?? 0);
    return new Items(table, { chunk, count: length, arrays, areDistinct: true, keyOf: key });
  }

  /**
   * What a record says that changed in a page; `undefined` when it is not the one encoding of some
   * entries.
   *
   * @param where As for `ofPage`.
   */
  static ofDelta(
    suite: HashSuite,
    table: Table,
    delta: Uint8Array,
    where: { readonly scratch: Scratch; readonly arrays: ItemArrays },
  ): Items | undefined {
    const { scratch } = where;
    const reader = new DeltaReader(delta);
    const { count } = reader;
    if (count < 0) return undefined;
    const chunk = scratch.take(count * LEAF_FIXED_WORDS + (delta.length >> 2));
    const arrays = where.arrays.take(count);
    const batch = suite.batch('state-path');
    let place = 0;
    for (let at = 0; reader.next(); place++) {
      const { keyFrom, keyLength, valueFrom, valueLength, isPut, changedAtFrom } = reader;
      batch.add(delta, keyFrom, keyFrom + keyLength, chunk, 4 * pathWord(at));
      arrays.ats[place] = at;
      arrays.isPut[place] = isPut ? 1 : 0;
      const from = { keyFrom, keyLength, changedAtFrom, valueFrom, valueLength };
      if (isPut) writeEncodedLeaf(chunk, at, delta, from);
      else chunk.words[at] = keyLength;
      at += leafWords(keyLength, valueLength);
    }
    batch.flush(); // Also when it was in vain: the batch is everybody's.
    if (!reader.isDone) return undefined;
    const areDistinct = sortInPlace(chunk, arrays, count);
    const key = (at: number) => keyOf(chunk, arrays.ats[at] ?? 0);
    return new Items(table, { chunk, count, arrays, areDistinct, keyOf: key });
  }

  key(place: number): Bytes {
    return this.#keyOf(place);
  }

  /** A nibble of an item's path. */
  nibble(place: number, depth: number): number {
    if (depth < ORDER_NIBBLES) {
      return ((this.#orders[place] ?? 0) >> (4 * (ORDER_NIBBLES - 1 - depth))) & 15;
    }
    return nibbleOf(this.chunk.bytes, 4 * pathWord(this.ats[place] ?? 0), depth);
  }

  /** The end of the run of items from `start` that share its nibble at `depth`. */
  runEnd(start: number, high: number, depth: number): number {
    const nibble = this.nibble(start, depth);
    let end = start + 1;
    while (end < high && this.nibble(end, depth) === nibble) end += 1;
    return end;
  }
}

/** Writes changes as leaves, one after the other; where each begins. */
function writeEntries(
  suite: HashSuite,
  chunk: Chunk,
  entries: readonly Entry[],
  height: number,
): Int32Array {
  const begins = new Int32Array(entries.length);
  const batch = suite.batch('state-path');
  let at = 0;
  for (let index = 0; index < entries.length; index++) {
    const { key, value, changedAt = height } = entries[index] as Entry; // Inside the bounds.
    begins[index] = at;
    batch.add(key, 0, key.length, chunk, 4 * pathWord(at));
    if (value !== undefined) writeLeaf(chunk, at, { key, value, changedAt });
    at += leafWords(key.length, value?.length ?? 0);
  }
  batch.flush();
  return begins;
}

/** The first seven nibbles of a path. */
function orderOf(bytes: Uint8Array, from: number): number {
  const high = ((bytes[from] ?? 0) << 16) | ((bytes[from + 1] ?? 0) << 8) | (bytes[from + 2] ?? 0);
  return (high << 4) | ((bytes[from + 3] ?? 0) >> 4);
}

/** Sorts a few leaves by path, where they are known; whether no two have the same. */
function sortInPlace({ bytes }: Chunk, arrays: ItemArrays, count: number): boolean {
  const { ats, isPut, orders } = arrays;
  let areDistinct = true;
  for (let place = 0; place < count; place++) {
    const at = ats[place] ?? 0;
    const put = isPut[place] ?? 0;
    const order = orderOf(bytes, 4 * pathWord(at));
    let to = place;
    for (; to > 0 && (orders[to - 1] ?? 0) >= order; to--) {
      if (orders[to - 1] === order) {
        const before = 4 * pathWord(ats[to - 1] ?? 0);
        const difference = comparePaths(bytes, before, bytes, 4 * pathWord(at));
        if (difference === 0) areDistinct = false;
        if (difference <= 0) break;
      }
      ats[to] = ats[to - 1] ?? 0;
      isPut[to] = isPut[to - 1] ?? 0;
      orders[to] = orders[to - 1] ?? 0;
    }
    ats[to] = at;
    isPut[to] = put;
    orders[to] = order;
  }
  return areDistinct;
}

/** Which of some leaves, given by where they begin, comes in which place. */
function sortByPath(
  { bytes }: Chunk,
  begins: Int32Array,
): { readonly sources: Int32Array; readonly orders: Int32Array; readonly areDistinct: boolean } {
  const { length } = begins;
  const sources = new Int32Array(length);
  const orders = new Int32Array(length);
  let areDistinct = true;
  const numbers = new Float64Array(length);
  for (let index = 0; index < length; index++) {
    numbers[index] = orderOf(bytes, 4 * pathWord(begins[index] ?? 0)) * CHANGES_MAX + index;
  }
  numbers.sort();
  for (let place = 0; place < length; place++) {
    const number = numbers[place] ?? 0;
    const order = Math.floor(number / CHANGES_MAX);
    const source = number - order * CHANGES_MAX;
    let to = place;
    for (; to > 0 && orders[to - 1] === order; to--) {
      const other = begins[sources[to - 1] ?? 0] ?? 0;
      const here = 4 * pathWord(begins[source] ?? 0);
      const difference = comparePaths(bytes, 4 * pathWord(other), bytes, here);
      if (difference === 0) areDistinct = false;
      if (difference <= 0) break;
      sources[to] = sources[to - 1] ?? 0;
    }
    sources[to] = source;
    orders[place] = order;
  }
  return { sources, orders, areDistinct };
}

/** The leaves of a page's bytes, with their paths; `undefined` when the bytes are not canonical. */
function readLeaves(
  suite: HashSuite,
  encoded: Uint8Array,
  scratch: Scratch,
  arrays: ItemArrays,
): { readonly chunk: Chunk; readonly count: number } | undefined {
  const cursor: Cursor = { at: 0 };
  const count = readLength(encoded, cursor, PAGE_LEAVES_MAX);
  // A count that lies must not cost memory.
  if (count < 1 || count * ENCODED_LEAF_BYTES_MIN > encoded.length) return undefined;
  const chunk = scratch.take(count * LEAF_FIXED_WORDS + (encoded.length >> 2));
  const { ats } = arrays.take(count);
  const batch = suite.batch('state-path');
  let at = 0;
  let isGood = true;
  for (let place = 0; place < count && isGood; place++) {
    isGood = false;
    const keyLength = readLength(encoded, cursor, STATE_KEY_BYTES_MAX);
    if (keyLength < 1) break;
    const keyFrom = cursor.at;
    const changedAtFrom = keyFrom + keyLength;
    cursor.at = changedAtFrom + 8;
    // A height is below 2^53.
    if ((encoded[changedAtFrom + 7] ?? 1) !== 0 || (encoded[changedAtFrom + 6] ?? 0) > 0x1f) break;
    const valueLength = readLength(encoded, cursor, STATE_VALUE_BYTES_MAX);
    if (valueLength < 0 || cursor.at + valueLength > encoded.length) break;
    ats[place] = at;
    batch.add(encoded, keyFrom, changedAtFrom, chunk, 4 * pathWord(at));
    const valueFrom = cursor.at;
    writeEncodedLeaf(chunk, at, encoded, {
      keyFrom,
      keyLength,
      changedAtFrom,
      valueFrom,
      valueLength,
    });
    at += leafWords(keyLength, valueLength);
    cursor.at += valueLength;
    isGood = true;
  }
  batch.flush(); // Also when it was in vain: the batch is everybody's.
  return isGood && cursor.at === encoded.length ? { chunk, count } : undefined;
}
