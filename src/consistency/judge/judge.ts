import type { Entry, Record, Violation } from '../history.ts';
import { replay } from './ledger.ts';
import { judgeOrder } from './order.ts';
import { judgeReads } from './reads.ts';
import { judgeSessions, Progress } from './sessions.ts';
import { judgeVerdicts } from './verdicts.ts';

/** What was looked at, and what was wrong. */
export type Judgement = {
  readonly violations: readonly Violation[];
  readonly blocks: number;
  readonly executed: number;
  /** Transfers (two sides each) and strict reads that were put in order. */
  readonly operations: number;
};

/** Judges everything that clients saw; see `RULES` for what is promised. */
export function judge(record: Record): Judgement {
  const { ledger, violations } = replay(record);
  const progress = new Progress(record, ledger);
  const order = judgeOrder(record);
  return {
    violations: [
      ...violations,
      ...judgeReads(record, ledger),
      ...judgeSessions(record, progress),
      ...judgeVerdicts(record, ledger, progress),
      ...order.violations,
    ],
    blocks: ledger.height + 1,
    executed: (record.chains[0] ?? []).flatMap(({ transactions }) => transactions).length,
    operations: order.operations,
  };
}

/** One line for people. */
export function describeEntry(entry: Entry): string {
  const { client, relay, invokedAt, returnedAt, atMs, isPushed, ...finding } = entry;
  const when = `${(atMs / 1000).toFixed(3)} s [${invokedAt}, ${returnedAt}]`;
  const facts = JSON.stringify(finding, (_, value: unknown) =>
    typeof value === 'bigint' ? value.toString() : value,
  );
  return `${when} client ${client} ${isPushed ? 'told by' : 'asks'} relay ${relay}: ${facts}`;
}
