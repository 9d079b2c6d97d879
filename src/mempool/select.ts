import { MISFITS_MAX } from './limits.ts';
import type { MempoolState } from './state.ts';
import type { PendingTransaction, SelectionLimits } from './types.ts';

/**
 * Transactions for a block, in an order that can be executed: each sender's by sequence, and among
 * the senders' next ones the dearest per gas first, ties by arrival, then by id. The same pool and
 * limits give the same list; nothing is removed.
 *
 * A transaction that does not fit, or is not valid at that height, holds back the later ones of its
 * sender; the others go on.
 */
export function selectForBlock<Payload>(
  { pool }: MempoolState<Payload>,
  limits: SelectionLimits,
): readonly PendingTransaction<Payload>[] {
  const chosen: PendingTransaction<Payload>[] = [];
  const held = new Set<unknown>();
  let bytes = 0;
  let gas = 0;
  let misfits = 0;
  const walk = pool.ready.walk((entry) => {
    const next = entry.queue.entries[entry.position + 1];
    const follows = next?.transaction.sequence === entry.transaction.sequence + 1;
    return follows && !held.has(entry.queue) ? next : undefined;
  });
  for (const { transaction, queue } of walk) {
    if (chosen.length >= limits.transactionsMax || misfits >= MISFITS_MAX) break;
    const { sizeBytes, gasLimit, validFrom, validUntil } = transaction;
    const isTimely = validFrom <= limits.height && limits.height <= validUntil;
    const fits = bytes + sizeBytes <= limits.bytesMax && gas + gasLimit <= limits.gasMax;
    if (!isTimely || !fits) {
      held.add(queue);
      if (!fits) misfits += 1;
      continue;
    }
    chosen.push(transaction);
    bytes += sizeBytes;
    gas += gasLimit;
  }
  return chosen;
}
