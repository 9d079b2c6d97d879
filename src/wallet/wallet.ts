import type { TimestampMs } from '../base/index.ts';
import { encodeUtf8, equalBytes, formatHex, systemClock, TabellionError } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Sequence } from '../ledger/index.ts';
import * as keys from './accounts.ts';
import type { WalletContext } from './context.ts';
import { createContext } from './context.ts';
import { walletError } from './errors.ts';
import { ACCOUNTS_MAX, CONTACTS_MAX, NAME_BYTES_MAX } from './limits.ts';
import type { Notebook } from './notebook.ts';
import { EMPTY_NOTEBOOK, formatNotebook, parseNotebook } from './notebook.ts';
import { prepareTransaction } from './prepare.ts';
import { findLookalike } from './resemblance.ts';
import { signTransaction } from './sign.ts';
import type { Tracker } from './tracking.ts';
import { createTracker, isSettled } from './tracking.ts';
import type {
  Contact,
  CredentialsApi,
  LocalAccount,
  PreparedTransaction,
  SignedTransaction,
  TransactionProgress,
  Wallet,
  WalletDependencies,
  WalletState,
} from './types.ts';

function sameAddress(left: Address): (right: { readonly address: Address }) => boolean {
  return (right) => equalBytes(left, right.address);
}

function refuseLongName(name: string): void {
  const bytes = encodeUtf8(name).length;
  if (bytes === 0 || bytes > NAME_BYTES_MAX) {
    throw walletError('name-too-long', { bytesMax: NAME_BYTES_MAX });
  }
}

/** The browser's own prompts; absent outside a page, and in pages without a secure context. */
function defaultCredentials(): CredentialsApi | undefined {
  if (typeof navigator === 'undefined' || typeof PublicKeyCredential === 'undefined') {
    return undefined;
  }
  return navigator.credentials;
}

/** Accounts and contacts, kept in storage and shared with other tabs through it. */
class Notes {
  readonly #storage: WalletDependencies['storage'];
  notebook: Notebook;

  constructor(storage: WalletDependencies['storage']) {
    this.#storage = storage;
    this.notebook = this.#load();
  }

  #load(): Notebook {
    const text = this.#storage.read();
    if (text === undefined) return EMPTY_NOTEBOOK;
    const parsed = parseNotebook(text);
    // A note that cannot be read costs convenience only: accounts are found again by their keys.
    return parsed.ok ? parsed.value : EMPTY_NOTEBOOK;
  }

  reload(): void {
    this.notebook = this.#load();
  }

  save(notebook: Notebook): void {
    this.notebook = notebook;
    this.#storage.write(formatNotebook(notebook));
  }

  account(address: Address): LocalAccount | undefined {
    return this.notebook.accounts.find(sameAddress(address));
  }

  /** Adds or replaces an account. */
  putAccount(account: LocalAccount, options: { readonly isActive: boolean }): void {
    const { notebook } = this;
    const isKnown = this.account(account.address) !== undefined;
    if (!isKnown && notebook.accounts.length >= ACCOUNTS_MAX) {
      throw walletError('accounts-too-many', { countMax: ACCOUNTS_MAX });
    }
    const accounts = isKnown
      ? notebook.accounts.map((each) =>
          equalBytes(each.address, account.address) ? account : each,
        )
      : [...notebook.accounts, account];
    const activeAddress = options.isActive ? account.address : notebook.activeAddress;
    this.save({ ...notebook, accounts, activeAddress });
  }

  activeAccount(): LocalAccount | undefined {
    const { activeAddress, accounts } = this.notebook;
    return activeAddress === undefined ? accounts[0] : this.account(activeAddress);
  }
}

/** Joins two notebooks; what is here already wins. */
function mergeNotebooks(own: Notebook, other: Notebook): Notebook {
  const isNew =
    (known: readonly { readonly address: Address }[]) =>
    (each: { readonly address: Address }): boolean =>
      !known.some(sameAddress(each.address));
  const accounts = [...own.accounts, ...other.accounts.filter(isNew(own.accounts))];
  const contacts = [...own.contacts, ...other.contacts.filter(isNew(own.contacts))];
  if (accounts.length > ACCOUNTS_MAX) {
    throw walletError('accounts-too-many', { countMax: ACCOUNTS_MAX });
  }
  if (contacts.length > CONTACTS_MAX) {
    throw walletError('contacts-too-many', { countMax: CONTACTS_MAX });
  }
  const activeAddress = own.activeAddress ?? other.activeAddress;
  return { ...own, accounts, contacts, activeAddress };
}

/** Remembered facts of transactions on their way, by hexadecimal id. */
type Underway = { readonly sender: Address; readonly sequence: Sequence; isSubmitted: boolean };

/** The part of a wallet that prepares, signs, sends and follows. */
function createSending(
  context: WalletContext,
  notes: Notes,
  tracker: Tracker,
  onAccount: (account: LocalAccount) => void,
): Pick<Wallet, 'prepare' | 'sign' | 'submit'> {
  const underway = new Map<string, Underway>();

  /** The sequence after those that are submitted and not settled. */
  function nextSequenceOf(sender: Address): Sequence | undefined {
    let next: number | undefined;
    for (const { transactionId, ...progress } of tracker.list()) {
      const known = underway.get(formatHex(transactionId));
      if (known === undefined || !known.isSubmitted) continue;
      if (isSettled({ transactionId, ...progress }) || !equalBytes(known.sender, sender)) continue;
      next = Math.max(next ?? 0, known.sequence + 1);
    }
    return next as Sequence | undefined; // One more than a sequence, far below 2^53.
  }

  return {
    prepare(request) {
      const { sponsor } = request;
      return prepareTransaction(context, request, {
        nextSequence: nextSequenceOf(request.account.address),
        sponsorPolicy: sponsor === undefined ? undefined : notes.account(sponsor)?.initialPolicy,
      });
    },
    async sign(prepared: PreparedTransaction, options = {}): Promise<SignedTransaction> {
      const signed = await signTransaction(
        context,
        prepared,
        { localAccount: (address) => notes.account(address), onSigned: onAccount },
        options,
      );
      const { sender, sequence, validUntil } = prepared.body;
      underway.set(formatHex(signed.transactionId), { sender, sequence, isSubmitted: false });
      tracker.add({
        transactionId: signed.transactionId,
        sender,
        stage: 'signed',
        steps: [{ stage: 'signed', at: signed.signedAt }],
        height: undefined,
        validUntil,
        failure: undefined,
        summary: prepared.summary,
      });
      return signed;
    },
    async submit(signed, options = {}): Promise<Hash> {
      const { transactionId } = signed;
      let id: Hash;
      try {
        id = await context.client.submit(signed.bytes, options.signal);
      } catch (error) {
        const isRefusal = error instanceof TabellionError && isLedgerRefusal(error.code);
        if (isRefusal) {
          const failure = { code: error.code, actionIndex: undefined };
          tracker.report(transactionId, 'failed', failure);
        }
        throw error;
      }
      if (!equalBytes(id, transactionId)) throw walletError('node-answer-wrong');
      const known = underway.get(formatHex(transactionId));
      if (known !== undefined) known.isSubmitted = true;
      tracker.follow(transactionId);
      return transactionId;
    },
  };
}

/** Failures after which the same bytes may still be sent again, and so are no verdict. */
const PASSING: readonly string[] = [
  'aborted',
  'timed-out',
  'connection-failed',
  'leader-changed',
  'node-not-ready',
  'node-stopped',
  'answer-malformed',
  'internal-error',
  'rate-limited',
  'too-many-calls',
  'mempool-full',
  'sender-quota-exceeded',
  'peer-quota-exceeded',
  'not-yet-valid',
  'sequence-gap',
  'duplicate',
];

function isLedgerRefusal(code: string): boolean {
  return !PASSING.includes(code);
}

/** The part of a wallet that keeps names: contacts, export and import. */
function createBook(
  notes: Notes,
  changed: () => void,
): Pick<
  Wallet,
  'contacts' | 'saveContact' | 'removeContact' | 'resemblesKnown' | 'exportData' | 'importData'
> {
  return {
    contacts: () => notes.notebook.contacts,
    saveContact(contact: Contact) {
      refuseLongName(contact.name);
      const { notebook } = notes;
      const others = notebook.contacts.filter((each) => !sameAddress(contact.address)(each));
      if (others.length >= CONTACTS_MAX) {
        throw walletError('contacts-too-many', { countMax: CONTACTS_MAX });
      }
      notes.save({ ...notebook, contacts: [...others, contact] });
      changed();
    },
    removeContact(address) {
      const { notebook } = notes;
      const isOther = (each: Contact): boolean => !sameAddress(address)(each);
      notes.save({ ...notebook, contacts: notebook.contacts.filter(isOther) });
      changed();
    },
    resemblesKnown: (address) =>
      findLookalike<LocalAccount | Contact>(address, [
        ...notes.notebook.accounts,
        ...notes.notebook.contacts,
      ]),
    exportData: () => formatNotebook(notes.notebook),
    importData(text) {
      const parsed = parseNotebook(text);
      if (!parsed.ok) throw walletError(parsed.error.code);
      notes.save(mergeNotebooks(notes.notebook, parsed.value));
      changed();
    },
  };
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
  const endStorage = storage.subscribe(() => {
    notes.reload();
    changed();
  });

  return {
    ...createAccounts(context, notes, onAccount),
    ...createSending(context, notes, tracker, onAccount),
    ...createBook(notes, changed),
    state: () => state,
    accounts: () => state.accounts,
    activeAccount: () => state.activeAccount,
    subscribe(callback) {
      listeners.add(callback);
      return () => listeners.delete(callback);
    },
    setActiveAccount(address) {
      if (notes.account(address) === undefined) throw walletError('account-not-found');
      notes.save({ ...notes.notebook, activeAddress: address });
      changed();
    },
    renameAccount(address, name) {
      refuseLongName(name);
      const account = notes.account(address);
      if (account === undefined) throw walletError('account-not-found');
      onAccount({ ...account, name });
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
