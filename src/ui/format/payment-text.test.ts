import { describe, expect, it } from 'vitest';
import { paymentText, readPaymentText } from './payment-text.ts';

const ADDRESS = `tab1${'q'.repeat(58)}`;

describe('readPaymentText', () => {
  it('reads bare addresses, also in capitals and in groups', () => {
    expect(readPaymentText(` ${ADDRESS} `).address).toBe(ADDRESS);
    expect(readPaymentText(ADDRESS.toUpperCase()).address).toBe(ADDRESS);
    expect(readPaymentText(`tab1 ${'q'.repeat(58)}`).address).toBe(ADDRESS);
  });
  it('reads the scheme and links with an amount', () => {
    const wanted = { address: ADDRESS, amount: '1.5' };
    expect(readPaymentText(`tabellion:${ADDRESS}?amount=1.5`)).toEqual(wanted);
    expect(readPaymentText(`https://wallet.example/send?to=${ADDRESS}&amount=1.5`)).toEqual(wanted);
  });
  it('reads what it writes', () => {
    const wanted = { address: ADDRESS, amount: '0.000001' };
    expect(readPaymentText(paymentText(ADDRESS, '0.000001'))).toEqual(wanted);
  });
  it('ignores amounts that are no plain decimals', () => {
    for (const amount of ['-1', '1e9', '1,5', '', '0x10', 'NaN']) {
      expect(readPaymentText(`tabellion:${ADDRESS}?amount=${amount}`).amount).toBeUndefined();
    }
  });
  it('leaves mixed case alone, so that the parser can refuse it', () => {
    expect(readPaymentText('tAb1qQ').address).toBe('tAb1qQ');
  });
});
