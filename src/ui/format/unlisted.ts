import { equalBytes } from '../../base/index.ts';
import type { TransactionProgress } from '../../wallet/index.ts';

type Listed = { readonly id: Uint8Array; readonly height: number };
type Signed = Pick<TransactionProgress, 'sender' | 'stage' | 'transactionId' | 'height'>;

/**
 * What an account signed here and its history does not list yet; `entries` are newest first. A
 * verdict may be known before the history is read again: until then the transaction stays, since
 * what was paid must not vanish from the screen, not for a moment.
 */
export function unlisted<Each extends Signed>(
  transactions: readonly Each[],
  sender: Uint8Array,
  entries: readonly Listed[],
): readonly Each[] {
  const newest = entries[0]?.height ?? -1;
  return transactions.filter(({ sender: from, stage, transactionId, height }) => {
    if (!equalBytes(from, sender)) return false;
    if (entries.some(({ id }) => equalBytes(id, transactionId))) return false;
    if (stage === 'signed' || stage === 'seen' || stage === 'included') return true;
    // What no block holds will never be listed; what a listed block holds is on another page.
    return height !== undefined && height > newest;
  });
}
