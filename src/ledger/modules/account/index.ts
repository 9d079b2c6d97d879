import { addressOfPolicy } from '../../ids.ts';
import { defineModule } from '../../module.ts';
import { policyFault } from '../../policy.ts';
import { ACCOUNT_ERRORS, accountActions } from './actions.ts';
import type { AccountGenesis } from './schema.ts';
import { ACCOUNT_MODULE, accountGenesisCodec, accountLogs, records } from './schema.ts';
import { accountService } from './service.ts';

/** Accounts: key policies, sequences, and what helps a browser to find a key again. */
export const accountModule = defineModule<AccountGenesis>({
  number: ACCOUNT_MODULE,
  name: 'account',
  actions: accountActions,
  errors: ACCOUNT_ERRORS,
  logs: accountLogs,
  genesis: {
    section: accountGenesisCodec,
    isOptional: false,
    apply({ suite, state }, { policies }) {
      for (const policy of policies) {
        const fault = policyFault(policy);
        if (fault !== undefined) return { reason: fault };
        const address = addressOfPolicy(suite, policy);
        if (records.get(state, address) !== undefined) return { reason: 'account-twice' };
        records.set(state, address, { policy, seen: policy.keys.map(() => 0) });
      }
      return undefined;
    },
  },
  provides: { accounts: accountService },
});

export type { AccountGenesis, AddKey, CredentialClaim, DescribeKey } from './schema.ts';
export { credentials, records, sequences } from './schema.ts';
export { accountService } from './service.ts';
