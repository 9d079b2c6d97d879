import { CircleAlert, CircleCheck, Info, TriangleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { cx } from './cx.ts';
import styles from './Notice.module.css';

const SIGNS = { info: Info, warning: TriangleAlert, danger: CircleAlert, success: CircleCheck };

type NoticeProps = {
  readonly kind?: keyof typeof SIGNS;
  readonly title?: ReactNode;
  readonly children?: ReactNode;
  readonly action?: ReactNode;
  /** Read out when it appears. */
  readonly isLive?: boolean;
};

/** One thing a person should know, with at most one action. */
export function Notice({ kind = 'info', title, children, action, isLive = false }: NoticeProps) {
  const Sign = SIGNS[kind];
  const role = isLive ? (kind === 'danger' ? 'alert' : 'status') : undefined;
  return (
    <div className={cx(styles.notice, styles[kind])} role={role}>
      <Sign size={20} strokeWidth={1.75} aria-hidden="true" className={styles.sign ?? ''} />
      <div className={styles.text}>
        {title === undefined ? null : <strong>{title}</strong>}
        {children === undefined ? null : <div>{children}</div>}
      </div>
      {action}
    </div>
  );
}

type EmptyProps = { readonly children: ReactNode; readonly action?: ReactNode };

/** Nothing here yet: one sentence, one action. */
export function Empty({ children, action }: EmptyProps) {
  return (
    <div className={styles.empty}>
      <p>{children}</p>
      {action}
    </div>
  );
}

/** Says what is awaited, once it has lasted long enough to be noticed. */
export function Waiting({ children = 'Reading…' }: { readonly children?: ReactNode }) {
  return (
    <p className={styles.waiting} role="status">
      {children}
    </p>
  );
}
