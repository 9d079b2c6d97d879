import type { ErrorData, TimestampMs } from '../base/index.ts';
import type { Evidence, Height } from '../ledger/index.ts';
import type { CommittedEvent, Head } from './chain.ts';
import type { TraceLine } from './diagnostics.ts';

/** Where the node is in its life. */
export type NodeStage = 'starting' | 'connecting' | 'syncing' | 'following' | 'paused' | 'failed';

/** How the node is, for people and tools. */
export type NodeStatus = {
  readonly stage: NodeStage;
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
  /** Whether this node is one of those who decide. */
  readonly isMember: boolean;
  readonly isValidator: boolean;
  readonly pendingTransactions: number;
  readonly startedAtMs: TimestampMs;
  readonly error: ErrorData | undefined;
};

/** What a node tells those inside its process. */
export type NodeEvents = {
  readonly head: CommittedEvent;
  readonly status: undefined;
  readonly consensus: undefined;
  readonly mempool: undefined;
  readonly peers: undefined;
  readonly trace: TraceLine;
  /** A member voted twice; the proof is stored. */
  readonly evidence: Evidence;
};
