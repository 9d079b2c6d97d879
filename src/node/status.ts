import type { ErrorData, TimestampMs } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Evidence, Height } from '../ledger/index.ts';
import type { CommittedEvent, Head } from './chain.ts';
import type { TraceLine } from './diagnostics.ts';
import type { LedgerSource, NodeMode, SourceTrust } from './source.ts';
import type { StorageEvent } from './types.ts';

/** Where the node is in its life. */
export type NodeStage = 'starting' | 'connecting' | 'syncing' | 'following' | 'paused' | 'failed';

/** The newest proven header, and how far its proof is confirmed. */
export type LightStatus = {
  readonly head: Head;
  /** `proven` once several voices told it and none another; `cached` while nobody is there. */
  readonly trust: Exclude<SourceTrust, 'validated'>;
  /** `waiting`: nobody to ask. `proving`: a newer head is on its way. */
  readonly stage: 'waiting' | 'proving' | 'following';
  /** The highest head that a peer told. */
  readonly targetHeight: Height;
  /** Voices that confirm it, whoever served it included. */
  readonly comparedVoices: number;
  /** What is trusted is older than its members may be believed: a newer checkpoint is needed. */
  readonly isExpired: boolean;
  /** Bytes of light blocks and proofs received. */
  readonly bytesReceived: number;
  /** Two blocks of one height, both certified: more than 1/3 of the power is dishonest. */
  readonly alarm: LightAlarm | undefined;
};

export type LightAlarm = {
  readonly height: Height;
  readonly first: Hash;
  readonly second: Hash;
};

/** How far the state of a snapshot was fetched. */
export type SnapshotStatus = {
  readonly height: Height;
  readonly chunksDone: number;
  readonly chunksTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
  readonly bytesPerSecond: number;
  /** Some of it was here from before. */
  readonly isResumed: boolean;
  /** Peers that serve it. */
  readonly peers: number;
};

/**
 * The way from light to full. `waiting-consent`: the device is on a metered line or low on power,
 * so somebody is asked first (`promote`).
 */
export type Promotion = 'none' | 'waiting-consent' | 'running';

/** How the node is, for people and tools. */
export type NodeStatus = {
  readonly stage: NodeStage;
  readonly mode: NodeMode;
  /** Newest blocks that `full` keeps; absent: all of them. */
  readonly keepBlocks: number | undefined;
  /** Lowest height from which this node's own index of accounts is complete. */
  readonly historyFrom: Height;
  /** What questions are answered from now. */
  readonly source: LedgerSource['kind'];
  readonly light: LightStatus | undefined;
  readonly snapshot: SnapshotStatus | undefined;
  readonly promotion: Promotion;
  readonly head: Head | undefined;
  /** Transactions in the block of the head. */
  readonly headTransactionCount: number;
  readonly startHeight: Height;
  readonly targetHeight: Height;
  readonly blocksPerSecond: number;
  readonly bytesReceived: number;
  readonly etaMs: number | undefined;
  readonly peers: number;
  /** Whether any connected peer told its head lately. */
  readonly hasCompared: boolean;
  /** How many did, peers of one host counted once. */
  readonly comparedPeers: number;
  /** How many of these know of nothing newer than our head, give or take a few blocks. */
  readonly confirmingPeers: number;
  /** Whether this node is one of those who decide. */
  readonly isMember: boolean;
  readonly isValidator: boolean;
  readonly pendingTransactions: number;
  readonly startedAtMs: TimestampMs;
  readonly error: ErrorData | undefined;
  /** What became of what this home had stored before, when something did. */
  readonly storage: StorageEvent | undefined;
};

/** What a node tells those inside its process. */
export type NodeEvents = {
  readonly head: CommittedEvent;
  /** The newest proven header moved, or what questions are answered from changed. */
  readonly light: undefined;
  readonly status: undefined;
  readonly consensus: undefined;
  readonly mempool: undefined;
  readonly peers: undefined;
  readonly trace: TraceLine;
  /** A member voted twice; the proof is stored. */
  readonly evidence: Evidence;
};
