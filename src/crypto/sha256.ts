import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { Bytes } from '../base/index.ts';

/** SHA-256 (FIPS 180-4) without any tag: for WebAuthn and ECDSA, whose formats fix it. */
export function sha256(message: Uint8Array): Bytes {
  return new Uint8Array(nobleSha256(message));
}
