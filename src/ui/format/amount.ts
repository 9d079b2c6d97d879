import type { Result } from '../../base/index.ts';
import type { Amount } from '../../sdk/index.ts';
import type { AmountError } from '../../wallet/index.ts';
import { formatAmount, parseAmount } from '../../wallet/index.ts';

/** An amount of smallest units in the reader's own notation. */
export function amountText(amount: bigint, decimals: number, locale?: string): string {
  return formatAmount(amount, decimals, locale);
}

/** Reads an amount as this reader writes it, into smallest units. */
export function readAmount(
  text: string,
  decimals: number,
  locale?: string,
): Result<Amount, AmountError> {
  return parseAmount(text, decimals, locale);
}

type Held = { readonly amount: bigint; readonly decimals: number; readonly symbol: string };

/** Why an amount cannot be sent, or nothing while it is sound or not typed yet. */
export function describeAmountProblem(
  amount: Result<Amount, AmountError> | undefined,
  held: Held,
  locale?: string,
): string | undefined {
  if (amount === undefined) return undefined;
  if (amount.ok) {
    if (amount.value === 0n) return 'The amount is zero.';
    if (amount.value > held.amount) {
      const most = amountText(held.amount, held.decimals, locale);
      return `That is too much: you have ${most} ${held.symbol}.`;
    }
    return undefined;
  }
  switch (amount.error.code) {
    case 'amount-too-precise':
      return `${held.symbol} has at most ${amount.error.decimals} digits after the separator.`;
    case 'amount-separator-wrong':
      return `Here “${amount.error.decimal}” separates the decimals. Write it so, to be sure.`;
    case 'amount-too-large':
      return 'That is more than can exist.';
    default:
      return `That is no amount. Write it like ${amountText(123450n, 2, locale)}.`;
  }
}
