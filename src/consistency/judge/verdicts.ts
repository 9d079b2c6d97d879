import type { Entry, EntryOf, Moment, Record, Transfer, Violation } from '../history.ts';
import type { FinalLedger } from './ledger.ts';
import type { Progress } from './sessions.ts';

const VERDICTS = new Set(['final', 'failed', 'expired']);

/** Judges what relays say of transactions: true, lasting, in time, and provable. */
export function judgeVerdicts(
  record: Record,
  ledger: FinalLedger,
  progress: Progress,
): Violation[] {
  const acceptances = acceptancesOf(record);
  return [
    ...record.entries.flatMap((entry) => {
      if (entry.kind === 'proof') return judgeProof(entry);
      if (entry.kind !== 'status') return [];
      return [
        ...judgeTruth(entry, ledger),
        ...judgeSilence(entry, { ledger, progress, acceptances }),
      ];
    }),
    ...judgeLasting(record),
    ...judgeCoverage(record, progress),
  ];
}

function judgeProof(entry: EntryOf<'proof'>): Violation[] {
  if (entry.fault === undefined) return [];
  const text = `${entry.id} was told to be final, but: ${entry.fault}`;
  return [{ rule: 'final-proven', text, evidence: [entry] }];
}

/** A verdict must be what the final blocks say, place included. */
function judgeTruth(entry: EntryOf<'status'>, ledger: FinalLedger): Violation[] {
  const { id, status } = entry;
  const place = ledger.placeOf(id);
  const transfer = ledger.transfers.get(id);
  const say = (rule: Violation['rule'], text: string): Violation[] => [
    { rule, text: `${id}: ${text}`, evidence: [entry] },
  ];
  const stands =
    place === undefined ? 'nowhere in the chain' : `at ${place.height}, place ${place.index}`;
  const isThere = place?.height === status.height && place?.index === status.index;
  switch (status.stage) {
    case 'final':
      if (!isThere || place === undefined) {
        return say('final-stays', `final at ${status.height}, place ${status.index}; is ${stands}`);
      }
      return place.failure === undefined ? [] : say('verdict-true', `final, but ${place.failure}`);
    case 'failed': {
      if (status.height !== undefined) {
        const isRight = isThere && place?.failure === status.code && place?.failure !== undefined;
        return isRight ? [] : say('verdict-true', `failed at ${status.height}; is ${stands}`);
      }
      const user =
        transfer === undefined ? undefined : ledger.userOf(transfer.sender, transfer.sequence);
      const isReplaced = place === undefined && user !== undefined && user.id !== id;
      return isReplaced ? [] : say('verdict-true', `failed (${status.code}); is ${stands}`);
    }
    case 'expired':
      return place === undefined ? [] : say('verdict-true', `expired; is ${stands}`);
    default:
      return [];
  }
}

/** Per relay and transaction, when the relay first said that it had taken it. */
type Acceptances = ReadonlyMap<string, Moment>;

function acceptancesOf({ entries, restarts }: Record): Acceptances {
  const found = new Map<string, Moment>();
  for (const entry of entries) {
    if (entry.kind !== 'submitted' || entry.submission.kind !== 'accepted') continue;
    // A relay that was stopped since has forgotten what waited in memory.
    const isForgotten = restarts.some(
      ({ relay, at }) => relay === entry.relay && at > entry.invokedAt,
    );
    const key = `${entry.relay}:${entry.id}`;
    if (!isForgotten && !found.has(key)) found.set(key, entry.returnedAt);
  }
  return found;
}

/** Says nothing yet, or nothing any more, where it must know. */
function judgeSilence(
  entry: EntryOf<'status'>,
  known: {
    readonly ledger: FinalLedger;
    readonly progress: Progress;
    readonly acceptances: Acceptances;
  },
): Violation[] {
  const { id, status, relay, isPushed, invokedAt } = entry;
  const transfer = known.ledger.transfers.get(id);
  if (transfer === undefined || VERDICTS.has(status.stage) || isPushed) return [];
  const reached = known.progress.before(relay, invokedAt);
  const height = reached?.height ?? -1;
  const evidence = reached === undefined ? [entry] : [reached.by, entry];
  const place = known.ledger.placeOf(id);
  if (place !== undefined && place.height <= height) {
    const text = `${id}: ${status.stage}, while relay ${relay} holds its block ${place.height}`;
    return [{ rule: 'final-stays', text, evidence }];
  }
  if (height < transfer.validUntil) return [];
  const acceptedAt = known.acceptances.get(`${relay}:${id}`) ?? Infinity;
  // One that never had it, or forgot it in a restart, cannot know; that height is verdict enough.
  if (status.stage === 'unknown' && acceptedAt > invokedAt) return [];
  const text = `${id}: ${status.stage}, valid until ${transfer.validUntil}, relay at ${height}`;
  return [{ rule: 'verdict-given', text, evidence }];
}

/** A relay's verdict never changes. */
function judgeLasting(record: Record): Violation[] {
  const first = new Map<string, EntryOf<'status'>>();
  const violations: Violation[] = [];
  const byReturn = record.entries
    .filter((entry) => entry.kind === 'status')
    .sort((left, right) => left.returnedAt - right.returnedAt);
  for (const entry of byReturn) {
    const { id, relay, status } = entry;
    const key = `${relay}:${id}`;
    const before = first.get(key);
    if (before === undefined) {
      if (VERDICTS.has(status.stage)) first.set(key, entry);
      continue;
    }
    if (entry.isPushed || before.returnedAt > entry.invokedAt) continue;
    if (sameVerdict(before, entry) || isForgotten(record, before, entry)) continue;
    const text = `${id}: ${status.stage} after ${before.status.stage} at relay ${relay}`;
    violations.push({ rule: 'final-stays', text, evidence: [before, entry] });
  }
  return violations;
}

function sameVerdict(left: EntryOf<'status'>, right: EntryOf<'status'>): boolean {
  const [one, other] = [left.status, right.status];
  return one.stage === other.stage && one.height === other.height && one.index === other.index;
}

/** Verdicts without a block are kept in memory, so a restart may forget them. */
function isForgotten(
  { restarts }: Record,
  before: EntryOf<'status'>,
  after: EntryOf<'status'>,
): boolean {
  const isOutside = before.status.height === undefined && after.status.stage === 'unknown';
  const { relay, returnedAt } = before;
  return isOutside && restarts.some((one) => one.relay === relay && one.at > returnedAt);
}

/** Whether every relay that took a transaction was asked once its last height had passed. */
function judgeCoverage(record: Record, progress: Progress): Violation[] {
  const transfers = new Map(record.transfers.map((transfer) => [transfer.id, transfer]));
  const asked = new Set(
    record.entries.flatMap((entry) => {
      if (entry.kind !== 'status') return [];
      return isClosing(entry, transfers.get(entry.id), progress)
        ? [`${entry.relay}:${entry.id}`]
        : [];
    }),
  );
  const missing = new Map<string, Entry>();
  for (const entry of record.entries) {
    if (entry.kind !== 'submitted' || entry.submission.kind !== 'accepted') continue;
    const key = `${entry.relay}:${entry.id}`;
    if (!asked.has(key)) missing.set(key, entry);
  }
  return [...missing.values()].map((entry) => ({
    rule: 'verdict-given',
    text: `relay ${entry.relay} took a transaction and was never heard of it again`,
    evidence: [entry],
  }));
}

function isClosing(
  entry: EntryOf<'status'>,
  transfer: Transfer | undefined,
  progress: Progress,
): boolean {
  if (VERDICTS.has(entry.status.stage)) return true;
  const height = progress.before(entry.relay, entry.invokedAt)?.height ?? -1;
  return transfer !== undefined && height >= transfer.validUntil;
}
