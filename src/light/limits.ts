import type { LightOptions } from './types.ts';

/** Heights that one request may ask for. */
export const LIGHT_HEIGHTS_MAX = 16;
/** Blocks that one answer may hold, those that the server added included. */
export const LIGHT_BLOCKS_MAX = 16;

/** How far the time of a header may be ahead of ours. */
export const CLOCK_DRIFT_MS = 10_000;
/** Members that change can be punished for three weeks; two thirds of it are left to notice. */
export const TRUSTING_PERIOD_MS = 14 * 24 * 3_600_000;

/** What every light client of a network goes by; fixed members can be held to their word for ever. */
export function lightOptions(isFixed: boolean): LightOptions {
  const trustingPeriodMs = isFixed ? undefined : TRUSTING_PERIOD_MS;
  return { trustingPeriodMs, isFixed, clockDriftMs: CLOCK_DRIFT_MS };
}

/** Bounds of what a light client asks for, holds and remembers. */
export type LightLimits = {
  /** Heights of one request while bisecting; the first asks for its target alone. */
  readonly heightsPerRequest: number;
  /** Requests after which a chase is given up: its peer leads nowhere. */
  readonly requestsPerChaseMax: number;
  /** Of those, one after the other without anything proven. */
  readonly unprovenRequestsMax: number;
  /** Ticks after which a chase is given up, however often its peer answered. */
  readonly chaseTicksMax: number;
  /** Blocks that a chase holds and has not proven. */
  readonly foundMax: number;
  /** Signatures that one `verify-claims` asks for, unless a single block has more. */
  readonly claimsMax: number;
  /** Heads chased at once: a second peer is asked when the first is slow. */
  readonly headChasesMax: number;
  /** Heights wanted at once, and of them those being proven at once. */
  readonly wantedMax: number;
  readonly wantedChasesMax: number;
  /** Peers that one wanted height is asked of at once: another is when the first is slow. */
  readonly chasesPerWantedMax: number;
  /** Trusted blocks remembered; the first and the newest always are. */
  readonly knownMax: number;
  /** Of those, the newest, by which voices that lag behind are compared. */
  readonly recentMax: number;
  /** Peers known; beyond it a new one takes the place of the one with most faults, if any. */
  readonly peersMax: number;
  /** What a peer told of its head counts for so long. */
  readonly statusKeptMs: number;
  /** A head told so far below ours says nothing of ours; told nearer, it may age to the other. */
  readonly nearBlocks: number;
  readonly lagBlocksMax: number;
  /** Faults after which a peer must show its head, though a snapshot may have begun there. */
  readonly excusesMax: number;
  /** Peers remembered for bad blocks and malformed answers, oldest forgotten first. */
  readonly distrustedMax: number;
  /** A faulty peer rests 2, 4, 8 … ticks, at most this many. */
  readonly restTicksMax: number;
  /** A lead of so many blocks is left for so many ticks to our own chain, if it follows. */
  readonly ownLeadBlocks: number;
  readonly ownLeadTicks: number;
  /** Ticks without an answer, or of one chase, after which a second peer is asked for a head. */
  readonly slowTicks: number;
  readonly slowChaseTicks: number;
  /** Ticks after which a request without any answer counts as timed out. */
  readonly requestTicksMax: number;
};

export const LIGHT_LIMITS: LightLimits = {
  heightsPerRequest: LIGHT_HEIGHTS_MAX,
  requestsPerChaseMax: 512,
  unprovenRequestsMax: 64,
  chaseTicksMax: 120,
  foundMax: 64,
  claimsMax: 1024,
  headChasesMax: 3,
  wantedMax: 64,
  wantedChasesMax: 8,
  chasesPerWantedMax: 2,
  knownMax: 96,
  recentMax: 32,
  peersMax: 64,
  statusKeptMs: 35_000,
  nearBlocks: 5,
  lagBlocksMax: 64,
  excusesMax: 3,
  distrustedMax: 1024,
  restTicksMax: 64,
  ownLeadBlocks: 2,
  ownLeadTicks: 2,
  slowTicks: 2,
  slowChaseTicks: 10,
  requestTicksMax: 30,
};
