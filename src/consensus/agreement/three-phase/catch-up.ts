import type { Round } from '../../../ledger/index.ts';
import { CATCH_UP_PROPOSALS_MAX, CATCH_UP_VOTES_MAX } from '../../limits.ts';
import type { VerifiedProposal, VerifiedVote } from '../../types.ts';
import type { CatchUpAnswer, CatchUpRequest } from '../part.ts';
import type { RoundState, ThreePhaseState } from './state.ts';
import type { Parts } from './turn.ts';
import { blockWith, votesOf } from './vote-set.ts';

/**
 * The messages that bring a peer of the same height to our place: of rounds with a quorum of
 * precommits (they decide), of our round and the one before, of the peer's round, and of the
 * rounds that justify the proposals among them. A peer at another height gets nothing: sync helps.
 */
export function messagesFor(
  parts: Parts,
  state: ThreePhaseState,
  request: CatchUpRequest,
): CatchUpAnswer {
  if (request.height !== state.height) return { proposals: [], votes: [] };
  const wanted = wantedRounds(parts, state, request.round);
  const votes: VerifiedVote[] = [];
  const proposals: VerifiedProposal[] = [];
  for (const round of wanted) {
    votes.push(...votesOf(round.precommits), ...votesOf(round.prevotes));
    proposals.push(...round.proposals);
  }
  return {
    proposals: proposals.slice(0, CATCH_UP_PROPOSALS_MAX),
    votes: votes.slice(0, CATCH_UP_VOTES_MAX),
  };
}

// In order of use to the peer, since the answer is cut at its bounds.
function wantedRounds(parts: Parts, state: ThreePhaseState, asked: Round): readonly RoundState[] {
  const wanted = new Set<RoundState>();
  const add = (isWanted: (round: RoundState) => boolean) => {
    for (const round of state.rounds) if (isWanted(round)) wanted.add(round);
  };
  const isQuorum = (power: bigint) => parts.rules.hasQuorum(power, state.totalPower);
  add((round) => blockWith(round.precommits, isQuorum) !== undefined);
  add((round) => round.round === state.round);
  const justifying = state.rounds
    .filter((round) => round.round === state.round || round.round === asked)
    .flatMap((round) => round.proposals.map((proposal) => proposal.proposal.validRound));
  add((round) => justifying.includes(round.round));
  add((round) => round.round === asked);
  add((round) => round.round === state.valid?.round || round.round === state.locked?.round);
  add((round) => round.round === state.round - 1);
  return [...wanted];
}
