import type { Bytes } from '../base/index.ts';
import { compareBytes, concatBytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { writeLength } from './leaf.ts';
import type { Cursor } from './lengths.ts';
import { readLength } from './lengths.ts';
import {
  CHUNK_ENCODED_BYTES_MAX,
  DELTA_ENTRIES_MAX,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from './limits.ts';

/** What became of a key since its page was written: a leaf, or nothing. */
export type DeltaEntry = {
  readonly key: Bytes;
  readonly put: { readonly changedAt: Height; readonly value: Bytes } | undefined;
};

/*
 * What became of a page since it was written is a record beside that of its leaves, replaced as a
 * whole by each checkpoint that finds more:
 *
 *   0 · how many · of each key, by key: its length, the key, then 0 where it went, or 1 · height of
 *   the change u64 LE · length of the value, the value
 *
 * Or it has the page's bytes as they are now: peers gave them, since one of the two records was
 * spoilt. The leaves' record stays as it is, for earlier states of the page may stand on it too.
 *
 *   1 · length · the page
 *
 * Lengths and counts are ULEB128. Read and written by hand: with a value of a codec for each entry
 * a checkpoint took three times as long.
 */
const CHANGES_TAG = 0;
const WHOLE_TAG = 1;

/** The record of a page whose leaves' record has everything. */
export const EMPTY_DELTA: Bytes = Uint8Array.of(CHANGES_TAG, 0);

/** Of lengths and counts, at most: all are below 2^21. */
const LENGTH_BYTES_MAX = 3;

/** The record of a page that peers gave, in place of both that it had. */
export function wholeDelta(page: Bytes): Bytes {
  const head = new Uint8Array(1 + LENGTH_BYTES_MAX);
  head[0] = WHOLE_TAG;
  return concatBytes(head.subarray(0, writeLength(head, 1, page.length)), page);
}

/** The bytes of a page in a record that has all of it. */
export function wholeOfDelta(delta: Uint8Array): Bytes | undefined {
  // Asked for each page that is read: others are not looked at for it.
  if (delta[0] !== WHOLE_TAG) return undefined;
  const cursor: Cursor = { at: 1 };
  const length = readLength(delta, cursor, CHUNK_ENCODED_BYTES_MAX);
  return length > 0 && cursor.at + length === delta.length ? delta.slice(cursor.at) : undefined;
}

/** Bytes of an entry, at least. */
const ENTRY_BYTES_MIN = 3;

/** Walks over the entries of a record, by key, without an object for each. */
export class DeltaReader {
  readonly bytes: Uint8Array;
  /** How many there are; -1 when the record has none, or a whole page. */
  readonly count: number;
  /** The entry that `next` came to; of what goes, only the key is there. */
  from = 0;
  keyFrom = 0;
  keyLength = 0;
  isPut = false;
  changedAtFrom = 0;
  valueFrom = 0;
  valueLength = 0;
  readonly #cursor: Cursor = { at: 0 };
  #left: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const isChanges = bytes[0] === CHANGES_TAG;
    this.#cursor.at = 1;
    const count = isChanges ? readLength(bytes, this.#cursor, DELTA_ENTRIES_MAX) : -1;
    // A count that lies must not cost memory.
    this.count = count * ENTRY_BYTES_MIN > bytes.length ? -1 : count;
    this.#left = this.count;
  }

  /** Where the next entry begins, or the record ends. */
  get at(): number {
    return this.#cursor.at;
  }

  /** Whether all entries were read, and nothing follows. */
  get isDone(): boolean {
    return this.#left === 0 && this.#cursor.at === this.bytes.length;
  }

  /** Goes to the next entry; whether there is one in its one form, above those before. */
  next(): boolean {
    if (this.#left <= 0) return false;
    const { bytes } = this;
    const cursor = this.#cursor;
    const [beforeFrom, beforeLength] = [this.keyFrom, this.keyLength];
    this.from = cursor.at;
    this.keyLength = readLength(bytes, cursor, STATE_KEY_BYTES_MAX);
    this.keyFrom = cursor.at;
    const tagAt = this.keyFrom + this.keyLength;
    const tag = bytes[tagAt] ?? 2; // The end.
    if (this.keyLength < 1 || tag > 1) return false;
    const isRising =
      beforeLength === 0 ||
      compareRanges(bytes, beforeFrom, beforeLength, this.keyFrom, this.keyLength) < 0;
    if (!isRising) return false;
    this.isPut = tag === 1;
    cursor.at = tagAt + 1;
    this.valueLength = 0;
    if (this.isPut) {
      this.changedAtFrom = cursor.at;
      cursor.at += 8;
      // A height is below 2^53.
      if ((bytes[cursor.at - 1] ?? 1) !== 0 || (bytes[cursor.at - 2] ?? 0) > 0x1f) return false;
      this.valueLength = readLength(bytes, cursor, STATE_VALUE_BYTES_MAX);
      this.valueFrom = cursor.at;
      if (this.valueLength < 0 || cursor.at + this.valueLength > bytes.length) return false;
      cursor.at += this.valueLength;
    }
    this.#left -= 1;
    return true;
  }
}

function compareRanges(
  bytes: Uint8Array,
  left: number,
  leftLength: number,
  right: number,
  rightLength: number,
): number {
  const length = Math.min(leftLength, rightLength);
  for (let offset = 0; offset < length; offset++) {
    const difference = (bytes[left + offset] ?? 0) - (bytes[right + offset] ?? 0);
    if (difference !== 0) return difference;
  }
  return leftLength - rightLength;
}

/** Order of the key that a reader is at and of another one. */
function compareKey({ bytes, keyFrom, keyLength }: DeltaReader, key: Uint8Array): number {
  const length = Math.min(keyLength, key.length);
  for (let offset = 0; offset < length; offset++) {
    const difference = (bytes[keyFrom + offset] ?? 0) - (key[offset] ?? 0);
    if (difference !== 0) return difference;
  }
  return keyLength - key.length;
}

/** Where records are put together: a buffer for each took half of the time. */
class DeltaWriter {
  #bytes = new Uint8Array(4096);
  #used = 0;
  #count = 0;

  /** Begins with room for so many bytes of entries. */
  begin(length: number): void {
    const needed = HEAD_BYTES_MAX + length;
    if (this.#bytes.length < needed) this.#bytes = new Uint8Array(2 * needed);
    this.#used = HEAD_BYTES_MAX;
    this.#count = 0;
  }

  /** Copies some entries of a record. */
  copy(record: Uint8Array, from: number, to: number, count: number): void {
    this.#copy(record, from, to);
    this.#count += count;
  }

  #copy(source: Uint8Array, from: number, to: number): void {
    if (to - from > LOOP_BYTES_MAX) {
      this.#bytes.set(source.subarray(from, to), this.#used);
      this.#used += to - from;
    } else for (let at = from; at < to; at++) this.#bytes[this.#used++] = source[at] ?? 0;
  }

  write({ key, put }: DeltaEntry): void {
    this.#used = writeLength(this.#bytes, this.#used, key.length);
    this.#copy(key, 0, key.length);
    this.#bytes[this.#used++] = put === undefined ? 0 : 1;
    this.#count += 1;
    if (put === undefined) return;
    let rest: number = put.changedAt;
    for (let byte = 0; byte < 8; byte++, rest = Math.floor(rest / 256)) {
      this.#bytes[this.#used++] = rest & 255;
    }
    this.#used = writeLength(this.#bytes, this.#used, put.value.length);
    this.#copy(put.value, 0, put.value.length);
  }

  finish(): Bytes {
    const head = lengthBytes(this.#count);
    const from = HEAD_BYTES_MAX - 1 - head;
    this.#bytes[from] = CHANGES_TAG;
    writeLength(this.#bytes, from + 1, this.#count);
    return this.#bytes.slice(from, this.#used);
  }
}

const HEAD_BYTES_MAX = 1 + LENGTH_BYTES_MAX;
/** Bytes of an entry beside its key and value, at most. */
const ENTRY_BYTES_BESIDE = 2 * LENGTH_BYTES_MAX + 1 + 8;
/** Up to here a loop is quicker than a call. */
const LOOP_BYTES_MAX = 96;

/** Bytes that a length or count takes. */
function lengthBytes(value: number): number {
  if (value < 0x80) return 1;
  return value < 0x4000 ? 2 : LENGTH_BYTES_MAX;
}

const writer = new DeltaWriter();

/**
 * The record of what another says and, where these say something else, the newer entries; of one
 * key the last counts. `undefined` when the other is not the one encoding of some entries.
 *
 * @param newer Not retained, nor what their bytes are views of.
 */
export function mergeDeltas(former: Uint8Array, newer: readonly DeltaEntry[]): Bytes | undefined {
  // Sorting keeps the order of equals.
  const sorted = newer.length < 2 ? newer : newer.toSorted(byKey);
  let length = former.length;
  for (const { key, put } of sorted) {
    length += ENTRY_BYTES_BESIDE + key.length + (put?.value.length ?? 0);
  }
  writer.begin(length);
  const reader = new DeltaReader(former);
  let hasFormer = reader.next();
  for (let place = 0; place < sorted.length; place++) {
    const entry = sorted[place] as DeltaEntry; // Inside the bounds.
    const next = sorted[place + 1];
    if (next !== undefined && byKey(entry, next) === 0) continue;
    const { from } = reader;
    let count = 0;
    let order = hasFormer ? compareKey(reader, entry.key) : 1;
    for (; order < 0; order = hasFormer ? compareKey(reader, entry.key) : 1) {
      count += 1;
      hasFormer = reader.next();
    }
    // Those that stay stand one after the other.
    if (count > 0) writer.copy(former, from, hasFormer ? reader.from : reader.at, count);
    if (order === 0) hasFormer = reader.next();
    writer.write(entry);
  }
  const { from } = reader;
  let count = 0;
  for (; hasFormer; hasFormer = reader.next()) count += 1;
  if (count > 0) writer.copy(former, from, reader.at, count);
  return reader.isDone ? writer.finish() : undefined;
}

function byKey(left: DeltaEntry, right: DeltaEntry): number {
  return compareBytes(left.key, right.key);
}
