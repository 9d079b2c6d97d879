import type { Prng } from '../../simulator/prng.ts';

type Bytes = Uint8Array<ArrayBuffer>;

/** Longest input made by mutation. */
const INPUT_BYTES_MAX = 16 * 1024;
/** Bytes at the edges of ranges, tags and continuation bits. */
const EDGE_BYTES = [
  0, 1, 2, 3, 4, 0x0f, 0x10, 0x20, 0x3f, 0x40, 0x7e, 0x7f, 0x80, 0x81, 0xfe, 0xff,
];
const EDGE_NUMBERS = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0xffn,
  0x100n,
  0x7fffn,
  0xffffn,
  0x1_0000n,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0xffff_ffff_ffff_ffffn,
];
/** ULEB128 in forms that a strict reader refuses, and the largest that it takes. */
const ULEBS: readonly (readonly number[])[] = [
  [0x80, 0x00],
  [0x81, 0x00],
  [0x80, 0x80, 0x00],
  [0xff, 0x7f],
  [0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x04],
  [0xff, 0xff, 0xff, 0xff, 0x0f],
  [0xff, 0xff, 0xff, 0xff, 0x7f],
  [0x80, 0x80, 0x80, 0x80, 0x10],
  [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01],
];

/** Replaces `count` bytes at `at` by others. */
function replaced(bytes: Bytes, at: number, count: number, by: ArrayLike<number>): Bytes {
  const made = new Uint8Array(bytes.length - count + by.length);
  made.set(bytes.subarray(0, at));
  made.set(by, at);
  made.set(bytes.subarray(at + count), at + by.length);
  return made;
}

function range(prng: Prng, length: number): { readonly at: number; readonly count: number } {
  const at = prng.below(length);
  const count = 1 + prng.below(Math.min(length - at, prng.chance(800) ? 16 : 512));
  return { at, count };
}

function number(prng: Prng): Uint8Array {
  const width = prng.pick([2, 4, 8] as const);
  const bytes = new Uint8Array(8);
  const value = prng.pick(EDGE_NUMBERS) + (prng.chance(300) ? BigInt(prng.below(3)) - 1n : 0n);
  const isLittle = prng.chance(700);
  new DataView(bytes.buffer).setBigUint64(0, BigInt.asUintN(64, value), isLittle);
  return isLittle ? bytes.subarray(0, width) : bytes.subarray(8 - width);
}

/** One change; `other` is another input to take parts of. */
function change(bytes: Bytes, other: Bytes, prng: Prng): Bytes {
  const { length } = bytes;
  if (length === 0) return prng.chance(500) ? other.slice() : Uint8Array.of(prng.below(256));
  const at = prng.below(length);
  switch (prng.below(18)) {
    case 0:
    case 1:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << prng.below(8));
      return bytes;
    case 2:
      bytes[at] = prng.below(256);
      return bytes;
    case 3:
    case 4:
      bytes[at] = prng.pick(EDGE_BYTES);
      return bytes;
    case 5:
      bytes[at] = (bytes[at] ?? 0) + prng.below(9) - 4;
      return bytes;
    case 6:
      return bytes.slice(0, at);
    case 7: {
      const { at: from, count } = range(prng, length);
      return replaced(bytes, from, count, []);
    }
    case 8: {
      const noise = Array.from({ length: 1 + prng.below(12) }, () => prng.below(256));
      return replaced(bytes, at, 0, noise);
    }
    case 9: {
      // A piece once more, right behind itself or elsewhere.
      const { at: from, count } = range(prng, length);
      const piece = bytes.slice(from, from + count);
      return replaced(bytes, prng.chance(500) ? from + count : at, 0, piece);
    }
    case 10: {
      if (other.length === 0) return bytes;
      const cut = prng.chance(600) ? Math.min(at, other.length) : prng.below(other.length);
      return replaced(other.slice(cut), 0, 0, bytes.subarray(0, at));
    }
    case 11: {
      if (other.length === 0) return bytes;
      const { at: from, count } = range(prng, other.length);
      const piece = other.slice(from, from + count);
      const gone = prng.chance(500) ? Math.min(count, length - at) : 0;
      return replaced(bytes, at, gone, piece);
    }
    case 12: {
      const written = number(prng);
      return replaced(bytes, at, Math.min(written.length, length - at), written);
    }
    case 13: {
      const written = prng.pick(ULEBS);
      const gone = prng.chance(700) ? 1 : 0;
      return replaced(bytes, at, gone, written);
    }
    case 14: {
      // The same number in a longer form: never canonical.
      const byte = bytes[at] ?? 0;
      return replaced(bytes, at, 1, [byte | 0x80, 0]);
    }
    case 15: {
      const { at: from, count } = range(prng, length);
      const piece = bytes.slice(from, from + count);
      const times = 1 + prng.below(Math.max(1, Math.min(64, Math.floor(4096 / count))));
      const many = new Uint8Array(times * count);
      for (let copy = 0; copy < times; copy++) many.set(piece, copy * count);
      return replaced(bytes, from, 0, many);
    }
    case 16: {
      const { at: from, count } = range(prng, length);
      bytes.fill(prng.chance(500) ? 0 : 0xff, from, from + count);
      return bytes;
    }
    default: {
      const tail = Uint8Array.from({ length: 1 + prng.below(4) }, () => prng.pick(EDGE_BYTES));
      return replaced(bytes, length, 0, tail);
    }
  }
}

/** A changed copy of an input: one change mostly, sometimes several. */
export function mutateBytes(parent: Bytes, other: Bytes, prng: Prng): Bytes {
  let made: Bytes = parent.slice();
  let left = 1;
  while (left < 8 && prng.chance(450)) left += 1;
  for (; left > 0; left--) made = change(made, other, prng);
  return made.length > INPUT_BYTES_MAX ? made.slice(0, INPUT_BYTES_MAX) : made;
}

/** Simpler inputs, the boldest first: shorter, then with zeros. */
export function* simplerBytes(input: Bytes): Generator<Bytes> {
  for (let count = input.length >> 1; count >= 1; count >>= 1) {
    for (let at = 0; at + count <= input.length; at += count) {
      yield replaced(input, at, count, []);
    }
  }
  for (let at = 0; at < input.length; at++) {
    if (input[at] === 0) continue;
    yield replaced(input, at, 1, [0]);
  }
}
