import type { Bytes, Clock, TimestampMs, Tracer } from '../base/index.ts';
import type { GenesisDocument, Height } from '../ledger/index.ts';
import type { Checkpoint } from '../light/index.ts';
import type { Network, NetworkHandlers } from '../network/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import type { ValidatorSigner } from './consensus-driver.ts';
import type { OnCrashPoint } from './crash-points.ts';
import type { FaucetSigner } from './faucet.ts';
import type { NodeMode } from './source.ts';

/** What the platform says about the room that the store has. */
export type StorageEstimate = {
  readonly usageBytes: number | undefined;
  readonly quotaBytes: number | undefined;
  readonly isPersisted: boolean | undefined;
};

/**
 * What became of what this home had stored. `wiped`: it was deleted from outside. `partly-wiped`:
 * some of it was. `repaired`: it was damaged, and the ledger's part is read again from peers, or
 * with the code `page-mended` no more than what was damaged, which is in its place again.
 * `reopened`: the platform closed it while the node ran, and nothing is missing. `quota`: there is
 * no room to write. `held`: it cannot be opened yet, and the node runs without it; with the code
 * `tab-asleep` because of another tab, with `store-slow` for no reason that is known.
 */
export type StorageEvent = {
  readonly kind: 'wiped' | 'partly-wiped' | 'repaired' | 'reopened' | 'quota' | 'held';
  readonly atMs: TimestampMs;
  /** What was found wrong, by its code. */
  readonly code: string | undefined;
};

/**
 * Says outside of the store that this home's validator once began: a store that is empty although
 * it did has lost its data.
 */
export type ValidatorMarker = {
  isSet(): Promise<boolean>;
  /** Returns once the mark would survive the loss of the store. */
  set(): Promise<void>;
};

/** How far a validator's log went when it was written last, or when it signed last. */
export type SigningMark = {
  /** 0 before the first signature. */
  readonly height: Height;
  /** Entries in the log of that height. */
  readonly entries: number;
  /** Digest of the last of them, which covers all before it. */
  readonly digest: Bytes;
};

/**
 * Keeps the newest mark outside of the store: a store that lost the end of its log, by a disk that
 * lied or a copy that was put back, cannot tell it by itself.
 */
export type SigningMarkKeeper = {
  /** Absent when none was kept yet; `spoilt` when one was, and cannot be read any more. */
  load(): Promise<SigningMark | 'spoilt' | undefined>;
  /** Returns once the mark would survive a loss of power. */
  store(mark: SigningMark): Promise<void>;
};

/** Where a node lives: everything that differs between a tab, a relay and the simulator. */
export type NodeHome = {
  readonly kind: 'tab' | 'relay' | 'simulator';
  readonly store: KeyValueStore;
  /**
   * Whether `store` stands in for one that cannot be looked at now. An alarm or a checkpoint may be
   * in that, so nothing here is more than `reported`; and what is told to be kept is refused.
   */
  readonly isShelter?: boolean;
  /** `indexeddb`, `leveldb` or `memory`. */
  readonly storeKind: string;
  openNetwork(handlers: NetworkHandlers, chainId: string): Promise<Network>;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Without it an empty store is taken for that of a new validator. */
  readonly validatorMarker?: ValidatorMarker;
  /** Without it only the store itself says how far its log went. */
  readonly signingMarks?: SigningMarkKeeper;
  estimateStorage?(): Promise<StorageEstimate>;
  /** The last thing that became of the store, for people. */
  storageEvent?(): StorageEvent | undefined;
  /** Called at every place where something is written; only tests kill there. */
  readonly onCrashPoint?: OnCrashPoint;
  /**
   * Whether this device may fetch the whole state now: not on a metered line or a low battery.
   * Asked before the way from light to full begins; without it, always.
   */
  mayPromote?(): Promise<boolean>;
};

/** What a person or operator decides about a node. */
export type NodeOptions = {
  readonly genesis: GenesisDocument;
  /** Memory for pages of state, in bytes. */
  readonly cacheBytesMax: number;
  /** How much of the chain to keep, at the first start: later the store knows; default `full`. */
  readonly mode?: NodeMode;
  /** Newest blocks that `full` keeps; absent: all of them. */
  readonly keepBlocks?: number;
  /** Heights between two snapshots; default 1,024. The same on all nodes of a network. */
  readonly snapshotEveryBlocks?: number;
  /** Blocks that a snapshot must be above our head to be fetched; default 512. */
  readonly snapshotWorthBlocks?: number;
  /**
   * A block that the operator was told by hand: looked for until a peer shows it, and kept then.
   * A node whose own chain holds another block of that height does not start.
   */
  readonly checkpoint?: Checkpoint;
  /**
   * Whether signatures of transactions at or below a checkpoint are left unchecked; absent: as it
   * was chosen last, no at first. Not for validators.
   */
  readonly replayTrusting?: boolean;
  /**
   * How long a proven header can be built on. Absent: two weeks where members change, for ever
   * where they never do.
   */
  readonly trustingPeriodMs?: number;
  /** Version of this program, for people. */
  readonly version: string;
  /** Present on validators. */
  readonly signer?: ValidatorSigner;
  /** Present where test coins are handed out. */
  readonly faucet?: FaucetSigner;
  /** Multiaddrs that fresh nodes are told to dial. */
  readonly relays: readonly string[];
};
