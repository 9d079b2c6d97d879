import { expect, test } from 'vitest';
import { formatAmount, parseAmount } from './amounts.ts';

test('decimal numbers become smallest units and come back', () => {
  for (const [text, units] of [
    ['0', 0n],
    ['1.5', 1_500_000n],
    ['0.000001', 1n],
    ['18446744073709.551615', 18_446_744_073_709_551_615n],
  ] as const) {
    expect(parseAmount(text, 6)).toEqual({ ok: true, value: units });
    expect(formatAmount(units, 6)).toBe(text);
  }
  expect(formatAmount(12n, 0)).toBe('12');
});

test('anything that is not such a number is refused', () => {
  for (const text of ['', '-1', '1,5', '1.', '.5', '1e3', '0.0000001', '18446744073709.551616']) {
    expect(parseAmount(text, 6).ok).toBe(false);
  }
});
