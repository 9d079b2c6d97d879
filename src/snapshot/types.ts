import type { Transition } from '../base/index.ts';
import type { ChunkPlan } from '../state/index.ts';
import type { SnapshotLimits } from './limits.ts';

/** Names one request; never used twice, so that an answer which comes late is recognised. */
export type SnapshotTicket = number;

/** What a snapshot sync begins with. */
export type SnapshotStart = {
  /** As the manifest names them; chunks are called by their place here. */
  readonly chunks: readonly ChunkPlan[];
  /** Those that are stored already. */
  readonly have: ReadonlySet<number>;
  /** Who gave the manifest; `undefined` when nobody knows any more, as after a restart. */
  readonly manifestPeerId: string | undefined;
  readonly limits?: Partial<SnapshotLimits>;
};

export type SnapshotEvent =
  /** A peer says that it serves this very state. */
  | { readonly kind: 'peer-offers'; readonly peerId: string }
  /** It is gone, or offers this state no more. */
  | { readonly kind: 'peer-gone'; readonly peerId: string }
  /**
   * Answers `request-chunks`: those chunks of the request that came. An answer may be short for its
   * size, but holds the first chunk asked for if the peer has it.
   */
  | {
      readonly kind: 'chunks-received';
      readonly ticket: SnapshotTicket;
      readonly chunks: readonly { readonly index: number; readonly sizeBytes: number }[];
    }
  /** Answers `verify-chunk`, see `verifyChunk`: whose fault is it, if it is any? */
  | {
      readonly kind: 'chunk-verdict';
      readonly ticket: SnapshotTicket;
      readonly index: number;
      readonly verdict: 'valid' | 'bad-chunk' | 'false-plan';
    }
  /** Answers `store-chunk`. */
  | { readonly kind: 'chunk-stored'; readonly index: number }
  /**
   * `refused`: the peer or the connection said no. `malformed`: the answer does not decode, or is
   * none to this request. `gone`: the peer is.
   */
  | {
      readonly kind: 'request-failed';
      readonly ticket: SnapshotTicket;
      readonly reason: 'timeout' | 'refused' | 'malformed' | 'gone';
    }
  /** About once a second. */
  | { readonly kind: 'tick' };

/** What a peer is blamed for. */
export type SnapshotFault =
  /** It let a request time out, or refused it. */
  | 'stall'
  /** It stalled `stallsMax` times and served nothing useful in between. */
  | 'endless-stall'
  | 'malformed-answer'
  /** What it sent is not the chunk that was asked for. */
  | 'bad-chunk'
  /** Its manifest names false weights, so divides the state as no honest node does. */
  | 'false-manifest';

/** How far a snapshot is; bytes by the weights that the manifest names. */
export type SnapshotProgress = {
  readonly chunksDone: number;
  readonly chunksTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
};

export type SnapshotEffect =
  /** Answered by exactly one event with the same ticket; `peer-gone` answers all of a peer's. */
  | {
      readonly kind: 'request-chunks';
      readonly ticket: SnapshotTicket;
      readonly peerId: string;
      readonly indexes: readonly number[];
    }
  /**
   * Answered by `chunk-verdict`. The driver keeps the bytes until the verdict is a bad one, or the
   * chunk is stored; bytes that came and are not to be verified it lets go of.
   */
  | {
      readonly kind: 'verify-chunk';
      readonly ticket: SnapshotTicket;
      readonly index: number;
      readonly peerId: string;
    }
  /** Answered by `chunk-stored`. */
  | { readonly kind: 'store-chunk'; readonly index: number }
  | { readonly kind: 'report-peer'; readonly peerId: string; readonly fault: SnapshotFault }
  /** Every chunk is stored. Nothing comes after it. */
  | { readonly kind: 'snapshot-complete' }
  /**
   * The manifest is false, or nobody has a chunk that it names, not even its giver. Nothing comes
   * after it: go on with another manifest, best not of `peerId`; chunks of the same hash are good.
   */
  | { readonly kind: 'manifest-doubted'; readonly peerId: string | undefined }
  /** Nobody serves it for a while. Said once; it goes on as soon as somebody does. */
  | { readonly kind: 'snapshot-stalled' }
  | ({ readonly kind: 'progress-changed' } & SnapshotProgress);

/** Chunks that must be asked for, again. */
export type Waiting = {
  readonly indexes: readonly number[];
  /** Peers that failed them, latest last. */
  readonly avoided: readonly string[];
  /** Peers that said they have it not; then it is one chunk. */
  readonly lackedBy: readonly string[];
};

/** Chunks that a peer was asked for. */
export type Request = Waiting & {
  readonly ticket: SnapshotTicket;
  readonly peerId: string;
  /** The tick at which it was asked. */
  readonly askedAt: number;
};

/** Chunks of one answer that are here and not stored. */
export type Held = {
  readonly ticket: SnapshotTicket;
  readonly peerId: string;
  readonly verifying: readonly HeldChunk[];
  readonly storing: readonly HeldChunk[];
};
export type HeldChunk = { readonly index: number; readonly sizeBytes: number };

export type Peer = {
  readonly peerId: string;
  /** Rises with each fault, falls with each good chunk. */
  readonly faults: number;
  /** Asked nothing before this tick. */
  readonly restsUntil: number;
  /** Rises by 4 with each answer that came too late, falls by one with each that came in time. */
  readonly slowness: number;
  /** Ticket of the last request; the least lately asked is asked first. */
  readonly lastAsked: SnapshotTicket;
};

/** Each chunk not stored yet is in exactly one place: `missing` from `next` on, or a list here. */
export type SnapshotState = {
  readonly limits: SnapshotLimits;
  readonly chunks: readonly ChunkPlan[];
  readonly manifestPeerId: string | undefined;
  /** Chunks that were not stored at the beginning. */
  readonly missing: readonly number[];
  /** Place in `missing` of the first that was never asked for. */
  readonly next: number;
  readonly waiting: readonly Waiting[];
  readonly requests: readonly Request[];
  readonly held: readonly Held[];
  readonly peers: ReadonlyMap<string, Peer>;
  readonly distrusted: readonly string[];
  /** The last ticket given out. */
  readonly ticket: SnapshotTicket;
  readonly ticks: number;
  /** Ticks since a chunk came. */
  readonly quietTicks: number;
  /** Ticks since there was somebody to ask. */
  readonly lonelyTicks: number;
  readonly isStalled: boolean;
  readonly isOver: boolean;
  readonly progress: SnapshotProgress;
};

export type SnapshotTransition = Transition<SnapshotState, SnapshotEffect>;
