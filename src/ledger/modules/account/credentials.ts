import { equalBytes } from '../../../base/index.ts';
import type { Hash, HashSuite } from '../../../crypto/index.ts';
import type { Address } from '../../address.ts';
import { credentialHash } from '../../ids.ts';
import { ACCOUNTS_PER_CREDENTIAL_MAX } from '../../limits.ts';
import type { MutableState } from '../../state.ts';
import type { CredentialClaim } from './schema.ts';
import { credentials } from './schema.ts';

/** One key of one account, and the credential it says to belong to. */
export type CredentialPlace = {
  readonly credentialId: Uint8Array;
  readonly address: Address;
  readonly keyId: Hash;
};

/**
 * Enters a claim into the index. Anybody may claim any credential id, so a claim proves nothing:
 * a wallet checks an assertion against the account's key. A full list takes proven claims only,
 * in place of unproven ones, so that squatters cannot keep the owner out.
 */
export function claimCredential(
  suite: HashSuite,
  state: MutableState,
  place: CredentialPlace,
  isProven: boolean,
): void {
  if (place.credentialId.length === 0) return;
  const key = credentialHash(suite, place.credentialId);
  const others = (credentials.get(state, key) ?? []).filter((claim) => !isOf(claim, place));
  const claim: CredentialClaim = { address: place.address, keyId: place.keyId, isProven };
  const proven = others.filter((each) => each.isProven);
  const unproven = others.filter((each) => !each.isProven);
  const claims = isProven ? [...proven, claim, ...unproven] : [...proven, ...unproven, claim];
  credentials.set(state, key, claims.slice(0, ACCOUNTS_PER_CREDENTIAL_MAX));
}

/** Takes a claim out of the index. */
export function dropCredential(
  suite: HashSuite,
  state: MutableState,
  place: CredentialPlace,
): void {
  if (place.credentialId.length === 0) return;
  const key = credentialHash(suite, place.credentialId);
  const claims = credentials.get(state, key) ?? [];
  const left = claims.filter((claim) => !isOf(claim, place));
  if (left.length === 0) credentials.delete(state, key);
  else if (left.length < claims.length) credentials.set(state, key, left);
}

function isOf(claim: CredentialClaim, place: CredentialPlace): boolean {
  return equalBytes(claim.address, place.address) && equalBytes(claim.keyId, place.keyId);
}
