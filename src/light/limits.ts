/** Heights that one request may ask for. */
export const LIGHT_HEIGHTS_MAX = 16;
/** Blocks that one answer may hold, those that the server added included. */
export const LIGHT_BLOCKS_MAX = 16;

/** Bounds of what a light client asks for, holds and remembers. */
export type LightLimits = {
  /** Heights of one request while bisecting; the first asks for its target alone. */
  readonly heightsPerRequest: number;
  /** Requests after which a chase is given up: its peer leads nowhere. */
  readonly requestsPerChaseMax: number;
  /** Blocks that a chase holds and has not proven. */
  readonly foundMax: number;
  /** Signatures that one `verify-claims` asks for, unless a single block has more. */
  readonly claimsMax: number;
  /** Heads chased at once: a second peer is asked when the first is slow. */
  readonly headChasesMax: number;
  /** Heights wanted at once, and of them those being proven at once. */
  readonly wantedMax: number;
  readonly wantedChasesMax: number;
  /** Trusted blocks remembered; the first and the newest always are. */
  readonly knownMax: number;
  /** Of those, the newest, by which voices that lag behind are compared. */
  readonly recentMax: number;
  /** Peers known; beyond it a new one takes the place of the one with most faults, if any. */
  readonly peersMax: number;
  /** Peers remembered for bad blocks and malformed answers, oldest forgotten first. */
  readonly distrustedMax: number;
  /** A faulty peer rests 2, 4, 8 … ticks, at most this many. */
  readonly restTicksMax: number;
  /** A lead of so many blocks is left for so many ticks to our own chain, if it follows. */
  readonly ownLeadBlocks: number;
  readonly ownLeadTicks: number;
  /** Ticks after which a second peer is asked for a head. */
  readonly slowTicks: number;
  /** Ticks after which a request without any answer counts as timed out. */
  readonly requestTicksMax: number;
};

export const LIGHT_LIMITS: LightLimits = {
  heightsPerRequest: LIGHT_HEIGHTS_MAX,
  requestsPerChaseMax: 512,
  foundMax: 64,
  claimsMax: 1024,
  headChasesMax: 3,
  wantedMax: 64,
  wantedChasesMax: 8,
  knownMax: 96,
  recentMax: 32,
  peersMax: 64,
  distrustedMax: 1024,
  restTicksMax: 64,
  ownLeadBlocks: 2,
  ownLeadTicks: 2,
  slowTicks: 2,
  requestTicksMax: 30,
};
