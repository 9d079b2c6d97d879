import type { Round } from '../../../ledger/index.ts';
import type { PaperLabel } from './labels.ts';

/** What the paper's line 23 and line 29 look at. */
export type PrevoteQuestion = {
  readonly isValid: boolean;
  readonly isTimely: boolean;
  /** Undefined when nothing is locked. */
  readonly lockedRound: Round | undefined;
  readonly isLockedValue: boolean;
  /** The round that justifies the proposal; undefined for a fresh one. */
  readonly validRound: Round | undefined;
};

/**
 * The decisions on which safety and liveness rest, apart from the bookkeeping around them. The
 * product uses {@link PAPER_RULES}; the simulator replaces one at a time and must notice.
 */
export type AgreementRules = {
  /** 2f + 1: more than 2/3 of the power. */
  hasQuorum(power: bigint, totalPower: bigint): boolean;
  /** f + 1: more than 1/3 of the power, so at least one honest member. */
  hasHonest(power: bigint, totalPower: bigint): boolean;
  /** L23. */
  acceptsFresh(question: PrevoteQuestion): boolean;
  /** L29; the prevotes of `validRound` were counted by the caller. */
  acceptsJustified(question: PrevoteQuestion): boolean;
  /** L28: whether the round that a proposal names must show its quorum of prevotes. */
  readonly needsJustification: boolean;
  /** L38: whether a precommit locks. */
  readonly locks: boolean;
  /** L11: whether a lock outlives its round. */
  readonly keepsLock: boolean;
  /** L42: whether a quorum makes the valid value that a leader proposes again. */
  readonly keepsValidValue: boolean;
  /** L36 and L50: whether only a block that we find valid is locked and decided. */
  readonly needsValidity: boolean;
  /** Whether a second vote for one round and kind is refused by the voter itself. */
  readonly votesOnce: boolean;
  /** Whether votes are durable before they leave. */
  readonly writesFirst: boolean;
  /** Whether a former life's log is folded before anything is signed. */
  readonly recovers: boolean;
  /** L55: whether a node follows more than 1/3 to their round. */
  readonly skipsRounds: boolean;
  /** Whether lost messages are asked for. */
  readonly asksAgain: boolean;
};

/** Algorithm 1 as written. */
export const PAPER_RULES: AgreementRules = {
  hasQuorum: (power, totalPower) => 3n * power > 2n * totalPower,
  hasHonest: (power, totalPower) => 3n * power > totalPower,
  acceptsFresh: ({ isValid, isTimely, lockedRound, isLockedValue }) =>
    isValid && isTimely && (lockedRound === undefined || isLockedValue),
  acceptsJustified: ({ isValid, lockedRound, isLockedValue, validRound }) =>
    isValid &&
    (lockedRound === undefined ||
      isLockedValue ||
      (validRound !== undefined && lockedRound <= validRound)),
  needsJustification: true,
  locks: true,
  keepsLock: true,
  keepsValidValue: true,
  needsValidity: true,
  votesOnce: true,
  writesFirst: true,
  recovers: true,
  skipsRounds: true,
  asksAgain: true,
};

/** For tests: other rules, and who hears which lines of the paper were reached. */
export type Instruments = {
  readonly rules?: Partial<AgreementRules>;
  readonly onLabel?: (label: PaperLabel) => void;
};
