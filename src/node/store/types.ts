import type { Bytes, TimestampMs, Tracer } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type {
  CommitCertificate,
  CommittedBlock,
  Header,
  Height,
  Ledger,
  Membership,
  PreparedBlock,
  Receipt,
  StateChange,
  Transaction,
} from '../../ledger/index.ts';
import type { PageRecordForm, StagedState } from '../../state/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import type { LedgerCrashPoint } from './crash-points.ts';
import type { Place } from './history-index.ts';
import type { AskForPage } from './mending.ts';
import type { BlockOutline } from './records.ts';

/** How a ledger store uses memory and disk; none of it changes a root. */
export type LedgerStoreOptions = {
  /** Memory for pages of state, in bytes; default 32 MB. */
  readonly cacheBytesMax?: number;
  /** Blocks after which a checkpoint is due; default 256. */
  readonly checkpointEveryBlocks?: number;
  /** Versions of the state that can be proved, the head included; default 64. */
  readonly versionsKept?: number;
  /** Encoded bytes above which a page of state is split; default 65,536. */
  readonly pageBytesMax?: number;
  /** How pages are written; default `image` where the store likes small values, else `leaves`. */
  readonly pageRecords?: PageRecordForm;
  /**
   * Whether a commit waits until it would survive a loss of power; default `relaxed`: blocks lost
   * that way are asked of peers again. Checkpoints are always strict.
   */
  readonly commitDurability?: 'relaxed' | 'strict';
  /** Heights at whose multiples a snapshot is kept; default 1,024, the same on every node. */
  readonly snapshotEveryBlocks?: number;
  /** Snapshots that are kept at a time; default 2, none: 0. */
  readonly snapshotsKept?: number;
};

/** Which blocks a store keeps, and with them the histories of accounts. */
export type Retention =
  | { readonly kind: 'all' }
  /** The newest so many, and those since the oldest kept snapshot. */
  | { readonly kind: 'recent'; readonly blocks: number };

/**
 * A block proven by certificates, whose state is taken over from peers. What a light client trusts
 * is one.
 */
export type SnapshotAnchor = {
  readonly header: Header;
  readonly hash: Hash;
  /** Who decided it, and who decides the height after it. */
  readonly membership: Membership;
  readonly nextMembership: Membership;
};

/** A state to be taken over. */
export type SnapshotRequest = {
  readonly trusted: SnapshotAnchor;
  /** Encoded manifest of its state. */
  readonly manifest: Bytes;
  /** Kept where they are known: others may ask for the light block of that height. */
  readonly certificate?: CommitCertificate | undefined;
  readonly parent?: Header | undefined;
};

/** The anchor that a store stands on: no block below it, nor its own, is here. */
export type StoredAnchor = SnapshotAnchor & {
  readonly certificate: CommitCertificate | undefined;
  readonly parent: Header | undefined;
};

/** A state that is kept for peers to take over. */
export type SnapshotOffer = {
  readonly height: Height;
  readonly blockHash: Hash;
  readonly stateRoot: Hash;
  /** Weight of its leaves, near the bytes of all chunks. */
  readonly bytes: number;
  readonly chunkCount: number;
};

/** A snapshot that is being fetched, perhaps since before a restart. */
export type BegunSnapshot = {
  readonly anchor: StoredAnchor;
  readonly chunksTotal: number;
  readonly chunksDone: number;
};

/** A page of the head that could not be loaded: lost, or other bytes than were written. */
export type DamagedPage = {
  /** One nibble a byte. */
  readonly prefix: Bytes;
  readonly hash: Hash;
  readonly weight: number;
  readonly count: number;
};

/** What a ledger store stands on. */
export type LedgerStoreDependencies = {
  readonly store: KeyValueStore;
  readonly ledger: Ledger;
  readonly tracer?: Tracer;
  readonly options?: LedgerStoreOptions;
  /**
   * Asks others for a page of the head that is lost or spoilt here; readings wait for the answer,
   * those of opening too. Absent, or answered by nothing: they reject with `page-corrupt`.
   */
  readonly mend?: AskForPage | undefined;
  /** Lets a test stop the process at a named place: throw, or kill, inside the callback. */
  readonly onCrashPoint?: (name: LedgerCrashPoint) => void | Promise<void>;
};

/** The newest committed block. */
export type StoredHead = { readonly header: Header; readonly hash: Hash };

/** The state after a block that is not committed yet. */
export type StagedBlock = StagedState;

/** A decided and executed block to be made durable. */
export type CommitRequest = {
  readonly block: PreparedBlock;
  /** Canonical bytes of the block, kept as they are. */
  readonly blockBytes: Bytes;
  readonly certificate: CommitCertificate;
  /** One a transaction, in their order. */
  readonly receipts: readonly Receipt[];
  /** Their canonical bytes, where somebody made them already. */
  readonly receiptBytes?: readonly Bytes[];
  readonly changes: readonly StateChange[];
  /** What staging the changes gave, where that was done already. */
  readonly staged?: StagedBlock;
  /** Who decides the next height. */
  readonly nextMembership: Membership;
};

/** A block as peers ask for it. */
export type ServedBlock = { readonly block: Bytes; readonly certificate: CommitCertificate };

/** A committed block with its hash and its canonical bytes. */
export type StoredBlock = CommittedBlock & { readonly hash: Hash; readonly blockBytes: Bytes };

/** A block without its transactions. */
export type BlockSummary = BlockOutline & { readonly hash: Hash };

/** A transaction of a committed block, and what it did there. */
export type IncludedTransaction = Place & {
  readonly timestampMs: TimestampMs;
  readonly transaction: Transaction;
  readonly receipt: Receipt;
};

/** What memory and disk hold. */
export type LedgerStoreStatus = {
  readonly headHeight: Height;
  readonly checkpointHeight: Height | undefined;
  /** Bytes of journal records that no checkpoint covers. */
  readonly journalBytes: number;
  /** Memory of pages, an estimate; and the part that no checkpoint holds. */
  readonly cacheBytes: number;
  readonly dirtyBytes: number;
};
