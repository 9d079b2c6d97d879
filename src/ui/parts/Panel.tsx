import type { ReactNode } from 'react';
import { useId } from 'react';
import { cx } from './cx.ts';
import styles from './Panel.module.css';

type PanelProps = {
  readonly title?: ReactNode;
  /** Beside the title: a trust sign, a button. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly className?: string | undefined;
  /** Without inner space, for tables that reach the edge. */
  readonly isFlush?: boolean;
};

/** A sheet of paper with a hairline, and a title where it has one. */
export function Panel({ title, aside, children, className, isFlush = false }: PanelProps) {
  const id = useId();
  return (
    <section
      className={cx(styles.panel, isFlush && styles.flush, className)}
      aria-labelledby={title === undefined ? undefined : id}
    >
      {title === undefined ? null : (
        <header className={styles.head}>
          <h2 id={id}>{title}</h2>
          {aside}
        </header>
      )}
      {children}
    </section>
  );
}

type PageHeadProps = {
  readonly title: ReactNode;
  readonly lead?: ReactNode;
  readonly aside?: ReactNode;
  readonly kicker?: ReactNode;
};

/** The heading of a page; focus lands here when the page was reached by a link. */
export function PageHead({ title, lead, aside, kicker }: PageHeadProps) {
  return (
    <header className={styles.pageHead}>
      <div className={styles.pageTitle}>
        {kicker === undefined ? null : <p className={styles.kicker}>{kicker}</p>}
        <h1 tabIndex={-1} data-page-title="">
          {title}
        </h1>
        {lead === undefined ? null : <p className={styles.lead}>{lead}</p>}
      </div>
      {aside}
    </header>
  );
}

/** Children under each other with one distance. */
export function Stack({ children, gap = 5 }: { children: ReactNode; gap?: 2 | 3 | 4 | 5 }) {
  return <div className={cx(styles.stack, styles[`gap${gap}`])}>{children}</div>;
}

/** Children beside each other, wrapping. */
export function Row({ children, isSpread = false }: { children: ReactNode; isSpread?: boolean }) {
  return <div className={cx(styles.row, isSpread && styles.spread)}>{children}</div>;
}
