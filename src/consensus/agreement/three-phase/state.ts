import type { Bytes } from '../../../base/index.ts';
import { assert, defined, equalBytes } from '../../../base/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import type {
  Block,
  CommitCertificate,
  Height,
  Membership,
  Round,
  Vote,
} from '../../../ledger/index.ts';
import type { Proposal } from '../../proposal.ts';
import type {
  ConsensusStart,
  VerifiedCertificate,
  VerifiedProposal,
  VerifiedVote,
} from '../../types.ts';
import type { VerifiedWalEntry } from '../../wal.ts';
import type { VoteSet } from './vote-set.ts';
import { EMPTY_VOTE_SET } from './vote-set.ts';

/**
 * `new-height` waits for work without any timeout running. `decided` waits for the commit.
 * `halted` waits for people: a decided block is invalid here.
 */
export type ThreePhaseStep =
  | 'new-height'
  | 'propose'
  | 'prevote'
  | 'precommit'
  | 'decided'
  | 'halted';

/** A block at a round: lockedValue with lockedRound, or validValue with validRound. */
export type RoundValue = { readonly round: Round; readonly blockHash: Hash };

/** What is kept of one round. */
export type RoundState = {
  readonly round: Round;
  /** The first is the one that may be prevoted; others came by the votes of others. */
  readonly proposals: readonly VerifiedProposal[];
  readonly prevotes: VoteSet;
  readonly precommits: VoteSet;
  /** L34, L36 and L47 happen "for the first time" only. */
  readonly isPrevoteTimeoutScheduled: boolean;
  readonly isQuorumSeen: boolean;
  readonly isPrecommitTimeoutScheduled: boolean;
};

/** A block that some proposal or decision brought. */
export type KnownBlock = {
  readonly blockHash: Hash;
  readonly block: Block;
  /** Absent while validation is under way. */
  readonly verdict: { readonly isValid: boolean; readonly isTimely: boolean } | undefined;
};

/** What this leader still waits for. */
export type PendingProposal =
  | { readonly kind: 'building'; readonly round: Round }
  | { readonly kind: 'signing'; readonly proposal: Proposal; readonly blockHash: Hash };

/** The block of this height, and why. */
export type Decision = {
  readonly block: Block;
  readonly blockHash: Hash;
  readonly certificate: CommitCertificate;
};

/** All that one height needs; nothing but the key and the early messages crosses to the next. */
export type ThreePhaseState = {
  readonly kind: 'three-phase';
  readonly height: Height;
  readonly membership: Membership;
  readonly totalPower: bigint;
  readonly ownPublicKey: Bytes | undefined;
  /** Own place in the membership; absent for watchers and below `signFrom`. */
  readonly ownIndex: number | undefined;
  readonly signFrom: Height;
  readonly step: ThreePhaseStep;
  readonly round: Round;
  readonly locked: RoundValue | undefined;
  readonly valid: RoundValue | undefined;
  /** Ascending by round; rounds of which nothing is known are absent. */
  readonly rounds: readonly RoundState[];
  readonly blocks: readonly KnownBlock[];
  /** Votes given to the signer that did not come back yet. */
  readonly pendingVotes: readonly Vote[];
  readonly pendingProposal: PendingProposal | undefined;
  /** Events since the last durable vote; they are written with the next one. */
  readonly unwritten: readonly VerifiedWalEntry[];
  /** Messages of the next height that arrived early. */
  readonly earlyVotes: readonly VerifiedVote[];
  readonly earlyProposals: readonly VerifiedProposal[];
  /** A certificate that arrived whole. */
  readonly certificate: VerifiedCertificate | undefined;
  readonly decision: Decision | undefined;
};

// Rounds count from 0 as 32-bit numbers; each step from one to the next takes a timeout.
export function nextRound(round: Round): Round {
  assert(round < 0xffff_ffff, 'rounds fit into 32 bits');
  return (round + 1) as Round; // Checked above.
}

export const FIRST_ROUND = 0 as Round; // 0 is in the range of the brand.

/** L2–L9: the state before anything happened at a height. */
export function startThreePhase(start: ConsensusStart): ThreePhaseState {
  const { height, membership, ownPublicKey, signFrom } = start;
  let totalPower = 0n;
  for (const validator of membership.validators) totalPower += validator.power;
  const place =
    ownPublicKey === undefined
      ? -1
      : membership.validators.findIndex((each) => equalBytes(each.publicKey, ownPublicKey));
  return {
    kind: 'three-phase',
    height,
    membership,
    totalPower,
    ownPublicKey,
    ownIndex: place < 0 || height < signFrom ? undefined : place,
    signFrom,
    step: 'new-height',
    round: FIRST_ROUND,
    locked: undefined,
    valid: undefined,
    rounds: [],
    blocks: [],
    pendingVotes: [],
    pendingProposal: undefined,
    unwritten: [],
    earlyVotes: [],
    earlyProposals: [],
    certificate: undefined,
    decision: undefined,
  };
}

export function emptyRound(round: Round): RoundState {
  return {
    round,
    proposals: [],
    prevotes: EMPTY_VOTE_SET,
    precommits: EMPTY_VOTE_SET,
    isPrevoteTimeoutScheduled: false,
    isQuorumSeen: false,
    isPrecommitTimeoutScheduled: false,
  };
}

/** What is known of a round; an empty record when nothing is. */
export function roundOf(state: ThreePhaseState, round: Round): RoundState {
  return state.rounds.find((each) => each.round === round) ?? emptyRound(round);
}

/** The rounds with one of them replaced or inserted at its place. */
export function withRound(
  rounds: readonly RoundState[],
  changed: RoundState,
): readonly RoundState[] {
  const at = rounds.findIndex((each) => each.round >= changed.round);
  if (at < 0) return [...rounds, changed];
  const isReplaced = defined(rounds[at], 'found above').round === changed.round;
  return [...rounds.slice(0, at), changed, ...rounds.slice(isReplaced ? at + 1 : at)];
}

export function blockOf(state: ThreePhaseState, blockHash: Hash): KnownBlock | undefined {
  return state.blocks.find((known) => equalBytes(known.blockHash, blockHash));
}

export function isValue(value: RoundValue | undefined, blockHash: Hash): boolean {
  return value !== undefined && equalBytes(value.blockHash, blockHash);
}
