/** Bounds of what a snapshot sync asks for, holds and remembers. */
export type SnapshotLimits = {
  /** What one answer should hold, by the weights that the manifest names. */
  readonly requestBytes: number;
  /** Chunks of one request. */
  readonly requestChunksMax: number;
  readonly requestsMax: number;
  readonly requestsPerPeerMax: number;
  /**
   * Bytes asked for or held and not stored yet; one request is always allowed. Peers that send more
   * than the manifest names can hold at most an answer each beyond it, once.
   */
  readonly windowBytes: number;
  /** Peers known; beyond it a new one takes the place of the one with most faults, if any. */
  readonly peersMax: number;
  /** Liars remembered, oldest forgotten first. */
  readonly distrustedMax: number;
  /** A faulty peer rests 2, 4, 8 … ticks, at most this many. */
  readonly restTicksMax: number;
  /** Faults without a useful answer between them after which a stall is the last one. */
  readonly stallsMax: number;
  /** Ticks after which a request without any answer counts as timed out. */
  readonly requestTicksMax: number;
  /** Ticks without anybody to ask after which the snapshot is said to be stalled. */
  readonly lonelyTicksMax: number;
  /** As above, of ticks without a new chunk, whoever may be asked. */
  readonly quietTicksMax: number;
};

export const SNAPSHOT_LIMITS: SnapshotLimits = {
  requestBytes: 1024 * 1024,
  requestChunksMax: 64,
  requestsMax: 8,
  requestsPerPeerMax: 2,
  windowBytes: 16 * 1024 * 1024,
  peersMax: 64,
  distrustedMax: 1024,
  restTicksMax: 64,
  stallsMax: 8,
  requestTicksMax: 30,
  lonelyTicksMax: 10,
  quietTicksMax: 90,
};

/** Peers that failed some chunks and are asked for them again only when nobody else can be. */
export const AVOIDED_MAX = 8;
