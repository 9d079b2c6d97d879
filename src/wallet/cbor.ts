import type { Bytes, Result } from '../base/index.ts';
import { decodeUtf8, fail, ok } from '../base/index.ts';
import { CBOR_DEPTH_MAX } from './limits.ts';

/** The kinds of CBOR (RFC 8949) that CTAP2 lets an authenticator write. */
export type Cbor =
  | number
  | string
  | boolean
  | null
  | Bytes
  | readonly Cbor[]
  | ReadonlyMap<number | string, Cbor>;

/** Leaves the recursive reader; caught by {@link decodeCborPrefix}. */
class Malformed extends Error {}

class CborReader {
  readonly #bytes: Uint8Array;
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  #take(count: number): Bytes {
    if (count > this.#bytes.length - this.at) throw new Malformed();
    const part = new Uint8Array(this.#bytes.subarray(this.at, this.at + count));
    this.at += count;
    return part;
  }

  /** The argument of an item's head; lengths beyond 32 bits and open ends are refused. */
  #argument(info: number): number {
    if (info < 24) return info;
    if (info > 26) throw new Malformed();
    let value = 0;
    for (const byte of this.#take(2 ** (info - 24))) value = value * 256 + byte;
    return value;
  }

  read(depth: number): Cbor {
    if (depth > CBOR_DEPTH_MAX) throw new Malformed();
    const [head = 0] = this.#take(1);
    const argument = this.#argument(head & 0x1f);
    switch (head >> 5) {
      case 0:
        return argument;
      case 1:
        return -1 - argument;
      case 2:
        return this.#take(argument);
      case 3:
        return this.#text(argument);
      case 4:
        return this.#list(argument, depth);
      case 5:
        return this.#map(argument, depth);
      case 7:
        return this.#simple(head);
      default:
        throw new Malformed();
    }
  }

  #text(length: number): string {
    const decoded = decodeUtf8(this.#take(length));
    if (!decoded.ok) throw new Malformed();
    return decoded.value;
  }

  #list(length: number, depth: number): readonly Cbor[] {
    const items: Cbor[] = [];
    for (let count = 0; count < length; count++) items.push(this.read(depth + 1));
    return items;
  }

  #map(length: number, depth: number): ReadonlyMap<number | string, Cbor> {
    const map = new Map<number | string, Cbor>();
    for (let count = 0; count < length; count++) {
      const key = this.read(depth + 1);
      if ((typeof key !== 'number' && typeof key !== 'string') || map.has(key)) {
        throw new Malformed();
      }
      map.set(key, this.read(depth + 1));
    }
    return map;
  }

  #simple(head: number): Cbor {
    if (head === 0xf4) return false;
    if (head === 0xf5) return true;
    if (head === 0xf6) return null;
    throw new Malformed();
  }
}

/** Reads one item from the front of some bytes and says where it ends. */
export function decodeCborPrefix(
  bytes: Uint8Array,
): Result<{ readonly value: Cbor; readonly length: number }, { readonly code: 'cbor-malformed' }> {
  const reader = new CborReader(bytes);
  try {
    const value = reader.read(1);
    return ok({ value, length: reader.at });
  } catch (error) {
    if (error instanceof Malformed) return fail({ code: 'cbor-malformed' });
    throw error;
  }
}
