import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatAmount, parseAmount } from './index.ts';

function read(text: string, decimals: number, locale: string): bigint | string {
  const parsed = parseAmount(text, decimals, locale);
  return parsed.ok ? parsed.value : parsed.error.code;
}

describe('parseAmount', () => {
  test('reads the notation of the language', () => {
    expect(read('1.5', 6, 'en')).toBe(1_500_000n);
    expect(read('1,5', 6, 'de')).toBe(1_500_000n);
    expect(read('1,234.50', 2, 'en')).toBe(123_450n);
    expect(read('1.234,50', 2, 'de')).toBe(123_450n);
    expect(read('1 234,50', 2, 'fr')).toBe(123_450n);
    expect(read('1\u202f234,50', 2, 'fr')).toBe(123_450n);
    expect(read("1'234.50", 2, 'de-CH')).toBe(123_450n);
    expect(read('1’234.50', 2, 'de-CH')).toBe(123_450n);
    expect(read('1,00,000', 0, 'en-IN')).toBe(100_000n);
    expect(read('1.234', 0, 'es')).toBe(1_234n);
    expect(read('١٢٫٥', 1, 'ar-EG')).toBe(125n);
  });

  test('needs neither groups nor a digit on both sides', () => {
    expect(read(' 1234.5 ', 2, 'en')).toBe(123_450n);
    expect(read('.5', 2, 'en')).toBe(50n);
    expect(read('5.', 2, 'en')).toBe(500n);
    expect(read('0', 2, 'en')).toBe(0n);
    expect(read('1.500000', 1, 'en')).toBe(15n);
  });

  test('never guesses what a foreign separator means', () => {
    expect(read('1.5', 6, 'de')).toBe('amount-separator-wrong');
    expect(read('1,5', 6, 'en')).toBe('amount-separator-wrong');
    expect(read('1,23,456', 2, 'en')).toBe('amount-separator-wrong');
    expect(read('1.234,5', 6, 'en')).toBe('amount-separator-wrong');
    expect(read('1 5', 2, 'en')).toBe('amount-separator-wrong');
  });

  test('names what is wrong', () => {
    expect(read('', 2, 'en')).toBe('amount-empty');
    expect(read('  ', 2, 'en')).toBe('amount-empty');
    for (const text of ['abc', '-1', '1e3', '0x10', '.', '1.2.3.', '1a', '+5', '∞']) {
      expect(read(text, 2, 'en'), text).toMatch(/^amount-(malformed|separator-wrong)$/);
    }
    expect(read('0.001', 2, 'en')).toBe('amount-too-precise');
    expect(read('18446744073709551615', 0, 'en')).toBe(18_446_744_073_709_551_615n);
    expect(read('18446744073709551616', 0, 'en')).toBe('amount-too-large');
  });
});

describe('formatAmount', () => {
  test('is exact, grouped, and has two digits at least where the asset has them', () => {
    expect(formatAmount(120_450n, 2, 'en')).toBe('1,204.50');
    expect(formatAmount(120_450n, 2, 'de')).toBe('1.204,50');
    expect(formatAmount(1n, 6, 'en')).toBe('0.000001');
    expect(formatAmount(5_000_000n, 6, 'en')).toBe('5.00');
    expect(formatAmount(7n, 0, 'en')).toBe('7');
    expect(formatAmount(15n, 1, 'en')).toBe('1.5');
    expect(formatAmount(-150n, 2, 'en')).toBe('−1.50');
    expect(formatAmount(18_446_744_073_709_551_615n, 18, 'en')).toBe('18.446744073709551615');
  });

  test('what is shown can be typed in again, in every language', () => {
    const locale = fc.constantFrom('en', 'de', 'fr', 'de-CH', 'en-IN', 'es', 'pl', 'ar-EG', 'fa');
    const amount = fc.bigInt({ min: 0n, max: 18_446_744_073_709_551_615n });
    fc.assert(
      fc.property(locale, amount, fc.nat(18), (language, units, decimals) => {
        expect(read(formatAmount(units, decimals, language), decimals, language)).toBe(units);
      }),
    );
  });

  test('no text is read as more than one amount, or throws', () => {
    const text = fc.string({ maxLength: 12, unit: fc.constantFrom(..."0159.,' ’\u00a0-e+") });
    fc.assert(
      fc.property(text, fc.constantFrom('en', 'de', 'fr'), (typed, language) => {
        const parsed = parseAmount(typed, 4, language);
        if (!parsed.ok) return;
        expect(read(formatAmount(parsed.value, 4, language), 4, language)).toBe(parsed.value);
      }),
      { numRuns: 500 },
    );
  });
});
