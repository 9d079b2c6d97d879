import { p256 } from '@noble/curves/nist.js';
import type { Bytes } from '../base/index.ts';
import { concatBytes, equalBytes } from '../base/index.ts';
import { hasP256KeyForm, isP256SignatureInRange, readNumber } from './p256-form.ts';
import { sha256 } from './sha256.ts';

/**
 * ECDSA over SHA-256 of the message (FIPS 186-5 §6.4.2), in JavaScript: the reference.
 *
 * @param input.publicKey 33 bytes compressed; a point off the curve verifies nothing.
 * @param input.signature Raw r‖s, 64 bytes.
 * @param options.allowHighS The ledger never allows it; public test vectors hold both forms.
 */
export function verifyP256(
  input: {
    readonly publicKey: Uint8Array;
    readonly message: Uint8Array;
    readonly signature: Uint8Array;
  },
  options: { readonly allowHighS: boolean },
): boolean {
  if (!hasP256KeyForm(input.publicKey)) return false;
  if (!isP256SignatureInRange(input.signature, options)) return false;
  return p256.verify(input.signature, input.message, input.publicKey, {
    prehash: true,
    lowS: !options.allowHighS,
    format: 'compact',
  });
}

/** The 33-byte form of an uncompressed point (65 bytes, 04 first); off the curve: undefined. */
export function compressP256(uncompressed: Uint8Array): Bytes | undefined {
  if (uncompressed.length !== 65 || uncompressed[0] !== 4) return undefined;
  const sign = ((uncompressed[64] as number) & 1) === 0 ? 2 : 3; // The length was just checked.
  const compressed = concatBytes(Uint8Array.of(sign), uncompressed.subarray(1, 33));
  const again = decompressP256(compressed);
  return again !== undefined && equalBytes(again, uncompressed) ? compressed : undefined;
}

/** The 65-byte form (SEC1 §2.3.4) of a compressed point; off the curve: undefined. */
export function decompressP256(compressed: Uint8Array): Bytes | undefined {
  if (!hasP256KeyForm(compressed)) return undefined;
  try {
    return new Uint8Array(p256.Point.fromBytes(compressed).toBytes(false));
  } catch {
    return undefined; // The library refuses x ≥ p and x without a y by throwing.
  }
}

/**
 * Every public key under which a signature verifies (SEC1 §4.1.6): two as a rule, up to four,
 * compressed. Two signatures of one key by different nonces have, beyond chance, one in common.
 *
 * @param signature Raw r‖s with high or low S; both give the same keys.
 */
export function recoverP256PublicKeys(message: Uint8Array, signature: Uint8Array): Bytes[] {
  if (!isP256SignatureInRange(signature, { allowHighS: true })) return [];
  const digest = sha256(message);
  const r = readNumber(signature.subarray(0, 32));
  const s = readNumber(signature.subarray(32, 64));
  const keys: Bytes[] = [];
  for (let recovery = 0; recovery < 4; recovery++) {
    try {
      const point = new p256.Signature(r, s, recovery).recoverPublicKey(digest);
      keys.push(new Uint8Array(point.toBytes(true)));
    } catch {
      // No point has this x, or r + n is beyond the field: no key for this choice.
    }
  }
  return keys;
}
