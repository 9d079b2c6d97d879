import { defined, equalBytes } from '../../../base/index.ts';
import type { Round } from '../../../ledger/index.ts';
import { PAST_PROPOSAL_ROUNDS_MAX, PAST_ROUNDS_MAX } from '../../limits.ts';
import type { Proposal } from '../../proposal.ts';
import type { RoundState } from './state.ts';
import { blockOf, isValue, roundOf } from './state.ts';
import type { Turn } from './turn.ts';
import { change, hasHonest, perform, reach, scheduleTimeout } from './turn.ts';
import { powerFor } from './vote-set.ts';

/**
 * L11: enters a round. Unlike L20, the leader has a propose timeout too: its block is built and
 * signed elsewhere, which may fail.
 */
export function startRound(turn: Turn, round: Round): void {
  reach(turn, 'L11');
  change(turn, { round, step: 'propose', pendingProposal: undefined });
  if (!turn.parts.rules.keepsLock) change(turn, { locked: undefined });
  prune(turn);
  reach(turn, 'L21');
  scheduleTimeout(turn, round, 'propose');
  if (turn.parts.rules.asksAgain) scheduleTimeout(turn, round, 'stall');
  propose(turn);
}

// L14–L19: the leader's valid value again, or a fresh block.
function propose(turn: Turn): void {
  const { state } = turn;
  const { height, round, ownIndex, valid } = state;
  if (ownIndex === undefined) return;
  if (turn.parts.leader.leaderOf(state.membership, { height, round }) !== ownIndex) return;
  if (roundOf(state, round).proposals.length > 0) return; // Of a former life of ours.
  if (valid !== undefined) {
    reach(turn, 'L16');
    const { block, blockHash } = defined(
      blockOf(state, valid.blockHash),
      'the block of the valid value is kept',
    );
    const proposal: Proposal = { height, round, validRound: valid.round, block };
    change(turn, { pendingProposal: { kind: 'signing', proposal, blockHash } });
    perform(turn, { kind: 'sign-proposal', proposal, blockHash });
  } else {
    reach(turn, 'L18');
    change(turn, { pendingProposal: { kind: 'building', round } });
    perform(turn, { kind: 'build-block', height, round });
  }
}

/** Evicts what `limits.ts` does not allow to keep; dropping messages is never unsafe. */
function prune(turn: Turn): void {
  const { state } = turn;
  const isAnchor = (round: Round) => round === state.locked?.round || round === state.valid?.round;
  const rounds = state.rounds
    .filter((each) => each.round + PAST_ROUNDS_MAX >= state.round || isAnchor(each.round))
    .map((each) => (each.round < state.round ? withoutIdleProposals(turn, each) : each));
  const isNeeded = (blockHash: Uint8Array) =>
    [state.locked, state.valid].some((value) => value && equalBytes(value.blockHash, blockHash)) ||
    (state.certificate !== undefined && equalBytes(state.certificate.blockHash, blockHash)) ||
    rounds.some((each) =>
      each.proposals.some((proposal) => equalBytes(proposal.blockHash, blockHash)),
    );
  change(turn, { rounds, blocks: state.blocks.filter((known) => isNeeded(known.blockHash)) });
}

// A past proposal matters only while its block may still be decided or justified.
function withoutIdleProposals(turn: Turn, round: RoundState): RoundState {
  const { state } = turn;
  const isRecent = round.round + PAST_PROPOSAL_ROUNDS_MAX >= state.round;
  const proposals = round.proposals.filter((proposal) => {
    const { blockHash } = proposal;
    if (isValue(state.locked, blockHash) || isValue(state.valid, blockHash)) return true;
    if (turn.parts.rules.hasQuorum(powerFor(round.precommits, blockHash), state.totalPower)) {
      return true;
    }
    return isRecent && isBacked(turn, round, proposal.blockHash);
  });
  return proposals.length === round.proposals.length ? round : { ...round, proposals };
}

/** Whether more than 1/3 of the power voted for a block in a round. */
export function isBacked(
  turn: Turn,
  round: RoundState,
  blockHash: Parameters<typeof powerFor>[1],
): boolean {
  return (
    hasHonest(turn, powerFor(round.prevotes, blockHash)) ||
    hasHonest(turn, powerFor(round.precommits, blockHash))
  );
}
