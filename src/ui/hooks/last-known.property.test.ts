import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyText } from '../../ledger/testing/decoder-laws.ts';
import { parseLastKnown } from './last-known.ts';

const whole = {
  networkName: 'Village',
  symbol: 'TAB',
  decimals: 6,
  height: 12,
  atMs: 1_700_000_000_000,
  balances: { tab1a: { amount: '120', atMs: 5 }, tab1b: { amount: '0', atMs: 6 } },
};

it('what was kept comes back', () => {
  expect(parseLastKnown(JSON.stringify(whole))).toEqual(whole);
  expect(parseLastKnown(null)).toMatchObject({ height: undefined, balances: {} });
});

it('whatever storage holds, each member is of its kind or absent', () => {
  const bent = fc
    .tuple(fc.constantFrom(...Object.keys(whole)), fc.jsonValue())
    .map(([name, value]) => JSON.stringify({ ...whole, [name]: value }));
  const balances = fc
    .jsonValue()
    .map((value) =>
      JSON.stringify({ ...whole, balances: { tab1c: value, tab1d: { amount: value } } }),
    );
  fc.assert(
    fc.property(fc.oneof(anyText(), fc.json(), bent, balances), (text) => {
      const known = parseLastKnown(text);
      for (const name of ['networkName', 'symbol'] as const) {
        expect(['string', 'undefined']).toContain(typeof known[name]);
      }
      for (const name of ['decimals', 'height', 'atMs'] as const) {
        expect(known[name] === undefined || Number.isSafeInteger(known[name])).toBe(true);
      }
      expect(known.decimals ?? 0).toBeLessThanOrEqual(18);
      for (const { amount, atMs } of Object.values(known.balances)) {
        expect(BigInt(amount) >= 0n && Number.isSafeInteger(atMs)).toBe(true);
      }
      expect(parseLastKnown(JSON.stringify(known))).toEqual(known);
    }),
    { numRuns: 500 },
  );
});
