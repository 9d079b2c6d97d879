import type { Bytes } from '../base/index.ts';
import { defined, equalBytes } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { encode, fixedBytes, option, struct } from '../codec/index.ts';
import type { Hash, HashSuite, SignatureClaim } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Block, Height, Membership, Round, SignedVote } from '../ledger/index.ts';
import { voteClaim as claimOfVote, heightCodec, roundCodec } from '../ledger/index.ts';

/**
 * A block put to the vote. `validRound` names the earlier round whose prevotes of more than 2/3
 * justify proposing this block again; absent for a fresh block (-1 in the paper).
 */
export type Proposal = {
  readonly height: Height;
  readonly round: Round;
  readonly validRound: Round | undefined;
  readonly block: Block;
};

/** A proposal and its proposer's Ed25519 signature over {@link proposalSigningBytes}. */
export type SignedProposal = { readonly proposal: Proposal; readonly signature: Bytes };

/** Codec of {@link SignedProposal}, for the codec of the network's blocks. */
export function signedProposalCodecOf(block: Codec<Block>): Codec<SignedProposal> {
  return struct('SignedProposal', {
    proposal: struct('Proposal', {
      height: heightCodec,
      round: roundCodec,
      validRound: option(roundCodec),
      block,
    }),
    signature: fixedBytes(64),
  });
}

const claimCodec = struct('ProposalClaim', {
  chainId: hashCodec,
  height: heightCodec,
  round: roundCodec,
  validRound: option(roundCodec),
  blockHash: hashCodec,
});

/**
 * What a proposer signs, 32 bytes: hash('sign-proposal', chainId ‖ height u64 ‖ round u32 ‖
 * validRound (option of u32) ‖ blockHash), all as BCS.
 */
export function proposalSigningBytes(
  suite: HashSuite,
  chainId: Hash,
  proposal: Pick<Proposal, 'height' | 'round' | 'validRound'>,
  blockHash: Hash,
): Hash {
  const { height, round, validRound } = proposal;
  return suite.hash(
    'sign-proposal',
    encode(claimCodec, { chainId, height, round, validRound, blockHash }),
  );
}

/** What every signature is bound to: the hash functions and the network's own hash. */
type NetworkName = { readonly suite: HashSuite; readonly chainId: Hash };

/**
 * The claim that the leader of the proposal's round signed it. `blockHash` must have been computed
 * from the block by the caller, never taken from a peer.
 */
export function proposalClaim(
  network: NetworkName,
  leader: { readonly membership: Membership; readonly index: number },
  signed: SignedProposal,
  blockHash: Hash,
): SignatureClaim {
  const { publicKey } = defined(leader.membership.validators[leader.index], 'a leader is a member');
  const message = proposalSigningBytes(network.suite, network.chainId, signed.proposal, blockHash);
  return { algorithm: 'ed25519', publicKey, message, signature: signed.signature };
}

/**
 * Whether a proposal's header says who made the block: the leader of the round for a fresh block,
 * any member for one proposed again. These engines write nothing into the consensus field.
 */
export function isHeaderProper(
  leader: { readonly membership: Membership; readonly index: number },
  { validRound, block }: Pick<Proposal, 'validRound' | 'block'>,
): boolean {
  const { proposer, consensus } = block.header;
  if (consensus.length > 0) return false;
  const { validators } = leader.membership;
  const makers = validRound === undefined ? [validators[leader.index]] : validators;
  return makers.some((maker) => maker !== undefined && equalBytes(maker.publicKey, proposer));
}

/** The claim that the named member signed the vote; absent when there is no such member. */
export function voteClaim(
  network: NetworkName,
  membership: Membership,
  signed: SignedVote,
): SignatureClaim | undefined {
  return claimOfVote(network.suite, network.chainId, membership, signed);
}
