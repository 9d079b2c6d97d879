import { assert, compareBytes, equalBytes } from '../../../base/index.ts';
import type { Evidence, Round, Vote } from '../../../ledger/index.ts';
import type { ConsensusFault } from '../../errors.ts';
import {
  FUTURE_ROUNDS_PER_VALIDATOR_MAX,
  NEXT_HEIGHT_PROPOSAL_ROUNDS_MAX,
  NEXT_HEIGHT_VOTES_PER_VALIDATOR_MAX,
  PAST_ROUNDS_MAX,
  PROPOSAL_ROUNDS_AHEAD_MAX,
  PROPOSALS_PER_ROUND_MAX,
} from '../../limits.ts';
import type { VerifiedProposal, VerifiedVote } from '../../types.ts';
import { isBacked } from './round.ts';
import type { RoundState } from './state.ts';
import { roundOf } from './state.ts';
import type { Turn } from './turn.ts';
import { change, changeRound, hasHonest, learnBlock, note, perform } from './turn.ts';
import { addVote, isSameChoice, votesOf, withoutVoter } from './vote-set.ts';

function blame(turn: Turn, from: string | undefined, fault: ConsensusFault): void {
  if (from !== undefined) perform(turn, { kind: 'report-peer', peerId: from, fault });
}

/* ---------------------------------------------------------------- votes */

/** Takes in a vote of anybody's; says whether anything changed. */
export function takeVote(turn: Turn, vote: VerifiedVote, from: string | undefined): boolean {
  const { state } = turn;
  const { height, round, validatorIndex } = vote.vote;
  if (height === state.height + 1) return keepEarlyVote(turn, vote);
  if (height !== state.height || state.decision !== undefined) return false;
  if (state.membership.validators[validatorIndex] === undefined) {
    blame(turn, from, 'vote-unknown-validator');
    return false;
  }
  if (round + PAST_ROUNDS_MAX < state.round) return false;
  if (round > state.round && !makeRoomForFutureVote(turn, vote.vote)) return false;
  const isCounted = countVote(turn, vote);
  if (isCounted) {
    note(turn, { kind: 'vote-received', vote });
    if (validatorIndex === state.ownIndex) adoptOwnVote(turn, vote.vote);
  }
  return isCounted;
}

/** Puts a vote into its set; a second face of a member becomes evidence. */
export function countVote(turn: Turn, vote: VerifiedVote): boolean {
  const { kind, round } = vote.vote;
  const roundState = roundOf(turn.state, round);
  const name = kind === 'prevote' ? 'prevotes' : 'precommits';
  const addition = addVote(roundState[name], vote, turn.state.membership, (power) =>
    hasHonest(turn, power),
  );
  if (addition.kind === 'known') return false;
  changeRound(turn, round, { [name]: addition.set });
  if (addition.kind === 'conflicting' && addition.isNew) {
    perform(turn, { kind: 'report-evidence', evidence: evidenceOf(addition.earlier, vote) });
  }
  return true;
}

// The same two votes give the same evidence on every node: nil first, then by block hash.
function evidenceOf(left: VerifiedVote, right: VerifiedVote): Evidence {
  const [leftHash, rightHash] = [left.vote.blockHash, right.vote.blockHash];
  const isOrdered =
    leftHash === undefined || (rightHash !== undefined && compareBytes(leftHash, rightHash) < 0);
  return isOrdered ? { first: left, second: right } : { first: right, second: left };
}

/**
 * A vote of our own key that this life does not remember: a log was lost, or a twin runs. It counts
 * as ours, and its lock binds us, so that nothing we sign contradicts it.
 */
function adoptOwnVote(turn: Turn, vote: Vote): void {
  const { state } = turn;
  const isOther = (pending: Vote) => pending.kind !== vote.kind || pending.round !== vote.round;
  change(turn, { pendingVotes: state.pendingVotes.filter(isOther) });
  if (vote.kind !== 'precommit' || vote.blockHash === undefined) return;
  if (state.locked !== undefined && state.locked.round >= vote.round) return;
  change(turn, { locked: { round: vote.round, blockHash: vote.blockHash } });
}

/** Evicts the member's votes of its lowest future round, unless this vote is of a lower one. */
function makeRoomForFutureVote(turn: Turn, vote: Vote): boolean {
  const { state } = turn;
  const index = vote.validatorIndex;
  const held = state.rounds.filter(
    (each) => each.round > state.round && each.round !== vote.round && hasVoteOf(each, index),
  );
  if (held.length < FUTURE_ROUNDS_PER_VALIDATOR_MAX) return true;
  const lowest = held[0];
  assert(lowest !== undefined, 'the bound is at least one');
  if (lowest.round > vote.round) return false;
  const { membership } = state;
  changeRound(turn, lowest.round, {
    prevotes: withoutVoter(lowest.prevotes, index, membership),
    precommits: withoutVoter(lowest.precommits, index, membership),
  });
  change(turn, { rounds: turn.state.rounds.filter((each) => !isEmptyFuture(turn, each)) });
  return true;
}

function hasVoteOf(round: RoundState, index: number): boolean {
  return round.prevotes.first[index] !== undefined || round.precommits.first[index] !== undefined;
}

function isEmptyFuture(turn: Turn, round: RoundState): boolean {
  return (
    round.round > turn.state.round &&
    round.proposals.length === 0 &&
    votesOf(round.prevotes).length === 0 &&
    votesOf(round.precommits).length === 0
  );
}

function keepEarlyVote(turn: Turn, vote: VerifiedVote): boolean {
  const { earlyVotes } = turn.state;
  const { validatorIndex: index, kind, round, blockHash } = vote.vote;
  const ofMember = earlyVotes.filter((each) => each.vote.validatorIndex === index);
  const isKnown = ofMember.some(
    ({ vote: held }) =>
      held.kind === kind && held.round === round && isSameChoice(held.blockHash, blockHash),
  );
  if (isKnown || ofMember.length >= NEXT_HEIGHT_VOTES_PER_VALIDATOR_MAX) return false;
  if (turn.state.membership.validators[index] === undefined) return false;
  change(turn, { earlyVotes: [...earlyVotes, vote] });
  return false; // Nothing of this height changed.
}

/* ------------------------------------------------------------ proposals */

/** Takes in a proposal; says whether anything changed. */
export function takeProposal(
  turn: Turn,
  proposal: VerifiedProposal,
  from: string | undefined,
): boolean {
  const { state } = turn;
  const { height, round, validRound, block } = proposal.proposal;
  if (height === state.height + 1) return keepEarlyProposal(turn, proposal);
  if (height !== state.height || state.decision !== undefined) return false;
  const isMalformed =
    block.header.height !== height || (validRound !== undefined && validRound >= round);
  if (isMalformed) {
    blame(turn, from, 'proposal-malformed');
    return false;
  }
  if (!isProposalWanted(turn, proposal)) return false;
  keepProposal(turn, proposal);
  note(turn, { kind: 'proposal-received', proposal });
  return true;
}

/** Keeps a proposal and asks whether its block is valid. */
export function keepProposal(turn: Turn, proposal: VerifiedProposal): void {
  const { round, block } = proposal.proposal;
  const { proposals } = roundOf(turn.state, round);
  changeRound(turn, round, { proposals: [...proposals, proposal] });
  learnBlock(turn, round, { block, blockHash: proposal.blockHash });
}

function isProposalWanted(turn: Turn, proposal: VerifiedProposal): boolean {
  const { state } = turn;
  const { round, validRound } = proposal.proposal;
  if (round + PAST_ROUNDS_MAX < state.round) return false;
  const roundState = roundOf(state, round);
  const isKnown = roundState.proposals.some(
    (each) =>
      equalBytes(each.blockHash, proposal.blockHash) && each.proposal.validRound === validRound,
  );
  if (isKnown || roundState.proposals.length >= PROPOSALS_PER_ROUND_MAX) return false;
  if (isBacked(turn, roundState, proposal.blockHash)) return true;
  const isInWindow = round >= state.round && round <= state.round + PROPOSAL_ROUNDS_AHEAD_MAX;
  return isInWindow && roundState.proposals.length === 0;
}

function keepEarlyProposal(turn: Turn, proposal: VerifiedProposal): boolean {
  const { earlyProposals } = turn.state;
  const isOfRound = (round: Round) => earlyProposals.some((each) => each.proposal.round === round);
  const { round } = proposal.proposal;
  if (round >= NEXT_HEIGHT_PROPOSAL_ROUNDS_MAX || isOfRound(round)) return false;
  change(turn, { earlyProposals: [...earlyProposals, proposal] });
  return false; // Nothing of this height changed.
}
