import type { Bytes, Json } from '../base/index.ts';
import { assert, decodeUtf8, encodeUtf8, formatHex, parseHex } from '../base/index.ts';
import type { Codec } from './codec.ts';
import { Refusal } from './errors.ts';
import type { Reader } from './reader.ts';
import type { Writer } from './writer.ts';

function whole(
  bits: 8 | 16 | 32 | 53,
  write: (writer: Writer, value: number) => void,
  read: (reader: Reader) => number,
): Codec<number> {
  const maximum = 2 ** bits - 1;
  const fits = (value: unknown): value is number =>
    typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= maximum;
  return {
    shape: { kind: 'integer', bits },
    write(writer, value) {
      // Texts of failures are made when something failed: here that took as long as writing.
      if (!fits(value)) assert(false, `not an unsigned integer of ${bits} bits: ${value}`);
      write(writer, value);
    },
    read,
    toJson: (value) => value,
    fromJson(json, path) {
      if (!fits(json) || Object.is(json, -0)) throw new Refusal('out-of-range', path);
      return json;
    },
  };
}

/** 0 to 255. */
export const u8 = whole(
  8,
  (writer, value) => writer.u8(value),
  (reader) => reader.u8(),
);
/** 0 to 65,535, little-endian. */
export const u16 = whole(
  16,
  (writer, value) => writer.u16(value),
  (reader) => reader.u16(),
);
/** 0 to 2^32 - 1, little-endian. */
export const u32 = whole(
  32,
  (writer, value) => writer.u32(value),
  (reader) => reader.u32(),
);
/** 0 to 2^53 - 1 as eight bytes: heights, times and counts, which JSON can hold exactly. */
export const uint53 = whole(
  53,
  (writer, value) => writer.uint53(value),
  (reader) => reader.uint53(),
);

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** 0 to 2^64 - 1 as a bigint; decimal text in JSON. */
export const u64: Codec<bigint> = {
  shape: { kind: 'integer', bits: 64 },
  write(writer, value) {
    const isInside = value >= 0n && value <= U64_MAX;
    if (!isInside) assert(false, `not an unsigned integer of 64 bits: ${value}`);
    writer.u64(value);
  },
  read: (reader) => reader.u64(),
  toJson: (value) => value.toString(),
  fromJson(json, path) {
    if (typeof json !== 'string' || !/^(0|[1-9][0-9]{0,19})$/.test(json)) {
      throw new Refusal('out-of-range', path);
    }
    const value = BigInt(json);
    if (value > U64_MAX) throw new Refusal('out-of-range', path);
    return value;
  },
};

/** One byte, 0 or 1. */
export const bool: Codec<boolean> = {
  shape: { kind: 'boolean' },
  write: (writer, value) => writer.u8(value ? 1 : 0),
  read(reader) {
    const at = reader.at;
    const byte = reader.u8();
    if (byte > 1) throw new Refusal('non-canonical', at);
    return byte === 1;
  },
  toJson: (value) => value,
  fromJson(json, path) {
    if (typeof json !== 'boolean') throw new Refusal('json-malformed', path);
    return json;
  },
};

function bytesFromJson(json: Json, path: string): Bytes {
  if (typeof json !== 'string') throw new Refusal('json-malformed', path);
  const parsed = parseHex(json);
  if (!parsed.ok) throw new Refusal('json-malformed', path);
  return parsed.value;
}

/** Exactly `length` bytes, without a length prefix. */
export function fixedBytes(length: number): Codec<Bytes> {
  return {
    shape: { kind: 'bytes', lengthMin: length, lengthMax: length },
    write(writer, value) {
      if (value.length !== length) assert(false, `not ${length} bytes: ${value.length}`);
      writer.bytes(value);
    },
    read: (reader) => reader.bytes(length),
    toJson: (value) => formatHex(value),
    fromJson(json, path) {
      const value = bytesFromJson(json, path);
      if (value.length !== length) throw new Refusal('out-of-range', path);
      return value;
    },
  };
}

/**
 * As `fixedBytes`, of what is nearly always the same: then reading gives the same object, which
 * costs no memory and is known again by identity.
 *
 * @param known What that is; otherwise it is what was read last.
 */
export function familiarBytes(length: number, known?: Bytes): Codec<Bytes> {
  let last = known;
  return {
    ...fixedBytes(length),
    read(reader) {
      if (last !== undefined && reader.skip(last)) return last;
      const value = reader.bytes(length);
      if (known !== undefined) return value;
      last = new Uint8Array(value); // What is read may be a view of something large.
      return last;
    },
  };
}

/** Between `min` and `max` bytes behind a ULEB128 length. */
export function bytes(bounds: { readonly min?: number; readonly max: number }): Codec<Bytes> {
  const { min = 0, max } = bounds;
  return {
    shape: { kind: 'bytes', lengthMin: min, lengthMax: max },
    write(writer, value) {
      const isInside = value.length >= min && value.length <= max;
      if (!isInside) assert(false, `not ${min} to ${max} bytes`);
      writer.uleb(value.length);
      writer.bytes(value);
    },
    read(reader) {
      const at = reader.at;
      const length = reader.uleb();
      if (length > max) throw new Refusal('too-long', at);
      if (length < min) throw new Refusal('too-short', at);
      return reader.bytes(length);
    },
    toJson: (value) => formatHex(value),
    fromJson(json, path) {
      const value = bytesFromJson(json, path);
      if (value.length > max) throw new Refusal('too-long', path);
      if (value.length < min) throw new Refusal('too-short', path);
      return value;
    },
  };
}

/** Well-formed UTF-8 of at most `max` bytes behind a ULEB128 length. */
export function text(bounds: { readonly max: number }): Codec<string> {
  const inner = bytes(bounds);
  return {
    shape: { kind: 'text', bytesMax: bounds.max },
    write(writer, value) {
      if (value.length > bounds.max || !writer.ascii(value)) inner.write(writer, encodeUtf8(value));
    },
    read(reader) {
      const at = reader.at;
      const length = reader.uleb();
      if (length > bounds.max) throw new Refusal('too-long', at);
      const ascii = reader.ascii(length);
      if (ascii !== undefined) return ascii;
      const decoded = decodeUtf8(reader.bytes(length));
      if (!decoded.ok) throw new Refusal('utf8-malformed', at);
      return decoded.value;
    },
    toJson: (value) => value,
    fromJson(json, path) {
      if (typeof json !== 'string') throw new Refusal('json-malformed', path);
      // A lone surrogate would be replaced on the way to bytes, so two texts would share one form.
      if (!json.isWellFormed()) throw new Refusal('utf8-malformed', path);
      if (encodeUtf8(json).length > bounds.max) throw new Refusal('too-long', path);
      return json;
    },
  };
}

/** One of a closed list of words: one byte, its place in `words`, which only grows at its end. */
export function enumeration<const Word extends string>(
  name: string,
  words: readonly Word[],
): Codec<Word> {
  return {
    shape: { kind: 'enumeration', name, words },
    write(writer, value) {
      const tag = words.indexOf(value);
      if (tag < 0) assert(false, `unknown ${name}: ${value}`);
      writer.u8(tag);
    },
    read(reader) {
      const at = reader.at;
      const word = words[reader.u8()];
      if (word === undefined) throw new Refusal('unknown-variant', at);
      return word;
    },
    toJson: (value) => value,
    fromJson(json, path) {
      const word = words.find((each) => each === json);
      if (word === undefined) throw new Refusal('unknown-variant', path);
      return word;
    },
  };
}
