import { unreachable } from '../base/index.ts';
import { precheckEd25519, verifyEd25519 } from './ed25519.ts';
import { verifyP256 } from './p256.ts';
import { hasP256KeyForm, isP256SignatureInRange } from './p256-form.ts';
import type { SignatureClaim, Verified } from './types.ts';

/**
 * The cheap part of {@link verifySignature}: lengths, ranges, low S, small order. False means that
 * the claim is false; true that the platform's own verification decides it.
 *
 * For p256 whether the key is on the curve is left to whoever decompresses it.
 */
export function precheckClaim(claim: SignatureClaim): boolean {
  switch (claim.algorithm) {
    case 'p256':
      return (
        hasP256KeyForm(claim.publicKey) &&
        isP256SignatureInRange(claim.signature, { allowHighS: false })
      );
    case 'ed25519':
      return precheckEd25519(claim);
    default:
      return unreachable(claim.algorithm);
  }
}

/** Whether a claim holds, in JavaScript: the reference for every faster path. Never throws. */
export function verifySignature(claim: SignatureClaim): boolean {
  switch (claim.algorithm) {
    case 'p256':
      return verifyP256(claim, { allowHighS: false });
    case 'ed25519':
      return verifyEd25519(claim);
    default:
      return unreachable(claim.algorithm);
  }
}

/**
 * Marks a value as verified when there is a verdict for each of its claims and all are true.
 * A value without claims is never marked: nobody signed it.
 */
export function mintVerified<Value>(
  value: Value,
  claims: readonly SignatureClaim[],
  verdicts: readonly boolean[],
): Verified<Value> | undefined {
  if (claims.length === 0 || claims.length !== verdicts.length) return undefined;
  if (!verdicts.every((verdict) => verdict === true)) return undefined;
  return value as Verified<Value>; // Exactly what the brand stands for was just checked.
}
