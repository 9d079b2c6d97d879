import { defined, equalBytes } from '../../../base/index.ts';
import { keyIdOf } from '../../ids.ts';
import type { AccountService } from '../../module.ts';
import type { SigningKey } from '../../policy.ts';
import type { KeyPolicy, Sequence } from '../../types.ts';
import { claimCredential } from './credentials.ts';
import type { AccountRecord } from './schema.ts';
import { hints, records, sequences } from './schema.ts';

const NO_SEQUENCE = 0 as Sequence; // Nothing executed yet.

/** The number by which a record remembers a signature; see `accountRecordCodec`. */
function seenOf(key: SigningKey): number {
  if (key.backup === undefined || !key.backup.isEligible) return 1;
  return key.backup.isBackedUp ? 3 : 2;
}

/** Where a policy has a key; -1 when it has no such key. */
function placeOfKey({ keys }: KeyPolicy, { publicKey }: SigningKey): number {
  for (let at = 0; at < keys.length; at++) {
    const known = keys[at]?.key.publicKey;
    if (known !== undefined && equalBytes(known, publicKey)) return at;
  }
  return -1;
}

/** What the kernel asks of accounts. */
export const accountService: AccountService = {
  load(state, address) {
    return {
      policy: records.get(state, address)?.policy,
      sequence: sequences.get(state, address) ?? NO_SEQUENCE,
    };
  },

  recordSignatures({ suite, state }, { address, policy, keys }) {
    const stored = records.get(state, address);
    const before: AccountRecord = stored ?? { policy, seen: policy.keys.map(() => 0) };
    // Copied once something changes: nearly always nothing does.
    let seen: number[] | undefined = stored === undefined ? [...before.seen] : undefined;
    for (const key of keys) {
      const at = placeOfKey(policy, key);
      const next = seenOf(key);
      const known = (seen ?? before.seen)[at];
      if (known === next) continue;
      if (known === 0 && stored !== undefined) {
        const keyId = keyIdOf(suite, key);
        const hint = hints.get(state, { address, keyId });
        if (hint !== undefined) {
          claimCredential(suite, state, { ...hint, address, keyId }, true);
        }
      }
      seen ??= [...before.seen];
      seen[at] = next;
    }
    if (seen !== undefined) records.set(state, address, { policy: before.policy, seen });
  },

  advanceSequence(state, address) {
    const sequence = sequences.get(state, address) ?? NO_SEQUENCE;
    // Below 2^53 for longer than any chain lives.
    sequences.set(state, address, (sequence + 1) as Sequence);
  },

  hints(suite, state, address) {
    const record = records.get(state, address);
    if (record === undefined) return [];
    return record.policy.keys.flatMap(({ key }, at) => {
      const keyId = keyIdOf(suite, key);
      const hint = hints.get(state, { address, keyId });
      if (hint === undefined) return [];
      const seen = defined(record.seen[at], 'one number a key');
      if (seen === 0) return [{ keyId, hint }];
      return [{ keyId, hint: { ...hint, isBackupEligible: seen >= 2, isBackedUp: seen === 3 } }];
    });
  },

  keysOf: (address) => [sequences.keyOf(address), records.keyOf(address)],
};
