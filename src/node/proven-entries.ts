import { equalBytes, formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { merkleProofs, verifyMerkleProof } from '../crypto/index.ts';
import type { Address, Header, Height, Ledger, PreparedTransaction } from '../ledger/index.ts';
import { receiptLeaf, transactionLeaf } from '../ledger/index.ts';
import type { ProvenEntry } from './proof-messages.ts';
import type { IncludedTransaction, StoredBlock } from './store/index.ts';
import { accountsOf } from './store/index-block.ts';

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
  const held = indexes.filter((index) => index < leaves.length && index < receiptLeaves.length);
  const paths = merkleProofs(suite, leaves, held);
  const receiptPaths = merkleProofs(suite, receiptLeaves, held);
  return held.flatMap((index, at) => {
    const transaction = transactions[index];
    const receipt = receipts[index];
    const transactionPath = paths[at];
    const receiptPath = receiptPaths[at];
    if (transaction === undefined || receipt === undefined) return [];
    if (transactionPath === undefined || receiptPath === undefined) return [];
    const place = { height: block.header.height, index };
    const { bytes } = transaction;
    const count = leaves.length;
    return [{ place, count, transaction: bytes, transactionPath, receipt, receiptPath }];
  });
}

/** An entry as a peer told it, with its transaction read. */
export type ReadEntry = { readonly told: ProvenEntry; readonly prepared: PreparedTransaction };

/**
 * Reads what a peer told of an account, as far as that goes without any header; `undefined` for a
 * lie. A header binds no count, so that one path can fit several pairs of index and count: told
 * once each, and of one count a block, a payment cannot be made several.
 */
export function readEntries(
  ledger: Ledger,
  address: Address,
  entries: readonly ProvenEntry[],
): readonly ReadEntry[] | undefined {
  const ids = new Set<string>();
  const counts = new Map<Height, number>();
  const read: ReadEntry[] = [];
  for (const told of entries) {
    const { place, count, receipt } = told;
    if (count !== (counts.get(place.height) ?? count)) return undefined;
    counts.set(place.height, count);
    const prepared = ledger.prepareTransaction(told.transaction);
    if (!prepared.ok || !equalBytes(receipt.transactionId, prepared.value.id)) return undefined;
    const id = formatHex(prepared.value.id);
    if (ids.has(id)) return undefined;
    ids.add(id);
    const { transaction } = prepared.value;
    if (!concerns({ transaction, receipt }, address)) return undefined;
    read.push({ told, prepared: prepared.value });
  }
  return read;
}

/** Whether a transaction is one of an account. */
export function concerns(
  { transaction, receipt }: Pick<IncludedTransaction, 'transaction' | 'receipt'>,
  address: Address,
): boolean {
  return accountsOf(transaction, receipt).some((each) => equalBytes(each, address));
}

/**
 * The transaction of an entry if a header binds it and what it did; `undefined` for a lie. How many
 * others there are nobody proves, and so not its index among them.
 */
export function verifyEntry(
  ledger: Ledger,
  header: Header,
  { told, prepared }: ReadEntry,
): IncludedTransaction | undefined {
  const { suite } = ledger;
  const { place, count, receipt } = told;
  const { height, index } = place;
  if (header.height !== height) return undefined;
  const isBound = (root: Hash, leaf: Hash, path: readonly Hash[]): boolean =>
    verifyMerkleProof(suite, { root, leaf, index, count, path });
  const isIncluded =
    isBound(header.transactionsRoot, transactionLeaf(suite, prepared), told.transactionPath) &&
    isBound(header.receiptsRoot, receiptLeaf(suite, receipt), told.receiptPath);
  if (!isIncluded) return undefined;
  const { timestampMs } = header;
  return { height, index, timestampMs, transaction: prepared.transaction, receipt };
}
