import type { Bytes, Json, TimestampMs } from '../base/index.ts';
import type { Hash, HashSuiteName } from '../crypto/index.ts';
import type {
  Action,
  ActionClass,
  Address,
  Amount,
  AssetId,
  Gas,
  Height,
  KeyHint,
  KeyPolicy,
  Sequence,
  Transaction,
  TransactionBody,
  Transport,
} from '../ledger/index.ts';
import type { Trust } from '../sdk/index.ts';

/* ------------------------------------------------------------ accounts */

/** How a person holds a key: in the device (passkey) or on a stick or card (security key). */
export type KeyKind = 'passkey' | 'security-key';

/**
 * What this browser remembers of one key. Nothing here is secret, and all of it can be read back
 * from the ledger or from the authenticator.
 */
export type LocalKey = {
  /** The ledger's name of the key. */
  readonly keyId: Hash;
  readonly scheme: 'webauthn-p256';
  readonly kind: KeyKind;
  readonly credentialId: Bytes;
  readonly transports: readonly Transport[];
  /** The DNS name that the key belongs to. */
  readonly rpId: string;
  /** Pages that may ask this key to sign. */
  readonly origins: readonly string[];
  readonly label: string;
  readonly createdAt: TimestampMs;
  /** P-256, 33 bytes compressed. */
  readonly publicKey: Bytes;
  /** Whether the key may live on several devices, and whether it does; unknown before signing. */
  readonly isBackupEligible: boolean | undefined;
  readonly isBackedUp: boolean | undefined;
  /** When the key last signed here; a key that never did has not been tested. */
  readonly lastUsedAt: TimestampMs | undefined;
};

/** An account that this browser can sign for. */
export type LocalAccount = {
  readonly address: Address;
  /** For this person's eyes only. */
  readonly name: string;
  readonly keys: readonly LocalKey[];
  /** The policy whose hash is the address; unknown after a sign-in by address. */
  readonly initialPolicy: KeyPolicy | undefined;
  /** Whether the ledger was seen to hold a record of the keys. */
  readonly isOnLedger: boolean;
  readonly createdAt: TimestampMs;
};

/** A name for an address, kept in this browser alone. */
export type Contact = { readonly name: string; readonly address: Address };

/** What a subscriber redraws from. */
export type WalletState = {
  readonly accounts: readonly LocalAccount[];
  readonly activeAccount: LocalAccount | undefined;
  readonly contacts: readonly Contact[];
  /** What was signed or tracked here, newest first; at most 100. */
  readonly transactions: readonly TransactionProgress[];
};

/* -------------------------------------------------------- transactions */

/** One fact of an action, ready to draw. Names of accounts come from contacts, by the page. */
export type SummaryField = {
  /** Field of the action, such as `recipient`. */
  readonly name: string;
  readonly value:
    | { readonly kind: 'address'; readonly address: Address }
    | {
        readonly kind: 'amount';
        readonly amount: Amount;
        readonly asset: AssetId;
        readonly symbol: string;
        readonly decimals: number;
      }
    | { readonly kind: 'text'; readonly text: string };
};

/** One action as people read it: nothing of it may be folded away. */
export type SummaryLine = {
  /** `module.action`, for wording and icons. */
  readonly kind: string;
  /** What happens, such as `Send`; from the module's own description. */
  readonly title: string;
  readonly fields: readonly SummaryField[];
};

/** How much of an asset an account gains or loses. */
export type BalanceChange = {
  readonly address: Address;
  readonly asset: AssetId;
  readonly symbol: string;
  readonly decimals: number;
  readonly before: bigint;
  readonly after: bigint;
};

/** What the node of this tab says would happen; no promise, since the state moves on. */
export type Simulation = {
  readonly atHeight: Height;
  /** How far the state that it was simulated on may be believed. */
  readonly trust: Trust;
  readonly gasUsed: Gas;
  readonly fee: Amount;
  readonly outcome:
    | { readonly kind: 'succeeded' }
    | { readonly kind: 'failed'; readonly code: string; readonly actionIndex: number };
  readonly changes: readonly BalanceChange[];
  /** Why the ledger would refuse it whoever signs, such as `insufficient-balance`. */
  readonly problem:
    | { readonly code: string; readonly facts: { readonly [name: string]: Json } }
    | undefined;
};

/** Ready to be looked at and signed. Everything shown comes from `bytes`, decoded again. */
export type PreparedTransaction = {
  readonly account: LocalAccount;
  readonly network: NetworkFacts;
  /** Canonical bytes of the body: what is signed is the hash of exactly these. */
  readonly bytes: Bytes;
  readonly body: TransactionBody;
  readonly transactionId: Hash;
  readonly signingHash: Hash;
  /** Six characters of the signing hash, such as `7K4-M2P`, to compare on two screens. */
  readonly signingCode: string;
  readonly summary: readonly SummaryLine[];
  readonly simulation: Simulation;
  /** The strictest class among the actions: decides how much weight of keys is needed. */
  readonly actionClass: ActionClass;
  /** Keys of this browser that may sign it. */
  readonly signers: readonly LocalKey[];
  /** Whether a note for fresh browsers (`account.describe-key`) was added by the wallet. */
  readonly hasAddedDescription: boolean;
};

/** Complete and ready to submit. */
export type SignedTransaction = {
  readonly transactionId: Hash;
  readonly bytes: Bytes;
  readonly transaction: Transaction;
  readonly signedAt: TimestampMs;
};

export type ProgressStage = 'signed' | 'seen' | 'included' | 'final' | 'failed' | 'expired';

/** Where a transaction is: every stage that was reached, with its time, oldest first. */
export type TransactionProgress = {
  readonly transactionId: Hash;
  readonly sender: Address;
  readonly stage: ProgressStage;
  readonly steps: readonly { readonly stage: ProgressStage; readonly at: TimestampMs }[];
  /** Height of the block that holds it, once included. */
  readonly height: Height | undefined;
  /** Last height at which it may still be included. */
  readonly validUntil: Height | undefined;
  /** Why it failed: the code of the receipt or of the refusal. */
  readonly failure: { readonly code: string; readonly actionIndex: number | undefined } | undefined;
  readonly summary: readonly SummaryLine[];
};

/* ------------------------------------------------------------- network */

/** What names a network and its coin. */
export type NetworkFacts = {
  readonly chainId: Hash;
  readonly name: string;
  readonly hashSuite: HashSuiteName;
  readonly native: { readonly symbol: string; readonly name: string; readonly decimals: number };
};

/** An account as the ledger holds it. `policy` is absent while there is no record of keys. */
export type LedgerAccount = {
  readonly address: Address;
  readonly sequence: Sequence;
  readonly policy: KeyPolicy | undefined;
  /** What fresh browsers may know of the keys; hints are absent for keys never described. */
  readonly keys: readonly { readonly keyId: Hash; readonly hint: KeyHint | undefined }[];
};

/** Prices that a fee limit is made from. */
export type GasPrices = {
  /** Native units for one gas. */
  readonly gasPrice: bigint;
  readonly gasPerSignature: number;
};

/** What the node knows of a transaction. */
export type LedgerTransactionStatus = {
  readonly stage: 'unknown' | 'seen' | 'included' | 'final' | 'failed' | 'expired';
  readonly height: Height | undefined;
  readonly failure: { readonly code: string; readonly actionIndex: number | undefined } | undefined;
  /** Why the node let it go without a verdict: its bytes may still be executed. */
  readonly droppedFor?: string | undefined;
};

/** A body to try, and the policies that accounts without a record will show. */
export type SimulateRequest = {
  readonly body: Bytes;
  readonly initialPolicy: KeyPolicy | undefined;
  readonly sponsorPolicy: KeyPolicy | undefined;
};

/** The questions a wallet asks its node. `walletClientOf` makes one from an SDK client. */
export interface WalletClient {
  network(signal?: AbortSignal): Promise<NetworkFacts>;
  /** Height of the newest block that this tab trusts. */
  headHeight(signal?: AbortSignal): Promise<Height>;
  account(address: Address, signal?: AbortSignal): Promise<LedgerAccount>;
  /** Accounts that claim a credential, most credible first; each must be checked. */
  findByCredential(credentialId: Bytes, signal?: AbortSignal): Promise<readonly Address[]>;
  asset(
    asset: AssetId,
    signal?: AbortSignal,
  ): Promise<{ readonly symbol: string; readonly decimals: number } | undefined>;
  gasPrices(signal?: AbortSignal): Promise<GasPrices>;
  /**
   * Runs a body on the node's own state, without signatures; a body whose `gasLimit` and `feeMax`
   * are zero runs without limits.
   */
  simulate(request: SimulateRequest, signal?: AbortSignal): Promise<Simulation>;
  submit(transaction: Bytes, signal?: AbortSignal): Promise<Hash>;
  transactionStatus(id: Hash, signal?: AbortSignal): Promise<LedgerTransactionStatus>;
  /** Calls back at each change; the returned function ends it. */
  watchTransaction(id: Hash, callback: (status: LedgerTransactionStatus) => void): () => void;
  /** Calls back at each new head. */
  watchHead(callback: (height: Height) => void): () => void;
}

/* -------------------------------------------------------------- wallet */

/** Where a wallet keeps its small note of accounts and contacts. */
export interface WalletStorage {
  read(): string | undefined;
  write(text: string): void;
  /** Calls back when another tab wrote; the returned function ends it. */
  subscribe(callback: () => void): () => void;
}

/** The two functions of `navigator.credentials` that a wallet needs. */
export interface CredentialsApi {
  create(options: CredentialCreationOptions): Promise<Credential | null>;
  get(options: CredentialRequestOptions): Promise<Credential | null>;
}

export type CreateAccountRequest = {
  readonly kind: KeyKind;
  /** Name of the key and, at first, of the account; at most 64 bytes. */
  readonly label: string;
  readonly signal?: AbortSignal;
};

export type PrepareRequest = {
  readonly account: LocalAccount;
  readonly actions: readonly Action[];
  /** At most 256 bytes; public for ever. */
  readonly memo?: string;
  /** Pays the fee instead, and has to sign as well. */
  readonly sponsor?: Address;
  readonly signal?: AbortSignal;
};

/** What the loss of one key would mean under a policy. */
export type KeyLoss = {
  readonly keyId: Hash;
  /** Classes of action that the remaining keys could no longer do. */
  readonly lost: readonly ActionClass[];
};

/** A new key that made its test signature, and the action that puts it on the ledger. */
export type AddedKey = {
  readonly key: LocalKey;
  readonly action: Action;
  /** What losing each single key would mean after the change. */
  readonly losses: readonly KeyLoss[];
};

/** Signing for a person. Every rejection is a `TabellionError`; see `errors.ts` for the codes. */
export interface Wallet {
  state(): WalletState;
  accounts(): readonly LocalAccount[];
  activeAccount(): LocalAccount | undefined;
  /** Calls back after every change of {@link state}; the returned function ends it. */
  subscribe(callback: (state: WalletState) => void): () => void;
  setActiveAccount(address: Address): void;
  renameAccount(address: Address, name: string): void;
  /** Forgets the account in this browser; the ledger keeps it. */
  forgetAccount(address: Address): void;

  /** One prompt, no transaction: the address comes from the key. The account becomes active. */
  createAccount(request: CreateAccountRequest): Promise<LocalAccount>;
  /**
   * Finds the account of a passkey. One prompt when the ledger knows the credential, else a
   * second one, from which the public key is recovered; `onSecondPrompt` may explain it first.
   */
  signInWithPasskey(options?: {
    readonly signal?: AbortSignal;
    readonly onSecondPrompt?: () => Promise<void> | void;
  }): Promise<LocalAccount>;
  /** Finds the keys of an address on the ledger and asks for one of them. */
  signInWithAddress(
    address: Address,
    options?: { readonly signal?: AbortSignal },
  ): Promise<LocalAccount>;

  /** Two prompts: makes a further key, then tests it. The returned action must still be signed. */
  addKey(account: LocalAccount, request: CreateAccountRequest): Promise<AddedKey>;
  /** Remembers a key of {@link addKey} once its transaction is final. */
  keepKey(account: LocalAccount, key: LocalKey): Promise<LocalAccount>;
  /** The action that revokes a key; rejects with `dead-end-policy` if nobody could act after. */
  revokeKey(
    account: LocalAccount,
    keyId: Hash,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly action: Action; readonly losses: readonly KeyLoss[] }>;
  /** Reads the account's keys from the ledger again and updates what is remembered. */
  refreshAccount(
    account: LocalAccount,
    options?: { readonly signal?: AbortSignal },
  ): Promise<LocalAccount>;

  prepare(request: PrepareRequest): Promise<PreparedTransaction>;
  /** One prompt per key needed; nothing leaves the browser yet. */
  sign(
    prepared: PreparedTransaction,
    options?: { readonly signal?: AbortSignal },
  ): Promise<SignedTransaction>;
  /** Hands the bytes to the node and begins to track them. */
  submit(signed: SignedTransaction, options?: { readonly signal?: AbortSignal }): Promise<Hash>;
  /** Calls back at once and at every change of a transaction signed here, until its verdict. */
  track(transactionId: Hash, callback: (progress: TransactionProgress) => void): () => void;

  contacts(): readonly Contact[];
  /** Adds the contact, or renames the one with this address. */
  saveContact(contact: Contact): void;
  removeContact(address: Address): void;
  /** A known address that this one merely resembles, if there is one. */
  resemblesKnown(address: Address): LocalAccount | Contact | undefined;

  /** Accounts and contacts as JSON text. */
  exportData(): string;
  /** Merges an export into this wallet; text that is none throws `import-malformed`. */
  importData(text: string): void;

  stop(): void;
}

/** What {@link Wallet} is made from. */
export type WalletDependencies = {
  readonly client: WalletClient;
  readonly storage: WalletStorage;
  /** Origin of this page, such as `https://wallet.example`. */
  readonly origin: string;
  /** The DNS name that keys belong to: the host of the origin or a parent domain of it. */
  readonly rpId: string;
  /** Default: `navigator.credentials`. */
  readonly credentials?: CredentialsApi | undefined;
  readonly now?: () => TimestampMs;
};
