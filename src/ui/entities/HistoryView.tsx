import type { ReactNode } from 'react';
import type { TransactionProgress } from '../../wallet/index.ts';
import type { Address, History } from '../hooks/client.ts';
import { completenessOf } from '../hooks/completeness.ts';
import type { Chapter } from '../hooks/history.ts';
import { Empty } from '../parts/Notice.tsx';
import { ActivityList } from './ActivityList.tsx';
import styles from './HistoryView.module.css';
import { TrustRegion } from './TrustRegion.tsx';
import { TrustSign } from './TrustSign.tsx';

const SOURCES = {
  chain: 'From blocks that this tab executed',
  peers: 'Named by peers, each entry proven by its block',
} as const;

type HistoryViewProps = {
  readonly viewer: Address;
  readonly chapters: readonly Chapter[];
  /** Where older ones begin, that are not among them. */
  readonly next: History['next'];
  /** Signed here and not in the history yet. */
  readonly pending?: readonly TransactionProgress[];
  /** Shown where there is nothing at all. */
  readonly empty?: ReactNode;
};

/** What happened to an account; entries that stand on other ground are set apart, and say so. */
export function HistoryView({ viewer, chapters, next, pending = [], empty }: HistoryViewProps) {
  const isEmpty = pending.length === 0 && chapters.every(({ entries }) => entries.length === 0);
  return (
    <>
      {pending.length === 0 ? null : (
        <div className={styles.list}>
          <ActivityList viewer={viewer} entries={[]} trust="cached" pending={pending} />
        </div>
      )}
      {isEmpty && chapters.length > 0 ? (empty ?? <Empty>Nothing happened here yet.</Empty>) : null}
      {chapters.map((chapter, at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a chapter is its place.
        <TrustRegion key={`${at} ${chapter.source} ${chapter.trust}`} of={chapter.trust}>
          {chapter.entries.length === 0 ? null : (
            <div className={styles.list}>
              <ActivityList viewer={viewer} entries={chapter.entries} trust={chapter.trust} />
            </div>
          )}
          <p className={styles.ground}>
            <TrustSign trust={chapter.trust} />
            <span>
              {SOURCES[chapter.source]}.
              {at === chapters.length - 1 ? ` ${completenessOf(chapters, next)}` : ''}
            </span>
          </p>
        </TrustRegion>
      ))}
    </>
  );
}
