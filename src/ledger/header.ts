import type { Bytes, Result, TimestampMs } from '../base/index.ts';
import { equalBytes, fail, ok } from '../base/index.ts';
import { encode, encodeEach } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { leafMemory, merkleRootIn, ZERO_HASH } from '../crypto/index.ts';
import type { HeaderError } from './errors.ts';
import { blockHashOf, membershipHashOf } from './ids.ts';
import type { Kernel } from './kernel.ts';
import { PROTOCOL_VERSION } from './limits.ts';
import type { PreparedTransaction } from './prepare.ts';
import type { Gas, Header, Height, Receipt } from './types.ts';
import { receiptCodec } from './types.ts';

const LEAF_BYTES = 32;
/** An id and a signed hash on their way into a leaf. */
const pair: Bytes = new Uint8Array(64);

/** Leaf of a transaction in its block's tree: binds its id and its exact signed bytes. */
export function transactionLeaf(
  suite: HashSuite,
  transaction: Pick<PreparedTransaction, 'id' | 'signedHash'>,
): Hash {
  return suite.hash('transaction-leaf', transaction.id, transaction.signedHash);
}

/** Root over the transactions of a block, in their order: that of their `transactionLeaf`s. */
export function transactionsRootOf(
  suite: HashSuite,
  transactions: readonly Pick<PreparedTransaction, 'id' | 'signedHash'>[],
): Hash {
  const leaves = leafMemory(transactions.length);
  const batch = suite.batch('transaction-leaf');
  const { length } = transactions;
  for (let at = 0; at < length; at++) {
    const { id, signedHash } = transactions[at] as (typeof transactions)[number]; // Inside.
    pair.set(id);
    pair.set(signedHash, id.length);
    batch.add(pair, 0, pair.length, leaves, LEAF_BYTES * at);
  }
  batch.flush();
  return merkleRootIn(suite, leaves, length);
}

/** Leaf of a receipt in its block's tree. */
export function receiptLeaf(suite: HashSuite, receipt: Receipt): Hash {
  return suite.hash('receipt-leaf', encode(receiptCodec, receipt));
}

/** Root over the receipts of a block, in the order of its transactions. */
export function receiptsRootOf(suite: HashSuite, receipts: readonly Receipt[]): Hash {
  return encodedReceiptsRoot(suite, encodeEach(receiptCodec, receipts));
}

/** As {@link receiptsRootOf}, of their canonical bytes. */
export function encodedReceiptsRoot(suite: HashSuite, receipts: readonly Bytes[]): Hash {
  const leaves = leafMemory(receipts.length);
  const batch = suite.batch('receipt-leaf');
  receipts.forEach((receipt, at) => {
    batch.add(receipt, 0, receipt.length, leaves, LEAF_BYTES * at);
  });
  batch.flush();
  return merkleRootIn(suite, leaves, receipts.length);
}

/**
 * What execution gives to a header: of the block itself when the network executes before it
 * agrees (`state`), of its parent when it agrees on the order first (`event`).
 */
export type HeaderResults = {
  readonly receiptsRoot: Hash;
  readonly stateRoot: Hash;
  readonly gasUsed: Gas;
  readonly nextMembershipHash: Hash;
};

/** Results of the genesis block: nothing executed, its state given. */
export function genesisResults(kernel: Kernel, stateRoot: Hash): HeaderResults {
  return {
    receiptsRoot: receiptsRootOf(kernel.suite, []),
    stateRoot,
    gasUsed: 0 as Gas, // Nothing was executed.
    nextMembershipHash: membershipHashOf(kernel.suite, kernel.genesis.membership),
  };
}

/** The header of height 0; the root of the genesis state comes from whoever keeps state. */
export function genesisHeader(kernel: Kernel, stateRoot: Hash): Header {
  return {
    version: PROTOCOL_VERSION,
    chainId: kernel.chainId,
    height: 0 as Height, // By definition.
    parentHash: ZERO_HASH,
    timestampMs: kernel.genesis.document.timestampMs,
    proposer: new Uint8Array(32),
    transactionsRoot: transactionsRootOf(kernel.suite, []),
    ...genesisResults(kernel, stateRoot),
    consensus: new Uint8Array(0),
  };
}

/** Makes the header of the block after `parent`. */
export function buildHeader(
  kernel: Kernel,
  parent: Header,
  content: {
    readonly timestampMs: TimestampMs;
    readonly proposer: Bytes;
    readonly transactions: readonly Pick<PreparedTransaction, 'id' | 'signedHash'>[];
    /** See {@link HeaderResults} for whose. */
    readonly results: HeaderResults;
    readonly consensus?: Bytes;
  },
): Header {
  const { receiptsRoot, stateRoot, gasUsed, nextMembershipHash } = content.results;
  return {
    version: PROTOCOL_VERSION,
    chainId: kernel.chainId,
    height: (parent.height + 1) as Height, // Heights follow one another.
    parentHash: blockHashOf(kernel.suite, parent),
    timestampMs: content.timestampMs,
    proposer: content.proposer,
    transactionsRoot: transactionsRootOf(kernel.suite, content.transactions),
    receiptsRoot,
    stateRoot,
    nextMembershipHash,
    gasUsed,
    consensus: content.consensus ?? new Uint8Array(0),
  };
}

/**
 * Whether a header follows its parent and binds its transactions: all that can be said before
 * execution. Whether the time is near the present, and whose turn it was, others must say.
 */
export function validateHeader(
  kernel: Kernel,
  parent: Header,
  header: Header,
  transactions: readonly Pick<PreparedTransaction, 'id' | 'signedHash'>[],
): Result<void, HeaderError> {
  if (header.version !== PROTOCOL_VERSION) {
    return fail({ code: 'version-unsupported', version: header.version });
  }
  if (!equalBytes(header.chainId, kernel.chainId)) return fail({ code: 'wrong-network' });
  if (header.height !== parent.height + 1) {
    return fail({ code: 'height-mismatch', expected: parent.height + 1, actual: header.height });
  }
  if (!equalBytes(header.parentHash, blockHashOf(kernel.suite, parent))) {
    return fail({ code: 'parent-mismatch' });
  }
  if (header.timestampMs <= parent.timestampMs) {
    return fail({ code: 'timestamp-not-after-parent' });
  }
  if (!equalBytes(header.transactionsRoot, transactionsRootOf(kernel.suite, transactions))) {
    return fail({ code: 'transactions-root-mismatch' });
  }
  return ok(undefined);
}

/** Whether a header binds these results. */
export function validateResults(header: Header, results: HeaderResults): Result<void, HeaderError> {
  if (header.gasUsed !== results.gasUsed) {
    return fail({ code: 'gas-mismatch', expected: results.gasUsed, actual: header.gasUsed });
  }
  if (!equalBytes(header.receiptsRoot, results.receiptsRoot)) {
    return fail({ code: 'receipts-root-mismatch' });
  }
  if (!equalBytes(header.nextMembershipHash, results.nextMembershipHash)) {
    return fail({ code: 'membership-mismatch' });
  }
  if (!equalBytes(header.stateRoot, results.stateRoot)) {
    return fail({ code: 'state-root-mismatch' });
  }
  return ok(undefined);
}
