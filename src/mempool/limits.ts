/** What a pool may hold. Everything a peer can make grow has its bound here. */
export type MempoolLimits = {
  /** Beyond either bound the cheapest last transactions of senders are evicted. */
  readonly transactionsMax: number;
  readonly bytesMax: number;
  /** Pending transactions of one sender; further ones are refused. */
  readonly perSenderMax: number;
  /** How far a sequence may lie beyond the first one missing; bounds what cannot run yet. */
  readonly sequenceGapMax: number;
  /** Heights that `validFrom` may lie beyond the next one. */
  readonly validFromAheadMax: number;
  /** Pending transactions that came first from one peer; the rest of the pool is for others. */
  readonly perPeerMax: number;
  readonly perPeerBytesMax: number;
  /** Ids of finished transactions remembered, oldest forgotten first. */
  readonly finishedMax: number;
  /** Refusals of one peer's transactions between two heights before it is reported. */
  readonly refusalsPerPeerMax: number;
  /** Peers whose refusals are counted; beyond it the longest known is forgotten. */
  readonly peersCountedMax: number;
};

export const MEMPOOL_LIMITS: MempoolLimits = {
  transactionsMax: 20_000,
  bytesMax: 32 * 1024 * 1024,
  perSenderMax: 64,
  sequenceGapMax: 16,
  validFromAheadMax: 64,
  perPeerMax: 10_000,
  perPeerBytesMax: 16 * 1024 * 1024,
  finishedMax: 65_536,
  refusalsPerPeerMax: 256,
  peersCountedMax: 1024,
};

/** A replacement pays at least 11/10 of what it replaces, so that churn costs something. */
export const REPLACEMENT_NUMERATOR = 11n;
export const REPLACEMENT_DENOMINATOR = 10n;

/** Transactions that do not fit into a block and are passed over before it counts as full. */
export const MISFITS_MAX = 64;
