/** Bounds of what sync asks for, holds and remembers. */
export type SyncLimits = {
  /** Heights beyond the head that are asked for; what lies further waits. */
  readonly windowBlocks: number;
  /**
   * Bytes of blocks held. Only the batch that is next in line is asked for beyond it, so at most
   * `requestsMax` answers come on top.
   */
  readonly windowBytes: number;
  /** Blocks handed over and not answered yet. */
  readonly handOverMax: number;
  /** Blocks of one request; fewer when blocks are large. */
  readonly batchBlocksMax: number;
  /** What one answer should hold, by the size of blocks seen lately. */
  readonly batchBytes: number;
  readonly requestsMax: number;
  readonly requestsPerPeerMax: number;
  /**
   * Peers known. Beyond it a new one takes the place of the one with most faults, if any, or, if it
   * has the block after our head, of one that does not have it.
   */
  readonly peersMax: number;
  /** Peers remembered for bad blocks and malformed answers, oldest forgotten first. */
  readonly distrustedMax: number;
  /** A faulty peer rests 2, 4, 8 … ticks, at most this many. */
  readonly restTicksMax: number;
  /** Faults without a useful answer between them after which a stall is the last one. */
  readonly stallsMax: number;
  /** Ticks after which a request without any answer counts as timed out. */
  readonly requestTicksMax: number;
  /** Ticks without progress after which a lag of one block is asked for. */
  readonly quietTicksMax: number;
};

export const SYNC_LIMITS: SyncLimits = {
  windowBlocks: 256,
  windowBytes: 16 * 1024 * 1024,
  handOverMax: 64,
  batchBlocksMax: 64,
  batchBytes: 1024 * 1024,
  requestsMax: 8,
  requestsPerPeerMax: 2,
  peersMax: 64,
  distrustedMax: 1024,
  restTicksMax: 64,
  stallsMax: 8,
  requestTicksMax: 30,
  quietTicksMax: 2,
};

/** Assumed size of a block before the first is seen. */
export const BLOCK_BYTES_GUESS = 16 * 1024;
/** Peers that failed a batch and are asked for it again only when nobody else can be. */
export const AVOIDED_MAX = 8;
