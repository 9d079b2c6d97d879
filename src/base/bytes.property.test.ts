import fc from 'fast-check';
import { expect, it } from 'vitest';
import { decodeUtf8, encodeUtf8, formatHex, parseHex } from './bytes.ts';

/** UTF-16 of any kind, lone surrogates too. */
const anyText = () => fc.array(fc.nat(0xffff)).map((units) => String.fromCharCode(...units));

it('hex comes back; whatever is accepted has one form', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(parseHex(formatHex(bytes))).toEqual({ ok: true, value: new Uint8Array(bytes) });
    }),
  );
  const typed = fc
    .array(fc.constantFrom('0', '9', 'a', 'f', 'A', 'g', ' ', 'x', '\n', '٣'))
    .map((characters) => characters.join(''));
  fc.assert(
    fc.property(fc.oneof(typed, anyText()), (text) => {
      const parsed = parseHex(text);
      if (parsed.ok) expect(formatHex(parsed.value)).toBe(text);
    }),
    { numRuns: 500 },
  );
  expect(parseHex('00\n').ok).toBe(false);
});

it('UTF-8 comes back; whatever is accepted has one form', () => {
  fc.assert(
    fc.property(anyText(), (text) => {
      const decoded = decodeUtf8(encodeUtf8(text));
      expect(decoded).toEqual({ ok: true, value: text.toWellFormed() });
    }),
  );
  const bytes = fc.oneof(
    fc.uint8Array(),
    fc.array(
      fc.constantFrom(0x00, 0x61, 0x80, 0xc0, 0xc3, 0xa9, 0xed, 0xa0, 0xef, 0xbb, 0xbf, 0xf4),
    ),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      const decoded = decodeUtf8(Uint8Array.from(given));
      if (decoded.ok) expect(encodeUtf8(decoded.value)).toEqual(Uint8Array.from(given));
    }),
    { numRuns: 1_000 },
  );
});
