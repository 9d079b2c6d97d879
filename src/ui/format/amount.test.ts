import { describe, expect, it } from 'vitest';
import { amountText, describeAmountProblem, readAmount } from './amount.ts';

const held = { amount: 100_000_000n, decimals: 6, symbol: 'TAB' };
const problem = (text: string, locale: string) =>
  describeAmountProblem(readAmount(text, held.decimals, locale), held, locale);

describe('amounts in the reader’s notation', () => {
  it('are written as the language writes them', () => {
    expect(amountText(1_204_500_000n, 6, 'en')).toBe('1,204.50');
    expect(amountText(1_204_500_000n, 6, 'de')).toBe('1.204,50');
  });
  it('German decimals can be sent', () => {
    expect(readAmount('1,5', 6, 'de')).toEqual({ ok: true, value: 1_500_000n });
    expect(problem('1,5', 'de')).toBeUndefined();
  });
  it('a point typed by a German is questioned, never read as a group', () => {
    expect(problem('1.5', 'de')).toContain('“,”');
  });
  it('nothing, too much and too fine are refused', () => {
    expect(problem('0', 'en')).toContain('zero');
    expect(problem('100.000001', 'en')).toContain('you have 100.00 TAB');
    expect(problem('0.0000001', 'en')).toContain('6 digits');
    expect(problem('ten', 'en')).toContain('no amount');
  });
  it('all of it may be sent', () => expect(problem('100', 'en')).toBeUndefined());
});
