import type { Result } from '../base/index.ts';
import { defined, equalBytes, fail, ok } from '../base/index.ts';
import type { Hash, HashSuite, SignatureClaim } from '../crypto/index.ts';
import type { CertificateError } from './errors.ts';
import { voteSigningBytes } from './ids.ts';
import type { CommitCertificate, Membership, SignedVote } from './types.ts';

/** Sum of the power of all members. */
export function totalPower(membership: Membership): bigint {
  return membership.validators.reduce((sum, { power }) => sum + power, 0n);
}

/** Whether some power is more than two thirds of the whole. */
export function isQuorum(power: bigint, total: bigint): boolean {
  return 3n * power > 2n * total;
}

/**
 * Whether those who signed hold more than 2/3 of the power, each counted once: places must rise.
 * Says nothing of their signatures; see {@link certificateClaims}.
 */
export function checkCertificatePower(
  membership: Membership,
  certificate: CommitCertificate,
): Result<{ readonly power: bigint; readonly total: bigint }, CertificateError> {
  let power = 0n;
  let last = -1;
  for (const { validatorIndex } of certificate.signatures) {
    if (validatorIndex <= last) return fail({ code: 'certificate-order-wrong' });
    const validator = membership.validators[validatorIndex];
    if (validator === undefined)
      return fail({ code: 'certificate-signer-unknown', validatorIndex });
    power += validator.power;
    last = validatorIndex;
  }
  const total = totalPower(membership);
  if (!isQuorum(power, total)) return fail({ code: 'certificate-power-too-low', power, total });
  return ok({ power, total });
}

/** What a signed vote claims; undefined when its voter is no member. */
export function voteClaim(
  suite: HashSuite,
  chainId: Hash,
  membership: Membership,
  { vote, signature }: SignedVote,
): SignatureClaim | undefined {
  const validator = membership.validators[vote.validatorIndex];
  if (validator === undefined) return undefined;
  const message = voteSigningBytes(suite, chainId, vote);
  return { algorithm: 'ed25519', publicKey: validator.publicKey, message, signature };
}

/** Every signature of a certificate as a claim: precommits for its block, in its order. */
export function certificateClaims(
  suite: HashSuite,
  chainId: Hash,
  membership: Membership,
  certificate: CommitCertificate,
): Result<readonly SignatureClaim[], CertificateError> {
  const power = checkCertificatePower(membership, certificate);
  if (!power.ok) return power;
  const { height, round, blockHash } = certificate;
  const claims = certificate.signatures.map(({ validatorIndex, signature }) => {
    const vote = { kind: 'precommit', height, round, blockHash, validatorIndex } as const;
    const claim = voteClaim(suite, chainId, membership, { vote, signature });
    return defined(claim, 'power was counted for members only');
  });
  return ok(claims);
}

/**
 * Checks a certificate whole: order, power, and every signature, not only the first two thirds.
 *
 * @param verify Decides one claim at once; whoever verifies asynchronously takes the claims.
 */
export function verifyCommitCertificate(
  suite: HashSuite,
  chainId: Hash,
  membership: Membership,
  certificate: CommitCertificate,
  verify: (claim: SignatureClaim) => boolean,
): Result<void, CertificateError> {
  const claims = certificateClaims(suite, chainId, membership, certificate);
  if (!claims.ok) return claims;
  const bad = claims.value.findIndex((claim) => !verify(claim));
  if (bad < 0) return ok(undefined);
  const { validatorIndex } = defined(certificate.signatures[bad], 'one claim a signature');
  return fail({ code: 'certificate-signature-invalid', validatorIndex });
}

/** Whether a certificate is about this block. */
export function certifies(
  certificate: CommitCertificate,
  block: { readonly hash: Hash; readonly height: number },
): boolean {
  return certificate.height === block.height && equalBytes(certificate.blockHash, block.hash);
}
