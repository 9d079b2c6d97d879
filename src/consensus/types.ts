import type { Bytes, Transition } from '../base/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type {
  Block,
  CommitCertificate,
  Evidence,
  Height,
  Membership,
  Round,
  SignedVote,
  Vote,
} from '../ledger/index.ts';
import type { ThreePhaseState } from './agreement/three-phase/state.ts';
import type { ConsensusFault } from './errors.ts';
import type { Proposal } from './proposal.ts';
import type { VerifiedWalEntry } from './wal.ts';

/** A vote whose signature was checked against the member that it names. */
export type VerifiedVote = Verified<SignedVote>;

/**
 * A proposal whose signature was checked against the leader of its round, with the hash computed
 * from its block. Whether the block is valid is asked later, by `validate-block`.
 */
export type VerifiedProposal = Verified<{
  readonly proposal: Proposal;
  readonly signature: Bytes;
  readonly blockHash: Hash;
}>;

/** A commit certificate whose every signature was checked. */
export type VerifiedCertificate = Verified<CommitCertificate>;

/** `stall` is not of the paper: it asks peers for messages that gossip may have lost. */
export type TimeoutKind = 'propose' | 'prevote' | 'precommit' | 'stall';

/** A timeout, named by its content: there is nothing to cancel, a stale one is ignored. */
export type ConsensusTimeout = {
  readonly height: Height;
  readonly round: Round;
  readonly kind: TimeoutKind;
};

/** What happened. `from` is the peer that sent a message, for blame; absent for our own. */
export type ConsensusEvent =
  /** The mempool holds something for `height`, or its heartbeat is due. */
  | { readonly kind: 'work-available'; readonly height: Height }
  | {
      readonly kind: 'proposal-received';
      readonly proposal: VerifiedProposal;
      readonly from?: string;
    }
  | { readonly kind: 'vote-received'; readonly vote: VerifiedVote; readonly from?: string }
  /**
   * Answers `validate-block`. `isTimely` says whether the block's time was near our clock when it
   * was proposed; it decides only about a fresh proposal, and true is assumed when absent.
   */
  | {
      readonly kind: 'block-validated';
      readonly height: Height;
      readonly blockHash: Hash;
      readonly isValid: boolean;
      readonly isTimely?: boolean;
    }
  /** Answers `build-block`; the block is valid by construction. */
  | {
      readonly kind: 'block-built';
      readonly height: Height;
      readonly round: Round;
      readonly block: Block;
      readonly blockHash: Hash;
    }
  /** Answers `sign-proposal`. */
  | { readonly kind: 'proposal-signed'; readonly proposal: VerifiedProposal }
  /** Answers `sign-vote`. */
  | { readonly kind: 'vote-signed'; readonly vote: VerifiedVote }
  | { readonly kind: 'timeout-elapsed'; readonly timeout: ConsensusTimeout }
  /** Somebody proved that this block is decided; ends the height without its votes. */
  | {
      readonly kind: 'decision-received';
      readonly block: Block;
      readonly blockHash: Hash;
      readonly certificate: VerifiedCertificate;
      readonly from?: string;
    }
  /** A block below `height` was committed, by us or by sync; `membership` decides `height`. */
  | { readonly kind: 'height-advanced'; readonly height: Height; readonly membership: Membership }
  /** The log of a former life, in the order written; sent once, before any other event. */
  | { readonly kind: 'recovered'; readonly entries: readonly VerifiedWalEntry[] };

/** What to do, in the order given. */
export type ConsensusEffect =
  /** Barrier: all entries durable before any later effect of the list is performed. */
  | { readonly kind: 'append-wal'; readonly entries: readonly VerifiedWalEntry[] }
  /** Answered by `vote-signed` with the same vote. */
  | { readonly kind: 'sign-vote'; readonly vote: Vote }
  /** Answered by `proposal-signed` with the same proposal. */
  | { readonly kind: 'sign-proposal'; readonly proposal: Proposal; readonly blockHash: Hash }
  | { readonly kind: 'broadcast-vote'; readonly vote: VerifiedVote }
  | { readonly kind: 'broadcast-proposal'; readonly proposal: VerifiedProposal }
  /** Answered by `block-built` for the same height and round, or not at all. */
  | { readonly kind: 'build-block'; readonly height: Height; readonly round: Round }
  /** Answered by `block-validated` for the same height and hash. */
  | {
      readonly kind: 'validate-block';
      readonly height: Height;
      readonly round: Round;
      readonly block: Block;
      readonly blockHash: Hash;
    }
  /** Answered by `timeout-elapsed` after `delayMs`. */
  | {
      readonly kind: 'schedule-timeout';
      readonly timeout: ConsensusTimeout;
      readonly delayMs: number;
    }
  /** Ask some peers for their messages of this height (request kind `consensus`). */
  | { readonly kind: 'request-messages'; readonly height: Height; readonly round: Round }
  /**
   * The block is decided. Answered by `height-advanced` once it is durable. After a restart the
   * block may have been validated in a former life: execute it again if its result is gone.
   */
  | {
      readonly kind: 'commit-block';
      readonly block: Block;
      readonly blockHash: Hash;
      readonly certificate: CommitCertificate;
    }
  | { readonly kind: 'report-evidence'; readonly evidence: Evidence }
  | { readonly kind: 'report-peer'; readonly peerId: string; readonly fault: ConsensusFault }
  /**
   * More than 2/3 of the power decided a block that this node finds invalid: either more than 1/3
   * is hostile or this node executes wrongly. The machine does nothing more at this height.
   */
  | { readonly kind: 'halt'; readonly height: Height; readonly blockHash: Hash };

/** The state of a machine; which one is told by `kind`. Data only, never changed in place. */
export type ConsensusState = ThreePhaseState;

/** What one event led to. */
export type ConsensusTransition = Transition<ConsensusState, ConsensusEffect>;

/** Where a machine begins: the height after the committed head. */
export type ConsensusStart = {
  readonly height: Height;
  readonly membership: Membership;
  /** Key of this validator; absent for a node that only watches. */
  readonly ownPublicKey: Bytes | undefined;
  /**
   * The first height at which this validator signs. A validator that lost its log sets it beyond
   * every height at which its former self may have voted.
   */
  readonly signFrom: Height;
};
