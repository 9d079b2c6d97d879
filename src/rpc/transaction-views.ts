import type { Codec, Infer } from '../codec/index.ts';
import { bytes, enumeration, option, struct, u32, vector } from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Action } from '../ledger/index.ts';
import {
  BLOCK_TRANSACTIONS_MAX,
  commitCertificateCodec,
  gasCodec,
  headerCodec,
  heightCodec,
  LOGS_PER_RECEIPT_MAX,
  receiptCodec,
  TRANSACTION_BYTES_MAX,
  timestampCodec,
  transactionCodecs,
} from '../ledger/index.ts';
import { BLOCKS_PER_PAGE_MAX, HISTORY_PER_PAGE_MAX } from './limits.ts';
import {
  cursorCodec,
  logViewCodec,
  publicKeyCodec,
  transactionStatusCodec,
  trustCodec,
} from './views.ts';

/** Codecs of answers that hold decoded transactions, made from the network's action codec. */
export function transactionViews(action: Codec<Action>) {
  const { transaction } = transactionCodecs(action);
  const blockTransaction = struct('BlockTransaction', {
    id: hashCodec,
    index: u32,
    sizeBytes: u32,
    transaction,
    receipt: receiptCodec,
  });
  const block = struct('BlockView', {
    header: headerCodec,
    hash: hashCodec,
    /** Absent for the genesis block only. */
    certificate: option(commitCertificateCodec),
    transactionCount: u32,
    sizeBytes: u32,
    /** Empty when the question left them out. */
    transactions: vector(blockTransaction, { max: BLOCK_TRANSACTIONS_MAX }),
    trust: trustCodec,
  });
  const blockSummary = struct('BlockSummary', {
    height: heightCodec,
    hash: hashCodec,
    timestampMs: timestampCodec,
    proposer: publicKeyCodec,
    transactionCount: u32,
    sizeBytes: u32,
    gasUsed: gasCodec,
  });
  const blockList = struct('BlockList', {
    /** Newest first. */
    blocks: vector(blockSummary, { max: BLOCKS_PER_PAGE_MAX }),
    trust: trustCodec,
  });
  const transactionView = struct('TransactionView', {
    id: hashCodec,
    transaction,
    /** Signed bytes as they stand in the block. */
    bytes: bytes({ max: TRANSACTION_BYTES_MAX }),
    status: transactionStatusCodec,
    /** Present once included. */
    receipt: option(receiptCodec),
    /** The receipt's logs, decoded. */
    logs: vector(logViewCodec, { max: LOGS_PER_RECEIPT_MAX }),
    trust: trustCodec,
  });
  const historyEntry = struct('HistoryEntry', {
    id: hashCodec,
    height: heightCodec,
    index: u32,
    timestampMs: timestampCodec,
    transaction,
    receipt: receiptCodec,
  });
  const history = struct('History', {
    /** Newest first. */
    entries: vector(historyEntry, { max: HISTORY_PER_PAGE_MAX }),
    /** Ask with `before: next` for what is older; absent at the end. */
    next: option(cursorCodec),
    /**
     * The newest block when it was read, or the highest that all of those peers had who agree on
     * it: of what happened above nothing need be told yet.
     */
    height: heightCodec,
    /** Nothing concerning the account is missing from this height on; absent: nobody can say. */
    completeFrom: option(heightCodec),
    /** Whether this node found the entries in its own index, or peers named and proved them. */
    source: enumeration('HistorySource', ['chain', 'peers']),
    /**
     * How many voices (peers of different hosts) named all of what peers told of it: nothing proves
     * that none is missing, but what one leaves out another may tell. Absent where none was asked.
     */
    namedBy: option(u32),
    trust: trustCodec,
  });
  return { block, blockSummary, blockList, transactionView, historyEntry, history };
}

type Views = ReturnType<typeof transactionViews>;
export type BlockView = Infer<Views['block']>;
export type BlockTransaction = BlockView['transactions'][number];
export type BlockSummary = Infer<Views['blockSummary']>;
export type BlockList = Infer<Views['blockList']>;
export type TransactionView = Infer<Views['transactionView']>;
export type HistoryEntry = Infer<Views['historyEntry']>;
export type History = Infer<Views['history']>;
