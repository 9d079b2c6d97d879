import type { Bytes } from '../base/index.ts';
import { compareBytes, concatBytes } from '../base/index.ts';
import { bytes, decode, encode, option, struct, union, vector, Writer } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec } from '../ledger/index.ts';
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

const entryCodec = struct('PageDeltaEntry', {
  key: bytes({ min: 1, max: STATE_KEY_BYTES_MAX }),
  put: option(
    struct('PageDeltaLeaf', {
      changedAt: heightCodec,
      value: bytes({ max: STATE_VALUE_BYTES_MAX }),
    }),
  ),
});
const entriesCodec = vector(entryCodec, { max: DELTA_ENTRIES_MAX });

/**
 * What became of a page since it was written: a record beside that of its leaves, replaced as a
 * whole by each checkpoint that finds more. `changes` are by key, each once. `whole` is the page's
 * bytes as they are now: peers gave them, since one of the two records was spoilt. The leaves'
 * record stays as it is, for earlier states of the page may stand on it too.
 */
export const deltaCodec = union('PageDelta', {
  changes: struct('PageChanges', { entries: entriesCodec }),
  whole: struct('PageWhole', { page: bytes({ min: 1, max: CHUNK_ENCODED_BYTES_MAX }) }),
});

/** The record of a page whose leaves' record has everything. */
export const EMPTY_DELTA: Bytes = encode(deltaCodec, { kind: 'changes', entries: [] });

/** The record of a page that peers gave, in place of both that it had. */
export function wholeDelta(page: Bytes): Bytes {
  return encode(deltaCodec, { kind: 'whole', page });
}

/** The tags with which records of entries, and of a whole page, begin. */
const CHANGES_TAG = 0;
const WHOLE_TAG = 1;

/** The bytes of a page in a record that has all of it. */
export function wholeOfDelta(delta: Uint8Array): Bytes | undefined {
  // Asked for each page that is read: others are not decoded for it.
  if (delta[0] !== WHOLE_TAG) return undefined;
  const decoded = decode(deltaCodec, delta);
  return decoded.ok && decoded.value.kind === 'whole' ? decoded.value.page : undefined;
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

/**
 * The record of what another says and, where these say something else, the newer entries; of one
 * key the last counts. `undefined` when the other is not the one encoding of some entries.
 */
export function mergeDeltas(former: Uint8Array, newer: readonly DeltaEntry[]): Bytes | undefined {
  // Sorting keeps the order of equals.
  const sorted = [...newer].sort((left, right) => compareBytes(left.key, right.key));
  const reader = new DeltaReader(former);
  const writer = new Writer(former.length + NEWER_BYTES * newer.length);
  let count = 0;
  let hasFormer = reader.next();
  let place = 0;
  for (; place < sorted.length; place++) {
    const entry = sorted[place] as DeltaEntry; // Inside the bounds.
    const next = sorted[place + 1];
    if (next !== undefined && compareBytes(entry.key, next.key) === 0) continue;
    let order = hasFormer ? compareKey(reader, entry.key) : 1;
    for (; order < 0; order = hasFormer ? compareKey(reader, entry.key) : 1) {
      writer.bytes(former.subarray(reader.from, reader.at));
      count += 1;
      hasFormer = reader.next();
    }
    if (order === 0) hasFormer = reader.next();
    entryCodec.write(writer, entry);
    count += 1;
  }
  for (; hasFormer; hasFormer = reader.next()) {
    writer.bytes(former.subarray(reader.from, reader.at));
    count += 1;
  }
  if (!reader.isDone) return undefined;
  const head = new Writer(8);
  head.u8(CHANGES_TAG);
  head.uleb(count);
  return concatBytes(head.finish(), writer.finish());
}

/** Room for an entry, as a rule. */
const NEWER_BYTES = 128;
