import type { recoverP256PublicKeys, verifySignature } from '../crypto/index.ts';
import type { readAttestation } from './attestation.ts';

/** Reading a new key, checking an assertion, recovering the key of one that nobody knows. */
export type Curve = {
  readonly readAttestation: typeof readAttestation;
  readonly verifySignature: typeof verifySignature;
  readonly recoverP256PublicKeys: typeof recoverP256PublicKeys;
};

/**
 * Loads the arithmetic of the curve, 20 KB of compressed script that only answers of devices need:
 * each prompt begins it, so that it is there when the person has answered.
 */
export function loadCurve(): Promise<Curve> {
  // By a file of our own: a whole room loaded late would be drawn into what is loaded first.
  return import('./curve.ts');
}
