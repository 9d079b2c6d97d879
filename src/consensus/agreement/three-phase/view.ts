import type { ConsensusView, VoteView } from '../view.ts';
import type { ThreePhaseState } from './state.ts';
import { roundOf } from './state.ts';
import type { Parts } from './turn.ts';
import type { VoteSet } from './vote-set.ts';

/** The agreement as the Node page shows it: the current round, member by member. */
export function viewOf(parts: Parts, state: ThreePhaseState): ConsensusView {
  const { height, round, membership, totalPower } = state;
  const { proposals, prevotes, precommits } = roundOf(state, round);
  const leader = parts.leader.leaderOf(membership, { height, round });
  return {
    height,
    round,
    step: state.step,
    lockedRound: state.locked?.round,
    validRound: state.valid?.round,
    hasProposal: proposals.length > 0,
    prevotePower: prevotes.power,
    precommitPower: precommits.power,
    totalPower,
    validators: membership.validators.map(({ name, publicKey, power }, index) => ({
      index,
      name,
      publicKey,
      power,
      isProposer: index === leader,
      isSelf: index === state.ownIndex,
      prevote: voteView(prevotes, index),
      precommit: voteView(precommits, index),
    })),
  };
}

function voteView(set: VoteSet, index: number): VoteView {
  const vote = set.first[index];
  if (vote === undefined) return 'none';
  return vote.vote.blockHash === undefined ? 'nil' : 'block';
}
