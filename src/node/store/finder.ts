import { assert, equalBytes } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Address, Height } from '../../ledger/index.ts';
import { includedIn } from './block-reader.ts';
import type { HistoryIndex, Place } from './history-index.ts';
import { accountsOf } from './index-block.ts';
import { HISTORY_LIMIT_MAX } from './limits.ts';
import type { BlockSummary, IncludedTransaction, StoredBlock } from './types.ts';

/** What finding stands on: names may collide, so what is found is compared with its block. */
export type FinderParts = {
  readonly index: HistoryIndex;
  block(height: Height): Promise<StoredBlock | undefined>;
  summary(height: Height): Promise<BlockSummary | undefined>;
};

/** Which part of an account's history is wanted. */
export type HistoryOptions = {
  /** Only those strictly before this place; all when absent. */
  readonly before?: Place;
  /** 1 to 1,000. */
  readonly limit: number;
  readonly signal?: AbortSignal;
  /**
   * Waited for with each block that is read, before the next one is; what it throws ends the
   * search. Names of other accounts may begin as this one's does, so that far more blocks are read
   * than transactions found.
   */
  readonly onBlock?: (block: StoredBlock) => void | Promise<void>;
};

/** The height of the committed block of a hash. */
export async function findHeight(parts: FinderParts, hash: Hash): Promise<Height | undefined> {
  const places = await parts.index.find('block', hash, { before: undefined, limit: 16 });
  for (const { height } of places) {
    const summary = await parts.summary(height);
    if (summary !== undefined && equalBytes(summary.hash, hash)) return height;
  }
  return undefined;
}

/** See `LedgerStore.transactions`. */
export async function findTransactions(
  parts: FinderParts,
  ids: readonly Hash[],
  signal: AbortSignal | undefined,
): Promise<(IncludedTransaction | undefined)[]> {
  const found = new Array<IncludedTransaction | undefined>(ids.length).fill(undefined);
  const wanted = new Map<Height, { readonly at: number; readonly index: number }[]>();
  for (const [at, id] of ids.entries()) {
    const places = await parts.index.find('transaction', id, { before: undefined, limit: 16 });
    for (const { height, index } of places) {
      const there = wanted.get(height) ?? [];
      there.push({ at, index });
      wanted.set(height, there);
    }
  }
  for (const height of [...wanted.keys()].sort((left, right) => right - left)) {
    signal?.throwIfAborted();
    const stored = await parts.block(height);
    for (const { at, index } of wanted.get(height) ?? []) {
      const included = includedIn(stored, index);
      const id = ids[at];
      if (included === undefined || id === undefined) continue;
      if (equalBytes(included.receipt.transactionId, id)) found[at] ??= included;
    }
  }
  return found;
}

/** See `LedgerStore.history`. */
export async function findHistory(
  parts: FinderParts,
  address: Address,
  options: HistoryOptions,
): Promise<IncludedTransaction[]> {
  const { limit, signal, onBlock } = options;
  assert(limit >= 1 && limit <= HISTORY_LIMIT_MAX, `limit ${limit}`);
  const history: IncludedTransaction[] = [];
  let { before } = options;
  let last: StoredBlock | undefined;
  while (history.length < limit) {
    const wanted = limit - history.length;
    const places = await parts.index.find('account', address, { before, limit: wanted });
    for (const { height, index } of places) {
      signal?.throwIfAborted();
      const stored = await parts.block(height);
      if (stored !== undefined && stored.block.header.height !== last?.block.header.height) {
        last = stored;
        await onBlock?.(stored);
      }
      const included = includedIn(stored, index);
      if (included === undefined) continue;
      const accounts = accountsOf(included.transaction, included.receipt);
      if (accounts.some((account) => equalBytes(account, address))) history.push(included);
    }
    if (places.length < wanted) break;
    before = places.at(-1);
  }
  return history;
}
