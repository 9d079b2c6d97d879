import { cx } from '../parts/cx.ts';
import styles from './Phase.module.css';

/** How much of the disc is inked: empty and dotted, a quarter, half, or all; or struck out. */
export type Fill = 'dotted' | 'quarter' | 'half' | 'full' | 'struck' | 'ring';

type PhaseProps = { readonly fill: Fill; readonly size?: number };

/** The disc that stands before every trust level and every state. Its word is beside it. */
export function Phase({ fill, size = 14 }: PhaseProps) {
  return (
    <svg viewBox="0 0 16 16" width={size} height={size} aria-hidden="true" className={styles.disc}>
      <circle
        cx="8"
        cy="8"
        r="6.5"
        className={cx(styles.rim, fill === 'dotted' && styles.dotted)}
      />
      {fill === 'quarter' ? (
        <path d="M8 8V1.5A6.5 6.5 0 0 1 14.5 8Z" className={styles.ink} />
      ) : null}
      {fill === 'half' ? <path d="M8 1.5A6.5 6.5 0 0 1 8 14.5Z" className={styles.ink} /> : null}
      {fill === 'full' ? <circle cx="8" cy="8" r="6.5" className={styles.ink} /> : null}
      {fill === 'struck' ? <path d="M5 5l6 6M11 5l-6 6" className={styles.rim} /> : null}
    </svg>
  );
}

type SignProps = {
  readonly fill: Fill;
  readonly word: string;
  readonly tone: 'muted' | 'pending' | 'verified' | 'danger';
  /** Smaller words after it: an age. */
  readonly note?: string | undefined;
  readonly title?: string | undefined;
  /** Present on signs that say how far figures around them may be believed. */
  readonly trust?: string | undefined;
};

/** A disc, a word and a colour that say the same thing. */
export function Sign({ fill, word, tone, note, title, trust }: SignProps) {
  return (
    <span
      className={cx(styles.sign, styles[tone])}
      title={title}
      data-trust={trust}
      data-trust-sign={trust === undefined ? undefined : ''}
    >
      <Phase fill={fill} />
      <span>{word}</span>
      {note === undefined ? null : <span className={styles.note}>{note}</span>}
    </span>
  );
}
