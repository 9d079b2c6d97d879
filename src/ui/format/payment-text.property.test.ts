import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyText } from '../../ledger/testing/decoder-laws.ts';
import { readPaymentText } from './payment-text.ts';

const pieces = fc.array(
  fc.constantFrom(
    ...['tabellion:', 'web+tabellion://', 'https://a.example/', 'tab1qqqq', '?', '&', '#', '='],
    ...['to', 'amount', '1.5', '1,5', '%', '%2', ' ', '\u0000', 'é', '\ud800'],
  ),
  { maxLength: 12 },
);

it('any scanned text is read: no throw, no amount but a plain decimal, no white space', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        pieces.map((all) => all.join('')),
        anyText(),
      ),
      (text) => {
        const { address, amount } = readPaymentText(text);
        expect(address).not.toMatch(/\s/);
        if (amount !== undefined) expect(amount).toMatch(/^\d{1,20}(\.\d{1,18})?$/);
      },
    ),
    { numRuns: 300 },
  );
});

it('what a link of ours says comes back', () => {
  const amounts = fc.tuple(fc.nat(), fc.nat()).map(([whole, fraction]) => `${whole}.${fraction}`);
  const addresses = fc.stringMatching(/^tab1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}$/);
  fc.assert(
    fc.property(addresses, amounts, (address, amount) => {
      const query = new URLSearchParams({ to: address, amount });
      const wanted = { address, amount };
      expect(readPaymentText(`tabellion:${address}?amount=${amount}`)).toEqual(wanted);
      expect(readPaymentText(`https://wallet.example/send?${query}`)).toEqual(wanted);
      expect(readPaymentText(address.toUpperCase())).toEqual({ address, amount: undefined });
    }),
  );
});
