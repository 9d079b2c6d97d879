import { assert, equalBytes, unreachable } from '../../../base/index.ts';
import type { Vote } from '../../../ledger/index.ts';
import type { ConsensusEvent, VerifiedProposal, VerifiedVote } from '../../types.ts';
import type { VerifiedWalEntry } from '../../wal.ts';
import { walEntryHeight } from '../../wal.ts';
import { roundOf } from './state.ts';
import type { Turn } from './turn.ts';
import { change, perform, scheduleTimeout } from './turn.ts';
import { votesOf } from './vote-set.ts';

type Handle = (turn: Turn, event: ConsensusEvent) => void;

/**
 * Folds the log of a former life into the state that its last durable vote left, then performs only
 * what was still unanswered: votes that were signed are sent again, never decided again.
 *
 * The machine must be fresh. Entries of other heights are skipped: their height was committed, or
 * is not begun.
 */
export function recover(turn: Turn, entries: readonly VerifiedWalEntry[], handle: Handle): void {
  const isFresh = turn.state.step === 'new-height' && turn.state.rounds.length === 0;
  assert(isFresh, 'a log is folded before anything else happens');
  // The effects of the fold were performed by the former life, or never left it.
  const fold: Turn = { parts: turn.parts, state: turn.state, effects: [] };
  for (const entry of entries) {
    if (walEntryHeight(entry) === turn.state.height) foldEntry(fold, entry, handle);
  }
  turn.state = { ...fold.state, unwritten: [] };
  resume(turn);
}

function foldEntry(turn: Turn, entry: VerifiedWalEntry, handle: Handle): void {
  switch (entry.kind) {
    case 'vote-signed':
      foldOwnVote(turn, entry.vote, handle);
      return;
    case 'proposal-signed':
      foldOwnProposal(turn, entry.proposal, handle);
      return;
    case 'timeout-elapsed': {
      const { height, round, timeout: kind } = entry;
      handle(turn, { kind: 'timeout-elapsed', timeout: { height, round, kind } });
      return;
    }
    case 'work-available':
    case 'proposal-received':
    case 'vote-received':
    case 'block-validated':
      handle(turn, entry);
      return;
    default:
      unreachable(entry);
  }
}

// What a former life signed binds this one, whatever this one would decide.
function foldOwnVote(turn: Turn, signed: VerifiedVote, handle: Handle): void {
  const { kind, round } = signed.vote;
  const isOther = (pending: Vote) => pending.kind !== kind || pending.round !== round;
  change(turn, { pendingVotes: [...turn.state.pendingVotes.filter(isOther), signed.vote] });
  handle(turn, { kind: 'vote-signed', vote: signed });
}

function foldOwnProposal(turn: Turn, signed: VerifiedProposal, handle: Handle): void {
  const { proposal, blockHash } = signed;
  const isHeld = roundOf(turn.state, proposal.round).proposals.some((each) =>
    equalBytes(each.blockHash, blockHash),
  );
  if (isHeld) return;
  change(turn, { pendingProposal: { kind: 'signing', proposal, blockHash } });
  handle(turn, { kind: 'proposal-signed', proposal: signed });
}

// Sends again what was signed, asks again what was not answered, waits again for what is late.
function resume(turn: Turn): void {
  const { state } = turn;
  const { height, round, step } = state;
  if (step === 'new-height') return;
  if (state.decision !== undefined) {
    perform(turn, { kind: 'commit-block', ...state.decision });
    return;
  }
  sendAgain(turn);
  for (const vote of state.pendingVotes) perform(turn, { kind: 'sign-vote', vote });
  const pending = state.pendingProposal;
  if (pending?.kind === 'building') perform(turn, { kind: 'build-block', height, round });
  if (pending?.kind === 'signing') {
    const { proposal, blockHash } = pending;
    perform(turn, { kind: 'sign-proposal', proposal, blockHash });
  }
  for (const { block, blockHash, verdict } of state.blocks) {
    if (verdict !== undefined) continue;
    perform(turn, { kind: 'validate-block', height, round, block, blockHash });
  }
  const current = roundOf(state, round);
  if (step === 'propose') scheduleTimeout(turn, round, 'propose');
  if (current.isPrevoteTimeoutScheduled) scheduleTimeout(turn, round, 'prevote');
  if (current.isPrecommitTimeoutScheduled) scheduleTimeout(turn, round, 'precommit');
  if (turn.parts.rules.asksAgain) scheduleTimeout(turn, round, 'stall');
}

function sendAgain(turn: Turn): void {
  const { height, round, ownIndex, membership } = turn.state;
  if (ownIndex === undefined) return;
  const { proposals, prevotes, precommits } = roundOf(turn.state, round);
  const isLeader = turn.parts.leader.leaderOf(membership, { height, round }) === ownIndex;
  if (isLeader) {
    for (const proposal of proposals) perform(turn, { kind: 'broadcast-proposal', proposal });
  }
  for (const vote of [...votesOf(prevotes), ...votesOf(precommits)]) {
    if (vote.vote.validatorIndex === ownIndex) perform(turn, { kind: 'broadcast-vote', vote });
  }
}
