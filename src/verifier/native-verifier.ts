import type { Bytes } from '../base/index.ts';
import { formatHex, TabellionError } from '../base/index.ts';
import type { SignatureAlgorithm, SignatureClaim } from '../crypto/index.ts';
import { precheckClaim, verifySignature } from '../crypto/index.ts';
import { LeastRecentlyUsed } from './key-cache.ts';
import { CACHED_KEYS_MAX } from './limits.ts';
import type { SignatureVerifier } from './types.ts';

/** Cryptography of a platform that answers at once. Both may throw; the reference decides then. */
export interface NativeSignatures<Key> {
  /** P-256 keys come compressed, of the right form; Ed25519 keys canonical, of no small order. */
  importKey(algorithm: SignatureAlgorithm, publicKey: Bytes): Key;
  /** P-256 over SHA-256 of the message, signature raw and its S low (FIPS 186-5); or RFC 8032. */
  verify(key: Key, claim: SignatureClaim): boolean;
}

/**
 * Verifies on this thread, claim after claim, without a promise for each: for threads that do
 * nothing else. Behind the same pre-check as every fast path.
 */
export function createNativeVerifier<Key>(
  native: NativeSignatures<Key>,
  options: { readonly cachedKeysMax?: number } = {},
): SignatureVerifier {
  const keys = new LeastRecentlyUsed<Key>(options.cachedKeysMax ?? CACHED_KEYS_MAX);
  let isStopped = false;

  function verifyOne(claim: SignatureClaim): boolean {
    if (!precheckClaim(claim)) return false;
    const { algorithm, publicKey } = claim;
    try {
      const name = `${algorithm}:${formatHex(publicKey)}`;
      const key = keys.getOrMake(name, () => native.importKey(algorithm, publicKey));
      return native.verify(key, claim);
    } catch {
      return verifySignature(claim);
    }
  }

  return {
    async verify(claims, signal) {
      if (isStopped) throw new TabellionError('verifier-stopped');
      if (signal?.aborted === true) throw new TabellionError('aborted');
      return claims.map(verifyOne);
    },
    async stop() {
      isStopped = true;
      keys.clear();
    },
  };
}
