import { createPrivateKey, sign } from 'node:crypto';
import type { Bytes } from '../../src/base/index.ts';
import { encodeUtf8 } from '../../src/base/index.ts';
import { generateKeyPair, sha256 } from '../../src/crypto/index.ts';

/** What precedes the 32 bytes of an Ed25519 secret key in PKCS #8 (RFC 8410 §7). */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

export type Signer = {
  readonly publicKey: Bytes;
  readonly sign: (message: Uint8Array) => Bytes;
};

/** An Ed25519 key made from a name; signs with OpenSSL, some twenty times faster than our own. */
export function createSigner(name: string): Signer {
  const { publicKey, secretKey } = generateKeyPair('ed25519', sha256(encodeUtf8(name)));
  const der = Buffer.concat([PKCS8_PREFIX, secretKey]);
  const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
  return { publicKey, sign: (message) => new Uint8Array(sign(null, message, key)) };
}
