import type { AccountInput, AccountOutput } from '../checker/account.ts';
import { accountModel } from '../checker/account.ts';
import { checkLinearizable } from '../checker/linearizability.ts';
import type { Operation } from '../checker/model.ts';
import type { Entry, Moment, Record, Transfer, Violation } from '../history.ts';

type AccountOperation = Operation<AccountInput, AccountOutput>;
type Fate = { readonly output: AccountOutput; readonly at: Moment };

/**
 * Judges transfers and strict reads: some order of them, each between its call and the moment when
 * its fate was first told, must explain every balance read. The chain's own order is tried first,
 * since many calls at once have more orders than can be tried; it counts only if it does explain
 * everything, so nothing is believed that the chain says.
 */
export function judgeOrder(record: Record): {
  readonly operations: number;
  readonly violations: readonly Violation[];
} {
  const { operations, places } = operationsOf(record);
  const guess = (operation: AccountOperation) => places.get(operation) ?? Number.POSITIVE_INFINITY;
  const verdict = checkLinearizable(accountModel, operations, { guess });
  const count = operations.length;
  if (verdict.kind === 'linearizable') return { operations: count, violations: [] };
  if (verdict.kind === 'undecided') {
    const text = `account ${verdict.partition}: too many orders to try`;
    return { operations: count, violations: [{ rule: 'linearizable', text, evidence: [] }] };
  }
  const { partition, prefix, stuck } = verdict;
  const text = [
    `account ${partition}: no order explains the answers.`,
    `  ${prefix.length} operations can be explained, the last of them:`,
    ...prefix.slice(-5).map((operation) => `    ${describeOperation(operation)}`),
    '  and none of these can come next:',
    ...stuck.slice(0, 10).map((operation) => `    ${describeOperation(operation)}`),
  ].join('\n');
  return { operations: count, violations: [{ rule: 'linearizable', text, evidence: [] }] };
}

/** Heights are whole numbers, and no block holds as many transactions. */
const PLACES_PER_BLOCK = 1_000_000;

/**
 * Transfers in both of their accounts, strict reads, and what genesis gave; and where the chain
 * puts them: reads after the last transaction of the height told with them.
 */
function operationsOf(record: Record): {
  readonly operations: readonly AccountOperation[];
  readonly places: ReadonlyMap<AccountOperation, number>;
} {
  const operations: AccountOperation[] = [];
  const places = new Map<AccountOperation, number>();
  const add = (operation: AccountOperation, place: number | undefined): void => {
    operations.push(operation);
    if (place !== undefined) places.set(operation, place);
  };
  for (const [account, balance] of record.balances) {
    const input = { kind: 'open', account, balance } as const;
    const output = { kind: 'succeeded' } as const;
    add({ client: -1, input, output, invokedAt: -2, returnedAt: -1 }, -1);
  }
  for (const entry of record.entries) {
    if (entry.kind !== 'account' || !entry.isStrict) continue;
    const { client, account, sequence, balance, height, invokedAt, returnedAt } = entry;
    const output = { kind: 'state', state: { sequence, balance } } as const;
    const input = { kind: 'read', account } as const;
    const place = (height + 1) * PLACES_PER_BLOCK - 1;
    add({ client, input, output, invokedAt, returnedAt }, place);
  }
  const sent = firstSent(record.entries);
  const fates = fatesOf(record.entries);
  const executed = placesOf(record);
  for (const transfer of record.transfers) {
    const from = sent.get(transfer.id);
    if (from === undefined) continue;
    const { debit, credit } = executed.get(transfer.id) ?? {};
    for (const side of sidesOf(transfer, from, fates.get(transfer.id))) {
      add(side, side.input.kind === 'debit' ? debit : credit);
    }
  }
  return { operations, places };
}

/** Where the first relay's chain holds transactions; one that failed gave nothing to anybody. */
function placesOf(record: Record) {
  const places = new Map<string, { readonly debit: number; readonly credit?: number }>();
  for (const { height, transactions } of record.chains[0] ?? []) {
    transactions.forEach(({ id, failure }, index) => {
      const place = height * PLACES_PER_BLOCK + index;
      places.set(id, failure === undefined ? { debit: place, credit: place } : { debit: place });
    });
  }
  return places;
}

function sidesOf(transfer: Transfer, sent: Entry, fate: Fate | undefined): AccountOperation[] {
  const { sender, recipient, sequence, amount, fee } = transfer;
  const { output, at } = fate ?? { output: { kind: 'unknown' } as const, at: Infinity };
  // Told to have had no effect at all.
  if (output.kind === 'unknown' && at !== Infinity) return [];
  const when = { client: sent.client, invokedAt: sent.invokedAt, returnedAt: at };
  const debit = { kind: 'debit', account: sender, sequence, amount, fee } as const;
  const credit = { kind: 'credit', account: recipient, amount } as const;
  return [
    { ...when, input: debit, output },
    ...(output.kind === 'failed' ? [] : [{ ...when, input: credit, output }]),
  ];
}

/** When each transaction was first sent to anybody who did not refuse it. */
function firstSent(entries: readonly Entry[]): Map<string, Entry> {
  const first = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.kind !== 'submitted' || entry.submission.kind === 'refused') continue;
    const before = first.get(entry.id);
    if (before === undefined || entry.invokedAt < before.invokedAt) first.set(entry.id, entry);
  }
  return first;
}

/** What was told of each transaction, and when that was first told. */
function fatesOf(entries: readonly Entry[]): Map<string, Fate> {
  const fates = new Map<string, Fate>();
  for (const entry of entries) {
    if (entry.kind !== 'status') continue;
    const { stage, height } = entry.status;
    const isExecuted = stage === 'final' || (stage === 'failed' && height !== undefined);
    const isNever = stage === 'expired' || (stage === 'failed' && height === undefined);
    if (!isExecuted && !isNever) continue;
    const known = fates.get(entry.id);
    if (known !== undefined && known.at <= entry.returnedAt) continue;
    const kind = isNever ? 'unknown' : stage === 'final' ? 'succeeded' : 'failed';
    fates.set(entry.id, { output: { kind }, at: entry.returnedAt });
  }
  return fates;
}

function describeOperation({ client, input, output, invokedAt, returnedAt }: AccountOperation) {
  const when = `[${invokedAt}, ${returnedAt}] client ${client}`;
  switch (input.kind) {
    case 'open':
      return `genesis ${input.balance}`;
    case 'read': {
      const state = output.kind === 'state' ? output.state : undefined;
      return `${when} reads sequence ${state?.sequence}, balance ${state?.balance}`;
    }
    case 'credit':
      return `${when} adds ${input.amount} (${output.kind})`;
    case 'debit':
      return (
        `${when} sequence ${input.sequence} takes ${input.amount} ` +
        `and fee ${input.fee} (${output.kind})`
      );
  }
}
