import { assert, equalBytes, unreachable } from '../../../base/index.ts';
import type { Membership, Vote } from '../../../ledger/index.ts';
import { certifies, checkCertificatePower } from '../../../ledger/index.ts';
import type {
  ConsensusEvent,
  ConsensusTimeout,
  ConsensusTransition,
  VerifiedProposal,
  VerifiedVote,
} from '../../types.ts';
import { countVote, keepProposal, takeProposal, takeVote } from './intake.ts';
import { recover } from './recovery.ts';
import { startRound } from './round.ts';
import { settle } from './settle.ts';
import type { ThreePhaseState } from './state.ts';
import { blockOf, FIRST_ROUND, nextRound, startThreePhase } from './state.ts';
import type { Parts, Turn } from './turn.ts';
import { castVote, change, learnBlock, note, perform, reach, scheduleTimeout } from './turn.ts';
import { isSameChoice } from './vote-set.ts';

type EventOf<Kind extends ConsensusEvent['kind']> = Extract<ConsensusEvent, { kind: Kind }>;

/** Handles one event: what it changes first, then every rule of the paper that it enables. */
export function stepThreePhase(
  parts: Parts,
  state: ThreePhaseState,
  event: ConsensusEvent,
): ConsensusTransition {
  const turn: Turn = { parts, state, effects: [] };
  handle(turn, event);
  return { state: turn.state, effects: turn.effects };
}

/** As {@link stepThreePhase}, within a turn; recovery folds a log with it. */
export function handle(turn: Turn, event: ConsensusEvent): void {
  switch (event.kind) {
    case 'recovered':
      if (turn.parts.rules.recovers) recover(turn, event.entries, handle);
      return;
    case 'height-advanced':
      onHeightAdvanced(turn, event);
      return;
    default:
      if (take(turn, event)) settle(turn);
  }
}

// Takes one event in and says whether a rule may have become enabled; stale ones are ordinary.
function take(
  turn: Turn,
  event: Exclude<ConsensusEvent, { kind: 'recovered' | 'height-advanced' }>,
): boolean {
  switch (event.kind) {
    case 'work-available':
      return onWorkAvailable(turn, event);
    case 'proposal-received':
      return takeProposal(turn, event.proposal, event.from);
    case 'vote-received':
      return takeVote(turn, event.vote, event.from);
    case 'block-validated':
      return onBlockValidated(turn, event);
    case 'block-built':
      return onBlockBuilt(turn, event);
    case 'proposal-signed':
      return onProposalSigned(turn, event.proposal);
    case 'vote-signed':
      return onVoteSigned(turn, event.vote);
    case 'timeout-elapsed':
      return onTimeoutElapsed(turn, event.timeout);
    case 'decision-received':
      return onDecisionReceived(turn, event);
    default:
      return unreachable(event);
  }
}

// L10: there is something to decide.
function onWorkAvailable(turn: Turn, event: EventOf<'work-available'>): boolean {
  const { state } = turn;
  if (event.height !== state.height || state.step !== 'new-height') return false;
  note(turn, { kind: 'work-available', height: event.height });
  reach(turn, 'L10');
  startRound(turn, FIRST_ROUND);
  return true;
}

function onBlockValidated(turn: Turn, event: EventOf<'block-validated'>): boolean {
  const { state } = turn;
  const { height, blockHash, isValid, isTimely = true } = event;
  if (height !== state.height || state.decision !== undefined) return false;
  const known = blockOf(state, blockHash);
  if (known === undefined || known.verdict !== undefined) return false;
  const judged = { ...known, verdict: { isValid, isTimely } };
  change(turn, { blocks: state.blocks.map((each) => (each === known ? judged : each)) });
  note(turn, { kind: 'block-validated', height, blockHash, isValid, isTimely });
  return true;
}

function onBlockBuilt(turn: Turn, event: EventOf<'block-built'>): boolean {
  const { state } = turn;
  const { height, round, block, blockHash } = event;
  const isAwaited =
    height === state.height &&
    round === state.round &&
    state.step !== 'decided' &&
    state.pendingProposal?.kind === 'building';
  if (!isAwaited) return false;
  assert(block.header.height === height, 'our own block is of the height asked for');
  const proposal = { height, round, validRound: undefined, block };
  change(turn, { pendingProposal: { kind: 'signing', proposal, blockHash } });
  perform(turn, { kind: 'sign-proposal', proposal, blockHash });
  return false;
}

// L19: durable, then sent, then received by ourselves.
function onProposalSigned(turn: Turn, signed: VerifiedProposal): boolean {
  const { state } = turn;
  const { height, round, validRound, block } = signed.proposal;
  const pending = state.pendingProposal;
  const isAwaited =
    pending?.kind === 'signing' &&
    height === pending.proposal.height &&
    round === pending.proposal.round &&
    validRound === pending.proposal.validRound &&
    equalBytes(signed.blockHash, pending.blockHash);
  if (!isAwaited || state.decision !== undefined) return false;
  change(turn, { pendingProposal: undefined });
  reach(turn, 'L19');
  writeThenSend(turn, { kind: 'proposal-signed', proposal: signed });
  // Valid by construction; a block proposed again was validated before.
  if (blockOf(turn.state, signed.blockHash) === undefined) {
    const verdict = { isValid: true, isTimely: true };
    const own = { block, blockHash: signed.blockHash, verdict };
    change(turn, { blocks: [...turn.state.blocks, own] });
  }
  keepProposal(turn, signed);
  return true;
}

// A vote that a crash can forget is one we may contradict, so it counts only once it is durable.
function onVoteSigned(turn: Turn, signed: VerifiedVote): boolean {
  const { state } = turn;
  const isThis = (pending: Vote) =>
    pending.height === signed.vote.height &&
    pending.round === signed.vote.round &&
    pending.kind === signed.vote.kind &&
    isSameChoice(pending.blockHash, signed.vote.blockHash);
  if (!state.pendingVotes.some(isThis) || state.decision !== undefined) return false;
  change(turn, { pendingVotes: state.pendingVotes.filter((pending) => !isThis(pending)) });
  writeThenSend(turn, { kind: 'vote-signed', vote: signed });
  return countVote(turn, signed);
}

type SignedEntry =
  | { readonly kind: 'vote-signed'; readonly vote: VerifiedVote }
  | { readonly kind: 'proposal-signed'; readonly proposal: VerifiedProposal };

function writeThenSend(turn: Turn, entry: SignedEntry): void {
  const write = {
    kind: 'append-wal',
    entries: [...turn.state.unwritten, entry],
  } as const;
  const send =
    entry.kind === 'vote-signed'
      ? ({ kind: 'broadcast-vote', vote: entry.vote } as const)
      : ({ kind: 'broadcast-proposal', proposal: entry.proposal } as const);
  change(turn, { unwritten: [] });
  const ordered = turn.parts.rules.writesFirst ? [write, send] : [send, write];
  for (const effect of ordered) perform(turn, effect);
}

function onTimeoutElapsed(turn: Turn, timeout: ConsensusTimeout): boolean {
  const { state } = turn;
  const { height, round, kind } = timeout;
  const isCurrent =
    height === state.height &&
    round === state.round &&
    state.step !== 'new-height' &&
    state.step !== 'decided' &&
    state.step !== 'halted';
  if (!isCurrent) return false;
  switch (kind) {
    case 'propose': // L57.
    case 'prevote': // L61.
      if (state.step !== kind) return false;
      note(turn, { kind: 'timeout-elapsed', height, round, timeout: kind });
      reach(turn, kind === 'propose' ? 'L57' : 'L61');
      castVote(turn, kind === 'propose' ? 'prevote' : 'precommit', undefined);
      change(turn, { step: kind === 'propose' ? 'prevote' : 'precommit' });
      return true;
    case 'precommit': // L65.
      note(turn, { kind: 'timeout-elapsed', height, round, timeout: kind });
      reach(turn, 'L65');
      startRound(turn, nextRound(round));
      return true;
    case 'stall':
      // Still in this round: gossip may have lost what would end it.
      perform(turn, { kind: 'request-messages', height, round });
      scheduleTimeout(turn, round, 'stall');
      return false;
    default:
      return unreachable(kind);
  }
}

function onDecisionReceived(turn: Turn, event: EventOf<'decision-received'>): boolean {
  const { state } = turn;
  const { block, blockHash, certificate, from } = event;
  if (certificate.height !== state.height || state.decision !== undefined) return false;
  if (state.step === 'halted' || state.certificate !== undefined) return false;
  const { height } = block.header;
  const isSound =
    certifies(certificate, { hash: blockHash, height }) &&
    checkCertificatePower(state.membership, certificate).ok;
  if (!isSound) {
    if (from !== undefined) {
      perform(turn, { kind: 'report-peer', peerId: from, fault: 'certificate-malformed' });
    }
    return false;
  }
  change(turn, { certificate });
  learnBlock(turn, certificate.round, { block, blockHash });
  return true;
}

// L52–L54: locks and votes of the old height are forgotten; L54's round 0 waits for work.
function onHeightAdvanced(turn: Turn, event: EventOf<'height-advanced'>): void {
  const { state } = turn;
  const { height, membership } = event;
  if (height <= state.height) return;
  reach(turn, 'L53');
  const { earlyVotes, earlyProposals, ownPublicKey, signFrom } = state;
  change(turn, startThreePhase({ height, membership, ownPublicKey, signFrom }));
  // Early messages were checked against the old members: they hold for the same ones only.
  if (height !== state.height + 1 || !isSameMembership(membership, state.membership)) return;
  for (const proposal of earlyProposals) handle(turn, { kind: 'proposal-received', proposal });
  for (const vote of earlyVotes) handle(turn, { kind: 'vote-received', vote });
}

function isSameMembership(left: Membership, right: Membership): boolean {
  if (left === right) return true;
  if (left.validators.length !== right.validators.length) return false;
  return left.validators.every((validator, index) => {
    const other = right.validators[index];
    if (other === undefined || other.power !== validator.power) return false;
    return equalBytes(other.publicKey, validator.publicKey);
  });
}
