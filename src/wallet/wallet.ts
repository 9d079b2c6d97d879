import type { TimestampMs } from '../base/index.ts';
import { equalBytes, formatHex, systemClock } from '../base/index.ts';
import type { Address } from '../ledger/index.ts';
import * as keys from './accounts.ts';
import type { WalletContext } from './context.ts';
import { createContext } from './context.ts';
import { walletError } from './errors.ts';
import { createBook, Notes, refuseLongName, sameAddress } from './notes.ts';
import { createSending } from './sending.ts';
import { createTracker } from './tracking.ts';
import type {
  CredentialsApi,
  LocalAccount,
  TransactionProgress,
  Wallet,
  WalletDependencies,
  WalletState,
} from './types.ts';

/** The browser's own prompts; absent outside a page, and in pages without a secure context. */
function defaultCredentials(): CredentialsApi | undefined {
  if (typeof navigator === 'undefined' || typeof PublicKeyCredential === 'undefined') {
    return undefined;
  }
  return navigator.credentials;
}

/** The part of a wallet that makes, finds and changes accounts. */
function createAccounts(
  context: WalletContext,
  notes: Notes,
  onAccount: (account: LocalAccount, options?: { readonly isActive: boolean }) => void,
): Pick<
  Wallet,
  | 'createAccount'
  | 'signInWithPasskey'
  | 'signInWithAddress'
  | 'addKey'
  | 'keepKey'
  | 'revokeKey'
  | 'refreshAccount'
> {
  async function entering(account: Promise<LocalAccount>): Promise<LocalAccount> {
    const entered = await account;
    onAccount(entered, { isActive: true });
    return entered;
  }
  return {
    async createAccount(request) {
      refuseLongName(request.label);
      return entering(keys.createAccount(context, request));
    },
    signInWithPasskey: (options = {}) =>
      entering(keys.signInWithPasskey(context, notes.notebook.accounts, options)),
    signInWithAddress: (address, options = {}) =>
      entering(keys.signInWithAddress(context, address, notes.account(address), options.signal)),
    async addKey(account, request) {
      refuseLongName(request.label);
      return keys.addKey(context, account, request);
    },
    async keepKey(account, key) {
      const current = notes.account(account.address) ?? account;
      const others = current.keys.filter((each) => !equalBytes(each.publicKey, key.publicKey));
      const kept = { ...current, keys: [...others, key] };
      // Read back: a key counts once its record stands on the ledger.
      const refreshed = await keys.refreshAccount(context, kept, undefined);
      onAccount(refreshed);
      return refreshed;
    },
    revokeKey: (account, keyId, options = {}) =>
      keys.revokeKey(context, account, keyId, options.signal),
    async refreshAccount(account, options = {}) {
      const current = notes.account(account.address) ?? account;
      const refreshed = await keys.refreshAccount(context, current, options.signal);
      onAccount(refreshed);
      return refreshed;
    },
  };
}

/** The part of a wallet that chooses, names and forgets accounts. */
function createChoosing(
  notes: Notes,
  changed: () => void,
): Pick<Wallet, 'setActiveAccount' | 'renameAccount' | 'forgetAccount'> {
  return {
    setActiveAccount(address) {
      if (notes.account(address) === undefined) throw walletError('account-not-found');
      notes.save({ ...notes.notebook, activeAddress: address });
      changed();
    },
    renameAccount(address, name) {
      refuseLongName(name);
      const account = notes.account(address);
      if (account === undefined) throw walletError('account-not-found');
      notes.putAccount({ ...account, name }, { isActive: false });
      changed();
    },
    forgetAccount(address) {
      const { notebook } = notes;
      const accounts = notebook.accounts.filter((each) => !sameAddress(address)(each));
      const isActive =
        notebook.activeAddress !== undefined && equalBytes(notebook.activeAddress, address);
      const activeAddress = isActive ? accounts[0]?.address : notebook.activeAddress;
      notes.save({ ...notebook, accounts, activeAddress });
      changed();
    },
  };
}

/** Makes the wallet of a page; see {@link Wallet}. */
export function createWallet(dependencies: WalletDependencies): Wallet {
  const { client, storage, origin, rpId } = dependencies;
  const now: () => TimestampMs = dependencies.now ?? systemClock.now;
  const credentials =
    'credentials' in dependencies ? dependencies.credentials : defaultCredentials();
  const context = createContext({ client, place: { credentials, origin, rpId }, now });
  const notes = new Notes(storage);
  const listeners = new Set<(state: WalletState) => void>();
  const followers = new Map<string, Set<(progress: TransactionProgress) => void>>();
  let state: WalletState;

  const tracker = createTracker({
    client,
    now,
    onChange(progress) {
      changed();
      if (progress.stage === 'final') refreshSender(progress.sender);
      const callbacks = followers.get(formatHex(progress.transactionId)) ?? [];
      for (const callback of [...callbacks]) callback(progress);
    },
  });

  function currentState(): WalletState {
    return {
      accounts: notes.notebook.accounts,
      activeAccount: notes.activeAccount(),
      contacts: notes.notebook.contacts,
      transactions: tracker.list(),
    };
  }
  state = currentState();

  function changed(): void {
    state = currentState();
    for (const listener of [...listeners]) listener(state);
  }
  function onAccount(account: LocalAccount, options = { isActive: false }): void {
    notes.putAccount(account, options);
    changed();
  }
  /** What became final may have changed keys, or made the first record of an account. */
  function refreshSender(address: Address): void {
    const account = notes.account(address);
    if (account === undefined) return;
    keys.refreshAccount(context, account, undefined).then(
      (refreshed) => {
        const latest = notes.account(address);
        if (latest !== undefined) onAccount({ ...refreshed, name: latest.name });
      },
      () => undefined, // The node is away: the next reading catches up.
    );
  }
  const endStorage = storage.subscribe(() => {
    notes.reload();
    changed();
  });

  return {
    ...createAccounts(context, notes, onAccount),
    ...createSending(context, notes, tracker, onAccount),
    ...createChoosing(notes, changed),
    ...createBook(notes, changed),
    state: () => state,
    accounts: () => state.accounts,
    activeAccount: () => state.activeAccount,
    subscribe(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    track(transactionId, callback) {
      const name = formatHex(transactionId);
      const callbacks = followers.get(name) ?? new Set();
      followers.set(name, callbacks.add(callback));
      const progress = tracker.find(transactionId);
      if (progress !== undefined) callback(progress);
      return () => {
        callbacks.delete(callback);
        if (callbacks.size === 0) followers.delete(name);
      };
    },
    stop() {
      endStorage();
      tracker.stop();
      listeners.clear();
      followers.clear();
    },
  };
}
