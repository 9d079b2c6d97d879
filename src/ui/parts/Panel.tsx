import type { ReactNode } from 'react';
import { useEffect, useId, useRef } from 'react';
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

/**
 * The heading that names a page, also to the browser. Focus lands here when the page was reached
 * by a link: where the frame left it, if the page was not there yet.
 */
export function PageTitle({ children, className }: Pick<PanelProps, 'children' | 'className'>) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (document.activeElement?.matches('main') === true) {
      heading.current?.focus({ preventScroll: true });
    }
  }, []);
  useEffect(() => {
    document.title = `${heading.current?.textContent} · Tabellion`;
  });
  return (
    <h1 ref={heading} tabIndex={-1} className={className}>
      {children}
    </h1>
  );
}

type PageHeadProps = {
  readonly title: ReactNode;
  readonly lead?: ReactNode;
  readonly aside?: ReactNode;
  readonly kicker?: ReactNode;
};

/** The top of a page: its title, and what is said and done beside it. */
export function PageHead({ title, lead, aside, kicker }: PageHeadProps) {
  return (
    <header className={styles.pageHead}>
      <div className={styles.pageTitle}>
        {kicker === undefined ? null : <p className={styles.kicker}>{kicker}</p>}
        <PageTitle>{title}</PageTitle>
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
