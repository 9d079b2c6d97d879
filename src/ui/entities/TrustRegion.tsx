import type { ReactNode } from 'react';
import { createContext, useContext } from 'react';
import type { Standing } from '../format/standing.ts';
import { isCovered } from '../format/standing.ts';
import { Panel } from '../parts/Panel.tsx';
import styles from './TrustRegion.module.css';
import { describeStanding, TrustSign } from './TrustSign.tsx';

const Region = createContext<Standing | undefined>(undefined);

type TrustRegionProps = { readonly of: Standing; readonly children: ReactNode };

/** Around figures whose one sign stands among them: draws nothing, speaks for what is inside. */
export function TrustRegion({ of, children }: TrustRegionProps) {
  return (
    <Region.Provider value={of}>
      <div className={styles.region} data-trust={of}>
        {children}
      </div>
    </Region.Provider>
  );
}

/** One figure in running text: it brings its own sign where none around speaks for it. */
export function Figure({ of, children }: TrustRegionProps) {
  const isSpokenFor = isCovered(useContext(Region), of);
  return (
    <span data-trust={of} title={of === 'counted' ? describeStanding(of) : undefined}>
      {children}
      {isSpokenFor ? null : (
        <>
          {' '}
          <TrustSign trust={of} />
        </>
      )}
    </span>
  );
}

type TrustPanelProps = {
  readonly title: ReactNode;
  /** What all figures of the panel stand on. */
  readonly of: Standing;
  /** Smaller words after the sign: an age, a height. */
  readonly note?: string | undefined;
  /** Beside the sign: a button. */
  readonly aside?: ReactNode;
  readonly children: ReactNode;
  readonly isFlush?: boolean;
};

/** A panel with figures: its head says how far they may be believed. */
export function TrustPanel({ title, of, note, aside, children, isFlush = false }: TrustPanelProps) {
  return (
    <TrustRegion of={of}>
      <Panel
        title={title}
        isFlush={isFlush}
        aside={
          <span className={styles.aside}>
            <TrustSign trust={of} note={note} />
            {aside}
          </span>
        }
      >
        {children}
      </Panel>
    </TrustRegion>
  );
}
