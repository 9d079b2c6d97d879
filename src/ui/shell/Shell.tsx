import type { ReactNode } from 'react';
import { useEffect, useRef } from 'react';
import { Link, useLocation } from 'wouter';
import { useAnnouncement } from '../hooks/announce.ts';
import { useFocusHeir } from '../hooks/focus-heir.ts';
import { useLiveFeed } from '../hooks/live.ts';
import { cx } from '../parts/cx.ts';
import { Mark } from './Mark.tsx';
import type { Place } from './navigation.ts';
import { BAR, isAt, RAIL } from './navigation.ts';
import styles from './Shell.module.css';
import { StatusStrip } from './StatusStrip.tsx';
import { Trouble } from './Trouble.tsx';

/** Frame of every page: rail or bar, status strip, what is wrong, and the live region. */
export function Shell({ children }: { readonly children: ReactNode }) {
  useLiveFeed();
  useFocusHeir();
  const main = useRef<HTMLElement>(null);
  const [path] = useLocation();
  const isFirst = useRef(true);

  // A new page is announced by its heading: focus moves there, or waits for it here.
  // biome-ignore lint/correctness/useExhaustiveDependencies: the path is what changed.
  useEffect(() => {
    if (isFirst.current) {
      isFirst.current = false;
      return;
    }
    scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
    // While a page is fetched this is that of the one before, hidden, and takes no focus.
    main.current?.querySelector('h1')?.focus({ preventScroll: true });
  }, [path]);

  return (
    <div className={styles.shell}>
      <a href="#main" className={styles.skip}>
        Skip to content
      </a>
      <nav className={styles.rail} aria-label="Main">
        <Link href="/" className={styles.brand}>
          <Mark size={28} />
          <span>Tabellion</span>
        </Link>
        <Places places={RAIL} path={path} />
      </nav>
      <StatusStrip />
      <main id="main" ref={main} tabIndex={-1} className={styles.main}>
        <Trouble />
        {children}
      </main>
      <nav className={styles.bar} aria-label="Main">
        <Places places={BAR} path={path} />
      </nav>
      <Announcer />
    </div>
  );
}

function Places({ places, path }: { readonly places: readonly Place[]; readonly path: string }) {
  return (
    <ul>
      {places.map((place) => (
        <li key={place.href}>
          <Link
            href={place.href}
            className={cx(styles.place, isAt(place, path) && styles.here)}
            aria-current={isAt(place, path) ? 'page' : undefined}
          >
            <place.Sign size={20} strokeWidth={1.6} aria-hidden="true" />
            <span>{place.label}</span>
          </Link>
        </li>
      ))}
    </ul>
  );
}

function Announcer() {
  const { text, number } = useAnnouncement();
  return (
    <div role="status" className={styles.announcer}>
      {text === '' ? null : (
        <p key={number} className={styles.said}>
          {text}
        </p>
      )}
    </div>
  );
}
