import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';

/** Up to here a loop is quicker than the engine's own copying: hashes, signatures, state keys. */
const COPIED_BY_HAND_MAX = 96;

/** Bytes of a length or tag as `Writer.uleb` writes it. */
export function ulebLength(value: number): number {
  let length = 1;
  for (let rest = value; rest >= 0x80; rest >>>= 7) length += 1;
  return length;
}

/** A growing buffer of little-endian BCS bytes. */
export class Writer {
  #bytes: Bytes;
  #view: DataView;
  #length = 0;

  constructor(capacityBytes = 256) {
    this.#bytes = new Uint8Array(capacityBytes);
    this.#view = new DataView(this.#bytes.buffer);
  }

  #reserve(count: number): number {
    const at = this.#length;
    const needed = at + count;
    if (needed > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
      grown.set(this.#bytes.subarray(0, at));
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    this.#length = needed;
    return at;
  }

  u8(value: number): void {
    const at = this.#reserve(1);
    this.#bytes[at] = value;
  }

  u16(value: number): void {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
  }

  u32(value: number): void {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value, true);
  }

  u64(value: bigint): void {
    const at = this.#reserve(8);
    this.#view.setBigUint64(at, value, true);
  }

  /** A safe whole number as eight bytes; twice as fast as going through a bigint. */
  uint53(value: number): void {
    const at = this.#reserve(8);
    this.#view.setUint32(at, value >>> 0, true);
    this.#view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
  }

  /** A length or tag as ULEB128 in its only shortest form (BCS, "ULEB128-Encoded Integers"). */
  uleb(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.u8((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.u8(rest);
  }

  bytes(value: Uint8Array): void {
    const { length } = value;
    const at = this.#reserve(length);
    const bytes = this.#bytes;
    if (length > COPIED_BY_HAND_MAX) bytes.set(value, at);
    // Both inside: room was just made.
    else for (let each = 0; each < length; each++) bytes[at + each] = value[each] as number;
  }

  /** Writes a text of at most 127 ASCII characters behind its length; false, and nothing, if not. */
  ascii(text: string): boolean {
    const { length } = text;
    if (length > 0x7f) return false;
    const start = this.#reserve(1 + length);
    this.#bytes[start] = length;
    for (let index = 0; index < length; index++) {
      const code = text.charCodeAt(index);
      if (code >= 0x80) {
        this.#length = start;
        return false;
      }
      this.#bytes[start + 1 + index] = code;
    }
    return true;
  }

  /** Count of bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** Fresh bytes of what was written so far. */
  finish(): Bytes {
    return this.#bytes.slice(0, this.#length);
  }

  /** What was written so far, where it stands: until more is written, or `clear`. */
  written(): Bytes {
    return this.#bytes.subarray(0, this.#length);
  }

  /** What was written, without a copy, by who knew its length; the writer is of no more use. */
  take(): Bytes {
    assert(this.#length === this.#bytes.length, 'as long as was said');
    return this.#bytes;
  }

  /** Copies what was written so far; it must fit. */
  copyTo(target: Uint8Array, at: number): void {
    const bytes = this.#bytes;
    const length = this.#length;
    assert(at >= 0 && at + length <= target.length, 'there is room for it');
    if (length > COPIED_BY_HAND_MAX) target.set(bytes.subarray(0, length), at);
    // Both inside: they were written, and there is room.
    else for (let each = 0; each < length; each++) target[at + each] = bytes[each] as number;
  }

  /** Begins anew in the same buffer. */
  clear(): void {
    this.#length = 0;
  }
}
