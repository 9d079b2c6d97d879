import type { Transition } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { SyncLimits } from './limits.ts';

/** A block as a peer sent it: decoded, and nothing more is known of it. */
export type FetchedBlock<Payload> = {
  readonly height: Height;
  readonly sizeBytes: number;
  readonly payload: Payload;
};

/**
 * Names one request or one hand-over; never used twice, so that an answer which comes late is
 * recognised as stale.
 */
export type Ticket = number;

export type SyncEvent<Payload> =
  /** What a peer says of itself: its head and the lowest block it can serve. */
  | {
      readonly kind: 'peer-status';
      readonly peerId: string;
      readonly headHeight: Height;
      readonly earliestHeight: Height;
    }
  | { readonly kind: 'peer-gone'; readonly peerId: string }
  /** Answers `request-blocks`. May hold fewer blocks than asked for. */
  | {
      readonly kind: 'blocks-received';
      readonly ticket: Ticket;
      readonly blocks: readonly FetchedBlock<Payload>[];
    }
  | { readonly kind: 'request-timed-out'; readonly ticket: Ticket }
  /** `refused`: the peer or the connection said no. `malformed`: the answer does not decode. */
  | {
      readonly kind: 'request-failed';
      readonly ticket: Ticket;
      readonly reason: 'refused' | 'malformed';
    }
  /** The block is committed, or was already. */
  | { readonly kind: 'block-accepted'; readonly ticket: Ticket }
  /** The block or its certificate is bad. What was handed over after it needs no answer. */
  | { readonly kind: 'block-rejected'; readonly ticket: Ticket; readonly code: string }
  /** The head moved, by whatever means. */
  | { readonly kind: 'head-advanced'; readonly height: Height }
  /** About once a second. */
  | { readonly kind: 'tick' };

/** What a peer is blamed for. */
export type SyncFault =
  /** It said it has blocks that it then did not serve. */
  | 'height-lie'
  /** It let a request time out, or refused it. */
  | 'stall'
  /** It stalled `stallsMax` times and served nothing useful in between. */
  | 'endless-stall'
  | 'malformed-answer'
  | 'bad-block';

/**
 * `waiting`: nobody useful to ask. `syncing`: blocks are missing. `following`: at the head, or one
 * block behind it for a moment.
 */
export type SyncStage = 'waiting' | 'syncing' | 'following';

export type SyncProgress = {
  readonly stage: SyncStage;
  readonly height: Height;
  /** The highest head that a peer in good standing claims, never below `height`. */
  readonly target: Height;
};

export type SyncEffect<Payload> =
  /** Answered by exactly one event with the same ticket; `peer-gone` answers all of a peer's. */
  | {
      readonly kind: 'request-blocks';
      readonly ticket: Ticket;
      readonly peerId: string;
      readonly from: Height;
      readonly count: number;
    }
  /** Verify, execute, commit. Comes in order of heights, several before the first is answered. */
  | {
      readonly kind: 'hand-over-block';
      readonly ticket: Ticket;
      readonly peerId: string;
      readonly block: FetchedBlock<Payload>;
    }
  | { readonly kind: 'report-peer'; readonly peerId: string; readonly fault: SyncFault }
  | ({ readonly kind: 'sync-state-changed' } & SyncProgress);

/** A range of heights on its way; each kind carries what is known then, and nothing else. */
export type Batch<Payload> =
  /** Nobody is asked. `avoided`: peers that failed it, latest last. */
  | {
      readonly kind: 'waiting';
      readonly from: number;
      readonly count: number;
      readonly avoided: readonly string[];
    }
  | {
      readonly kind: 'requested';
      readonly from: number;
      readonly count: number;
      readonly avoided: readonly string[];
      readonly ticket: Ticket;
      readonly peerId: string;
      /** The tick at which it was asked for. */
      readonly askedAt: number;
      /** `from` as the peer heard it; the head may have raised it since. */
      readonly askedFrom: number;
    }
  /** Here; `blocks.length` equals `count`. */
  | {
      readonly kind: 'received';
      readonly from: number;
      readonly count: number;
      readonly peerId: string;
      readonly blocks: readonly FetchedBlock<Payload>[];
    };

/** A block handed over; kept until it is answered, for it may have to be handed over again. */
export type HandOver<Payload> = {
  readonly ticket: Ticket;
  readonly peerId: string;
  readonly block: FetchedBlock<Payload>;
};

export type Peer = {
  readonly peerId: string;
  readonly headHeight: number;
  readonly earliestHeight: number;
  /** Rises with each fault, falls with each useful answer. */
  readonly faults: number;
  /** Asked nothing, and not believed, before this tick. */
  readonly restsUntil: number;
  /** Rises by 4 with each answer that came too late, falls by one with each that came in time. */
  readonly slowness: number;
  /** Ticket of the last request; the least lately asked is asked first. */
  readonly lastAsked: Ticket;
};

/**
 * Heights above `head` are, in this order and without a hole: handed over, then in batches.
 */
export type SyncState<Payload> = {
  readonly limits: SyncLimits;
  readonly head: number;
  readonly peers: ReadonlyMap<string, Peer>;
  readonly distrusted: readonly string[];
  readonly handed: readonly HandOver<Payload>[];
  readonly batches: readonly Batch<Payload>[];
  /** The last ticket given out. */
  readonly ticket: Ticket;
  readonly ticks: number;
  /** Ticks since the head moved. */
  readonly quietTicks: number;
  /** Size of blocks seen lately. */
  readonly blockBytes: number;
  /** What was last said by `sync-state-changed`. */
  readonly told: SyncProgress;
};

export type SyncTransition<Payload> = Transition<SyncState<Payload>, SyncEffect<Payload>>;
