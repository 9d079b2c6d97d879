import { useCallback } from 'react';
import { equalBytes } from '../../base/index.ts';
import type { Address } from './client.ts';
import { useWalletState } from './services.ts';

export type KnownName = { readonly name: string; readonly kind: 'own' | 'contact' };

/** Finds the name that this person gave an address: an account of their own, or a contact. */
export function useNames(): (address: Address) => KnownName | undefined {
  const { accounts, contacts } = useWalletState();
  return useCallback(
    (address) => {
      const own = accounts.find((account) => equalBytes(account.address, address));
      if (own !== undefined) return { name: own.name, kind: 'own' };
      const contact = contacts.find((each) => equalBytes(each.address, address));
      return contact === undefined ? undefined : { name: contact.name, kind: 'contact' };
    },
    [accounts, contacts],
  );
}
