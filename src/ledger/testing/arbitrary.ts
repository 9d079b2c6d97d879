import fc from 'fast-check';
import type { Json } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { Shape } from '../../codec/index.ts';
import type { Address } from '../address.ts';
import { formatAddress } from '../address.ts';

const hex = (min: number, max: number): fc.Arbitrary<string> =>
  fc
    .uint8Array({ minLength: min, maxLength: Math.min(max, min + 40) })
    .map((bytes) => formatHex(bytes));

/** Refined types whose values are only some of their wire form's. */
const refinements: { readonly [name: string]: fc.Arbitrary<Json> } = {
  // Any 32 bytes may be an address.
  Address: fc
    .uint8Array({ minLength: 32, maxLength: 32 })
    .map((bytes) => formatAddress(new Uint8Array(bytes) as unknown as Address)),
  P256PublicKey: fc
    .tuple(fc.constantFrom('02', '03'), hex(32, 32))
    .map(([prefix, x]) => prefix + x),
  Symbol: fc.stringMatching(/^[A-Z][A-Z0-9]{0,11}$/),
  DisplayName: fc.stringMatching(/^[a-zß-ö]{1,20}$/),
  Decimals: fc.integer({ min: 0, max: 18 }),
};

/** JSON forms of a shape: every value that a codec should accept, small ones first. */
export function jsonOf(shape: Shape): fc.Arbitrary<Json> {
  switch (shape.kind) {
    case 'integer':
      return shape.bits === 64
        ? fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String)
        : fc.integer({ min: 0, max: 2 ** shape.bits - 1 });
    case 'boolean':
      return fc.boolean();
    case 'bytes':
      return hex(shape.lengthMin, shape.lengthMax);
    case 'text':
      return fc.string({ unit: 'grapheme', maxLength: Math.floor(shape.bytesMax / 40) });
    case 'list': {
      const { lengthMin: minLength, lengthMax } = shape;
      return fc.array(jsonOf(shape.item), {
        minLength,
        maxLength: Math.min(lengthMax, minLength + 2),
      });
    }
    case 'option':
      return fc.option(jsonOf(shape.item), { nil: null });
    case 'enumeration':
      return fc.constantFrom(...shape.words);
    case 'struct':
      return structOf(shape.fields, {});
    case 'union':
      return fc.oneof(
        ...shape.variants.map(({ name, shape: variant }) =>
          structOf(variant.kind === 'struct' ? variant.fields : [], { kind: name }),
        ),
      );
    case 'refined':
      return refinements[shape.name] ?? jsonOf(shape.inner);
    default: {
      const missing: never = shape;
      return missing;
    }
  }
}

function structOf(
  fields: readonly { readonly name: string; readonly shape: Shape }[],
  extra: { readonly [name: string]: Json },
): fc.Arbitrary<Json> {
  const members = fields.map(({ name, shape }) => [name, jsonOf(shape)] as const);
  const records = fc.record(Object.fromEntries(members));
  return records.map((record) => ({ ...extra, ...record }) as Json); // Made of JSON alone.
}
