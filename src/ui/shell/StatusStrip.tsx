import { Search } from 'lucide-react';
import { lazy, Suspense, useEffect, useState } from 'react';
import { Link } from 'wouter';
import { Sign } from '../entities/Phase.tsx';
import { TrustSign } from '../entities/TrustSign.tsx';
import { workOf } from '../format/node-progress.ts';
import { formatHeight, plural } from '../format/number.ts';
import { formatClock } from '../format/time.ts';
import type { NodeStatus } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import { lastKnown } from '../hooks/last-known.ts';
import { useLive } from '../hooks/live.ts';
import { cx } from '../parts/cx.ts';
import styles from './StatusStrip.module.css';

const CommandPalette = lazy(() => import('./CommandPalette.tsx'));

const IS_APPLE = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** On every screen: how far this tab's view may be believed, height, peers, network. */
export function StatusStrip() {
  const status = useLive((live) => live.status);
  const chain = useLive((live) => live.chain);
  const [isSearching, setSearching] = useState(false);
  useEffect(() => {
    const open = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== 'k' || !(event.metaKey || event.ctrlKey)) return;
      event.preventDefault();
      setSearching(true);
    };
    addEventListener('keydown', open);
    return () => removeEventListener('keydown', open);
  }, []);
  const name = chain?.name ?? lastKnown().networkName;
  return (
    <header className={styles.strip}>
      <section
        className={styles.state}
        aria-label="State of this node"
        data-trust={status?.trust ?? 'cached'}
      >
        {status === undefined ? <Before /> : <Now status={status} />}
        {name === undefined ? null : (
          <Link href="/network" className={styles.network}>
            {name}
          </Link>
        )}
      </section>
      <button
        type="button"
        className={styles.search}
        onClick={() => setSearching(true)}
        aria-keyshortcuts={IS_APPLE ? 'Meta+K' : 'Control+K'}
        aria-label="Search and commands"
      >
        <Search size={18} strokeWidth={1.75} aria-hidden="true" />
        <span className={styles.searchWord}>Search</span>
        <kbd>{IS_APPLE ? '⌘K' : 'Ctrl K'}</kbd>
      </button>
      {isSearching ? (
        <Suspense fallback={null}>
          <CommandPalette onClose={() => setSearching(false)} />
        </Suspense>
      ) : null}
    </header>
  );
}

function Before() {
  const now = useNow();
  const { height, atMs } = lastKnown();
  if (height === undefined || atMs === undefined) {
    return <span className={styles.quiet}>Starting the node…</span>;
  }
  return (
    <>
      <TrustSign trust="cached" />
      <span className={styles.fact}>
        {formatHeight(height)}, {formatClock(atMs, now)}
      </span>
    </>
  );
}

const STAGE_WORDS: Partial<Record<NodeStatus['stage'], string>> = {
  starting: 'Starting',
  connecting: 'Connecting',
  paused: 'Paused',
  failed: 'Stopped',
};

function Now({ status }: { readonly status: NodeStatus }) {
  const word = STAGE_WORDS[status.stage];
  const work = workOf(status);
  return (
    <>
      {status.light?.alarm === undefined ? (
        <TrustSign trust={status.trust} />
      ) : (
        <Link href="/node" className={styles.fact} data-trust-sign="">
          <Sign fill="struck" word="Conflict" tone="danger" />
        </Link>
      )}
      <Link href={`/block/${status.head.height}`} className={styles.fact}>
        {formatHeight(status.head.height)}
      </Link>
      {work === undefined ? null : (
        <span className={styles.pending} title={work.text} data-trust="counted">
          <span className={styles.what}>
            {status.snapshot === undefined ? 'Blocks ' : 'State '}
          </span>
          {work.percent} %
        </span>
      )}
      {word === undefined ? null : <span className={styles.pending}>{word}</span>}
      <Link
        href="/node"
        className={cx(styles.fact, status.peers < 2 && styles.pending)}
        data-trust="counted"
      >
        {plural(status.peers, 'peer')}
      </Link>
    </>
  );
}
