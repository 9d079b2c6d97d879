import type { Bytes, Result } from '../base/index.ts';
import { concatBytes, fail, ok } from '../base/index.ts';

// What P-256 keys and signatures look like, without the arithmetic of the curve: a page that only
// hands a signature on need not load that.

/** Order of the group of P-256 (SEC2 §2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const HALF_ORDER = ORDER >> 1n;

/** A big-endian number of any length. */
export function readNumber(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return value;
}

function writeNumber(value: bigint): Bytes {
  const bytes = new Uint8Array(32);
  let rest = value;
  for (let at = 31; at >= 0; at--) {
    bytes[at] = Number(rest & 255n);
    rest >>= 8n;
  }
  return bytes;
}

const ORDER_BYTES = writeNumber(ORDER);
const HALF_ORDER_BYTES = writeNumber(HALF_ORDER);

/** Compares 32 bytes of `bytes` from `at` with a bound: -1, 0 or 1. */
function compareAt(bytes: Uint8Array, at: number, bound: Uint8Array): number {
  for (let offset = 0; offset < 32; offset++) {
    // Both hold 32 bytes from there.
    const difference = (bytes[at + offset] as number) - (bound[offset] as number);
    if (difference !== 0) return difference < 0 ? -1 : 1;
  }
  return 0;
}

function isZeroAt(bytes: Uint8Array, at: number): boolean {
  for (let offset = 0; offset < 32; offset++) if (bytes[at + offset] !== 0) return false;
  return true;
}

/** Whether a raw signature of 64 bytes has 1 ≤ r,s < n and, unless allowed, s ≤ n/2. */
export function isP256SignatureInRange(
  signature: Uint8Array,
  options: { readonly allowHighS: boolean },
): boolean {
  if (signature.length !== 64 || isZeroAt(signature, 0) || isZeroAt(signature, 32)) return false;
  if (compareAt(signature, 0, ORDER_BYTES) >= 0) return false;
  return options.allowHighS
    ? compareAt(signature, 32, ORDER_BYTES) < 0
    : compareAt(signature, 32, HALF_ORDER_BYTES) <= 0;
}

/** Whether bytes have the form of a compressed point: 33 bytes, 02 or 03 first. */
export function hasP256KeyForm(publicKey: Uint8Array): boolean {
  return publicKey.length === 33 && (publicKey[0] === 2 || publicKey[0] === 3);
}

/** The other of the two forms of s when s is high: n - s; low ones are copied as they are. */
export function normalizeLowS(signature: Uint8Array): Bytes {
  if (!isP256SignatureInRange(signature, { allowHighS: true })) return new Uint8Array(signature);
  if (compareAt(signature, 32, HALF_ORDER_BYTES) <= 0) return new Uint8Array(signature);
  const s = ORDER - readNumber(signature.subarray(32, 64));
  return concatBytes(signature.subarray(0, 32), writeNumber(s));
}

/** The parts of one DER INTEGER that must be positive, minimal and at most 33 bytes long. */
function readDerInteger(
  der: Uint8Array,
  at: number,
): { readonly value: bigint; readonly end: number } | undefined {
  const length = der[at + 1];
  const first = der[at + 2];
  if (der[at] !== 2 || length === undefined || first === undefined) return undefined;
  const end = at + 2 + length;
  if (length < 1 || length > 33 || end > der.length) return undefined;
  if (first >= 0x80) return undefined; // Negative.
  if (first === 0 && length > 1 && (der[at + 3] as number) < 0x80) return undefined; // Padded.
  return { value: readNumber(der.subarray(at + 2, end)), end };
}

/**
 * Turns SEQUENCE { INTEGER r, INTEGER s } (RFC 3279 §2.2.3) into raw r‖s, keeping S as it is.
 * Strict: definite short lengths, minimal positive integers, 1 ≤ r,s < n, nothing after.
 */
export function derToRaw(der: Uint8Array): Result<Bytes, { readonly code: 'der-malformed' }> {
  const malformed = fail({ code: 'der-malformed' } as const);
  if (der.length < 8 || der.length > 72 || der[0] !== 0x30) return malformed;
  if (der[1] !== der.length - 2) return malformed;
  const r = readDerInteger(der, 2);
  if (r === undefined) return malformed;
  const s = readDerInteger(der, r.end);
  if (s === undefined || s.end !== der.length) return malformed;
  for (const value of [r.value, s.value]) if (value < 1n || value >= ORDER) return malformed;
  return ok(concatBytes(writeNumber(r.value), writeNumber(s.value)));
}
