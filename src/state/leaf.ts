import type { Bytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { LEAF_OVERHEAD_BYTES } from './limits.ts';
import type { Chunk } from './memory.ts';

// The form of a leaf in memory: see nodes.ts.

// Words of a leaf, and bytes of what is hashed of it.
const LEAF_PATH = 1;
const LEAF_CHANGED_AT_BYTE = 36;
const LEAF_LENGTH_BYTE = 44;
const LEAF_VALUE_BYTE = 48;
/** Bytes of a leaf before what is hashed. */
export const LEAF_HASHED_FROM = 4;
/** Bytes that are hashed of a leaf before its value or the digest of it. */
export const LEAF_HEAD_BYTES = 44;
/** Words that a leaf takes. */
export function leafWords(keyLength: number, valueLength: number): number {
  return (LEAF_VALUE_BYTE + keyLength + valueLength + 3) >> 2;
}

/** Words of a leaf beside its key and value, the unused bytes of its last one included. */
export const LEAF_FIXED_WORDS = (LEAF_VALUE_BYTE + 4) >> 2;

/** What a leaf counts for the size of its page. */
export function weightOfLeaf(keyLength: number, valueLength: number): number {
  return keyLength + valueLength + LEAF_OVERHEAD_BYTES;
}

/** Writes a leaf but for its path. */
export function writeLeaf(
  { bytes, words }: Chunk,
  at: number,
  fields: { readonly key: Uint8Array; readonly value: Uint8Array; readonly changedAt: number },
): void {
  const { key, value, changedAt } = fields;
  words[at] = key.length;
  const from = 4 * at;
  writeU32(bytes, from + LEAF_CHANGED_AT_BYTE, changedAt >>> 0);
  writeU32(bytes, from + LEAF_CHANGED_AT_BYTE + 4, Math.floor(changedAt / 0x1_0000_0000));
  writeU32(bytes, from + LEAF_LENGTH_BYTE, value.length);
  copyBytes(value, bytes, from + LEAF_VALUE_BYTE);
  copyBytes(key, bytes, from + LEAF_VALUE_BYTE + value.length);
}

/** As `writeLeaf`, of a leaf whose parts stand in a record. */
export function writeEncodedLeaf(
  { bytes, words }: Chunk,
  at: number,
  encoded: Uint8Array,
  where: {
    readonly keyFrom: number;
    readonly keyLength: number;
    readonly changedAtFrom: number;
    readonly valueFrom: number;
    readonly valueLength: number;
  },
): void {
  const { keyFrom, keyLength, changedAtFrom, valueFrom, valueLength } = where;
  words[at] = keyLength;
  // The bytes after the key that fill the last word.
  words[at + leafWords(keyLength, valueLength) - 1] = 0;
  const from = 4 * at;
  copyRange(encoded, changedAtFrom, 8, bytes, from + LEAF_CHANGED_AT_BYTE);
  writeU32(bytes, from + LEAF_LENGTH_BYTE, valueLength);
  copyRange(encoded, valueFrom, valueLength, bytes, from + LEAF_VALUE_BYTE);
  copyRange(encoded, keyFrom, keyLength, bytes, from + LEAF_VALUE_BYTE + valueLength);
}

/** Up to here a loop is quicker than a call. */
const LOOP_BYTES_MAX = 96;

function copyBytes(source: Uint8Array, target: Bytes, at: number): void {
  if (source.length > LOOP_BYTES_MAX) target.set(source, at);
  else for (let from = 0; from < source.length; from++) target[at + from] = source[from] ?? 0;
}

function copyRange(
  source: Uint8Array,
  from: number,
  length: number,
  target: Bytes,
  at: number,
): void {
  if (length > LOOP_BYTES_MAX) target.set(source.subarray(from, from + length), at);
  else for (let place = 0; place < length; place++) target[at + place] = source[from + place] ?? 0;
}

function writeU32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
  bytes[at + 2] = (value >>> 16) & 255;
  bytes[at + 3] = value >>> 24;
}

function readU32(bytes: Bytes, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return low + (bytes[at + 3] ?? 0) * 0x100_0000;
}

/** Word where a leaf's path begins. */
export function pathWord(at: number): number {
  return at + LEAF_PATH;
}

export function keyLengthOf(chunk: Chunk, at: number): number {
  return chunk.words[at] ?? 0;
}

export function valueLengthOf(chunk: Chunk, at: number): number {
  return readU32(chunk.bytes, 4 * at + LEAF_LENGTH_BYTE);
}

/** Height of the leaf's last change. */
export function changedAtOf({ bytes }: Chunk, at: number): Height {
  const from = 4 * at + LEAF_CHANGED_AT_BYTE;
  // Written by `writeLeaf` from a height.
  return (readU32(bytes, from) + readU32(bytes, from + 4) * 0x1_0000_0000) as Height;
}

/** A copy of the leaf's value. */
export function leafValue(chunk: Chunk, at: number): Bytes {
  const from = 4 * at + LEAF_VALUE_BYTE;
  return chunk.bytes.slice(from, from + valueLengthOf(chunk, at));
}

/** The leaf's value where it stands: for whoever neither keeps nor changes it. */
export function leafValueView(chunk: Chunk, at: number): Bytes {
  const from = 4 * at + LEAF_VALUE_BYTE;
  return chunk.bytes.subarray(from, from + valueLengthOf(chunk, at));
}

/** The leaf's path where it stands, as `leafValueView`. */
export function pathView(chunk: Chunk, at: number): Bytes {
  const from = 4 * pathWord(at);
  return chunk.bytes.subarray(from, from + 32);
}

/** The leaf's key where it stands, as `leafValueView`. */
export function keyView(chunk: Chunk, at: number): Bytes {
  const from = 4 * at + LEAF_VALUE_BYTE + valueLengthOf(chunk, at);
  return chunk.bytes.subarray(from, from + keyLengthOf(chunk, at));
}

/** A copy of the leaf's key. */
export function keyOf(chunk: Chunk, at: number): Bytes {
  const from = 4 * at + LEAF_VALUE_BYTE + valueLengthOf(chunk, at);
  return chunk.bytes.slice(from, from + keyLengthOf(chunk, at));
}

/** A copy of the leaf's path. */
export function pathOf({ bytes }: Chunk, at: number): Bytes {
  const from = 4 * pathWord(at);
  return bytes.slice(from, from + 32);
}

/** Whether two paths, given by where their words begin, are the same. */
export function isSamePath(left: Chunk, leftAt: number, right: Chunk, rightAt: number): boolean {
  const { words: leftWords } = left;
  const { words: rightWords } = right;
  for (let word = 0; word < 8; word++) {
    if (leftWords[leftAt + word] !== rightWords[rightAt + word]) return false;
  }
  return true;
}

/** Orders paths, given by where their bytes begin. */
export function comparePaths(
  left: Uint8Array,
  leftAt: number,
  right: Uint8Array,
  rightAt: number,
): number {
  for (let offset = 0; offset < 32; offset++) {
    const difference = (left[leftAt + offset] ?? 0) - (right[rightAt + offset] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether a path begins with the nibbles of a prefix. */
export function isBelow(path: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let depth = 0; depth < prefix.length; depth++) {
    if (nibbleOf(path, at, depth) !== prefix[depth]) return false;
  }
  return true;
}

/** Nibble number `depth` of a path that begins at byte `at`. */
export function nibbleOf(bytes: Uint8Array, at: number, depth: number): number {
  const byte = bytes[at + (depth >> 1)] ?? 0; // A path has 64 nibbles, and `depth` is below.
  return (depth & 1) === 0 ? byte >> 4 : byte & 15;
}

/**
 * Writes a leaf as pages encode it: key, height of the last change, value; lengths in ULEB128.
 *
 * @returns Where the next one goes.
 */
export function encodeLeaf(chunk: Chunk, at: number, target: Bytes, to: number): number {
  const { bytes } = chunk;
  const keyLength = keyLengthOf(chunk, at);
  const valueLength = valueLengthOf(chunk, at);
  const from = 4 * at;
  const valueFrom = from + LEAF_VALUE_BYTE;
  let write = writeLength(target, to, keyLength);
  copyRange(bytes, valueFrom + valueLength, keyLength, target, write);
  write += keyLength;
  copyRange(bytes, from + LEAF_CHANGED_AT_BYTE, 8, target, write);
  write = writeLength(target, write + 8, valueLength);
  copyRange(bytes, valueFrom, valueLength, target, write);
  return write + valueLength;
}

/** Writes a number in ULEB128; where the next byte goes. */
export function writeLength(target: Bytes, to: number, value: number): number {
  let rest = value;
  let write = to;
  for (; rest >= 0x80; rest >>>= 7) target[write++] = 0x80 | (rest & 0x7f);
  target[write++] = rest;
  return write;
}
