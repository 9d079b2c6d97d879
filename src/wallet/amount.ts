import type { Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';
import type { Amount } from '../ledger/index.ts';
import { AMOUNT_LENGTH_MAX } from './limits.ts';

/** Why a text is no amount. */
export type AmountError =
  | { readonly code: 'amount-empty' }
  | { readonly code: 'amount-malformed' }
  /** Groups or decimals are separated as in another language; `decimal` is the one of this. */
  | { readonly code: 'amount-separator-wrong'; readonly decimal: string }
  | { readonly code: 'amount-too-precise'; readonly decimals: number }
  | { readonly code: 'amount-too-large' };

const AMOUNT_MAX = 0xffff_ffff_ffff_ffffn;

/** How a language writes numbers. */
type Notation = {
  readonly decimal: string;
  readonly group: string;
  /** Ten digits, 0 first. */
  readonly digits: readonly string[];
  readonly formatter: Intl.NumberFormat;
};

const notations = new Map<string, Notation>();

function notationOf(locale: string | undefined): Notation {
  const known = notations.get(locale ?? '');
  if (known !== undefined) return known;
  // `always`: some languages leave four digits ungrouped, yet people may group them.
  const formatter = new Intl.NumberFormat(locale, {
    useGrouping: 'always',
    maximumFractionDigits: 0,
  } as Intl.NumberFormatOptions); // TypeScript's list of `useGrouping` lacks the word.
  const parts = new Intl.NumberFormat(locale, { minimumFractionDigits: 1 }).formatToParts(12345.5);
  const grouped = formatter.formatToParts(1234567n);
  const notation = {
    decimal: parts.find((part) => part.type === 'decimal')?.value ?? '.',
    group: grouped.find((part) => part.type === 'group')?.value ?? ',',
    digits: Array.from({ length: 10 }, (_, digit) => formatter.format(digit)),
    formatter,
  };
  notations.set(locale ?? '', notation);
  return notation;
}

/** Spaces of every width and apostrophes of every slant are one to whoever types them. */
function normalizeSeparators(text: string): string {
  return text.replaceAll(/[\s\u00a0\u202f\u2009]/g, ' ').replaceAll(/[’‘ʼ]/g, "'");
}

function toAsciiDigits(text: string, digits: readonly string[]): string {
  let ascii = '';
  for (const character of text) {
    const digit = digits.indexOf(character);
    ascii += digit >= 0 ? String(digit) : character;
  }
  return ascii;
}

/**
 * Reads what a person typed, in their own notation, into smallest units: `1,5` in German with two
 * decimals is 150n. Never a float. Groups are optional, but where they are written they must stand
 * where the language puts them, so that `1.5` typed by a German is refused, not read as 15.
 *
 * @param decimals Digits behind the point that the asset knows, 0 to 18.
 * @param locale BCP 47 tag; the browser's own when undefined.
 */
export function parseAmount(
  text: string,
  decimals: number,
  locale: string | undefined,
): Result<Amount, AmountError> {
  // What is pasted by mistake may be a book, and long numbers are slow to read.
  if (text.length > AMOUNT_LENGTH_MAX) return fail({ code: 'amount-malformed' });
  const { decimal, group, digits, formatter } = notationOf(locale);
  const plain = toAsciiDigits(normalizeSeparators(text.trim()), digits);
  if (plain === '') return fail({ code: 'amount-empty' });
  const at = plain.indexOf(decimal);
  const wholeText = at < 0 ? plain : plain.slice(0, at);
  const fraction = at < 0 ? '' : plain.slice(at + decimal.length);
  const separatorWrong = fail({ code: 'amount-separator-wrong', decimal } as const);
  if (/^[0-9]*[.,'][0-9]*$/.test(plain.replaceAll(decimal, '')) && !/^[0-9]*$/.test(fraction)) {
    return separatorWrong;
  }
  if (!/^[0-9]*$/.test(fraction)) return fail({ code: 'amount-malformed' });
  const bare = wholeText.split(normalizeSeparators(group)).join('');
  if (!/^[0-9]*$/.test(bare)) {
    return /^[0-9.,' ]+$/.test(bare) ? separatorWrong : fail({ code: 'amount-malformed' });
  }
  if (bare === '' && fraction === '') return fail({ code: 'amount-malformed' });
  const whole = BigInt(bare === '' ? '0' : bare);
  if (bare !== wholeText) {
    const expected = toAsciiDigits(normalizeSeparators(formatter.format(whole)), digits);
    if (expected !== wholeText) return separatorWrong;
  }
  const significant = fraction.replace(/0+$/, '');
  if (significant.length > decimals) return fail({ code: 'amount-too-precise', decimals });
  const units = BigInt(`${whole}${significant.padEnd(decimals, '0')}`);
  if (units > AMOUNT_MAX) return fail({ code: 'amount-too-large' });
  return ok(units as Amount); // In the range of the brand: 0 to 2^64 - 1.
}

/**
 * Smallest units in the reader's notation, exact, with as many digits as needed but at least two
 * (fewer when the asset has fewer): 120450n with two decimals is `1,204.50` in English.
 */
export function formatAmount(amount: bigint, decimals: number, locale: string | undefined): string {
  const { decimal, digits } = notationOf(locale);
  const isNegative = amount < 0n;
  const text = (isNegative ? -amount : amount).toString().padStart(decimals + 1, '0');
  const whole = text.slice(0, text.length - decimals);
  const shown = text
    .slice(text.length - decimals)
    .replace(/0+$/, '')
    .padEnd(Math.min(2, decimals), '0');
  const grouped = new Intl.NumberFormat(locale).format(BigInt(whole));
  const fraction = [...shown].map((digit) => digits[Number(digit)] ?? digit).join('');
  return `${isNegative ? '−' : ''}${grouped}${fraction === '' ? '' : decimal + fraction}`;
}
