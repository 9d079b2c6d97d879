import type { Result } from './result.ts';
import { fail, ok } from './result.ts';

/** Bytes that nobody else changes after they were handed over. */
export type Bytes = Uint8Array<ArrayBuffer>;

const HEX_DIGITS = '0123456789abcdef';
const HEX_PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `${HEX_DIGITS[byte >> 4]}${HEX_DIGITS[byte & 15]}`,
);

/** Lower-case hexadecimal text of some bytes. */
export function formatHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** Reads lower-case hexadecimal text of even length; anything else is refused. */
export function parseHex(text: string): Result<Bytes, { readonly code: 'hex-malformed' }> {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return fail({ code: 'hex-malformed' });
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    bytes[at] = Number.parseInt(text.slice(2 * at, 2 * at + 2), 16);
  }
  return ok(bytes);
}

/** Whether two byte strings are the same. Not constant time: use it on public data only. */
export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  if (left.length !== right.length) return false;
  for (let at = 0; at < left.length; at++) if (left[at] !== right[at]) return false;
  return true;
}

/** Orders byte strings as a dictionary does; negative, zero or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const length = Math.min(left.length, right.length);
  for (let at = 0; at < length; at++) {
    const difference = (left[at] as number) - (right[at] as number); // Inside both lengths.
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Fresh bytes holding all parts in order. */
export function concatBytes(...parts: readonly Uint8Array[]): Bytes {
  let length = 0;
  for (const part of parts) length += part.length;
  const joined = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

const textEncoder = new TextEncoder();
const textDecoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. */
export function encodeUtf8(text: string): Bytes {
  return textEncoder.encode(text);
}

/** The text of well-formed UTF-8; anything else is refused. */
export function decodeUtf8(bytes: Uint8Array): Result<string, { readonly code: 'utf8-malformed' }> {
  try {
    return ok(textDecoder.decode(bytes));
  } catch {
    return fail({ code: 'utf8-malformed' });
  }
}
