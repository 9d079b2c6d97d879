import { Pause, Play } from 'lucide-react';
import { useEffect, useMemo, useState } from 'react';
import { WindowVirtualizer } from 'virtua';
import { Link, useLocation } from 'wouter';
import type { ErrorData } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import { StageSign } from '../entities/StageSign.tsx';
import { Figure, TrustPanel } from '../entities/TrustRegion.tsx';
import { ValidatorName } from '../entities/ValidatorName.tsx';
import { formatBytes, formatCount, formatHeight, plural } from '../format/number.ts';
import { formatAge } from '../format/time.ts';
import { useAsk, useTopic } from '../hooks/ask.ts';
import type { BlockSummary, Height, ResultOf, Trust } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import { useClient } from '../hooks/services.ts';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { TextField } from '../parts/Field.tsx';
import { Empty, Waiting } from '../parts/Notice.tsx';
import { PageHead, Panel, Row } from '../parts/Panel.tsx';
import styles from './ExplorerPage.module.css';

const PAGE = 50;

/** Blocks as they come; the list stands still when it is paused or read further down. */
export default function ExplorerPage() {
  const [isPaused, setPaused] = useState(false);
  const list = useBlocks(isPaused);
  const mempool = useTopic('mempool', {});
  return (
    <>
      <PageHead
        title="Explorer"
        lead="Everything here is answered by the node in this tab."
        aside={
          <Row>
            {mempool === undefined ? null : (
              <span className={styles.pending}>
                <Figure of="counted">{plural(mempool.count, 'transaction')} pending</Figure>
              </span>
            )}
            <Button
              icon={isPaused ? <Play size={18} aria-hidden /> : <Pause size={18} aria-hidden />}
              onClick={() => setPaused((paused) => !paused)}
            >
              {isPaused ? 'Go on' : 'Pause'}
            </Button>
          </Row>
        }
      />
      <SearchForm />
      <Blocks list={list} />
    </>
  );
}

function Blocks({ list }: { readonly list: ReturnType<typeof useBlocks> }) {
  const rows = (
    <>
      {list.error === undefined ? null : <ErrorNotice error={list.error} />}
      {list.isAsking ? <Waiting /> : null}
      {!list.isAsking && list.blocks.length === 0 ? (
        <Empty>No block was decided yet. The first one appears here by itself.</Empty>
      ) : (
        <BlockRows blocks={list.blocks} />
      )}
      {list.hasOlder ? (
        <div className={styles.older}>
          <Button onClick={list.loadOlder}>Older blocks</Button>
        </div>
      ) : null}
    </>
  );
  return list.trust === undefined ? (
    <Panel title="Blocks" isFlush>
      {rows}
    </Panel>
  ) : (
    <TrustPanel title="Blocks" isFlush of={list.trust}>
      {rows}
    </TrustPanel>
  );
}

function SearchForm() {
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  return (
    <search>
      <form
        className={styles.search}
        onSubmit={(event) => {
          event.preventDefault();
          if (text.trim() !== '') navigate(`/search/${encodeURIComponent(text.trim())}`);
        }}
      >
        <TextField
          label="Height, hash or address"
          isMono
          spellCheck={false}
          autoCapitalize="none"
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit">Search</Button>
      </form>
    </search>
  );
}

function BlockRows({ blocks }: { readonly blocks: readonly ListedBlock[] }) {
  const now = useNow();
  return (
    <>
      <div className={styles.head} aria-hidden="true">
        <span>Height</span>
        <span>Age</span>
        <span>Transactions</span>
        <span className={styles.wide}>Size</span>
        <span className={styles.wide}>Proposer</span>
        <span>State</span>
      </div>
      <WindowVirtualizer as="ul" item="li" ssrCount={0} data={blocks}>
        {(block) => (
          <Link
            key={block.height}
            href={`/block/${block.height}`}
            className={styles.row}
            data-trust={block.trust}
          >
            <span className={styles.height}>{formatHeight(block.height)}</span>
            <span>{formatAge(now - block.timestampMs)}</span>
            <span>
              {formatCount(block.transactionCount)}
              <span className="visually-hidden"> transactions</span>
            </span>
            <span className={styles.wide}>{formatBytes(block.sizeBytes)}</span>
            <span className={styles.wide}>
              <ValidatorName publicKey={block.proposer} />
            </span>
            <Figure of={block.trust}>
              <StageSign stage="final" />
            </Figure>
          </Link>
        )}
      </WindowVirtualizer>
    </>
  );
}

/** A block of the list, as far as the answer that brought it is to be believed. */
type ListedBlock = BlockSummary & { readonly trust: Trust };

function listed({ blocks, trust }: ResultOf<'block.list'>): readonly ListedBlock[] {
  return blocks.map((block) => ({ ...block, trust }));
}

function useBlocks(isPaused: boolean) {
  const client = useClient();
  const newest = useAsk('block.list', { limit: PAGE }, { isLive: !isPaused });
  const [kept, setKept] = useState<ReadonlyMap<number, ListedBlock>>(new Map());
  const [error, setError] = useState<ErrorData>();

  useEffect(() => {
    const page = newest.value;
    if (page !== undefined) setKept((last) => merge(last, listed(page)));
  }, [newest.value]);

  const blocks = useMemo(() => [...kept.values()].sort((a, b) => b.height - a.height), [kept]);
  const lowest = blocks.at(-1)?.height;
  const loadOlder = async () => {
    if (client === undefined || lowest === undefined) return;
    try {
      const older = await client.call('block.list', {
        before: lowest as Height, // The height of a block that was listed.
        limit: PAGE,
      });
      setKept((last) => merge(last, listed(older)));
      setError(undefined);
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  return {
    blocks,
    trust: newest.value?.trust,
    isAsking: newest.isAsking,
    error: error ?? (blocks.length === 0 ? newest.error : undefined),
    hasOlder: lowest !== undefined && lowest > 0,
    loadOlder,
  };
}

const BLOCKS_KEPT_MAX = 5000;

function merge(
  kept: ReadonlyMap<number, ListedBlock>,
  page: readonly ListedBlock[],
): ReadonlyMap<number, ListedBlock> {
  const merged = new Map(kept);
  for (const block of page) merged.set(block.height, block);
  // A gap after a long pause would look like missing blocks: begin again from the newest page.
  const lowestOfPage = page.at(-1)?.height;
  const highestKept = Math.max(-1, ...kept.keys());
  const hasGap = lowestOfPage !== undefined && highestKept >= 0 && lowestOfPage > highestKept + 1;
  if (hasGap || merged.size > BLOCKS_KEPT_MAX) {
    return new Map(page.map((block) => [block.height, block]));
  }
  return merged;
}
