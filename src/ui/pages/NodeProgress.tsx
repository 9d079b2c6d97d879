import { BlockLink } from '../entities/Links.tsx';
import type { Fill } from '../entities/Phase.tsx';
import { Sign } from '../entities/Phase.tsx';
import { Figure, TrustPanel } from '../entities/TrustRegion.tsx';
import type { WayName, WayState } from '../format/node-progress.ts';
import { isStoreHeld, wayOf, workOf } from '../format/node-progress.ts';
import { formatBytes, formatCount, formatHeight, plural } from '../format/number.ts';
import type { NodeStatus } from '../hooks/client.ts';
import { Facts } from '../parts/Facts.tsx';
import { Meter } from '../parts/Meter.tsx';
import { Stack } from '../parts/Panel.tsx';
import { MODE_WORDS } from './NodeMode.tsx';
import styles from './NodePage.module.css';

const STAGES: Record<NodeStatus['stage'], string> = {
  starting: 'Opening the store',
  connecting: 'Looking for peers',
  syncing: 'Validating',
  following: 'Following the network',
  paused: 'Paused',
  failed: 'Stopped',
};

function titleOf(status: NodeStatus): string {
  const { light, snapshot, stage, mode } = status;
  if (stage === 'paused' || stage === 'failed') return STAGES[stage];
  if (light?.alarm !== undefined) return 'Stopped trusting new blocks';
  if (snapshot !== undefined) return 'Loading the state';
  if (light?.stage === 'proving' && light.head.height > status.chainHeight) {
    return 'Proving the newest header';
  }
  if (mode === 'light' && stage === 'following') return 'Following the headers';
  // It executes nothing, whatever it waits for.
  if (mode === 'light' && stage === 'syncing') return 'Waiting for headers';
  return STAGES[stage];
}

/** How far the node is, step by step: what was done, what it cost, what is left. */
export function NodeProgress({ status }: { readonly status: NodeStatus }) {
  const { head, light, snapshot, startHeight, chainHeight, targetHeight } = status;
  const work = workOf(status);
  return (
    <TrustPanel title={titleOf(status)} of="counted">
      <Stack gap={4}>
        <Way status={status} />
        {work === undefined ? null : <Meter label="Work done" {...work} />}
        {work === undefined ? null : (
          <p className={styles.quiet}>
            {snapshot?.isResumed === true ? 'It went on from where it stopped last time. ' : ''}
            Closing this tab loses nothing: what was checked is kept, and the next visit goes on
            from there.
          </p>
        )}
        <Facts
          rows={[
            [
              'Head',
              <Figure key="head" of={status.trust}>
                <BlockLink height={head.height} />
              </Figure>,
            ],
            chainHeight === head.height
              ? undefined
              : [
                  'Executed here',
                  chainHeight === 0 ? 'Nothing yet' : `Up to ${formatHeight(chainHeight)}`,
                ],
            status.mode === 'light'
              ? undefined
              : [
                  'Started from',
                  startHeight === 0
                    ? 'Genesis'
                    : `${formatHeight(startHeight)}, kept in this browser`,
                ],
            status.historyFrom === 0
              ? undefined
              : ['History', `From block ${formatHeight(status.historyFrom)} on`],
            targetHeight > head.height
              ? [
                  'Newest known',
                  <Figure key="target" of="reported">
                    {formatHeight(targetHeight)}
                  </Figure>,
                ]
              : undefined,
            snapshot === undefined ? undefined : ['Snapshot', snapshotWords(snapshot)],
            status.mode === 'light' || snapshot !== undefined
              ? undefined
              : ['Rate', `${plural(status.blocksPerSecond, 'block')} a second`],
            light === undefined
              ? undefined
              : ['Headers and proofs', formatBytes(light.bytesReceived)],
            ['Received by sync', formatBytes(status.bytesReceived)],
            ['Pending', plural(status.pendingTransactions, 'transaction')],
            ['Mode', isStoreHeld(status) ? 'Saver, for now' : MODE_WORDS[status.mode]],
            ['Version', status.version],
          ]}
        />
      </Stack>
    </TrustPanel>
  );
}

function snapshotWords(snapshot: NonNullable<NodeStatus['snapshot']>): string {
  const { height, chunksDone, chunksTotal, peers } = snapshot;
  const done = `${formatCount(chunksDone)} of ${plural(chunksTotal, 'piece')}`;
  const from = `from ${plural(peers, 'peer')}`;
  return `of ${formatHeight(height)}, ${done}, ${from}; each piece is checked by itself`;
}

const NAMES: Record<WayName, string> = {
  headers: 'Headers',
  proof: 'Proof',
  state: 'State',
  blocks: 'Blocks',
};

type Look = {
  readonly fill: Fill;
  readonly tone: 'muted' | 'pending' | 'verified' | 'danger';
  /** Read out, since a shape is not. */
  readonly word: string;
};

const LOOKS: Record<WayState, Look> = {
  next: { fill: 'dotted', tone: 'muted', word: 'to come' },
  now: { fill: 'half', tone: 'pending', word: 'under way' },
  done: { fill: 'full', tone: 'verified', word: 'done' },
  unneeded: { fill: 'ring', tone: 'muted', word: 'not needed' },
  asked: { fill: 'quarter', tone: 'pending', word: 'asked for' },
  stuck: { fill: 'struck', tone: 'danger', word: 'stopped' },
};

function Way({ status }: { readonly status: NodeStatus }) {
  return (
    <ol className={styles.way} aria-label="Way of this node">
      {wayOf(status).map(({ name, state, detail }) => {
        const look = LOOKS[state];
        return (
          <li key={name} data-state={state} aria-current={state === 'now' ? 'step' : undefined}>
            <Sign fill={look.fill} tone={look.tone} word={NAMES[name]} />
            <span className="visually-hidden"> {look.word}</span>
            <span className={styles.detail}>{detail === '' ? look.word : detail}</span>
          </li>
        );
      })}
    </ol>
  );
}
