import type { Hash } from '../crypto/index.ts';

/** Digits and letters that are not mistaken for each other (Crockford's base 32). */
const CHARACTERS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/**
 * The first 30 bits of a signing hash for people, such as `7K4-M2P`: the same on a second screen
 * means, beyond accident, the same transaction. An aid, since 30 bits can be searched.
 */
export function signingCodeOf(signingHash: Hash): string {
  let bits = 0;
  for (let at = 0; at < 4; at++) bits = bits * 256 + (signingHash[at] ?? 0);
  bits = Math.floor(bits / 4);
  let code = '';
  for (let place = 0; place < 6; place++) {
    code = CHARACTERS.charAt(bits % 32) + code;
    bits = Math.floor(bits / 32);
  }
  return `${code.slice(0, 3)}-${code.slice(3)}`;
}
