import type { Transition } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Amount, Gas, Height, Sequence } from '../ledger/index.ts';
import type { AdmissionError } from './errors.ts';

/**
 * A transaction whose signatures were checked. `payload` is whatever the node wants to find again
 * when the transaction is selected or gossiped; the pool never looks inside.
 */
export type PendingTransaction<Payload> = {
  readonly id: Hash;
  readonly sender: Address;
  readonly sequence: Sequence;
  /** Native units. */
  readonly feeMax: Amount;
  /** At least 1. */
  readonly gasLimit: Gas;
  readonly validFrom: Height;
  /** Last height that may hold it. */
  readonly validUntil: Height;
  /** Signed bytes, at least 1. */
  readonly sizeBytes: number;
  /** The peer it came from first; absent for one's own. */
  readonly receivedFrom: string | undefined;
  readonly payload: Payload;
};

/** What an account's sequence is after a block. */
export type AccountSequence = { readonly address: Address; readonly sequence: Sequence };

export type MempoolEvent<Payload> =
  /** Signatures, funds and policy are good; `accountSequence` is the sender's at the head. */
  | {
      readonly kind: 'transaction-verified';
      readonly transaction: PendingTransaction<Payload>;
      readonly accountSequence: Sequence;
    }
  /** Executing or checking it again showed that no block can take it now. */
  | { readonly kind: 'transaction-invalidated'; readonly id: Hash }
  /** `accountSequences` names at least every sender in the block. */
  | {
      readonly kind: 'block-committed';
      readonly height: Height;
      readonly transactionIds: readonly Hash[];
      readonly accountSequences: readonly AccountSequence[];
    }
  /** The head moved without its blocks being told one by one. */
  | { readonly kind: 'height-advanced'; readonly height: Height };

/** Why a pending transaction is pending no longer, though no block took it. */
export type DropReason =
  | 'expired'
  /** Another of the same sender and sequence took its place in the pool; either may be executed. */
  | 'replaced'
  /** A block holds another of the same sender and sequence: it can never be executed. */
  | 'sequence-used'
  | 'evicted'
  | 'invalid';

export type MempoolEffect<Payload> =
  /** New in the pool: gossip it, and tell whoever submitted it. */
  | { readonly kind: 'transaction-admitted'; readonly transaction: PendingTransaction<Payload> }
  /** The answer to `transaction-verified` when it is not admitted. */
  | { readonly kind: 'transaction-refused'; readonly id: Hash; readonly error: AdmissionError }
  | { readonly kind: 'transaction-dropped'; readonly id: Hash; readonly reason: DropReason }
  /** Many of the peer's transactions in a row were refused: it does not filter, or floods. */
  | { readonly kind: 'report-peer'; readonly peerId: string; readonly reason: 'useless-gossip' };

export type MempoolTransition<Payload, State> = Transition<State, MempoolEffect<Payload>>;

/** What a block still has room for. */
export type SelectionLimits = {
  /** The height that the block will have. */
  readonly height: Height;
  readonly transactionsMax: number;
  readonly bytesMax: number;
  readonly gasMax: number;
};

/** How full a pool is. */
export type MempoolSize = {
  readonly count: number;
  readonly bytes: number;
  /** Senders with pending transactions. */
  readonly senders: number;
};
