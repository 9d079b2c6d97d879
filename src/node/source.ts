import type { Bytes } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type {
  Address,
  CommitCertificate,
  Header,
  Height,
  Membership,
  MissingKeys,
  StateView,
} from '../ledger/index.ts';
import type { StateProof } from '../state/index.ts';
import type { Head } from './chain.ts';
import type {
  BlockSummary,
  HistoryOptions,
  IncludedTransaction,
  Place,
  StoredBlock,
} from './store/index.ts';

/**
 * How much of the chain a node keeps. `light`: proven headers only; state and blocks are asked of
 * peers and proven. `full`: the state and the newest blocks. `archive`: everything since genesis,
 * executed here.
 */
export const NODE_MODES = ['light', 'full', 'archive'] as const;
export type NodeMode = (typeof NODE_MODES)[number];

/**
 * How far an answer may be believed. `cached`: nobody confirms it now. `reported`: one voice alone
 * does. `proven`: by certificates that several voices told, and Merkle proofs. `validated`:
 * executed here, beside what several voices told.
 */
export type SourceTrust = 'cached' | 'reported' | 'proven' | 'validated';

/** What some keys held after a block, with what proves the block. */
export type ProvenState = {
  readonly header: Header;
  readonly hash: Hash;
  /** Absent for genesis, which nobody certified. */
  readonly certificate: CommitCertificate | undefined;
  /** Who decided that block. */
  readonly membership: Membership;
  readonly keys: readonly Bytes[];
  readonly proof: StateProof;
};

/** Transactions of an account, newest first. */
export type AccountHistory = {
  readonly entries: readonly IncludedTransaction[];
  /** Where the next page goes on; absent at the end of what is known. */
  readonly next: Place | undefined;
  /** Lowest height from which nothing is missing; absent when only peers could say. */
  readonly completeFrom: Height | undefined;
  /** `chain`: found in this node's own index; `peers`: at places that peers named. */
  readonly origin: 'chain' | 'peers';
  /** How many voices named all of what peers told of it; absent where none were asked. */
  readonly namedBy?: number;
  /** Where peers told the newest of it: these would know of others up to here. */
  readonly upTo?: Height;
};

/** What reading asks for when it takes long. */
export type ReadOptions = { readonly signal?: AbortSignal };

/**
 * What questions are answered from: the chain that this node executed while that is near the
 * newest proven header, else that header, with what peers prove below it.
 *
 * All methods reject with `proof-unavailable` where peers are needed and none of them can prove it,
 * `light-expired` when what is trusted is too old to go on from, `aborted` when the signal says so.
 */
export interface LedgerSource {
  readonly kind: 'chain' | 'light';
  /** The block that readings see. Inside a reading: exactly the one its view is of. */
  head(): Head;
  /** How far what is read now may be believed. */
  trust(): SourceTrust;
  /** Who decides the height after the head. */
  membership(): Membership;
  /** Runs a reading on the state of the head; fetches what is missing and runs it again. */
  read<Value>(
    reading: (view: StateView) => Value,
    options?: ReadOptions,
  ): Promise<Exclude<Value, MissingKeys>>;
  /** Proves 1 to 64 distinct keys at the head. */
  prove(keys: readonly Bytes[], options?: ReadOptions): Promise<ProvenState>;
  /** A committed block; absent above the head. */
  block(height: Height, options?: ReadOptions): Promise<StoredBlock | undefined>;
  summary(height: Height, options?: ReadOptions): Promise<BlockSummary | undefined>;
  /** What proves a height to others; absent for genesis, and above the head. */
  certificateAt(height: Height, options?: ReadOptions): Promise<CommitCertificate | undefined>;
  /** The height of the block with a hash; absent when nobody knows one. */
  heightOf(hash: Hash, options?: ReadOptions): Promise<Height | undefined>;
  /** A transaction in a block; absent when nobody knows one. */
  transaction(id: Hash, options?: ReadOptions): Promise<IncludedTransaction | undefined>;
  /** `onBlock` is told of the blocks of our own store alone. */
  history(address: Address, query: HistoryOptions): Promise<AccountHistory>;
  /** Who decided a height; absent above the one after the head. */
  membershipAt(height: Height, options?: ReadOptions): Promise<Membership | undefined>;
}
