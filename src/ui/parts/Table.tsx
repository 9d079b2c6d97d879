import type { ReactNode } from 'react';
import styles from './Table.module.css';

type TableProps = {
  /** Read out, not shown. */
  readonly caption: string;
  readonly head: readonly string[];
  readonly children: ReactNode;
};

/** A table that becomes labelled rows where there is no room: give each cell its `Cell`. */
export function Table({ caption, head, children }: TableProps) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region needs the keyboard.
    <section className={styles.frame} tabIndex={0} aria-label={`${caption} (table)`}>
      <table className={styles.table}>
        <caption className="visually-hidden">{caption}</caption>
        <thead>
          <tr>
            {head.map((name) => (
              <th key={name} scope="col">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </section>
  );
}
