import type { Codec } from '../codec/index.ts';
import { bool, enumeration, struct, union } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Block, Height, Round, SignedVote } from '../ledger/index.ts';
import { heightCodec, roundCodec, signedVoteCodec } from '../ledger/index.ts';
import type { SignedProposal } from './proposal.ts';
import { signedProposalCodecOf } from './proposal.ts';
import type { TimeoutKind, VerifiedProposal, VerifiedVote } from './types.ts';

/**
 * An event that changed the state of a validator, as it stands in the write-ahead log. Folding the
 * entries of a height through the machine gives back the state that its last vote left it in.
 * `Vote` and `Proposal` are signed values on disk, and verified ones inside the machine.
 */
export type WalEntryOf<Vote, Proposal> =
  | { readonly kind: 'work-available'; readonly height: Height }
  | { readonly kind: 'proposal-received'; readonly proposal: Proposal }
  | { readonly kind: 'proposal-signed'; readonly proposal: Proposal }
  | { readonly kind: 'vote-received'; readonly vote: Vote }
  | { readonly kind: 'vote-signed'; readonly vote: Vote }
  | {
      readonly kind: 'block-validated';
      readonly height: Height;
      readonly blockHash: Hash;
      readonly isValid: boolean;
      readonly isTimely: boolean;
    }
  | {
      readonly kind: 'timeout-elapsed';
      readonly height: Height;
      readonly round: Round;
      readonly timeout: TimeoutKind;
    };

/** An entry as read from disk: its signatures must be checked again before it is folded. */
export type WalEntry = WalEntryOf<SignedVote, SignedProposal>;

/** An entry whose signatures were checked. */
export type VerifiedWalEntry = WalEntryOf<VerifiedVote, VerifiedProposal>;

const timeoutKindCodec = enumeration('TimeoutKind', ['propose', 'prevote', 'precommit', 'stall']);

/**
 * Codec of {@link WalEntry} for the codec of the network's blocks. Strict, without a checksum: the
 * caller frames entries and tells a torn tail from a whole record.
 */
export function walEntryCodecOf(block: Codec<Block>): Codec<WalEntry> {
  const signedProposal = signedProposalCodecOf(block);
  return union('WalEntry', {
    'work-available': struct('WorkAvailable', { height: heightCodec }),
    'proposal-received': struct('ProposalReceived', { proposal: signedProposal }),
    'proposal-signed': struct('ProposalSigned', { proposal: signedProposal }),
    'vote-received': struct('VoteReceived', { vote: signedVoteCodec }),
    'vote-signed': struct('VoteSigned', { vote: signedVoteCodec }),
    'block-validated': struct('BlockValidated', {
      height: heightCodec,
      blockHash: hashCodec,
      isValid: bool,
      isTimely: bool,
    }),
    'timeout-elapsed': struct('TimeoutElapsed', {
      height: heightCodec,
      round: roundCodec,
      timeout: timeoutKindCodec,
    }),
  });
}

/** The height that an entry belongs to; entries below the height being decided may be deleted. */
export function walEntryHeight(entry: WalEntry): Height {
  switch (entry.kind) {
    case 'proposal-received':
    case 'proposal-signed':
      return entry.proposal.proposal.height;
    case 'vote-received':
    case 'vote-signed':
      return entry.vote.vote.height;
    default:
      return entry.height;
  }
}

/**
 * Puts verified values in the place of signed ones.
 *
 * @param mint Returns the verified value, or undefined when its signature does not hold.
 * @returns undefined when `mint` does: a log that holds a bad signature is not ours.
 */
export function verifiedWalEntry(
  entry: WalEntry,
  mint: {
    readonly vote: (vote: SignedVote) => VerifiedVote | undefined;
    readonly proposal: (proposal: SignedProposal) => VerifiedProposal | undefined;
  },
): VerifiedWalEntry | undefined {
  switch (entry.kind) {
    case 'proposal-received':
    case 'proposal-signed': {
      const proposal = mint.proposal(entry.proposal);
      return proposal === undefined ? undefined : { kind: entry.kind, proposal };
    }
    case 'vote-received':
    case 'vote-signed': {
      const vote = mint.vote(entry.vote);
      return vote === undefined ? undefined : { kind: entry.kind, vote };
    }
    default:
      return entry;
  }
}
