import { createPublicKey, verify } from 'node:crypto';
import { formatHex } from '../../base/index.ts';
import type { SignatureClaim } from '../../crypto/index.ts';
import { decompressP256, encodeBase64Url, precheckClaim } from '../../crypto/index.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';

const KEYS_MAX = 512;
const VERDICTS_MAX = 2_048;

type KeyObject = ReturnType<typeof createPublicKey>;

function keyObjectOf({ algorithm, publicKey }: SignatureClaim): KeyObject | undefined {
  try {
    if (algorithm === 'ed25519') {
      const x = encodeBase64Url(publicKey);
      return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    }
    const point = decompressP256(publicKey);
    if (point === undefined) return undefined;
    const [x, y] = [point.subarray(1, 33), point.subarray(33)].map(encodeBase64Url);
    const key = { kty: 'EC', crv: 'P-256', x: x ?? '', y: y ?? '' };
    return createPublicKey({ key, format: 'jwk' });
  } catch {
    return undefined;
  }
}

const keys = new Map<string, KeyObject | undefined>();
const verdicts = new Map<string, boolean>();

function keyOf(claim: SignatureClaim): KeyObject | undefined {
  const name = `${claim.algorithm} ${formatHex(claim.publicKey)}`;
  if (!keys.has(name)) {
    if (keys.size >= KEYS_MAX) keys.clear();
    keys.set(name, keyObjectOf(claim));
  }
  return keys.get(name);
}

function check(claim: SignatureClaim): boolean {
  if (!precheckClaim(claim)) return false;
  const key = keyOf(claim);
  if (key === undefined) return false;
  const { algorithm, message, signature } = claim;
  return algorithm === 'ed25519'
    ? verify(null, message, key, signature)
    : verify('sha256', message, { key, dsaEncoding: 'ieee-p1363' }, signature);
}

/** Whether a claim holds, by the platform's cryptography behind the product's own pre-checks. */
export function holdsQuickly(claim: SignatureClaim): boolean {
  const parts = [claim.signature, claim.publicKey, claim.message];
  const name = parts.map(formatHex).join(' ');
  const known = verdicts.get(name);
  if (known !== undefined) return known;
  if (verdicts.size >= VERDICTS_MAX) verdicts.clear();
  const verdict = check(claim);
  verdicts.set(name, verdict);
  return verdict;
}

/** One verifier for all lives: what it remembers depends on nothing but the claim. */
export const verifier: SignatureVerifier = {
  verify: async (claims) => claims.map(holdsQuickly),
  stop: async () => undefined,
};
