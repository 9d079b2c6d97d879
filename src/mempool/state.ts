import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Height, Sequence } from '../ledger/index.ts';
import { FinishedIds } from './finished.ts';
import type { MempoolLimits } from './limits.ts';
import { MEMPOOL_LIMITS } from './limits.ts';
import { Pool } from './pool.ts';
import type { MempoolSize, PendingTransaction } from './types.ts';

/**
 * The pool of one node. Unlike other machines it owns its maps and changes them in place: copying
 * 20,000 entries for each admission would cost more than all else. `step` returns the same object;
 * whoever holds it reads it between two steps, and never after the next one began.
 */
export type MempoolState<Payload> = {
  readonly limits: MempoolLimits;
  readonly pool: Pool<Payload>;
  /** Those included, or whose sequence another used. */
  readonly finished: FinishedIds;
  /** Refusals by peer since the last height, longest known first. */
  readonly refusals: Map<string, number>;
  /** Height of the head. */
  height: Height;
};

/** An empty pool of a node whose head has this height. */
export function createMempool<Payload>(
  height: Height,
  limits: Partial<MempoolLimits> = {},
): MempoolState<Payload> {
  const all = { ...MEMPOOL_LIMITS, ...limits };
  return {
    limits: all,
    pool: new Pool<Payload>(),
    finished: new FinishedIds(all.finishedMax),
    refusals: new Map(),
    height,
  };
}

/** How full it is. */
export function mempoolSize<Payload>({ pool }: MempoolState<Payload>): MempoolSize {
  return { count: pool.byId.size, bytes: pool.bytes, senders: pool.bySender.size };
}

/** The pending transaction of this id. */
export function getPending<Payload>(
  { pool }: MempoolState<Payload>,
  id: Hash,
): PendingTransaction<Payload> | undefined {
  return pool.get(id)?.transaction;
}

/**
 * Whether a transaction is pending or can never be executed again, so that its signatures need no
 * check. Evicted, replaced, invalid and expired ones are not remembered: they may come back, or are
 * refused by price or height.
 */
export function isKnown<Payload>({ pool, finished }: MempoolState<Payload>, id: Hash): boolean {
  const key = formatHex(id);
  return pool.byId.has(key) || finished.has(key);
}

/** What a sender has pending, by ascending sequence. */
export function pendingOf<Payload>(
  { pool }: MempoolState<Payload>,
  sender: Address,
): readonly PendingTransaction<Payload>[] {
  return pool.queueOf(sender)?.entries.map((entry) => entry.transaction) ?? [];
}

/** The first sequence that a sender has neither executed nor pending. */
export function firstFreeSequence<Payload>(
  { pool }: MempoolState<Payload>,
  sender: Address,
  accountSequence: Sequence,
): Sequence {
  let free: number = Math.max(accountSequence, pool.queueOf(sender)?.next ?? 0);
  for (const { transaction } of pool.queueOf(sender)?.entries ?? []) {
    if (transaction.sequence === free) free += 1;
  }
  return free as Sequence; // At most `perSenderMax` above a sequence.
}

/** Pending transactions in order of admission, at most `limit` of them. */
export function listPending<Payload>(
  { pool }: MempoolState<Payload>,
  limit: number,
): readonly PendingTransaction<Payload>[] {
  const found: PendingTransaction<Payload>[] = [];
  // Ids are put in once and never again, so the map keeps the order of admission.
  for (const { transaction } of pool.byId.values()) {
    if (found.length >= limit) break;
    found.push(transaction);
  }
  return found;
}
