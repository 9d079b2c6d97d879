import { equalBytes } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { merkleProof, verifyMerkleProof } from '../crypto/index.ts';
import type { Header, Ledger } from '../ledger/index.ts';
import { receiptLeaf, transactionLeaf } from '../ledger/index.ts';
import type { ProvenEntry } from './proof-messages.ts';
import type { IncludedTransaction, StoredBlock } from './store/index.ts';

/** Proves some transactions of one block; those that are not there are left out. */
export function proveEntries(
  ledger: Ledger,
  { block, blockBytes, receipts }: StoredBlock,
  indexes: readonly number[],
): ProvenEntry[] {
  const { suite } = ledger;
  const prepared = ledger.prepareBlock(blockBytes);
  if (!prepared.ok) return [];
  const { transactions } = prepared.value;
  const leaves = transactions.map((each) => transactionLeaf(suite, each));
  const receiptLeaves = receipts.map((each) => receiptLeaf(suite, each));
  return indexes.flatMap((index) => {
    const transaction = transactions[index];
    const receipt = receipts[index];
    if (transaction === undefined || receipt === undefined) return [];
    return [
      {
        place: { height: block.header.height, index },
        count: leaves.length,
        transaction: transaction.bytes,
        transactionPath: merkleProof(suite, leaves, index),
        receipt,
        receiptPath: merkleProof(suite, receiptLeaves, index),
      },
    ];
  });
}

/**
 * The transaction of an entry if a header binds it and what it did; `undefined` for a lie. How many
 * others there are nobody proves, and so not its index among them.
 */
export function verifyEntry(
  ledger: Ledger,
  header: Header,
  entry: ProvenEntry,
): IncludedTransaction | undefined {
  const { suite } = ledger;
  const { place, count, receipt } = entry;
  const { height, index } = place;
  const prepared = ledger.prepareTransaction(entry.transaction);
  if (!prepared.ok || header.height !== height) return undefined;
  const isBound = (root: Hash, leaf: Hash, path: readonly Hash[]): boolean =>
    verifyMerkleProof(suite, { root, leaf, index, count, path });
  const leaf = transactionLeaf(suite, prepared.value);
  const isIncluded =
    isBound(header.transactionsRoot, leaf, entry.transactionPath) &&
    isBound(header.receiptsRoot, receiptLeaf(suite, receipt), entry.receiptPath) &&
    equalBytes(receipt.transactionId, prepared.value.id);
  if (!isIncluded) return undefined;
  const { timestampMs } = header;
  return { height, index, timestampMs, transaction: prepared.value.transaction, receipt };
}
