import type { Codec } from '../codec/index.ts';
import { struct, vector } from '../codec/index.ts';
import type { Block, SignedVote } from '../ledger/index.ts';
import { heightCodec, roundCodec, signedVoteCodec } from '../ledger/index.ts';
import type { CatchUpRequest } from './agreement/part.ts';
import { CATCH_UP_PROPOSALS_MAX, CATCH_UP_VOTES_MAX } from './limits.ts';
import type { SignedProposal } from './proposal.ts';
import { signedProposalCodecOf } from './proposal.ts';
import type { WalEntry } from './wal.ts';
import { walEntryCodecOf } from './wal.ts';

/** The answer to a {@link CatchUpRequest} on the wire: each signature is checked on arrival. */
export type CatchUpMessages = {
  readonly proposals: readonly SignedProposal[];
  readonly votes: readonly SignedVote[];
};

/** What consensus sends and writes. */
export type ConsensusCodecs = {
  /** Topic `proposals`. */
  readonly proposal: Codec<SignedProposal>;
  /** Topic `votes`. */
  readonly vote: Codec<SignedVote>;
  /** Question of request kind `consensus`, and its answer. */
  readonly catchUpRequest: Codec<CatchUpRequest>;
  readonly catchUpAnswer: Codec<CatchUpMessages>;
  readonly walEntry: Codec<WalEntry>;
};

/** Codecs of all messages, for the codec of the network's blocks. */
export function consensusCodecsOf(block: Codec<Block>): ConsensusCodecs {
  const proposal = signedProposalCodecOf(block);
  return {
    proposal,
    vote: signedVoteCodec,
    catchUpRequest: struct('CatchUpRequest', { height: heightCodec, round: roundCodec }),
    catchUpAnswer: struct('CatchUpAnswer', {
      proposals: vector(proposal, { max: CATCH_UP_PROPOSALS_MAX }),
      votes: vector(signedVoteCodec, { max: CATCH_UP_VOTES_MAX }),
    }),
    walEntry: walEntryCodecOf(block),
  };
}
