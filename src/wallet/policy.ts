import type { Bytes } from '../base/index.ts';
import { encodeUtf8, equalBytes } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import { sha256 } from '../crypto/index.ts';
import type { Key, KeyPolicy, KeyRecord } from '../ledger/index.ts';
import { keyIdOf, policyFault, weightNeeded } from '../ledger/index.ts';
import { walletError } from './errors.ts';
import { ACTION_CLASSES } from './ledger-format.ts';
import type { KeyLoss } from './types.ts';

/** What a page adds to a public key. */
export type KeyPlace = { readonly rpId: string; readonly origin: string };

/** The record of a key made on a page: full weight, no end, presence enough. */
export function keyRecordFor(publicKey: Bytes, place: KeyPlace): KeyRecord {
  const key: Key = {
    kind: 'webauthn-p256',
    publicKey,
    rpIdHash: sha256(encodeUtf8(place.rpId)),
    origins: [place.origin],
    mustVerifyUser: false,
  };
  return { key, role: 'signer', weight: 1, expiresAt: undefined };
}

/**
 * The first policy of an account. It must follow from public key, rpId and origin alone: that is
 * what makes an account recoverable by its passkey before the ledger ever heard of it.
 */
export function initialPolicyFor(publicKey: Bytes, place: KeyPlace): KeyPolicy {
  return {
    keys: [keyRecordFor(publicKey, place)],
    thresholds: { everyday: 1, guarded: 1, vault: 1 },
  };
}

/** For each key, the classes of action that would be out of reach without it. */
export function keyLosses(suite: HashSuite, policy: KeyPolicy): KeyLoss[] {
  return policy.keys.map((lost) => {
    let remaining = 0;
    for (const record of policy.keys) {
      const isLasting = record.role === 'signer' && record.expiresAt === undefined;
      if (record !== lost && isLasting) remaining += record.weight;
    }
    return {
      keyId: keyIdOf(suite, lost.key),
      lost: ACTION_CLASSES.filter((name) => weightNeeded(policy.thresholds, name) > remaining),
    };
  });
}

/** The losses under a policy that is about to stand; one that nobody could use is refused. */
export function lossesOrRefuse(suite: HashSuite, policy: KeyPolicy): KeyLoss[] {
  const fault = policy.keys.length === 0 ? 'dead-end' : policyFault(policy);
  if (fault !== undefined) throw walletError('dead-end-policy', { reason: fault });
  return keyLosses(suite, policy);
}

/** The record in a policy of a public key. */
export function recordOf(policy: KeyPolicy, publicKey: Bytes): KeyRecord | undefined {
  return policy.keys.find((record) => equalBytes(record.key.publicKey, publicKey));
}

/** Whether a key may be used on a page: the ledger checks both. */
export function isUsableAt(record: KeyRecord, place: KeyPlace): boolean {
  const { key } = record;
  if (key.kind !== 'webauthn-p256') return false;
  const rpIdHash = sha256(encodeUtf8(place.rpId));
  return equalBytes(key.rpIdHash, rpIdHash) && key.origins.includes(place.origin);
}
