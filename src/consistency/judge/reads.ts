import type { Entry, Record, Violation } from '../history.ts';
import type { FinalLedger } from './ledger.ts';

/** Judges what is told of a height: it must be what the final blocks make of it, whoever tells. */
export function judgeReads(record: Record, ledger: FinalLedger): Violation[] {
  return record.entries.flatMap((entry) => {
    switch (entry.kind) {
      case 'head':
        return judgeHash(entry, ledger);
      case 'block':
        return [...judgeHash(entry, ledger), ...judgeContent(entry, ledger)];
      case 'account':
        return judgeAccount(entry, ledger);
      case 'activity':
        return judgeActivity(entry, ledger);
      case 'supply': {
        const expected = ledger.supplyAt(ledger.height);
        const text = `supply ${entry.amount}, where genesis less the fees is ${expected}`;
        return entry.amount === expected ? [] : [{ rule: 'supply-holds', text, evidence: [entry] }];
      }
      default:
        return [];
    }
  });
}

function judgeHash(entry: Extract<Entry, { kind: 'head' | 'block' }>, ledger: FinalLedger) {
  const { height, hash } = entry;
  if (hash === undefined || hash === ledger.hashAt(height)) return [];
  const text = `height ${height} told as ${hash}, final is ${ledger.hashAt(height) ?? 'nothing'}`;
  return [{ rule: 'hash-at-height', text, evidence: [entry] } as const];
}

function judgeContent(entry: Extract<Entry, { kind: 'block' }>, ledger: FinalLedger) {
  const { height, transactions } = entry;
  const expected = ledger.transactionsAt(height);
  if (transactions === undefined || expected === undefined) return [];
  if (transactions.join() === expected.join()) return [];
  const text = `height ${height} told with other transactions than the final block has`;
  return [{ rule: 'hash-at-height', text, evidence: [entry] } as const];
}

function judgeAccount(
  entry: Extract<Entry, { kind: 'account' }>,
  ledger: FinalLedger,
): Violation[] {
  const { account, height, sequence, balance } = entry;
  const expected = ledger.accountAt(account, height);
  if (expected.sequence === sequence && expected.balance === balance) return [];
  const other = heightWhere(ledger, account, { sequence, balance });
  const where = other === undefined ? 'at no height' : `at height ${other}`;
  const told = `sequence ${sequence}, balance ${balance}`;
  const right = `sequence ${expected.sequence}, balance ${expected.balance}`;
  const text =
    `account ${account} at height ${height} told as ${told}; ` +
    `it is ${right} there, and as told ${where}`;
  return [{ rule: 'account-at-height', text, evidence: [entry] }];
}

/** First height at which an account is as told. */
function heightWhere(
  ledger: FinalLedger,
  account: string,
  told: { readonly sequence: number; readonly balance: bigint },
): number | undefined {
  for (let height = 0; height <= ledger.height; height++) {
    const { sequence, balance } = ledger.accountAt(account, height);
    if (sequence === told.sequence && balance === told.balance) return height;
  }
  return undefined;
}

/** A page of an account's history, newest first: each place right, nothing left out between. */
function judgeActivity(
  entry: Extract<Entry, { kind: 'activity' }>,
  ledger: FinalLedger,
): Violation[] {
  const { account, places } = entry;
  const say = (text: string): Violation[] => [
    { rule: 'activity-holds', text: `account ${account}: ${text}`, evidence: [entry] },
  ];
  const wrong = places.find(({ id, height }) => ledger.placeOf(id)?.height !== height);
  if (wrong !== undefined) return say(`${wrong.id} is not at height ${wrong.height}`);
  const [newest, oldest] = [places[0]?.height, places.at(-1)?.height];
  if (newest === undefined || oldest === undefined) return [];
  const named = new Set(places.map(({ id }) => id));
  // The page may begin and end in the middle of a block.
  for (let height = oldest + 1; height < newest; height++) {
    for (const id of ledger.transactionsAt(height) ?? []) {
      const transfer = ledger.transfers.get(id);
      const isSucceeded = ledger.placeOf(id)?.failure === undefined;
      const concerns =
        transfer?.sender === account || (isSucceeded && transfer?.recipient === account);
      if (concerns && !named.has(id)) return say(`${id} of height ${height} is left out`);
    }
  }
  return [];
}
