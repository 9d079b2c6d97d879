import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import type { Bytes } from '../../src/base/index.ts';
import { encodeUtf8 } from '../../src/base/index.ts';
import { sha256 } from '../../src/crypto/index.ts';

/** What precedes the 32 bytes of an Ed25519 secret key in PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_BYTES = 32;

export type Signer = {
  readonly publicKey: Bytes;
  readonly sign: (message: Uint8Array) => Bytes;
};

/**
 * An Ed25519 key made from a name: key and signatures by OpenSSL, some twenty times faster than by
 * our own code, and the same bytes.
 */
export function createSigner(name: string): Signer {
  const der = Buffer.concat([PKCS8_PREFIX, sha256(encodeUtf8(name))]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  const publicDer = createPublicKey(key).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(publicDer.subarray(-PUBLIC_KEY_BYTES));
  return { publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}
