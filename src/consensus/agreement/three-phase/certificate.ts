import type { Hash } from '../../../crypto/index.ts';
import type { CommitCertificate, Height } from '../../../ledger/index.ts';
import type { RoundState } from './state.ts';
import { isSameChoice, votesOf } from './vote-set.ts';

/** The certificate of all precommits of a round for a block, by place of the member. */
export function certificateOf(
  height: Height,
  round: RoundState,
  blockHash: Hash,
): CommitCertificate {
  const signatures = votesOf(round.precommits)
    .filter((vote) => isSameChoice(vote.vote.blockHash, blockHash))
    .map((vote) => ({ validatorIndex: vote.vote.validatorIndex, signature: vote.signature }))
    .sort((left, right) => left.validatorIndex - right.validatorIndex);
  return { height, round: round.round, blockHash, signatures };
}
