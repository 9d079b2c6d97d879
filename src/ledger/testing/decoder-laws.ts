import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import type { Codec, Shape } from '../../codec/index.ts';
import { decode, encode, parseJson, toJson } from '../../codec/index.ts';
import { jsonOf } from './arbitrary.ts';

/** ULEB128 of 2³² − 1: a length that no bound allows. */
const LENGTH_OF_A_LIAR = [0xff, 0xff, 0xff, 0xff, 0x0f];

/** Codecs by name; each forgets its type, since the laws are the same for all. */
export type Codecs = { readonly [name: string]: Codec<unknown> };

/** Forgets the types of codecs, so that they fit in one table. */
export function untyped(codecs: { readonly [name: string]: unknown }): Codecs {
  return codecs as Codecs; // Each value is given back to its own codec only.
}

/** Whatever is accepted re-encodes to the very same bytes; nothing throws. */
export function acceptsOnlyCanonical(codec: Codec<unknown>, bytes: Uint8Array): void {
  const decoded = decode(codec, bytes);
  if (decoded.ok) expect(encode(codec, decoded.value)).toEqual(new Uint8Array(bytes));
}

/** Values of a codec, by way of their JSON. */
function valuesOf(codec: Codec<unknown>): fc.Arbitrary<unknown> {
  return jsonOf(codec.shape).map((json) => {
    const value = parseJson(codec, json);
    if (!value.ok) throw new Error(`refused: ${JSON.stringify(value.error)}`);
    return value.value;
  });
}

/** The fewest bytes that a value of a shape takes. */
function bytesMinOf(shape: Shape): number {
  switch (shape.kind) {
    case 'integer':
      return shape.bits === 53 ? 8 : shape.bits / 8;
    case 'bytes':
      return shape.lengthMin === shape.lengthMax ? shape.lengthMin : 1 + shape.lengthMin;
    case 'list':
      return 1 + shape.lengthMin * bytesMinOf(shape.item);
    case 'struct':
      return shape.fields.reduce((sum, field) => sum + bytesMinOf(field.shape), 0);
    case 'refined':
      return bytesMinOf(shape.inner);
    case 'boolean':
    case 'text':
    case 'option':
    case 'enumeration':
    case 'union':
      return 1; // A tag or a length, and perhaps nothing behind it.
  }
}

function listsOf(shape: Shape): Shape[] {
  switch (shape.kind) {
    case 'list':
      return [shape.item, ...listsOf(shape.item)];
    case 'option':
      return listsOf(shape.item);
    case 'struct':
      return shape.fields.flatMap((field) => listsOf(field.shape));
    case 'union':
      return shape.variants.flatMap((variant) => listsOf(variant.shape));
    case 'refined':
      return listsOf(shape.inner);
    default:
      return [];
  }
}

/** Adds the laws that every decoder obeys, whatever bytes it meets, as tests of one codec. */
export function describeDecoder(name: string, codec: Codec<unknown>, numRuns = 50): void {
  const values = valuesOf(codec);
  const forms = values.map((value) => encode(codec, value));

  describe(`the codec of ${name}`, () => {
    it('maps each value to bytes and back', () => {
      fc.assert(
        fc.property(values, (value) => {
          expect(decode(codec, encode(codec, value))).toEqual({ ok: true, value });
        }),
        { numRuns },
      );
    });

    it('never throws on a changed, shortened or lengthened form, nor accepts a second one', () => {
      fc.assert(
        fc.property(forms, fc.nat(), fc.nat(255), (bytes, place, byte) => {
          const at = place % bytes.length;
          const changed = new Uint8Array(bytes);
          changed[at] = byte;
          acceptsOnlyCanonical(codec, changed);
          expect(decode(codec, bytes.subarray(0, at)).ok).toBe(false);
          expect(decode(codec, Uint8Array.of(...bytes, byte)).ok).toBe(false);
          const [before, after] = [bytes.subarray(0, at), bytes.subarray(at)];
          acceptsOnlyCanonical(codec, Uint8Array.of(...before, ...after.subarray(1)));
          acceptsOnlyCanonical(codec, Uint8Array.of(...before, byte, ...after));
          acceptsOnlyCanonical(codec, Uint8Array.of(...before, ...LENGTH_OF_A_LIAR, ...after));
          // A length in two bytes that fits in one.
          const padded = Uint8Array.of(...before, (bytes[at] ?? 0) | 0x80, 0, ...after.subarray(1));
          acceptsOnlyCanonical(codec, padded);
        }),
        { numRuns },
      );
    });

    it('never throws on random bytes, nor accepts a second form', () => {
      const noise = fc.oneof(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(255).map((byte) => new Uint8Array(10_000).fill(byte)),
      );
      fc.assert(
        fc.property(noise, (bytes) => acceptsOnlyCanonical(codec, bytes)),
        { numRuns: 2 * numRuns },
      );
    });

    it('holds no list of nothing, whose length costs its sender no bytes', () => {
      expect(listsOf(codec.shape).filter((item) => bytesMinOf(item) === 0)).toEqual([]);
    });
  });
}

/** Adds the laws of JSON forms as tests of one codec. */
export function describeJson(name: string, codec: Codec<unknown>, numRuns = 50): void {
  describe(`the JSON of ${name}`, () => {
    it('gives back each value', () => {
      fc.assert(
        fc.property(valuesOf(codec), (value) => {
          const json = JSON.parse(JSON.stringify(toJson(codec, value)));
          expect(parseJson(codec, json)).toEqual({ ok: true, value });
        }),
        { numRuns },
      );
    });

    it('never throws on other JSON, and what it accepts it can show', () => {
      const bent = fc.tuple(jsonOf(codec.shape), fc.nat(), fc.jsonValue()).map(bend);
      fc.assert(
        fc.property(fc.oneof(fc.jsonValue(), bent), (json) => {
          const parsed = parseJson(codec, json as never); // Any JSON at all.
          if (!parsed.ok) return;
          const again = parseJson(codec, toJson(codec, parsed.value));
          expect(again).toEqual(parsed);
        }),
        { numRuns: 2 * numRuns },
      );
    });
  });
}

/** Replaces one member of JSON, wherever it stands, by something else. */
function bend([json, place, replacement]: [unknown, number, unknown]): unknown {
  if (typeof json !== 'object' || json === null) return replacement;
  const entries = Object.entries(json);
  if (entries.length === 0) return replacement;
  const at = place % entries.length;
  const changed = entries.map(([key, value], index) => [
    key,
    index === at ? bend([value, Math.floor(place / entries.length), replacement]) : value,
  ]);
  return Array.isArray(json) ? changed.map(([, value]) => value) : Object.fromEntries(changed);
}

/** A good form with some of its bytes changed, cut off or put in. */
export function bentBytes(samples: fc.Arbitrary<Uint8Array>): fc.Arbitrary<Bytes> {
  return fc
    .tuple(samples, fc.nat(), fc.uint8Array({ maxLength: 6 }), fc.nat(6))
    .map(([sample, place, inserted, removed]) => {
      const at = place % (sample.length + 1);
      return Uint8Array.of(
        ...sample.subarray(0, at),
        ...inserted,
        ...sample.subarray(at + removed),
      );
    });
}

/** UTF-16 of any kind, lone surrogates too. */
export function anyText(maxLength = 20): fc.Arbitrary<string> {
  return fc.array(fc.nat(0xffff), { maxLength }).map((units) => String.fromCharCode(...units));
}
