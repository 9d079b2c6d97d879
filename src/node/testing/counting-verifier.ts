import { equalBytes } from '../../base/index.ts';
import type { Person } from '../../ledger/testing/world.ts';
import type { SignatureVerifier } from '../../verifier/index.ts';
import { createReferenceVerifier } from '../../verifier/index.ts';

/** A verifier that counts what it is asked about somebody's signatures. */
export type CountingVerifier = SignatureVerifier & { count(): number };

export function countingVerifier(of: Person): CountingVerifier {
  const verifier = createReferenceVerifier();
  let count = 0;
  return {
    ...verifier,
    verify(claims, signal) {
      count += claims.filter((each) => equalBytes(each.publicKey, of.pair.publicKey)).length;
      return verifier.verify(claims, signal);
    },
    count: () => count,
  };
}
