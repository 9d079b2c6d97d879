import type { Bytes } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';
import { compact, encodePage } from './compact.ts';
import { keyLengthOf, leafWords, valueLengthOf, weightOfLeaf } from './leaf.ts';
import { PATH_NIBBLES, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from './limits.ts';
import type { Chunk } from './memory.ts';
import { Scratch } from './memory.ts';
import type { Kind, Nodes, Ref, Table } from './nodes.ts';
import {
  BRANCH,
  bitCount,
  bitmapOf,
  branchCount,
  branchWeight,
  branchWords,
  isPlainBranch,
  kindOfChild,
  LEAF,
  placeWord,
} from './nodes.ts';

/*
 * The record of a page as it lies in memory, hashes and paths included:
 *
 *   0 · 1 · kind u8 · 0 · the words of its chunk, little-endian · checksum 16
 *
 * So loading it computes one hash, the topmost, instead of two a leaf and one a branch. A record of
 * leaves begins with their count, which is not zero. Only what this node wrote itself is read in
 * this form: the checksum says that it is what was written, against a disk that forgets and not
 * against anybody, and nothing says that its hashes are true. With a cryptographic hash in its
 * place reading a page took twice as long.
 */

const HEAD_BYTES = 4;
const CHECKSUM_BYTES = 16;
const FORM = 1;

/** Whether a record is an image; otherwise it has leaves alone. */
export function isImage(record: Uint8Array): boolean {
  return record[0] === 0;
}

/** The record of a page that is in memory as a whole. */
export function encodeImage({ chunk, kind, length }: Nodes): Bytes {
  const end = HEAD_BYTES + 4 * length;
  const record = new Uint8Array(end + CHECKSUM_BYTES);
  record[1] = FORM;
  record[2] = kind;
  record.set(chunk.bytes.subarray(0, 4 * length), HEAD_BYTES);
  record.set(checksumOf(chunk.words, length, kind), end);
  return record;
}

/** As `encodeImage` of a subtree, all of which is in memory. */
export function imageOfSubtree(table: Table, ref: Ref, prefix: ArrayLike<number>): Bytes {
  return encodeImage(compact(table, ref, prefix));
}

/** Words of an image's nodes; -1 where there cannot be any. */
export function imageWords(record: Uint8Array): number {
  const bytes = record.length - HEAD_BYTES - CHECKSUM_BYTES;
  return bytes > 0 && (bytes & 3) === 0 ? bytes >> 2 : -1;
}

/**
 * Writes the nodes of an image to the beginning of a chunk, which has room for `imageWords`.
 *
 * @returns The kind of the topmost; `undefined` when the record is not what was written.
 */
export function readImage(record: Uint8Array, chunk: Chunk): Kind | undefined {
  const length = imageWords(record);
  const kind = record[2];
  if (length < 0 || record[0] !== 0 || record[1] !== FORM || record[3] !== 0) return undefined;
  if (kind !== LEAF && kind !== BRANCH) return undefined;
  const end = HEAD_BYTES + 4 * length;
  chunk.bytes.set(record.subarray(HEAD_BYTES, end));
  if (!equalBytes(checksumOf(chunk.words, length, kind), record.subarray(end))) return undefined;
  const found = kind === LEAF ? leafEnd(chunk, 0, length) : branchEnd(chunk, 0, length, 0);
  return found === length ? kind : undefined;
}

/** The page of an image, void after the next one; `undefined` as for `readImage`. */
export function pageOfImage(record: Uint8Array): Nodes | undefined {
  const length = imageWords(record);
  if (length < 0) return undefined;
  const chunk = scratch.take(length);
  const kind = readImage(record, chunk);
  return kind === undefined ? undefined : { chunk, length, kind, isWhole: true };
}

/** The leaves of an image, as pages without hashes are encoded. */
export function leavesOfImage(record: Uint8Array): Bytes | undefined {
  const words = imageWords(record);
  if (words < 0) return undefined;
  const chunk = scratch.take(words);
  const kind = readImage(record, chunk);
  return kind === undefined ? undefined : encodePage({ chunk, kind });
}

const scratch = new Scratch();

// Odd, so that multiplying by them loses nothing (xxHash, PRIME32_1 and PRIME32_2).
const PRIME_1 = 0x9e3779b1 | 0;
const PRIME_2 = 0x85ebca77 | 0;

/**
 * Four sums of every fourth word each, mixed as xxHash mixes its own; valid until the next call. A
 * word that changed changes its sum for certain, several by chance but for one time in 2^32.
 */
export function checksumOf(words: Int32Array, length: number, seed: number): Uint8Array {
  let [first, second, third, fourth] = [seed, seed + PRIME_1, seed + PRIME_2, length];
  const whole = length & ~3;
  for (let at = 0; at < whole; at += 4) {
    first = mixed(first, words[at] ?? 0);
    second = mixed(second, words[at + 1] ?? 0);
    third = mixed(third, words[at + 2] ?? 0);
    fourth = mixed(fourth, words[at + 3] ?? 0);
  }
  for (let at = whole; at < length; at++) first = mixed(first, words[at] ?? 0);
  sums[0] = first;
  sums[1] = second;
  sums[2] = third;
  sums[3] = fourth;
  return sumBytes;
}

function mixed(sum: number, word: number): number {
  const added = (sum + Math.imul(word, PRIME_2)) | 0;
  return Math.imul((added << 13) | (added >>> 19), PRIME_1);
}

const sums = new Int32Array(CHECKSUM_BYTES / 4);
const sumBytes = new Uint8Array(sums.buffer);

/** Where a leaf ends; -1 when there is none. */
function leafEnd(chunk: Chunk, at: number, length: number): number {
  if (at + leafWords(0, 0) > length) return -1;
  const keyLength = keyLengthOf(chunk, at);
  const valueLength = valueLengthOf(chunk, at);
  if (keyLength < 1 || keyLength > STATE_KEY_BYTES_MAX) return -1;
  if (valueLength > STATE_VALUE_BYTES_MAX) return -1;
  const end = at + leafWords(keyLength, valueLength);
  return end <= length ? end : -1;
}

/**
 * Where a branch and all below it end, which stand one after the other; -1 where they do not. So
 * no walk through them leaves the chunk or goes in circles, and sums are true.
 */
function branchEnd(chunk: Chunk, at: number, length: number, depth: number): number {
  if (depth >= PATH_NIBBLES || at + branchWords(1) > length || !isPlainBranch(chunk, at)) return -1;
  const bitmap = bitmapOf(chunk, at);
  const children = bitCount(bitmap);
  let next = at + branchWords(children);
  if (children === 0 || next > length) return -1;
  let weight = 0;
  let count = 0;
  let word = placeWord(at, children, 0);
  for (let bits = bitmap; bits !== 0; bits &= bits - 1, word += 2) {
    const nibble = 31 - Math.clz32(bits & -bits);
    if (chunk.words[word] !== 0 || chunk.words[word + 1] !== next) return -1;
    if (kindOfChild(chunk, at, nibble) === LEAF) {
      const end = leafEnd(chunk, next, length);
      if (end < 0) return -1;
      weight += weightOfLeaf(keyLengthOf(chunk, next), valueLengthOf(chunk, next));
      count += 1;
      next = end;
    } else {
      const end = branchEnd(chunk, next, length, depth + 1);
      if (end < 0) return -1;
      weight += branchWeight(chunk, next);
      count += branchCount(chunk, next);
      next = end;
    }
  }
  // A single leaf takes its branch's place.
  return count > 1 && count === branchCount(chunk, at) && weight === branchWeight(chunk, at)
    ? next
    : -1;
}
