import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  bool,
  bytes,
  decode,
  encode,
  enumeration,
  fixedBytes,
  option,
  parseJson,
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
} from './index.ts';

const everything = struct('Everything', {
  small: u8,
  medium: u16,
  large: u32,
  time: uint53,
  amount: u64,
  flag: bool,
  word: enumeration('Word', ['a', 'b', 'c']),
  digest: fixedBytes(4),
  data: bytes({ max: 40 }),
  name: text({ max: 40 }),
  maybe: option(u16),
  items: vector(union('Item', { x: struct('X', { n: u8 }), y: struct('Y', {}) }), { max: 5 }),
});

const anything = fc.record({
  small: fc.nat(255),
  medium: fc.nat(65_535),
  large: fc.nat(0xffff_ffff),
  time: fc.maxSafeNat(),
  amount: fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  flag: fc.boolean(),
  word: fc.constantFrom('a' as const, 'b' as const, 'c' as const),
  digest: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((value) => new Uint8Array(value)),
  data: fc.uint8Array({ maxLength: 40 }).map((value) => new Uint8Array(value)),
  name: fc.string({ unit: 'grapheme', maxLength: 5 }).filter((name) => name.length < 10),
  maybe: fc.option(fc.nat(65_535), { nil: undefined }),
  items: fc.array(
    fc.oneof(
      fc.nat(255).map((n) => ({ kind: 'x' as const, n })),
      fc.constant({ kind: 'y' as const }),
    ),
    { maxLength: 5 },
  ),
});

test('decode undoes encode, and JSON keeps the value', () => {
  fc.assert(
    fc.property(anything, (value) => {
      expect(decode(everything, encode(everything, value))).toEqual({ ok: true, value });
      const json = JSON.parse(JSON.stringify(toJson(everything, value)));
      expect(parseJson(everything, json)).toEqual({ ok: true, value });
    }),
  );
});

test('whatever bytes are accepted re-encode to themselves; nothing throws', () => {
  fc.assert(
    fc.property(anything, fc.array(fc.tuple(fc.nat(), fc.nat(255))), (value, edits) => {
      const mutated = encode(everything, value);
      for (const [at, byte] of edits) mutated[at % mutated.length] = byte;
      const result = decode(everything, mutated);
      if (result.ok) expect(encode(everything, result.value)).toEqual(mutated);
    }),
  );
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), (noise) => {
      const result = decode(everything, noise);
      if (result.ok) expect(encode(everything, result.value)).toEqual(new Uint8Array(noise));
    }),
  );
});

test('any JSON is answered with a value', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (json) => {
      const result = parseJson(everything, json as never); // `JsonValue` of fast-check is JSON.
      expect(typeof result.ok).toBe('boolean');
    }),
  );
});
