import { equalBytes } from '../base/index.ts';
import type { Address } from '../ledger/index.ts';
import { formatAddress } from '../ledger/index.ts';
import { LOOKALIKE_CHARACTERS } from './limits.ts';

/** First and last characters that people look at; `tab1` is the same for all. */
function ends(address: Address): string {
  const text = formatAddress(address);
  const start = text.indexOf('1') + 1;
  return text.slice(start, start + LOOKALIKE_CHARACTERS) + text.slice(-LOOKALIKE_CHARACTERS);
}

/** The known address that another one merely resembles: same ends, different middle. */
export function findLookalike<Known extends { readonly address: Address }>(
  address: Address,
  known: readonly Known[],
): Known | undefined {
  if (known.some((each) => equalBytes(each.address, address))) return undefined;
  const shown = ends(address);
  return known.find((each) => ends(each.address) === shown);
}
