import type { Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';

const U64_MAX = 0xffff_ffff_ffff_ffffn;

/** Reads a decimal number with a point, such as `1.5`, into smallest units. */
export function parseAmount(
  text: string,
  decimals: number,
): Result<bigint, { readonly code: 'amount-malformed' }> {
  const match = /^(\d{1,20})(?:\.(\d+))?$/.exec(text);
  const [, whole, fraction = ''] = match ?? [];
  if (whole === undefined || fraction.length > decimals) return fail({ code: 'amount-malformed' });
  const value = BigInt(whole + fraction.padEnd(decimals, '0'));
  return value > U64_MAX ? fail({ code: 'amount-malformed' }) : ok(value);
}

/** Smallest units as a decimal number, without trailing zeros. */
export function formatAmount(amount: bigint, decimals: number): string {
  const digits = amount.toString().padStart(decimals + 1, '0');
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, '');
  return fraction === '' ? whole : `${whole}.${fraction}`;
}
