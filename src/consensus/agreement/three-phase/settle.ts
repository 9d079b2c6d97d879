import { assert, equalBytes } from '../../../base/index.ts';
import { RULES_PER_EVENT_MAX } from '../../limits.ts';
import type { VerifiedProposal } from '../../types.ts';
import { certificateOf } from './certificate.ts';
import { startRound } from './round.ts';
import type { RoundState } from './state.ts';
import { blockOf, FIRST_ROUND, isValue, roundOf } from './state.ts';
import type { Turn } from './turn.ts';
import {
  castVote,
  change,
  changeRound,
  hasHonest,
  hasQuorum,
  perform,
  reach,
  scheduleTimeout,
} from './turn.ts';
import { blockWith, powerFor } from './vote-set.ts';

/** Fires the paper's `upon` rules, one at a time, until none applies. */
export function settle(turn: Turn): void {
  for (let count = 0; count < RULES_PER_EVENT_MAX; count++) {
    if (turn.state.step === 'decided' || turn.state.step === 'halted') return;
    if (!UPON_RULES.some((rule) => rule(turn))) return;
  }
  assert(false, 'the rules of one event come to an end');
}

// A decision first: nothing else matters after it. Each rule says whether it changed anything.
const UPON_RULES: readonly ((turn: Turn) => boolean)[] = [
  uponDecision,
  uponMessagesOfNewHeight,
  uponLaterRound,
  uponProposal,
  uponPrevoteQuorum,
  uponNilQuorum,
  uponAnyPrevotes,
  uponAnyPrecommits,
];

// L49–L51: a quorum of precommits of one round, or a certificate, for a block that is valid.
function uponDecision(turn: Turn): boolean {
  const { state } = turn;
  const { certificate } = state;
  if (certificate !== undefined && decide(turn, certificate)) return true;
  for (const round of state.rounds) {
    const blockHash = blockWith(round.precommits, (power) => hasQuorum(turn, power));
    if (blockHash === undefined) continue;
    if (decide(turn, certificateOf(state.height, round, blockHash))) return true;
  }
  return false;
}

function decide(turn: Turn, certificate: ReturnType<typeof certificateOf>): boolean {
  const { state } = turn;
  const known = blockOf(state, certificate.blockHash);
  if (known?.verdict === undefined) return false;
  const { block, blockHash, verdict } = known;
  if (!verdict.isValid && turn.parts.rules.needsValidity) {
    change(turn, { step: 'halted' });
    perform(turn, { kind: 'halt', height: state.height, blockHash });
    return true;
  }
  reach(turn, 'L49');
  change(turn, { step: 'decided', decision: { block, blockHash, certificate } });
  perform(turn, { kind: 'commit-block', block, blockHash, certificate });
  return true;
}

// L10: the height begins with work of ours or with a message of another member.
function uponMessagesOfNewHeight(turn: Turn): boolean {
  if (turn.state.step !== 'new-height' || turn.state.rounds.length === 0) return false;
  reach(turn, 'L10');
  startRound(turn, FIRST_ROUND);
  return true;
}

// L55: more than 1/3 of the power sent messages of one later round; the latest such round.
function uponLaterRound(turn: Turn): boolean {
  const { state } = turn;
  if (!turn.parts.rules.skipsRounds) return false;
  for (let at = state.rounds.length - 1; at >= 0; at--) {
    const round = state.rounds[at];
    if (round === undefined || round.round <= state.round) return false;
    if (!hasHonest(turn, senderPower(turn, round))) continue;
    reach(turn, 'L55');
    startRound(turn, round.round);
    // What gossip brought of that round before we kept it is lost to us: ask.
    perform(turn, { kind: 'request-messages', height: state.height, round: round.round });
    return true;
  }
  return false;
}

function senderPower(turn: Turn, round: RoundState): bigint {
  const { height, membership } = turn.state;
  const leader =
    round.proposals.length > 0
      ? turn.parts.leader.leaderOf(membership, { height, round: round.round })
      : undefined;
  let power = 0n;
  membership.validators.forEach((validator, index) => {
    const hasSent =
      index === leader ||
      round.prevotes.first[index] !== undefined ||
      round.precommits.first[index] !== undefined;
    if (hasSent) power += validator.power;
  });
  return power;
}

// L22 and L28: the first proposal of this round, once its block was validated.
function uponProposal(turn: Turn): boolean {
  const { state } = turn;
  if (state.step !== 'propose') return false;
  const proposal = roundOf(state, state.round).proposals[0];
  if (proposal === undefined) return false;
  const verdict = blockOf(state, proposal.blockHash)?.verdict;
  if (verdict === undefined) return false;
  const { validRound } = proposal.proposal;
  const question = {
    ...verdict,
    lockedRound: state.locked?.round,
    isLockedValue: isValue(state.locked, proposal.blockHash),
    validRound,
  };
  const { rules } = turn.parts;
  if (validRound === undefined) {
    prevote(turn, proposal, rules.acceptsFresh(question), 'fresh');
    return true;
  }
  const support = powerFor(roundOf(state, validRound).prevotes, proposal.blockHash);
  if (rules.needsJustification && !hasQuorum(turn, support)) return false;
  prevote(turn, proposal, rules.acceptsJustified(question), 'justified');
  return true;
}

function prevote(
  turn: Turn,
  proposal: VerifiedProposal,
  isAccepted: boolean,
  origin: 'fresh' | 'justified',
): void {
  const isFresh = origin === 'fresh';
  if (isAccepted) {
    reach(turn, isFresh ? 'L24' : 'L30');
    castVote(turn, 'prevote', proposal.blockHash);
  } else {
    reach(turn, isFresh ? 'L26' : 'L32');
    castVote(turn, 'prevote', undefined);
  }
  change(turn, { step: 'prevote' });
}

// L36–L43: a quorum of prevotes for a proposal of this round that we know to be valid.
function uponPrevoteQuorum(turn: Turn): boolean {
  const { state } = turn;
  if (state.step !== 'prevote' && state.step !== 'precommit') return false;
  const round = roundOf(state, state.round);
  if (round.isQuorumSeen) return false;
  const blockHash = blockWith(round.prevotes, (power) => hasQuorum(turn, power));
  if (blockHash === undefined) return false;
  const isProposed = round.proposals.some((each) => equalBytes(each.blockHash, blockHash));
  const verdict = blockOf(state, blockHash)?.verdict;
  if (!isProposed || verdict === undefined) return false;
  if (!verdict.isValid && turn.parts.rules.needsValidity) return false;
  reach(turn, 'L36');
  changeRound(turn, state.round, { isQuorumSeen: true });
  const value = { round: state.round, blockHash };
  if (state.step === 'prevote') {
    reach(turn, 'L38');
    if (turn.parts.rules.locks) change(turn, { locked: value });
    castVote(turn, 'precommit', blockHash);
    change(turn, { step: 'precommit' });
  }
  reach(turn, 'L42');
  if (turn.parts.rules.keepsValidValue) change(turn, { valid: value });
  return true;
}

// L44–L46: a quorum prevoted nil.
function uponNilQuorum(turn: Turn): boolean {
  const { state } = turn;
  if (state.step !== 'prevote') return false;
  const { prevotes } = roundOf(state, state.round);
  if (!hasQuorum(turn, powerFor(prevotes, undefined))) return false;
  reach(turn, 'L44');
  castVote(turn, 'precommit', undefined);
  change(turn, { step: 'precommit' });
  return true;
}

// L34: a quorum prevoted, whatever it was.
function uponAnyPrevotes(turn: Turn): boolean {
  const { state } = turn;
  const round = roundOf(state, state.round);
  if (state.step !== 'prevote' || round.isPrevoteTimeoutScheduled) return false;
  if (!hasQuorum(turn, round.prevotes.power)) return false;
  reach(turn, 'L34');
  changeRound(turn, state.round, { isPrevoteTimeoutScheduled: true });
  scheduleTimeout(turn, state.round, 'prevote');
  return true;
}

// L47: a quorum precommitted, whatever it was.
function uponAnyPrecommits(turn: Turn): boolean {
  const { state } = turn;
  const round = roundOf(state, state.round);
  if (round.isPrecommitTimeoutScheduled || !hasQuorum(turn, round.precommits.power)) return false;
  reach(turn, 'L47');
  changeRound(turn, state.round, { isPrecommitTimeoutScheduled: true });
  scheduleTimeout(turn, state.round, 'precommit');
  return true;
}
