import { defined, equalBytes } from '../../../base/index.ts';
import { keyIdOf } from '../../ids.ts';
import type { AccountService } from '../../module.ts';
import type { SigningKey } from '../../policy.ts';
import type { Sequence } from '../../types.ts';
import { claimCredential } from './credentials.ts';
import type { AccountRecord } from './schema.ts';
import { hints, records, sequences } from './schema.ts';

const NO_SEQUENCE = 0 as Sequence; // Nothing executed yet.

/** The number by which a record remembers a signature; see `accountRecordCodec`. */
function seenOf(key: SigningKey): number {
  if (key.backup === undefined || !key.backup.isEligible) return 1;
  return key.backup.isBackedUp ? 3 : 2;
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
    const seen = [...before.seen];
    let hasChanged = stored === undefined;
    for (const key of keys) {
      const at = policy.keys.findIndex((each) => equalBytes(each.key.publicKey, key.publicKey));
      const next = seenOf(key);
      if (seen[at] === next) continue;
      if (seen[at] === 0 && stored !== undefined) {
        const keyId = keyIdOf(suite, key);
        const hint = hints.get(state, { address, keyId });
        if (hint !== undefined) {
          claimCredential(suite, state, { ...hint, address, keyId }, true);
        }
      }
      seen[at] = next;
      hasChanged = true;
    }
    if (hasChanged) records.set(state, address, { policy: before.policy, seen });
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
