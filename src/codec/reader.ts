import type { Bytes } from '../base/index.ts';
import { Refusal } from './errors.ts';

/** Walks over little-endian BCS bytes; every step refuses what the bytes do not hold. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
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

  u8(): number {
    return this.#view.getUint8(this.#take(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#take(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#take(4), true);
  }

  u64(): bigint {
    return this.#view.getBigUint64(this.#take(8), true);
  }

  /** Eight bytes that must hold a whole number below 2^53. */
  uint53(): number {
    const at = this.#take(8);
    const high = this.#view.getUint32(at + 4, true);
    if (high > 0x1f_ffff) throw new Refusal('out-of-range', at);
    return high * 0x1_0000_0000 + this.#view.getUint32(at, true);
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

  /** A copy of the next bytes: never a view into what a peer sent. */
  bytes(count: number): Bytes {
    const at = this.#take(count);
    return new Uint8Array(this.#bytes.subarray(at, at + count));
  }
}
