import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import { concatBytes, equalBytes, formatHex } from '../base/index.ts';

const { Point } = ed25519;

/** Order of the base point (RFC 8032 §5.1). */
const ORDER = (1n << 252n) + 27742317777372353535851937790883648493n;
/** The prime of the field. */
const FIELD = (1n << 255n) - 19n;

/** The y of every point of small order: 1 (order 1), p - 1 (2), 0 (4), and the two of order 8. */
const SMALL_ORDER_Y: ReadonlySet<string> = new Set([
  '0100000000000000000000000000000000000000000000000000000000000000',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
]);

function readLittleEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (let at = bytes.length - 1; at >= 0; at--) value = (value << 8n) | BigInt(bytes[at] ?? 0);
  return value;
}

/** Whether 32 bytes encode y < p of a point that is not of small order. */
function isAcceptablePoint(bytes: Uint8Array): boolean {
  const y = new Uint8Array(bytes);
  y[31] = (y[31] ?? 0) & 0x7f; // The highest bit is the sign of x.
  return readLittleEndian(y) < FIELD && !SMALL_ORDER_Y.has(formatHex(y));
}

/**
 * The part of the strict rule that needs no curve arithmetic: lengths 32 and 64, S < L, y < p
 * for A and R, neither of them of small order. Behind it, engines agree (docs/protocol.md).
 */
export function precheckEd25519(input: {
  readonly publicKey: Uint8Array;
  readonly signature: Uint8Array;
}): boolean {
  const { publicKey, signature } = input;
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  if (readLittleEndian(signature.subarray(32)) >= ORDER) return false;
  return isAcceptablePoint(publicKey) && isAcceptablePoint(signature.subarray(0, 32));
}

/**
 * Ed25519 by one rule on every platform: {@link precheckEd25519}, then the equation without
 * cofactor, R = S·B - k·A (RFC 8032 §5.1.7), compared as bytes.
 */
export function verifyEd25519(input: {
  readonly publicKey: Uint8Array;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}): boolean {
  if (!precheckEd25519(input)) return false;
  const { publicKey, message, signature } = input;
  const encodedR = signature.subarray(0, 32);
  const s = readLittleEndian(signature.subarray(32));
  const k = readLittleEndian(sha512(concatBytes(encodedR, publicKey, message))) % ORDER;
  try {
    const key = Point.fromBytes(publicKey, false);
    const expected = Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k));
    return equalBytes(expected.toBytes(), encodedR);
  } catch {
    return false; // The library refuses a y without an x by throwing.
  }
}
