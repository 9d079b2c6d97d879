import { bech32m } from '@scure/base';
import type { Brand, Bytes, Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { fixedBytes, refined } from '../codec/index.ts';

/** Names an account: the hash of its first key policy, 32 bytes; `tab1…` (bech32m) as text. */
export type Address = Brand<Bytes, 'Address'>;

/** Why a text is no address. */
export type AddressError =
  | { readonly code: 'address-prefix-wrong'; readonly prefix: string }
  | { readonly code: 'address-length-wrong'; readonly length: number }
  | { readonly code: 'address-mixed-case' }
  | { readonly code: 'address-character-invalid'; readonly position: number }
  | { readonly code: 'address-checksum-wrong' };

const PREFIX = 'tab';
/** `tab1`, 52 characters for 32 bytes, 6 of checksum (BIP 350). */
const ADDRESS_LENGTH = 62;
const CHARACTERS = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';

/** Bech32m text of an address, 62 characters. */
export function formatAddress(address: Address): string {
  return bech32m.encode(PREFIX, bech32m.toWords(address));
}

/** Reads bech32m text; spaces between groups are allowed, all upper case is too. */
export function parseAddress(text: string): Result<Address, AddressError> {
  const compact = text.replaceAll(/\s/g, '');
  // ASCII letters alone: other scripts have capitals too, such as the sign of Kelvin for `k`.
  const lower = compact.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  if (compact !== lower && compact !== compact.toUpperCase()) {
    return fail({ code: 'address-mixed-case' });
  }
  if (!lower.startsWith(`${PREFIX}1`)) {
    return fail({ code: 'address-prefix-wrong', prefix: lower.slice(0, PREFIX.length + 1) });
  }
  for (let position = PREFIX.length + 1; position < lower.length; position++) {
    if (!CHARACTERS.includes(lower.charAt(position))) {
      return fail({ code: 'address-character-invalid', position });
    }
  }
  if (lower.length !== ADDRESS_LENGTH) {
    return fail({ code: 'address-length-wrong', length: lower.length });
  }
  const decoded = bech32m.decodeUnsafe(lower, ADDRESS_LENGTH);
  const bytes = decoded === undefined ? undefined : bech32m.fromWordsUnsafe(decoded.words);
  if (bytes === undefined || bytes.length !== 32) return fail({ code: 'address-checksum-wrong' });
  return ok(new Uint8Array(bytes) as Address); // 32 bytes under a good checksum.
}

export const addressCodec: Codec<Address> = refined<Bytes, Address>('Address', fixedBytes(32), {
  parse: (value) => value as Address, // Any 32 bytes may be the hash of a policy.
  text: { format: formatAddress, parse: parseAddress },
});
