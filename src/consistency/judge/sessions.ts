import type { Entry, EntryOf, Moment, Record, Violation } from '../history.ts';
import type { FinalLedger } from './ledger.ts';

/** A height that a relay's head is known to have reached, and by what. */
type Reached = { readonly height: number; readonly by: Entry; readonly at: Moment };

/** Heights that each relay is known to have reached, by the moment from which that is known. */
export class Progress {
  readonly #relays = new Map<number, Reached[]>();

  constructor(record: Record, ledger: FinalLedger) {
    const byReturn = record.entries.toSorted((left, right) => left.returnedAt - right.returnedAt);
    for (const entry of byReturn) {
      const height = heightShownBy(entry, ledger);
      const steps = this.#relays.get(entry.relay) ?? [];
      if (height === undefined || height <= (steps.at(-1)?.height ?? -1)) continue;
      steps.push({ height, by: entry, at: entry.returnedAt });
      this.#relays.set(entry.relay, steps);
    }
  }

  /** The highest height that answers of a relay had shown before a moment. */
  before(relay: number, moment: Moment): Reached | undefined {
    return this.#relays.get(relay)?.findLast(({ at }) => at < moment);
  }
}

/** The height that a relay must have reached to be able to say this. */
function heightShownBy(entry: Entry, ledger: FinalLedger): number | undefined {
  switch (entry.kind) {
    case 'head':
    case 'account':
      return entry.height;
    case 'block':
      return entry.hash === undefined ? undefined : entry.height;
    case 'activity':
      return entry.places[0]?.height;
    case 'status':
      return heightOfVerdict(entry, ledger);
    default:
      return undefined;
  }
}

function heightOfVerdict(
  { id, status }: Extract<Entry, { kind: 'status' }>,
  ledger: FinalLedger,
): number | undefined {
  const transfer = ledger.transfers.get(id);
  if (status.stage === 'final') return status.height;
  if (status.stage === 'expired') return transfer?.validUntil;
  if (status.stage !== 'failed') return undefined;
  if (status.height !== undefined || transfer === undefined) return status.height;
  return ledger.userOf(transfer.sender, transfer.sequence)?.height;
}

/** Whoever asks one relay twice is never taken back, not even over a restart. */
export function judgeSessions(record: Record, progress: Progress): Violation[] {
  return [...judgeAnswers(record, progress), ...judgePushes(record)];
}

function judgeAnswers(record: Record, progress: Progress): Violation[] {
  return record.entries.flatMap((entry): Violation[] => {
    if (entry.isPushed) return [];
    const reached = progress.before(entry.relay, entry.invokedAt);
    if (reached === undefined) return [];
    const { height, by } = reached;
    const evidence = [by, entry];
    const isLookup = entry.kind === 'block' && entry.hash === undefined;
    if (isLookup && entry.height <= height) {
      const text = `relay ${entry.relay} does not know height ${entry.height} after ${height}`;
      return [{ rule: 'no-way-back', text, evidence }];
    }
    const isDated = entry.kind === 'head' || entry.kind === 'account';
    if (!isDated || entry.height >= height) return [];
    const text = `relay ${entry.relay} answers from height ${entry.height} after ${height}`;
    return [{ rule: 'no-way-back', text, evidence }];
  });
}

/** What one client is told of, one after the other: heads, and accounts that it watches. */
function judgePushes(record: Record): Violation[] {
  const last = new Map<string, EntryOf<'head' | 'account'>>();
  const violations: Violation[] = [];
  for (const entry of record.entries) {
    if ((entry.kind !== 'head' && entry.kind !== 'account') || !entry.isPushed) continue;
    const subject = entry.kind === 'head' ? 'head' : `account ${entry.account}`;
    const key = `${entry.client} ${subject}`;
    const before = last.get(key);
    if (before !== undefined && before.height > entry.height) {
      const { relay, height } = entry;
      const text = `relay ${relay} pushes ${subject} of ${height} after ${before.height}`;
      violations.push({ rule: 'no-way-back', text, evidence: [before, entry] });
    }
    last.set(key, entry);
  }
  return violations;
}
