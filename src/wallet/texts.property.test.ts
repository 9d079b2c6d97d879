import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText } from '../ledger/testing/decoder-laws.ts';
import { formatAmount, parseAmount } from './amount.ts';
import { EMPTY_NOTEBOOK, formatNotebook, parseNotebook } from './notebook.ts';

const LOCALES = ['en', 'de', 'de-CH', 'fr', 'hi', 'ar-EG', 'sv', 'ja'];
const U64_MAX = 2n ** 64n - 1n;

describe('amounts as people write them', () => {
  const amount = fc.bigInt({ min: 0n, max: U64_MAX });
  const decimals = fc.integer({ min: 0, max: 18 });

  it('come back in every notation, to the last digit', () => {
    fc.assert(
      fc.property(amount, decimals, fc.constantFrom(...LOCALES), (units, places, locale) => {
        const text = formatAmount(units, places, locale);
        expect(parseAmount(text, places, locale), `${text} in ${locale}`).toEqual({
          ok: true,
          value: units,
        });
      }),
      { numRuns: 500 },
    );
  });

  it('of any other text are an amount that is written so, or a code', () => {
    const typed = fc
      .array(fc.constantFrom('0', '1', '9', '.', ',', "'", '’', ' ', '\u202f', '-', '+', 'e', 'x'))
      .map((characters) => characters.join(''));
    fc.assert(
      fc.property(
        fc.oneof(typed, anyText()),
        decimals,
        fc.constantFrom(...LOCALES),
        (text, places, locale) => {
          const parsed = parseAmount(text, places, locale);
          if (!parsed.ok) return;
          expect(parsed.value >= 0n && parsed.value <= U64_MAX).toBe(true);
          const written = formatAmount(parsed.value, places, locale);
          expect(parseAmount(written, places, locale)).toEqual(parsed);
          expect(text).toMatch(/[0-9\p{Nd}]/u);
          expect(text).not.toMatch(/[-+ex]/);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  it('of any length are judged at once', () => {
    const malformed = { ok: false, error: { code: 'amount-malformed' } };
    for (const part of ['1', '1,', ',', '.', '0', ' ', 'x', '9,999']) {
      expect(parseAmount(part.repeat(200_000), 2, 'en'), part).toEqual(malformed);
    }
  });
});

describe('notebooks as text', () => {
  const text = formatNotebook({
    ...EMPTY_NOTEBOOK,
    contacts: [{ name: 'Bob', address: new Uint8Array(32).fill(7) as never }],
  });

  it('come back; any bent text is refused or read as what it then says', () => {
    const parsed = parseNotebook(text);
    expect(parsed.ok && formatNotebook(parsed.value)).toBe(text);
    const put = fc.oneof(fc.string({ maxLength: 3 }), fc.constantFrom('{', '}', '"', ',', 'null'));
    fc.assert(
      fc.property(fc.nat(text.length), fc.nat(4), put, (at, removed, inserted) => {
        const bent = text.slice(0, at) + inserted + text.slice(at + removed);
        const read = parseNotebook(bent);
        if (!read.ok) return;
        const again = parseNotebook(formatNotebook(read.value));
        expect(again).toEqual(read);
        // An address may be written in groups: spaces in it mean nothing.
        const ungrouped = (source: string) =>
          JSON.parse(source, (name, value) =>
            name === 'address' ? String(value).replace(/\s/g, '').toLowerCase() : value,
          );
        expect(ungrouped(formatNotebook(read.value))).toEqual(ungrouped(bent));
      }),
      { numRuns: 1_000, examples: [[122, 0, ' ']] },
    );
  });

  it('of any kind are no notebooks: noise, other JSON, other versions, depth, length', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (noise) => {
        expect(parseNotebook(noise).ok).toBe(false);
      }),
    );
    for (const other of [
      text.replace('"version": 1', '"version": 2'),
      `${'['.repeat(100_000)}${']'.repeat(100_000)}`,
      ' '.repeat(20_000_000),
      text.replace('{', '{"__proto__":{},'),
    ]) {
      expect(parseNotebook(other).ok, other.slice(0, 40)).toBe(false);
    }
  });
});
