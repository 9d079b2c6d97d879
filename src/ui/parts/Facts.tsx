import type { ReactNode } from 'react';
import { CopyButton } from './CopyButton.tsx';
import styles from './Facts.module.css';

type FactsProps = {
  readonly rows: readonly (readonly [label: string, value: ReactNode] | undefined)[];
};

/** Labelled facts under each other; absent rows are left out. */
export function Facts({ rows }: FactsProps) {
  return (
    <dl className={styles.facts}>
      {rows.map((row) =>
        row === undefined ? null : (
          <div key={row[0]} className={styles.row}>
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** Long machine text: scrolls inside its own frame, can be copied whole. */
export function CodeBlock({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    <figure className={styles.code}>
      <figcaption>
        <span>{label}</span>
        <CopyButton text={text} label={`Copy ${label.toLowerCase()}`} />
      </figcaption>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region needs the keyboard. */}
      <section tabIndex={0} aria-label={label}>
        <pre>{text}</pre>
      </section>
    </figure>
  );
}
