import type { TimestampMs } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { TRANSACTIONS_MAX } from './limits.ts';
import type {
  LedgerTransactionStatus,
  ProgressStage,
  TransactionProgress,
  WalletClient,
} from './types.ts';

const RANK: { readonly [Stage in ProgressStage]: number } = {
  signed: 0,
  seen: 1,
  included: 2,
  final: 3,
  failed: 3,
  expired: 3,
};

/** Whether nothing more can happen to a transaction. */
export function isSettled(progress: TransactionProgress): boolean {
  return RANK[progress.stage] === 3;
}

/** Stages that come one after another when all goes well. */
const COURSE: readonly ProgressStage[] = ['signed', 'seen', 'included', 'final'];

/**
 * The next progress, or the same object when a report says nothing new. Stages only rise. One that
 * a fast network passed before its news arrived has the time of the news that implies it.
 */
export function advance(
  progress: TransactionProgress,
  report: {
    readonly stage: ProgressStage;
    readonly at: TimestampMs;
    readonly height?: Height | undefined;
    readonly failure?: TransactionProgress['failure'];
  },
): TransactionProgress {
  if (RANK[report.stage] <= RANK[progress.stage]) return progress;
  const passed = COURSE.slice(RANK[progress.stage] + 1, COURSE.indexOf(report.stage));
  const implied = COURSE.includes(report.stage) ? passed : [];
  return {
    ...progress,
    stage: report.stage,
    steps: [
      ...progress.steps,
      ...[...implied, report.stage].map((stage) => ({ stage, at: report.at })),
    ],
    height: report.height ?? progress.height,
    failure: report.failure ?? progress.failure,
  };
}

/** Follows transactions by what the node says of them, until each has its verdict. */
export interface Tracker {
  /** Newest first. */
  list(): readonly TransactionProgress[];
  find(id: Hash): TransactionProgress | undefined;
  /** Begins with a transaction that was signed here. */
  add(progress: TransactionProgress): void;
  /** Listens to the node from now on. */
  follow(id: Hash): void;
  /** Whether the node let it go, though its bytes may still be executed. */
  isDropped(id: Hash): boolean;
  report(id: Hash, stage: ProgressStage, failure?: TransactionProgress['failure']): void;
  stop(): void;
}

/** Makes a {@link Tracker}; `onChange` is called after every change. */
export function createTracker(dependencies: {
  readonly client: WalletClient;
  readonly now: () => TimestampMs;
  readonly onChange: (changed: TransactionProgress) => void;
}): Tracker {
  const { client, now, onChange } = dependencies;
  let entries: readonly TransactionProgress[] = [];
  const watches = new Map<string, () => void>();
  const dropped = new Set<string>();
  let unwatchHead: (() => void) | undefined;

  function find(id: Hash): TransactionProgress | undefined {
    const name = formatHex(id);
    return entries.find((each) => formatHex(each.transactionId) === name);
  }

  function unfollow(id: Hash): void {
    const name = formatHex(id);
    watches.get(name)?.();
    watches.delete(name);
    dropped.delete(name);
    if (watches.size > 0) return;
    unwatchHead?.();
    unwatchHead = undefined;
  }

  function replace(before: TransactionProgress, after: TransactionProgress): void {
    if (after === before) return;
    entries = entries.map((each) => (each === before ? after : each));
    onChange(after);
    if (isSettled(after)) unfollow(after.transactionId);
  }

  function onStatus(id: Hash, status: LedgerTransactionStatus): void {
    const before = find(id);
    if (before === undefined || status.stage === 'unknown') return;
    const { stage, height, failure, droppedFor } = status;
    if (droppedFor === undefined) dropped.delete(formatHex(id));
    else dropped.add(formatHex(id));
    replace(before, advance(before, { stage, at: now(), height, failure }));
  }

  /** Beyond its window, what the node does not know can never be included. */
  function onHead(height: Height): void {
    for (const { transactionId, validUntil } of entries) {
      const isFollowed = watches.has(formatHex(transactionId));
      if (!isFollowed || validUntil === undefined || height <= validUntil) continue;
      client.transactionStatus(transactionId).then(
        (status) => {
          const before = find(transactionId);
          if (before === undefined) return;
          if (status.stage !== 'unknown') onStatus(transactionId, status);
          else replace(before, advance(before, { stage: 'expired', at: now() }));
        },
        () => undefined, // The node is away; the next head asks again.
      );
    }
  }

  return {
    list: () => entries,
    find,
    add(progress) {
      const before = find(progress.transactionId);
      if (before !== undefined) return; // Signed again: the body, and so its fate, is the same.
      entries = [progress, ...entries].slice(0, TRANSACTIONS_MAX);
      onChange(progress);
    },
    follow(id) {
      const name = formatHex(id);
      const progress = find(id);
      if (watches.has(name) || progress === undefined || isSettled(progress)) return;
      // Set first: the client may answer within the call, and settle at once.
      watches.set(name, () => undefined);
      const end = client.watchTransaction(id, (status) => onStatus(id, status));
      if (watches.has(name)) watches.set(name, end);
      else end();
      if (watches.size > 0) unwatchHead ??= client.watchHead(onHead);
    },
    isDropped: (id) => dropped.has(formatHex(id)),
    report(id, stage, failure) {
      const before = find(id);
      if (before !== undefined) replace(before, advance(before, { stage, at: now(), failure }));
    },
    stop() {
      for (const end of watches.values()) end();
      watches.clear();
      unwatchHead?.();
      unwatchHead = undefined;
    },
  };
}
