import type { Hash } from '../../../crypto/index.ts';
import type { Block, ConsensusOptions, Round, VoteKind } from '../../../ledger/index.ts';
import type { LeaderPart } from '../../leader/part.ts';
import type { ConsensusEffect, TimeoutKind } from '../../types.ts';
import type { VerifiedWalEntry } from '../../wal.ts';
import type { PaperLabel } from './labels.ts';
import type { AgreementRules } from './rules.ts';
import type { RoundState, ThreePhaseState } from './state.ts';
import { blockOf, roundOf, withRound } from './state.ts';

/** What every rule may look at. */
export type Parts = {
  readonly options: ConsensusOptions;
  readonly leader: LeaderPart;
  readonly rules: AgreementRules;
  readonly onLabel: (label: PaperLabel) => void;
};

/**
 * One event being handled: the draft of the next state and the effects so far. The draft is a
 * copy made for this event; what it holds is replaced, never changed in place.
 */
export type Turn = {
  readonly parts: Parts;
  state: ThreePhaseState;
  readonly effects: ConsensusEffect[];
};

export function change(turn: Turn, changes: Partial<ThreePhaseState>): void {
  turn.state = { ...turn.state, ...changes };
}

export function changeRound(turn: Turn, round: Round, changes: Partial<RoundState>): void {
  const changed = { ...roundOf(turn.state, round), ...changes };
  change(turn, { rounds: withRound(turn.state.rounds, changed) });
}

export function perform(turn: Turn, effect: ConsensusEffect): void {
  turn.effects.push(effect);
}

/** Says that a line of the paper was reached. */
export function reach(turn: Turn, label: PaperLabel): void {
  turn.parts.onLabel(label);
}

export function hasQuorum(turn: Turn, power: bigint): boolean {
  return turn.parts.rules.hasQuorum(power, turn.state.totalPower);
}

export function hasHonest(turn: Turn, power: bigint): boolean {
  return turn.parts.rules.hasHonest(power, turn.state.totalPower);
}

/** Remembers an event for the log; nodes that do not sign need none. */
export function note(turn: Turn, entry: VerifiedWalEntry): void {
  if (turn.state.ownIndex === undefined) return;
  change(turn, { unwritten: [...turn.state.unwritten, entry] });
}

/** Base delay of a kind, longer with each round, as in the paper's section III-A. */
export function scheduleTimeout(turn: Turn, round: Round, kind: TimeoutKind): void {
  const { options } = turn.parts;
  const baseMs = {
    propose: options.proposeTimeoutMs,
    prevote: options.prevoteTimeoutMs,
    precommit: options.precommitTimeoutMs,
    stall: options.proposeTimeoutMs,
  }[kind];
  perform(turn, {
    kind: 'schedule-timeout',
    timeout: { height: turn.state.height, round, kind },
    delayMs: baseMs + round * options.timeoutDeltaMs,
  });
}

/**
 * Asks the signer for a vote, unless this node does not sign or a vote for this round and kind
 * exists: signed, being signed, or seen from a former life.
 */
export function castVote(turn: Turn, kind: VoteKind, blockHash: Hash | undefined): void {
  const { state } = turn;
  const { ownIndex, height, round } = state;
  if (ownIndex === undefined) return;
  const roundState = roundOf(state, round);
  const votes = kind === 'prevote' ? roundState.prevotes : roundState.precommits;
  const isTaken =
    votes.first[ownIndex] !== undefined ||
    state.pendingVotes.some((vote) => vote.kind === kind && vote.round === round);
  if (isTaken && turn.parts.rules.votesOnce) return;
  const vote = { kind, height, round, blockHash, validatorIndex: ownIndex };
  change(turn, { pendingVotes: [...state.pendingVotes, vote] });
  perform(turn, { kind: 'sign-vote', vote });
}

/** Keeps a block and asks whether it is valid, once. */
export function learnBlock(
  turn: Turn,
  round: Round,
  learned: { readonly block: Block; readonly blockHash: Hash },
): void {
  if (blockOf(turn.state, learned.blockHash) !== undefined) return;
  const { block, blockHash } = learned;
  change(turn, {
    blocks: [...turn.state.blocks, { block, blockHash, verdict: undefined }],
  });
  perform(turn, { kind: 'validate-block', height: turn.state.height, round, block, blockHash });
}
