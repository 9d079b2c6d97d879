import type { Amount } from './types.ts';

/** Largest amount: 2^64 - 1. */
export const AMOUNT_MAX = 0xffff_ffff_ffff_ffffn as Amount; // The top of the range.

/** No amount at all. */
export const ZERO_AMOUNT = 0n as Amount; // The bottom of the range.

/** Makes an {@link Amount}; undefined outside 0 to 2^64 - 1. */
export function toAmount(value: bigint): Amount | undefined {
  return value >= 0n && value <= AMOUNT_MAX ? (value as Amount) : undefined; // Just checked.
}

/** The sum, or undefined when it leaves the range. */
export function addAmounts(left: Amount, right: Amount): Amount | undefined {
  return toAmount(left + right);
}

/** The difference, or undefined when it would be negative. */
export function subtractAmounts(left: Amount, right: Amount): Amount | undefined {
  return toAmount(left - right);
}
