import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Table } from './nodes.ts';
import { Chunk, comparePaths, leafWords, nibbleOf, pathWord, writeLeaf } from './nodes.ts';

/** Nibbles in an item's order; 28 bits are a small integer in every engine. */
const ORDER_NIBBLES = 7;
/** Items are sorted as numbers, order first, then which change it is: 53 bits. */
const CHANGES_MAX = 2 ** 25;

/** What shall stand under a key: a value, or nothing. */
type Entry = {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
  readonly changedAt?: number;
};

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
  /** Which change each was. */
  readonly sources: Int32Array;
  /** The leaf that stood there before, if there was one; set by the update. */
  readonly previousChunks: (Chunk | undefined)[];
  readonly previousAts: Int32Array;
  /** Whether each key came once; otherwise they are of no use. */
  areDistinct = true;
  readonly #entries: readonly Entry[];
  /** The first seven nibbles: tells nearly all items apart without a look at their paths. */
  readonly #orders: Int32Array;

  /** Leaves without a height of their own get `height`. */
  constructor(suite: HashSuite, table: Table, entries: readonly Entry[], height: number) {
    const { length } = entries;
    assert(length < CHANGES_MAX, 'changes of one block');
    this.count = length;
    this.#entries = entries;
    this.ats = new Int32Array(length);
    this.isPut = new Uint8Array(length);
    this.sources = new Int32Array(length);
    this.previousChunks = new Array(length).fill(undefined);
    this.previousAts = new Int32Array(length);
    this.#orders = new Int32Array(length);
    let words = 0;
    for (const { key, value } of entries) words += leafWords(key.length, value?.length ?? 0);
    this.chunk = new Chunk(words);
    this.id = table.add(this.chunk);
    this.#sort(this.#write(suite, entries, height));
  }

  /** Writes the leaves; where each begins. */
  #write(suite: HashSuite, entries: readonly Entry[], height: number): Int32Array {
    const begins = new Int32Array(entries.length);
    const batch = suite.batch('state-path');
    let at = 0;
    for (let index = 0; index < entries.length; index++) {
      const entry = entries[index] as Entry; // Inside the bounds.
      const { key, value } = entry;
      begins[index] = at;
      batch.add(key, 0, key.length, this.chunk, 4 * pathWord(at));
      if (value !== undefined) {
        writeLeaf(this.chunk, at, { key, value, changedAt: entry.changedAt ?? height });
        this.isPut[index] = 1;
      }
      at += leafWords(key.length, value?.length ?? 0);
    }
    batch.flush();
    return begins;
  }

  #sort(begins: Int32Array): void {
    const { bytes } = this.chunk;
    const wasPut = this.isPut.slice();
    const numbers = new Float64Array(this.count);
    for (let index = 0; index < this.count; index++) {
      const from = 4 * pathWord(begins[index] ?? 0);
      let order = 0;
      for (let byte = 0; byte < 4; byte++) order = (order << 8) | (bytes[from + byte] ?? 0);
      numbers[index] = (order >>> 4) * CHANGES_MAX + index;
    }
    numbers.sort();
    for (let place = 0; place < this.count; place++) {
      const number = numbers[place] ?? 0;
      const order = Math.floor(number / CHANGES_MAX);
      const source = number - order * CHANGES_MAX;
      let to = place;
      for (; to > 0 && this.#orders[to - 1] === order; to--) {
        const other = begins[this.sources[to - 1] ?? 0] ?? 0;
        const here = 4 * pathWord(begins[source] ?? 0);
        const difference = comparePaths(bytes, 4 * pathWord(other), bytes, here);
        if (difference === 0) this.areDistinct = false;
        if (difference <= 0) break;
        this.sources[to] = this.sources[to - 1] ?? 0;
      }
      this.sources[to] = source;
      this.#orders[place] = order;
    }
    for (let place = 0; place < this.count; place++) {
      const source = this.sources[place] ?? 0;
      this.ats[place] = begins[source] ?? 0;
      this.isPut[place] = wasPut[source] ?? 0;
    }
  }

  key(place: number): Bytes {
    return (this.#entries[this.sources[place] ?? 0] as Entry).key; // One source an item.
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
