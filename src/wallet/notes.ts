import { encodeUtf8, equalBytes } from '../base/index.ts';
import type { Address } from '../ledger/index.ts';
import { walletError } from './errors.ts';
import { ACCOUNTS_MAX, CONTACTS_MAX, NAME_BYTES_MAX } from './limits.ts';
import type { Notebook } from './notebook.ts';
import { EMPTY_NOTEBOOK, formatNotebook, parseNotebook } from './notebook.ts';
import { findLookalike } from './resemblance.ts';
import type { Contact, LocalAccount, Wallet, WalletStorage } from './types.ts';

/** Tells what stands for an address. */
export function sameAddress(left: Address): (right: { readonly address: Address }) => boolean {
  return (right) => equalBytes(left, right.address);
}

/** Names are 1 to 64 bytes. */
export function refuseLongName(name: string): void {
  const bytes = encodeUtf8(name).length;
  if (bytes === 0 || bytes > NAME_BYTES_MAX) {
    throw walletError('name-too-long', { bytesMax: NAME_BYTES_MAX });
  }
}

/** Accounts and contacts, kept in storage and shared with other tabs through it. */
export class Notes {
  readonly #storage: WalletStorage;
  notebook: Notebook;

  constructor(storage: WalletStorage) {
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

/** The part of a wallet that keeps names: contacts, export and import. */
export function createBook(
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
