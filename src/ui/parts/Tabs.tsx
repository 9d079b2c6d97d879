import type { KeyboardEvent, ReactNode } from 'react';
import { useId, useState } from 'react';
import styles from './Tabs.module.css';

export type TabView = {
  readonly id: string;
  readonly label: string;
  readonly render: () => ReactNode;
};

/** Tabs after the ARIA pattern: arrows, Home and End move; only the chosen panel is drawn. */
export function Tabs({
  label,
  tabs,
}: {
  readonly label: string;
  readonly tabs: readonly TabView[];
}) {
  const base = useId();
  const [chosen, setChosen] = useState(tabs[0]?.id ?? '');
  const current = tabs.find((tab) => tab.id === chosen) ?? tabs[0];
  if (current === undefined) return null;

  const move = (event: KeyboardEvent) => {
    const at = tabs.indexOf(current);
    const last = tabs.length - 1;
    const places: Record<string, number> = {
      ArrowRight: at === last ? 0 : at + 1,
      ArrowLeft: at === 0 ? last : at - 1,
      Home: 0,
      End: last,
    };
    const next = tabs[places[event.key] ?? -1];
    if (next === undefined) return;
    event.preventDefault();
    setChosen(next.id);
    document.getElementById(`${base}-${next.id}`)?.focus();
  };

  return (
    <div>
      <div role="tablist" aria-label={label} className={styles.list} onKeyDown={move}>
        {tabs.map((tab) => (
          <button
            key={tab.id}
            type="button"
            role="tab"
            id={`${base}-${tab.id}`}
            aria-selected={tab === current}
            aria-controls={`${base}-panel`}
            tabIndex={tab === current ? 0 : -1}
            className={styles.tab}
            onClick={() => setChosen(tab.id)}
          >
            {tab.label}
          </button>
        ))}
      </div>
      <div
        role="tabpanel"
        id={`${base}-panel`}
        aria-labelledby={`${base}-${current.id}`}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: the ARIA tabs pattern asks for it.
        tabIndex={0}
        className={styles.panel}
      >
        {current.render()}
      </div>
    </div>
  );
}
