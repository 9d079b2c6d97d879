import fc from 'fast-check';
import { expect, test } from 'vitest';
import { valuePieces, valueText } from './json.ts';

const leaf = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.integer(),
  fc.boolean(),
  fc.constantFrom(null, undefined),
  fc.bigInt(),
  fc.uint8Array({ maxLength: 4 }),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { maxDepth: 4 },
    leaf,
    fc.array(tie('tree')),
    fc.dictionary(fc.string(), tie('tree')),
  ),
}));

test('a text in pieces is the text in one', () => {
  fc.assert(
    fc.property(fc.array(tree), fc.nat(6), (value, levels) => {
      expect([...valuePieces(value, levels)].join('')).toBe(valueText(value));
    }),
  );
});

test('each value below the levels that are taken apart is a piece', () => {
  const entries = Array.from({ length: 500 }, (_, at) => ({ at, id: Uint8Array.of(at % 256) }));
  const pieces = [...valuePieces({ chapters: [{ entries }] }, 4)];
  expect(pieces.length).toBeGreaterThan(500);
  expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(100);
});
