import { Link } from 'wouter';
import { formatHex } from '../../base/index.ts';
import type { TransactionProgress } from '../../wallet/index.ts';
import { describeError } from '../format/errors.ts';
import { formatHeight } from '../format/number.ts';
import { formatDuration } from '../format/time.ts';
import type { Address } from '../hooks/client.ts';
import { useLive } from '../hooks/live.ts';
import { cx } from '../parts/cx.ts';
import { Notice } from '../parts/Notice.tsx';
import { Phase } from './Phase.tsx';
import { Seal } from './Seal.tsx';
import { wordOfStage } from './StageSign.tsx';
import styles from './Timeline.module.css';
import { Figure } from './TrustRegion.tsx';

const STEPS = ['signed', 'seen', 'included', 'final'] as const;
const FILLS = { signed: 'dotted', seen: 'quarter', included: 'half', final: 'full' } as const;
const MEANINGS = {
  signed: 'Your key signed the bytes.',
  seen: 'The network has it.',
  included: 'A block holds it.',
  final: 'More than two thirds of the validators signed the block. It cannot be undone.',
} as const;

type TimelineProps = {
  readonly progress: TransactionProgress | undefined;
  readonly account: Address;
  /** Called when the person goes on to the transaction's own page. */
  readonly onLeave: () => void;
};

/** Signed → Seen → Included → Final, each with its time; the seal closes at the end. */
export function Timeline({ progress, account, onLeave }: TimelineProps) {
  // What this tab's node says of the block is as good as what it says of its head.
  const trust = useLive((live) => live.status?.trust ?? 'cached');
  const steps = progress?.steps ?? [];
  const startedAt = steps[0]?.at;
  const isFinal = progress?.stage === 'final';
  const isOver = progress?.stage === 'failed' || progress?.stage === 'expired';
  return (
    <div
      className={styles.timeline}
      data-stage={progress?.stage ?? 'signed'}
      data-testid="timeline"
    >
      {isFinal ? <Seal bytes={account} size={96} isClosing className={styles.seal} /> : null}
      <ol>
        {STEPS.map((step) => {
          const reached = steps.find((each) => each.stage === step);
          const isReached = reached !== undefined || (progress === undefined && step === 'signed');
          const took =
            reached === undefined || startedAt === undefined
              ? undefined
              : step === 'signed'
                ? `at ${new Date(reached.at).toLocaleTimeString()}`
                : `after ${formatDuration(reached.at - startedAt)}`;
          const height = step === 'included' ? progress?.height : undefined;
          return (
            <li key={step} className={cx(styles.step, isReached && styles.reached)}>
              <Phase fill={isReached ? FILLS[step] : 'ring'} size={20} />
              <span>
                <strong>{wordOfStage(step)}</strong>{' '}
                <span className={styles.took}>
                  {took === undefined ? null : <Figure of="counted">{took}</Figure>}
                  {height === undefined ? null : (
                    <Figure of={trust}>, block {formatHeight(height)}</Figure>
                  )}
                </span>
                <span className={styles.meaning}>{MEANINGS[step]}</span>
              </span>
            </li>
          );
        })}
      </ol>
      {isOver ? (
        <Notice
          kind="danger"
          title={`${wordOfStage(progress.stage)}: ${
            describeError(progress.failure ?? { code: progress.stage }).title
          }`}
        >
          {describeError(progress.failure ?? { code: progress.stage }).advice}
        </Notice>
      ) : null}
      {progress === undefined ? null : (
        <Link href={`/tx/${formatHex(progress.transactionId)}`} onClick={onLeave}>
          Look at the transaction
        </Link>
      )}
    </div>
  );
}
