import { createPublicKey, verify } from 'node:crypto';
import { concatBytes } from '../../base/index.ts';
import type { SignatureClaim } from '../../crypto/index.ts';
import { precheckClaim } from '../../crypto/index.ts';

/** SubjectPublicKeyInfo of an Ed25519 key (RFC 8410 §4) up to its 32 bytes. */
const SPKI_PREFIX = Uint8Array.of(
  ...[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00],
);

/** Whether an Ed25519 claim holds: our pre-check, then the equation by Node.js, in a twentieth. */
export function isTrueClaim(claim: SignatureClaim): boolean {
  if (claim.algorithm !== 'ed25519' || !precheckClaim(claim)) return false;
  const der = Buffer.from(concatBytes(SPKI_PREFIX, claim.publicKey));
  try {
    const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
    return verify(undefined, claim.message, key, claim.signature);
  } catch {
    return false; // No point of the curve.
  }
}
