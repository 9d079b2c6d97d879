import { formatHex } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Address, Height, Receipt, Transaction } from '../../ledger/index.ts';
import type { HistoryIndex } from './history-index.ts';

/** Accounts in whose history a transaction stands: who signed, who paid, who is named in its logs. */
export function accountsOf(
  transaction: Pick<Transaction, 'body'>,
  receipt: Receipt | undefined,
): Address[] {
  const { sender, sponsor } = transaction.body;
  const accounts = new Map<string, Address>([[formatHex(sender), sender]]);
  const add = (account: Address): void => {
    accounts.set(formatHex(account), account);
  };
  if (sponsor !== undefined) add(sponsor);
  if (receipt !== undefined) {
    add(receipt.payer);
    for (const log of receipt.logs) for (const account of log.accounts) add(account);
  }
  return [...accounts.values()];
}

/** Adds a committed block to the index. */
export function indexBlock(
  index: HistoryIndex,
  block: {
    readonly height: Height;
    readonly hash: Hash;
    readonly transactions: readonly Pick<Transaction, 'body'>[];
    readonly receipts: readonly Receipt[];
  },
): void {
  const { height, receipts } = block;
  index.add('block', block.hash, { height, index: 0 });
  block.transactions.forEach((transaction, at) => {
    const place = { height, index: at };
    const receipt = receipts[at];
    if (receipt !== undefined) index.add('transaction', receipt.transactionId, place);
    for (const account of accountsOf(transaction, receipt)) index.add('account', account, place);
  });
}
