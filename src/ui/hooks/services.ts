import { useSyncExternalStore } from 'react';
import { create } from 'zustand';
import type { Json } from '../../base/index.ts';
import type { Wallet, WalletState } from '../../wallet/index.ts';
import type { Client } from './client.ts';

/** Whether this tab runs the node, or attached to the tab that does. */
export type NodeRole = 'connecting' | 'leader' | 'follower' | 'failed';

/** What `main` made; absent until then, and the screens say what they know from last time. */
export type Services = {
  readonly client: Client | undefined;
  readonly wallet: Wallet | undefined;
  readonly role: NodeRole;
  /** The genesis document: what every proof is checked against. */
  readonly genesis: Json | undefined;
  /** Why the node of this tab could not be started. */
  readonly startFailure: { readonly code: string; readonly message: string } | undefined;
};

export const useServices = create<Services>(() => ({
  client: undefined,
  wallet: undefined,
  role: 'connecting',
  genesis: undefined,
  startFailure: undefined,
}));

/** The client of this tab's node, once there is one. */
export function useClient(): Client | undefined {
  return useServices((services) => services.client);
}

/** The wallet, once there is one. */
export function useWallet(): Wallet | undefined {
  return useServices((services) => services.wallet);
}

const NO_WALLET: WalletState = {
  accounts: [],
  activeAccount: undefined,
  contacts: [],
  transactions: [],
};

/** Accounts, contacts and tracked transactions, redrawn at every change. */
export function useWalletState(): WalletState {
  const wallet = useWallet();
  return useSyncExternalStore(
    (redraw) => wallet?.subscribe(redraw) ?? (() => undefined),
    () => wallet?.state() ?? NO_WALLET,
  );
}
