import { equalBytes } from '../../../base/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import { keyIdOf } from '../../ids.ts';
import { KEYS_PER_ACCOUNT_MAX } from '../../limits.ts';
import type { ActionContext, ActionOutcome } from '../../module.ts';
import { defineAction } from '../../module.ts';
import { policyFault } from '../../policy.ts';
import type { KeyHint, KeyPolicy } from '../../types.ts';
import { claimCredential, dropCredential } from './credentials.ts';
import type { AccountRecord, AddKey, DescribeKey, RevokeKey, SetThresholds } from './schema.ts';
import {
  addKeyFields,
  describeKeyFields,
  hints,
  records,
  revokeKeyFields,
  setThresholdsFields,
} from './schema.ts';

/** How actions of this module fail. */
export const ACCOUNT_ERRORS = [
  'account-unknown',
  'key-exists',
  'key-unknown',
  'key-expired',
  'keys-too-many',
  'duplicate-key',
  'duplicate-origin',
  'weight-zero',
  'session-without-expiry',
  'threshold-zero',
  'dead-end',
] as const;
type AccountErrorCode = (typeof ACCOUNT_ERRORS)[number];

const failed = (code: AccountErrorCode): ActionOutcome => ({ code });

/**
 * Whoever changes keys or thresholds could next meet any threshold, so that a policy change takes
 * the highest of them. Recovery keys exist for nothing else.
 */
const POLICY_CHANGE = {
  classOf: () => 'vault' as const,
  roles: ['signer', 'recovery'] as const,
};

function placeOf(context: ActionContext, record: AccountRecord, keyId: Hash): number {
  return record.policy.keys.findIndex(({ key }) => equalBytes(keyIdOf(context.suite, key), keyId));
}

/** Stores a policy if it may stand. */
function storePolicy(
  context: ActionContext,
  policy: KeyPolicy,
  seen: readonly number[],
): ActionOutcome {
  const fault = policyFault(policy);
  if (fault !== undefined) return failed(fault);
  records.set(context.state, context.sender, { policy, seen });
  return undefined;
}

function storeHint(context: ActionContext, keyId: Hash, hint: KeyHint, isProven: boolean): void {
  const { suite, state, sender: address } = context;
  const before = hints.get(state, { address, keyId });
  if (before !== undefined && !equalBytes(before.credentialId, hint.credentialId)) {
    dropCredential(suite, state, { credentialId: before.credentialId, address, keyId });
  }
  hints.set(state, { address, keyId }, hint);
  claimCredential(suite, state, { credentialId: hint.credentialId, address, keyId }, isProven);
}

function addKey(context: ActionContext, { record, hint }: AddKey): ActionOutcome {
  const account = records.get(context.state, context.sender);
  if (account === undefined) return failed('account-unknown');
  const keyId = keyIdOf(context.suite, record.key);
  if (placeOf(context, account, keyId) >= 0) return failed('key-exists');
  const { keys, thresholds } = account.policy;
  if (keys.length >= KEYS_PER_ACCOUNT_MAX) return failed('keys-too-many');
  if (record.expiresAt !== undefined && record.expiresAt < context.height) {
    return failed('key-expired');
  }
  const policy = { keys: [...keys, record], thresholds };
  const outcome = storePolicy(context, policy, [...account.seen, 0]);
  if (outcome !== undefined) return outcome;
  if (hint !== undefined) storeHint(context, keyId, hint, false);
  context.log('key-added', [context.sender], { keyId });
  return undefined;
}

function revokeKey(context: ActionContext, { keyId }: RevokeKey): ActionOutcome {
  const { suite, state, sender: address } = context;
  const account = records.get(state, address);
  if (account === undefined) return failed('account-unknown');
  const place = placeOf(context, account, keyId);
  if (place < 0) return failed('key-unknown');
  const keys = account.policy.keys.filter((_, at) => at !== place);
  // The codec of policies wants a key, so the last one is refused before anything is stored.
  if (keys.length === 0) return failed('dead-end');
  const policy = { keys, thresholds: account.policy.thresholds };
  const seen = account.seen.filter((_, at) => at !== place);
  const outcome = storePolicy(context, policy, seen);
  if (outcome !== undefined) return outcome;
  const hint = hints.get(state, { address, keyId });
  if (hint !== undefined) {
    dropCredential(suite, state, { credentialId: hint.credentialId, address, keyId });
    hints.delete(state, { address, keyId });
  }
  context.log('key-revoked', [address], { keyId });
  return undefined;
}

function setThresholds(context: ActionContext, { thresholds }: SetThresholds): ActionOutcome {
  const account = records.get(context.state, context.sender);
  if (account === undefined) return failed('account-unknown');
  const policy = { keys: account.policy.keys, thresholds };
  const outcome = storePolicy(context, policy, account.seen);
  if (outcome !== undefined) return outcome;
  context.log('thresholds-set', [context.sender], { thresholds });
  return undefined;
}

function describeKey(context: ActionContext, { keyId, hint }: DescribeKey): ActionOutcome {
  const account = records.get(context.state, context.sender);
  if (account === undefined) return failed('account-unknown');
  const place = placeOf(context, account, keyId);
  if (place < 0) return failed('key-unknown');
  storeHint(context, keyId, hint, account.seen[place] !== 0);
  context.log('key-described', [context.sender], { keyId });
  return undefined;
}

/** The actions of accounts on themselves. */
export const accountActions = [
  defineAction<AddKey>({
    ...POLICY_CHANGE,
    number: 1,
    name: 'add-key',
    fields: addKeyFields,
    gas: 2_000,
    keysOf: ({ sender }) => [records.keyOf(sender)],
    execute: addKey,
    description: { title: 'add-key', fields: { record: 'key', hint: 'hint' } },
  }),
  defineAction<RevokeKey>({
    ...POLICY_CHANGE,
    number: 2,
    name: 'revoke-key',
    fields: revokeKeyFields,
    gas: 1_000,
    keysOf: ({ sender }, { keyId }) => [
      records.keyOf(sender),
      hints.keyOf({ address: sender, keyId }),
    ],
    execute: revokeKey,
    description: { title: 'revoke-key', fields: { keyId: 'key-id' } },
  }),
  defineAction<SetThresholds>({
    ...POLICY_CHANGE,
    number: 3,
    name: 'set-thresholds',
    fields: setThresholdsFields,
    gas: 1_000,
    keysOf: ({ sender }) => [records.keyOf(sender)],
    execute: setThresholds,
    description: { title: 'set-thresholds', fields: { thresholds: 'detail' } },
  }),
  defineAction<DescribeKey>({
    number: 4,
    name: 'describe-key',
    fields: describeKeyFields,
    classOf: () => 'everyday',
    roles: ['signer'],
    gas: 1_500,
    keysOf: ({ sender }, { keyId }) => [
      records.keyOf(sender),
      hints.keyOf({ address: sender, keyId }),
    ],
    execute: describeKey,
    description: { title: 'describe-key', fields: { keyId: 'key-id', hint: 'hint' } },
  }),
];
