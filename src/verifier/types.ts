import type { SignatureClaim } from '../crypto/index.ts';

/**
 * Checks many signatures with the platform's own cryptography. Verdicts equal those of the
 * reference in `crypto` on every input: a fast path stands only behind the same pre-checks.
 */
export interface SignatureVerifier {
  /** Verdicts in the order of the claims. Never rejects for what a claim holds. */
  verify(claims: readonly SignatureClaim[], signal?: AbortSignal): Promise<boolean[]>;
  stop(): Promise<void>;
}
