import type { Clock, Tracer } from '../base/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type {
  BlockExecution,
  CommitCertificate,
  Header,
  HeaderError,
  Height,
  Ledger,
  Membership,
  PreparedBlock,
  PreparedTransaction,
  TransactionError,
} from '../ledger/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import type { LedgerStore, StagedBlock } from './store/index.ts';

/** The newest committed block. */
export type Head = { readonly header: Header; readonly hash: Hash };

/** A block whose results are known and equal its header. */
export type ExecutedBlock = {
  readonly prepared: PreparedBlock;
  readonly transactions: readonly Verified<PreparedTransaction>[];
  readonly execution: BlockExecution;
  readonly staged: StagedBlock;
};

/** A decoded block whose transactions are all signed as they must be. */
export type VerifiedBlock = {
  readonly prepared: PreparedBlock;
  readonly transactions: readonly Verified<PreparedTransaction>[];
  /** Nobody looked at who signed them: a checkpoint vouches for all of the block. */
  readonly isVouched: boolean;
  /** Proves the block if those still decide its height who did when it was looked at. */
  readonly proof:
    | { readonly certificate: Verified<CommitCertificate>; readonly membership: Membership }
    | undefined;
};

/** What listeners learn of each block, after it is durable. */
export type CommittedEvent = {
  readonly executed: ExecutedBlock;
  readonly certificate: CommitCertificate;
};

/** Why a block is refused; never the node's own failure. */
export type BlockRefusal =
  | HeaderError
  | TransactionError
  | { readonly code: 'block-malformed' }
  | { readonly code: 'block-too-large' };

/** What a checkpoint that somebody gave says of blocks that peers show. */
export interface Vouching {
  /** Whether the signatures of a block's transactions need not be checked: somebody asked for it. */
  vouches(height: number): boolean;
  /** The next block is let in without that. */
  taken(height: number): void;
  /** Whether the checkpoint names another block of this height. */
  contradicts(height: number, hash: Hash): boolean;
  /** A certified block of its height is another one: what was executed below may be given up. */
  contradicted(): void;
  /**
   * A certified block does not follow what was executed. True when the reason may be that nobody
   * checked who signed in that: then it is given up, and this node need not fail.
   */
  doubted(): boolean;
  /** As `doubted`, of a certificate that our members did not give: decided by what is proven. */
  suspected(): Promise<boolean>;
  /** Whether this chain is about to be read again, so that nothing of it counts any more. */
  isGivenUp(): boolean;
}

export type ChainDependencies = {
  readonly ledger: Ledger;
  readonly store: LedgerStore;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly tracer: Tracer;
  readonly checkpoints?: Vouching;
  /** Pending transactions for a block, best first. */
  candidates(height: Height): readonly Verified<PreparedTransaction>[];
  /** A candidate that no block can take. */
  onInvalid(id: Hash, error: TransactionError): void;
  onCommitted(event: CommittedEvent): void;
  /** A block was committed because peers proved it, not by consensus here. */
  onImported(height: Height): void;
};
