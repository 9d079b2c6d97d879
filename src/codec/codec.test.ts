import { bcs } from '@mysten/bcs';
import { describe, expect, test } from 'vitest';
import type { Codec } from './index.ts';
import {
  bool,
  bytes,
  decode,
  encode,
  encodeEach,
  enumeration,
  familiarBytes,
  fixedBytes,
  jsonSchemaOf,
  option,
  parseJson,
  Reader,
  struct,
  text,
  toJson,
  u8,
  u16,
  u32,
  u64,
  uint53,
  union,
  vector,
  Writer,
} from './index.ts';

const person = struct('Person', {
  name: text({ max: 20 }),
  age: u8,
  balance: u64,
  tags: vector(u16, { max: 3 }),
  key: option(fixedBytes(2)),
  isMember: bool,
});

function codeOf(codec: Codec<unknown>, ...input: number[]): string {
  const result = decode(codec, Uint8Array.from(input));
  return result.ok ? 'accepted' : result.error.code;
}

describe('binary form', () => {
  test.each(['', 'a', 'é', '\u{1f600}', 'aé', 'a'.repeat(200)])(
    'of a text is its length and its UTF-8, whatever its length: %j and more',
    (tail) => {
      const codec = text({ max: 1000 });
      const reference = bcs.string();
      for (const length of [0, 1, 46, 47, 48, 49, 126, 127, 128, 300]) {
        const value = 'x'.repeat(length) + tail;
        const expected = new Uint8Array(reference.serialize(value).toBytes());
        expect(encode(codec, value)).toEqual(expected);
        expect(decode(codec, expected)).toEqual({ ok: true, value });
      }
    },
  );

  test('of many values is that of each', () => {
    const texts = ['', 'one', 'ünlike', 'x'.repeat(900)];
    const codec = text({ max: 1000 });
    expect(encodeEach(codec, texts)).toEqual(texts.map((each) => encode(codec, each)));
    expect(encodeEach(codec, [])).toEqual([]);
  });

  test('of a value that encodes another on the way is not disturbed by it', () => {
    const nested: Codec<number> = {
      ...u16,
      write(writer, value) {
        writer.u8(7);
        expect(encode(u32, 0xffff_ffff)).toEqual(Uint8Array.of(255, 255, 255, 255));
        u16.write(writer, value);
      },
    };
    expect(encode(nested, 258)).toEqual(Uint8Array.of(7, 2, 1));
  });

  test('after one that could not be encoded is whole again', () => {
    expect(() => encode(vector(u8, { max: 4 }), [1, 2, 300])).toThrow();
    expect(encode(u8, 9)).toEqual(Uint8Array.of(9));
  });

  test('equals what the reference BCS library writes', () => {
    const reference = bcs.struct('Person', {
      name: bcs.string(),
      age: bcs.u8(),
      balance: bcs.u64(),
      tags: bcs.vector(bcs.u16()),
      key: bcs.option(bcs.fixedArray(2, bcs.u8())),
      isMember: bcs.bool(),
    });
    const value = {
      name: 'Änne',
      age: 7,
      balance: 2n ** 63n + 5n,
      tags: [1, 65_535],
      key: Uint8Array.of(9, 8),
      isMember: true,
    };
    const expected = reference.serialize({ ...value, key: [9, 8] }).toBytes();
    expect(encode(person, value)).toEqual(new Uint8Array(expected));
    expect(decode(person, new Uint8Array(expected))).toEqual({ ok: true, value });
  });

  test('a union is its tag and the fields of the variant', () => {
    const shape = union('Shape', {
      circle: struct('Circle', { radius: u32 }),
      square: struct('Square', { side: u8 }),
    });
    expect([...encode(shape, { kind: 'square', side: 3 })]).toEqual([1, 3]);
    expect(decode(shape, Uint8Array.of(1, 3))).toEqual({
      ok: true,
      value: { kind: 'square', side: 3 },
    });
    expect(codeOf(shape, 2, 3)).toBe('unknown-variant');
  });

  test('whole numbers up to 2^53 - 1 take eight bytes and no more is accepted', () => {
    for (const value of [0, 1, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
      expect(encode(uint53, value)).toEqual(encode(u64, BigInt(value)));
      expect(decode(uint53, encode(uint53, value))).toEqual({ ok: true, value });
    }
    expect(codeOf(uint53, 0, 0, 0, 0, 0, 0, 0x20, 0)).toBe('out-of-range');
  });
});

describe('strictness', () => {
  test('truncated and trailing bytes are refused', () => {
    expect(codeOf(u32, 1, 2, 3)).toBe('truncated');
    expect(codeOf(u32, 1, 2, 3, 4, 5)).toBe('trailing-bytes');
  });

  test('a length must be in its shortest form and within bounds', () => {
    const short = bytes({ min: 1, max: 300 });
    expect(codeOf(short, 1, 9)).toBe('accepted');
    expect(codeOf(short, 0x81, 0, 9)).toBe('non-canonical');
    expect(codeOf(short, 0)).toBe('too-short');
    expect(codeOf(short, 0xff, 0xff, 0x03)).toBe('too-long');
    expect(codeOf(short, 0xff, 0xff, 0xff, 0xff, 0x1f)).toBe('out-of-range');
    expect(codeOf(short, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01)).toBe('out-of-range');
  });

  test('booleans, options and words have one form each', () => {
    expect(codeOf(bool, 2)).toBe('non-canonical');
    expect(codeOf(option(u8), 2, 0)).toBe('non-canonical');
    expect(codeOf(enumeration('Word', ['a', 'b']), 2)).toBe('unknown-variant');
  });

  test('malformed UTF-8 is refused', () => {
    expect(codeOf(text({ max: 4 }), 2, 0xc3, 0x28)).toBe('utf8-malformed');
  });

  test('an unencodable value is a bug', () => {
    expect(() => encode(u8, 256)).toThrow('not an unsigned integer');
    expect(() => encode(u64, -1n)).toThrow('not an unsigned integer');
    expect(() => encode(text({ max: 1 }), 'ab')).toThrow('bytes');
  });
});

describe('JSON form', () => {
  const value = {
    name: 'Ben',
    age: 7,
    balance: 2n ** 60n,
    tags: [],
    key: undefined,
    isMember: false,
  };

  test('round trips, with 64-bit integers as text', () => {
    const json = toJson(person, value);
    expect(json).toEqual({
      name: 'Ben',
      age: 7,
      balance: '1152921504606846976',
      tags: [],
      key: null,
      isMember: false,
    });
    expect(parseJson(person, json)).toEqual({ ok: true, value });
  });

  test('unknown members, missing members and wrong kinds are refused with their path', () => {
    const json = { name: 'Ben', age: 7, balance: '1', tags: [], isMember: false };
    expect(parseJson(person, json).ok).toBe(true);
    expect(parseJson(person, { ...json, extra: 1 })).toEqual({
      ok: false,
      error: { code: 'json-malformed', at: 'extra' },
    });
    expect(parseJson(person, { ...json, tags: [1, -1] })).toEqual({
      ok: false,
      error: { code: 'out-of-range', at: 'tags.1' },
    });
    expect(parseJson(person, { ...json, balance: '01' }).ok).toBe(false);
    expect(parseJson(person, { ...json, name: '\ud800' }).ok).toBe(false);
    expect(parseJson(person, JSON.parse('{"__proto__": {"age": 1}}')).ok).toBe(false);
  });

  test('the schema says the same', () => {
    expect(jsonSchemaOf(person.shape)).toMatchObject({
      title: 'Person',
      type: 'object',
      required: ['name', 'age', 'balance', 'tags', 'isMember'],
      additionalProperties: false,
    });
  });
});

describe('familiar bytes', () => {
  const known = Uint8Array.of(0, 0, 0, 7);
  const inputs = ['00000007', '00000008', '00000008', '00000007', '000000', '0000000700'].map(
    (hex) => new Uint8Array(Buffer.from(hex, 'hex')),
  );

  test('are what fixed bytes are, whatever was read before', () => {
    for (const codec of [familiarBytes(4), familiarBytes(4, known)]) {
      expect(codec.shape).toEqual(fixedBytes(4).shape);
      for (const input of inputs) {
        expect(decode(codec, input)).toEqual(decode(fixedBytes(4), input));
        expect(codec.read(new Reader(known))).toEqual(known);
      }
    }
  });

  test('are one object, which nothing that was read holds', () => {
    const codec = familiarBytes(4);
    const source = Uint8Array.of(1, 2, 3, 4, 1, 2, 3, 4);
    const reader = new Reader(source);
    reader.lend();
    const first = codec.read(reader);
    expect(codec.read(reader)).toBe(first);
    expect(first.buffer).not.toBe(source.buffer);
    expect(decode(familiarBytes(4, known), Uint8Array.from(known))).toEqual({
      ok: true,
      value: known,
    });
    expect(familiarBytes(4, known).read(new Reader(Uint8Array.from(known)))).toBe(known);
  });
});

test.each([5, 96, 97, 300])(
  '%d written bytes are copied to where there is room alone',
  (length) => {
    const writer = new Writer();
    const written = Uint8Array.from({ length }, (_, at) => at % 251);
    writer.bytes(written);
    const target = new Uint8Array(length + 2);
    writer.copyTo(target, 2);
    expect(target.subarray(2)).toEqual(written);
    expect(() => writer.copyTo(target, 3)).toThrow('there is room for it');
    expect(() => writer.copyTo(target, -1)).toThrow('there is room for it');
    expect(target.subarray(2)).toEqual(written);
  },
);
