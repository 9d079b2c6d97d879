import type { Result } from './result.ts';
import { fail, ok } from './result.ts';

/** Bytes that nobody else changes after they were handed over. */
export type Bytes = Uint8Array<ArrayBuffer>;

const HEX_DIGITS = '0123456789abcdef';
const HEX_PAIRS: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `${HEX_DIGITS[byte >> 4]}${HEX_DIGITS[byte & 15]}`,
);
/** Digits of a byte as two characters in memory order, whatever that order is here. */
const HEX_CODES = Uint16Array.from(
  HEX_PAIRS,
  (pair) => new Uint16Array(Uint8Array.from(pair, (digit) => digit.charCodeAt(0)).buffer)[0] ?? 0,
);
/** Value of a digit by its character code; 255 for what is none. */
const HEX_VALUES = Uint8Array.from({ length: 256 }, (_, code) => {
  const value = HEX_DIGITS.indexOf(String.fromCharCode(code));
  return value < 0 ? 255 : value;
});
/** Below this a few joined pairs are as fast. */
const HEX_DECODER_BYTES_MIN = 12;
const hexCodes = new Uint16Array(1024);
const hexCharacters = new Uint8Array(hexCodes.buffer);
const hexDecoder = new TextDecoder('latin1');

/** Digits of hashes, addresses and keys on their way into a text, by how many bytes these have. */
const hexDigits: readonly (number[] | undefined)[] = Array.from({ length: 34 }, (_, bytes) =>
  bytes < 32 ? undefined : new Array<number>(2 * bytes).fill(0),
);

/**
 * Lower-case hexadecimal text of some bytes.
 *
 * Texts of hashes are keys of maps everywhere. One that a decoder makes whole costs 0.4 µs as a
 * key, one joined from pairs 1.5 µs: the engine joins it only when it is looked up.
 */
export function formatHex(bytes: Uint8Array): string {
  const { length } = bytes;
  const digits = hexDigits[length];
  if (digits !== undefined) return formatShort(bytes, digits);
  if (length < HEX_DECODER_BYTES_MIN || length > hexCodes.length) return joinHex(bytes);
  // Inside both lengths.
  for (let at = 0; at < length; at++) hexCodes[at] = HEX_CODES[bytes[at] as number] as number;
  return hexDecoder.decode(hexCharacters.subarray(0, 2 * length));
}

/** As fast as the decoder, and leaves nothing to collect but the text. */
function formatShort(bytes: Uint8Array, digits: number[]): string {
  const { length } = bytes;
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number; // Inside.
    digits[2 * at] = HEX_DIGITS.charCodeAt(byte >> 4);
    digits[2 * at + 1] = HEX_DIGITS.charCodeAt(byte & 15);
  }
  return String.fromCharCode.apply(null, digits);
}

function joinHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += HEX_PAIRS[byte];
  return text;
}

/** Reads lower-case hexadecimal text of even length; anything else is refused. */
export function parseHex(text: string): Result<Bytes, { readonly code: 'hex-malformed' }> {
  if (text.length % 2 !== 0) return fail({ code: 'hex-malformed' });
  const bytes = new Uint8Array(text.length / 2);
  for (let at = 0; at < bytes.length; at++) {
    const high = HEX_VALUES[text.charCodeAt(2 * at)] ?? 255;
    const low = HEX_VALUES[text.charCodeAt(2 * at + 1)] ?? 255;
    if ((high | low) > 15) return fail({ code: 'hex-malformed' });
    bytes[at] = (high << 4) | low;
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
