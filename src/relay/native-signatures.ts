import type { KeyObject } from 'node:crypto';
import { createPublicKey, ECDH, verify } from 'node:crypto';
import type { NativeSignatures } from '../verifier/index.ts';

/** SubjectPublicKeyInfo up to the uncompressed point of a P-256 key (RFC 5480 §2). */
const P256_PREFIX = Buffer.from('3059301306072a8648ce3d020106082a8648ce3d030107034200', 'hex');
/** The same up to the 32 bytes of an Ed25519 key (RFC 8410 §4). */
const ED25519_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/**
 * A key imported compressed stays so, and each verification then takes 78 µs instead of 65. Throws
 * when there is no such point.
 */
function decompress(publicKey: Uint8Array): Buffer {
  const point = ECDH.convertKey(publicKey, 'prime256v1', undefined, undefined, 'uncompressed');
  // Bytes, because no encoding was named.
  return point as Buffer;
}

/** The cryptography of Node.js as a verifying thread uses it. */
export const nativeSignatures: NativeSignatures<KeyObject> = {
  importKey(algorithm, publicKey) {
    const key =
      algorithm === 'p256'
        ? Buffer.concat([P256_PREFIX, decompress(publicKey)])
        : Buffer.concat([ED25519_PREFIX, publicKey]);
    return createPublicKey({ key, format: 'der', type: 'spki' });
  },
  verify(key, { algorithm, message, signature }) {
    return algorithm === 'p256'
      ? verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature)
      : verify(null, message, key, signature);
  },
};
