import { equalBytes } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Address, Height, Receipt, Transaction } from '../../ledger/index.ts';
import type { HistoryIndex } from './history-index.ts';

/**
 * Few accounts stand in one transaction: 16 actions log 8 each at most. Of most there are two, for
 * which a list that grows would make room for eighteen.
 */
function withAccount(accounts: Address[], account: Address): Address[] {
  for (const known of accounts)
    if (known === account || equalBytes(known, account)) return accounts;
  const [first] = accounts;
  if (first !== undefined && accounts.length === 1) return [first, account];
  accounts.push(account);
  return accounts;
}

/** Accounts in whose history a transaction stands: who signed, who paid, who is named in its logs. */
export function accountsOf(
  transaction: Pick<Transaction, 'body'>,
  receipt: Receipt | undefined,
): Address[] {
  const { sender, sponsor } = transaction.body;
  let accounts = [sender];
  if (sponsor !== undefined) accounts = withAccount(accounts, sponsor);
  if (receipt !== undefined) {
    accounts = withAccount(accounts, receipt.payer);
    for (const log of receipt.logs) {
      for (const account of log.accounts) accounts = withAccount(accounts, account);
    }
  }
  return accounts;
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
