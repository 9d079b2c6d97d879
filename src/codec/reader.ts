import type { Bytes } from '../base/index.ts';
import { Refusal } from './errors.ts';

/** Up to here a loop is faster than a view to copy from: hashes, keys and signatures. */
const COPIED_BY_HAND_MAX = 64;
/** Longer texts are left to the platform's decoder. */
const ASCII_TEXT_MAX = 48;

/** Where eight bytes become a bigint: a view of its own for each reader cost more than reading. */
const eight = new DataView(new ArrayBuffer(8));

/** Walks over little-endian BCS bytes; every step refuses what the bytes do not hold. */
export class Reader {
  readonly #bytes: Uint8Array;
  #at = 0;
  #isLending = false;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** The bytes that are walked over: not to be changed. */
  get source(): Uint8Array {
    return this.#bytes;
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Count of bytes not read yet. */
  get remaining(): number {
    return this.#bytes.length - this.#at;
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw new Refusal('truncated', at);
    this.#at = at + count;
    return at;
  }

  /** A byte that was taken. */
  #byteAt(at: number): number {
    return this.#bytes[at] as number; // Inside: whoever calls took it.
  }

  /** 32 bits that were taken. */
  #u32At(at: number): number {
    const low = this.#byteAt(at) | (this.#byteAt(at + 1) << 8) | (this.#byteAt(at + 2) << 16);
    return (low | (this.#byteAt(at + 3) << 24)) >>> 0;
  }

  u8(): number {
    return this.#byteAt(this.#take(1));
  }

  u16(): number {
    const at = this.#take(2);
    return this.#byteAt(at) | (this.#byteAt(at + 1) << 8);
  }

  u32(): number {
    return this.#u32At(this.#take(4));
  }

  u64(): bigint {
    const at = this.#take(8);
    eight.setUint32(0, this.#u32At(at), true);
    eight.setUint32(4, this.#u32At(at + 4), true);
    return eight.getBigUint64(0, true);
  }

  /** Eight bytes that must hold a whole number below 2^53. */
  uint53(): number {
    const at = this.#take(8);
    const high = this.#u32At(at + 4);
    if (high > 0x1f_ffff) throw new Refusal('out-of-range', at);
    return high * 0x1_0000_0000 + this.#u32At(at);
  }

  /** A ULEB128 number of at most 32 bits; longer than the shortest form is not canonical. */
  uleb(): number {
    const start = this.#at;
    let value = 0;
    for (let shift = 0; shift <= 28; shift += 7) {
      const byte = this.u8();
      if (shift === 28 && byte > 0x0f) throw new Refusal('out-of-range', start);
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) {
        if (byte === 0 && shift > 0) throw new Refusal('non-canonical', start);
        return value;
      }
    }
    throw new Refusal('out-of-range', start);
  }

  /**
   * From now on byte strings are views of the bytes walked over, half as dear as copies and half as
   * large: for who owns these bytes and changes them no more. A view that is kept keeps them all.
   */
  lend(): void {
    this.#isLending = true;
  }

  /** A copy of the next bytes, never a view into what a peer sent; but see `lend`. */
  bytes(count: number): Bytes {
    const at = this.#take(count);
    if (this.#isLending) {
      const { buffer, byteOffset } = this.#bytes;
      return new Uint8Array(buffer as ArrayBuffer, byteOffset + at, count); // Never a shared one.
    }
    if (count > COPIED_BY_HAND_MAX) return new Uint8Array(this.#bytes.subarray(at, at + count));
    const copy = new Uint8Array(count);
    for (let offset = 0; offset < count; offset++) copy[offset] = this.#byteAt(at + offset);
    return copy;
  }

  /** Passes over the next bytes if they are these; false, with nothing read, if not. */
  skip(expected: Uint8Array): boolean {
    const { length } = expected;
    const at = this.#at;
    if (length > this.#bytes.length - at) return false;
    for (let offset = 0; offset < length; offset++) {
      if (this.#bytes[at + offset] !== expected[offset]) return false;
    }
    this.#at = at + length;
    return true;
  }

  /**
   * The next bytes as text if all of them are ASCII and few; undefined, with nothing read, if not.
   * Most texts of a ledger are short words, for which a decoder's call is the larger part.
   */
  ascii(count: number): string | undefined {
    const at = this.#take(count);
    let text = '';
    for (let index = at; index < at + count; index++) {
      const byte = this.#byteAt(index);
      if (byte >= 0x80 || count > ASCII_TEXT_MAX) {
        this.#at = at;
        return undefined;
      }
      text += String.fromCharCode(byte);
    }
    return text;
  }
}
