import { equalBytes, formatHex } from '../base/index.ts';
import type { SignatureClaim } from '../crypto/index.ts';
import type { CommitCertificate, Header, Membership } from '../ledger/index.ts';
import {
  blockHashOf,
  certifies,
  membershipHashOf,
  PROTOCOL_VERSION,
  totalPower,
  voteClaim,
} from '../ledger/index.ts';
import type { LightRefusalCode } from './errors.ts';
import type { LightRules } from './rules.ts';
import { LIGHT_RULES } from './rules.ts';
import type { LightAnchor, LightBlock, LightOptions, LightVerdict, TrustedBlock } from './types.ts';

/**
 * Whether a block can be trusted by somebody who trusts another one below it: skip verification
 * as in Tendermint's light client (arXiv 2010.07031). Says nothing of signatures: those are the
 * claims of the answer, all of which must hold.
 */
export function judgeLightBlock(
  anchor: LightAnchor,
  trusted: TrustedBlock,
  candidate: LightBlock,
  nowMs: number,
  options: LightOptions,
  rules: LightRules = LIGHT_RULES,
): LightVerdict {
  const { header, certificate, membership } = candidate;
  const refusal =
    trustError(trusted, nowMs, options, rules) ??
    headersError(anchor, candidate) ??
    placeError(trusted, header, nowMs, options, rules) ??
    membershipsError(anchor, candidate, rules) ??
    changeError(trusted, candidate, options);
  if (refusal !== undefined) return { kind: 'refused', code: refusal };
  const hash = blockHashOf(anchor.suite, header);
  const isAbout = certifies(certificate, { hash, height: header.height });
  if (!isAbout) return { kind: 'refused', code: 'certificate-mismatch' };
  const signers = signersOf(membership, certificate);
  if (typeof signers === 'string') return { kind: 'refused', code: signers };
  if (header.height === trusted.header.height + 1) {
    // The trusted block names its child's membership, and so who had to sign: all are trusted.
    const isChild = equalBytes(header.parentHash, trusted.hash);
    if (!isChild && rules.bindsParent) return { kind: 'refused', code: 'not-child-of-trusted' };
  } else if (!isTrustedBy(trusted.nextMembership, membership, certificate, rules)) {
    return { kind: 'not-enough-trust' };
  }
  if (!rules.hasQuorum(signers.power, totalPower(membership))) {
    return { kind: 'refused', code: 'certificate-power-too-low' };
  }
  const nextMembership = candidate.nextMembership ?? membership;
  const next: TrustedBlock = { header, hash, membership, nextMembership };
  return { kind: 'to-verify', claims: claimsOf(anchor, candidate), trusted: next };
}

/** Whether a trusted block is too old to be built on. */
export function isExpired(
  trusted: TrustedBlock,
  nowMs: number,
  { trustingPeriodMs }: LightOptions,
): boolean {
  return trustingPeriodMs !== undefined && trusted.header.timestampMs + trustingPeriodMs <= nowMs;
}

/** Every signature of a light block as a claim. */
export function claimsOf(
  { suite, chainId }: LightAnchor,
  { certificate, membership }: LightBlock,
): readonly SignatureClaim[] {
  const { height, round, blockHash } = certificate;
  return certificate.signatures.flatMap(({ validatorIndex, signature }) => {
    const vote = { kind: 'precommit', height, round, blockHash, validatorIndex } as const;
    const claim = voteClaim(suite, chainId, membership, { vote, signature });
    return claim === undefined ? [] : [claim];
  });
}

function trustError(
  trusted: TrustedBlock,
  nowMs: number,
  options: LightOptions,
  rules: LightRules,
): LightRefusalCode | undefined {
  return rules.expires && isExpired(trusted, nowMs, options) ? 'trust-expired' : undefined;
}

// Both headers are of this network, and one follows the other.
export function headersError(
  { suite, chainId }: LightAnchor,
  { parent, header }: LightBlock,
): LightRefusalCode | undefined {
  for (const each of [header, parent]) {
    if (each.version !== PROTOCOL_VERSION) return 'version-unsupported';
    if (!equalBytes(each.chainId, chainId)) return 'wrong-network';
  }
  const follows = parent.height + 1 === header.height;
  const isParent = follows && equalBytes(header.parentHash, blockHashOf(suite, parent));
  if (!isParent) return 'parent-mismatch';
  return header.timestampMs <= parent.timestampMs ? 'timestamp-not-after-parent' : undefined;
}

function placeError(
  trusted: TrustedBlock,
  header: Header,
  nowMs: number,
  { clockDriftMs }: LightOptions,
  rules: LightRules,
): LightRefusalCode | undefined {
  if (header.height <= trusted.header.height) return 'height-not-above';
  if (!rules.checksTime) return undefined;
  if (header.timestampMs <= trusted.header.timestampMs) return 'timestamp-not-after-trusted';
  return header.timestampMs >= nowMs + clockDriftMs ? 'from-the-future' : undefined;
}

export function membershipsError(
  { suite }: LightAnchor,
  { parent, header, membership, nextMembership = membership }: LightBlock,
  rules: LightRules,
): LightRefusalCode | undefined {
  const isSame = nextMembership === membership;
  const isSound = isMembership(membership) && (isSame || isMembership(nextMembership));
  if (!isSound && rules.countsOnce) return 'membership-invalid';
  if (!rules.bindsMembership) return undefined;
  const hash = membershipHashOf(suite, membership);
  if (!equalBytes(hash, parent.nextMembershipHash)) return 'membership-mismatch';
  const nextHash = isSame ? hash : membershipHashOf(suite, nextMembership);
  return equalBytes(nextHash, header.nextMembershipHash) ? undefined : 'next-membership-mismatch';
}

// Where members never change nothing is believed of others, however many trusted ones signed it.
export function changeError(
  trusted: TrustedBlock,
  { parent, header }: LightBlock,
  { isFixed = false }: LightOptions,
): LightRefusalCode | undefined {
  if (!isFixed) return undefined;
  const hash = trusted.header.nextMembershipHash;
  const isSame = [parent, header].every((each) => equalBytes(each.nextMembershipHash, hash));
  return isSame ? undefined : 'membership-changed';
}

// As a genesis must be: every member has power, and none is named twice.
function isMembership({ validators }: Membership): boolean {
  const keys = new Set(validators.map(({ publicKey }) => formatHex(publicKey)));
  return keys.size === validators.length && validators.every(({ power }) => power > 0n);
}

export function signersOf(
  { validators }: Membership,
  { signatures }: CommitCertificate,
): { readonly power: bigint } | LightRefusalCode {
  let power = 0n;
  let last = -1;
  for (const { validatorIndex } of signatures) {
    if (validatorIndex <= last) return 'certificate-order-wrong';
    const validator = validators[validatorIndex];
    if (validator === undefined) return 'certificate-signer-unknown';
    power += validator.power;
    last = validatorIndex;
  }
  return { power };
}

// Of the trusted members, those who signed; each counts once, and with the power it is trusted for.
function isTrustedBy(
  trusted: Membership,
  { validators }: Membership,
  { signatures }: CommitCertificate,
  { hasTrust, countsOnce }: LightRules,
): boolean {
  const powers = new Map(trusted.validators.map((each) => [formatHex(each.publicKey), each.power]));
  let power = 0n;
  for (const { validatorIndex } of signatures) {
    const signer = validators[validatorIndex];
    if (signer === undefined) continue;
    const key = formatHex(signer.publicKey);
    power += powers.get(key) ?? 0n;
    if (countsOnce) powers.delete(key);
  }
  return hasTrust(power, totalPower(trusted));
}
