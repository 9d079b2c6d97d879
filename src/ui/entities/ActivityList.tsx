import { ArrowDownLeft, ArrowUpRight, FileText } from 'lucide-react';
import { Link } from 'wouter';
import { formatHex } from '../../base/index.ts';
import type { TransactionProgress } from '../../wallet/index.ts';
import type { Activity } from '../format/activity.ts';
import { describeActivity } from '../format/activity.ts';
import type { Standing } from '../format/standing.ts';
import { formatClock, formatDay } from '../format/time.ts';
import { useNative } from '../hooks/assets.ts';
import type { Address, HistoryEntry, Trust } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import { useLive } from '../hooks/live.ts';
import styles from './ActivityList.module.css';
import { AddressLink } from './AddressView.tsx';
import { AmountView, AssetAmount } from './AmountView.tsx';
import type { Stage } from './StageSign.tsx';
import { StageSign } from './StageSign.tsx';

type ActivityListProps = {
  readonly viewer: Address;
  readonly entries: readonly HistoryEntry[];
  /** How far the entries may be believed. */
  readonly trust: Trust;
  /** Signed here and not in the history yet. */
  readonly pending?: readonly TransactionProgress[];
};

/** What happened to an account, newest first, under the heading of its day. */
export function ActivityList({ viewer, entries, trust, pending = [] }: ActivityListProps) {
  const now = useNow();
  const faucetAmount = useLive((live) => live.chain?.faucet?.amount);
  const days: { day: string; entries: HistoryEntry[] }[] = [];
  for (const entry of entries) {
    const day = formatDay(entry.timestampMs, now);
    const last = days.at(-1);
    if (last?.day === day) last.entries.push(entry);
    else days.push({ day, entries: [entry] });
  }
  return (
    <div className={styles.list}>
      {pending.length === 0 ? null : (
        <section>
          <h3 className={styles.day}>On its way</h3>
          <ul>
            {pending.map((each) => (
              <PendingRow key={formatHex(each.transactionId)} progress={each} />
            ))}
          </ul>
        </section>
      )}
      {days.map(({ day, entries: ofDay }) => (
        <section key={day}>
          <h3 className={styles.day}>{day}</h3>
          <ul>
            {ofDay.map((entry) => (
              <Row
                key={formatHex(entry.id)}
                id={entry.id}
                standing={trust}
                activity={describeActivity({
                  sender: entry.transaction.body.sender,
                  actions: entry.transaction.body.actions,
                  viewer,
                  faucetAmount,
                })}
                stage={entry.receipt.outcome.kind === 'failed' ? 'failed' : 'final'}
                time={formatClock(entry.timestampMs, entry.timestampMs)}
                memo={entry.transaction.body.memo}
              />
            ))}
          </ul>
        </section>
      ))}
    </div>
  );
}

type RowProps = {
  readonly id: Uint8Array;
  readonly standing: Standing;
  readonly activity: Activity;
  readonly stage: Stage;
  readonly time: string;
  readonly memo?: string;
};

function Row({ id, standing, activity, stage, time, memo }: RowProps) {
  const Arrow =
    activity.direction === 'in'
      ? ArrowDownLeft
      : activity.direction === 'out'
        ? ArrowUpRight
        : FileText;
  return (
    <li>
      <Link href={`/tx/${formatHex(id)}`} className={styles.row}>
        <Arrow size={20} strokeWidth={1.6} aria-hidden="true" className={styles.arrow ?? ''} />
        <span className={styles.what}>
          <span className={styles.title}>{activity.title}</span>
          {activity.counterpart === undefined ? null : (
            <span className={styles.who}>
              {activity.direction === 'in' ? 'from ' : 'to '}
              <AddressLink address={activity.counterpart} isPlain />
            </span>
          )}
          {memo === undefined || memo === '' ? null : <span className={styles.memo}>“{memo}”</span>}
        </span>
        <span className={styles.figures}>
          <ActivityAmount
            activity={activity}
            standing={standing}
            hasMoved={stage !== 'failed' && stage !== 'expired'}
          />
          <span className={styles.when}>
            <StageSign stage={stage} />
            <span>{time}</span>
          </span>
        </span>
      </Link>
    </li>
  );
}

type ActivityAmountProps = {
  readonly activity: Pick<Activity, 'amount' | 'asset' | 'direction'>;
  readonly standing: Standing;
  readonly hasMoved: boolean;
};

/** What an activity moved, with its sign; the unit is looked up. */
export function ActivityAmount({ activity, standing, hasMoved }: ActivityAmountProps) {
  const native = useNative();
  const { amount, asset, direction } = activity;
  if (amount === undefined) return null;
  if (!hasMoved) return <span className={styles.unmoved}>Nothing moved</span>;
  const of = { value: amount, standing };
  if (asset !== undefined) return <AssetAmount of={of} asset={asset} direction={direction} />;
  if (native === undefined) return null;
  return <AmountView of={of} {...native} direction={direction} />;
}

function PendingRow({ progress }: { readonly progress: TransactionProgress }) {
  const now = useNow();
  const fields = progress.summary[0]?.fields ?? [];
  let counterpart: Address | undefined;
  let amount: bigint | undefined;
  let asset: Activity['asset'];
  for (const { value } of fields) {
    if (value.kind === 'address') counterpart ??= value.address;
    if (value.kind === 'amount') {
      amount ??= value.amount;
      asset ??= value.asset;
    }
  }
  const activity: Activity = {
    title: progress.summary[0]?.title ?? 'Transaction',
    direction: amount === undefined ? undefined : 'out',
    counterpart,
    amount,
    asset,
  };
  const at = progress.steps.at(-1)?.at;
  return (
    <Row
      id={progress.transactionId}
      standing="stated"
      activity={activity}
      stage={progress.stage}
      time={at === undefined ? '' : formatClock(at, now)}
    />
  );
}
