import type { Bytes, Result } from '../base/index.ts';
import { fail, ok } from '../base/index.ts';

const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const VALUES = new Map([...DIGITS].map((digit, value) => [digit, value]));

/** Base64url without padding (RFC 4648 §5), as WebAuthn writes a challenge. */
export function encodeBase64Url(bytes: Uint8Array): string {
  let text = '';
  let held = 0;
  let heldBits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    heldBits += 8;
    while (heldBits >= 6) {
      heldBits -= 6;
      text += DIGITS.charAt((held >> heldBits) & 63);
    }
    held &= (1 << heldBits) - 1;
  }
  if (heldBits > 0) text += DIGITS.charAt((held << (6 - heldBits)) & 63);
  return text;
}

/** Reads base64url; padding, foreign characters and set spare bits are refused (one form only). */
export function decodeBase64Url(
  text: string,
): Result<Bytes, { readonly code: 'base64url-malformed' }> {
  if (text.length % 4 === 1) return fail({ code: 'base64url-malformed' });
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let at = 0;
  let held = 0;
  let heldBits = 0;
  for (const digit of text) {
    const value = VALUES.get(digit);
    if (value === undefined) return fail({ code: 'base64url-malformed' });
    held = (held << 6) | value;
    heldBits += 6;
    if (heldBits >= 8) {
      heldBits -= 8;
      bytes[at++] = held >> heldBits;
      held &= (1 << heldBits) - 1;
    }
  }
  if (held !== 0) return fail({ code: 'base64url-malformed' });
  return ok(bytes);
}
