import { TabellionError } from '../base/index.ts';
import { verifySignature } from '../crypto/index.ts';
import type { SignatureVerifier } from './types.ts';

/** Verifies with the JavaScript reference alone: for the simulator, tests and odd engines. */
export function createReferenceVerifier(): SignatureVerifier {
  return {
    async verify(claims, signal) {
      if (signal?.aborted === true) throw new TabellionError('aborted');
      return claims.map(verifySignature);
    },
    async stop() {},
  };
}
