import { useEffect, useState } from 'react';
import type { ErrorData } from '../../base/index.ts';
import { errorToData, formatHex } from '../../base/index.ts';
import { Sign } from '../entities/Phase.tsx';
import { Seal } from '../entities/Seal.tsx';
import { TrustPanel } from '../entities/TrustRegion.tsx';
import { isStoreHeld, savedWords } from '../format/node-progress.ts';
import { formatBytes, formatCount, formatHeight, formatMemory, plural } from '../format/number.ts';
import { wordsOf } from '../format/text.ts';
import { formatAge } from '../format/time.ts';
import { announce } from '../hooks/announce.ts';
import type { Answer } from '../hooks/ask.ts';
import { useAsk, useTopic } from '../hooks/ask.ts';
import type { ConsensusView, NodeStatus, StorageView } from '../hooks/client.ts';
import { useNow } from '../hooks/clock.ts';
import { download } from '../hooks/download.ts';
import { forgetHeight } from '../hooks/last-known.ts';
import { useLive } from '../hooks/live.ts';
import type { NodeRole } from '../hooks/services.ts';
import { useClient, useServices } from '../hooks/services.ts';
import { Answered } from '../parts/Answered.tsx';
import { Button } from '../parts/Button.tsx';
import { ErrorNotice } from '../parts/ErrorNotice.tsx';
import { Facts } from '../parts/Facts.tsx';
import { Meter } from '../parts/Meter.tsx';
import { Empty, Notice, Waiting } from '../parts/Notice.tsx';
import { PageHead, Row, Stack } from '../parts/Panel.tsx';
import { Sheet } from '../parts/Sheet.tsx';
import { Table } from '../parts/Table.tsx';
import { Checkpoint, ReplayTrust } from './NodeCheckpoint.tsx';
import { ModeChooser } from './NodeMode.tsx';
import styles from './NodePage.module.css';
import { NodeProgress } from './NodeProgress.tsx';

const LEADS: Record<NodeRole, string> = {
  connecting: 'Joining the node of this browser…',
  leader: 'It runs in this tab, and believes nobody without proof.',
  follower: 'Another tab of this browser runs the node; this tab is attached to it.',
  failed: 'It could not be started in this tab.',
};

/** What the node in this tab does right now, and what one may tell it to do. */
export default function NodePage() {
  const status = useLive((live) => live.status);
  const role = useServices((services) => services.role);
  const storage = useAsk('node.storage', {}, { isLive: true });
  const checkpoint = useAsk('node.checkpoint', {}, { isLive: true });
  return (
    <>
      <PageHead title="Node" lead={LEADS[role]} aside={<Controls status={status} />} />
      {status === undefined ? (
        <Waiting>Starting the node…</Waiting>
      ) : (
        <>
          <NodeProgress status={status} />
          <ModeChooser status={status} storage={storage.value}>
            <ReplayTrust answer={checkpoint} />
          </ModeChooser>
          <Checkpoint answer={checkpoint} />
        </>
      )}
      <Consensus />
      <Peers />
      <Storage answer={storage} />
    </>
  );
}

function Consensus() {
  const told = useTopic('consensus', {});
  const asked = useAsk('node.consensus', {}, { isLive: true, isEnabled: told === undefined });
  const view = told ?? asked.value;
  if (view === undefined) return null;
  return (
    <TrustPanel
      title="Consensus"
      of="counted"
      aside={
        <span className={styles.quiet}>
          {formatHeight(view.height)} · round {formatCount(view.round)} · {stepWords(view.step)}
        </span>
      }
      isFlush
    >
      <Table caption="Votes of the current height" head={['Validator', 'Prevote', 'Precommit']}>
        {view.validators.map((validator) => (
          <tr key={formatHex(validator.publicKey)}>
            <td>
              <span className={styles.validator}>
                <Seal bytes={validator.publicKey} size={20} />
                {validator.name}
                {validator.isProposer ? <em className={styles.quiet}>proposes</em> : null}
              </span>
            </td>
            <td>
              <Ballot ballot={validator.prevote} />
            </td>
            <td>
              <Ballot ballot={validator.precommit} />
            </td>
          </tr>
        ))}
      </Table>
    </TrustPanel>
  );
}

/** The steps of three-phase agreement in words; those of other engines as they are named. */
const STEP_WORDS: { readonly [step: string]: string } = {
  'new-height': 'waiting for transactions',
  propose: 'waiting for a proposal',
  prevote: 'first vote',
  precommit: 'second vote',
  decided: 'decided',
};

function stepWords(step: string): string {
  return STEP_WORDS[step] ?? wordsOf(step).toLowerCase();
}

function Ballot({ ballot }: { ballot: ConsensusView['validators'][number]['prevote'] }) {
  if (ballot === 'block') return <Sign fill="full" word="Block" tone="verified" />;
  if (ballot === 'nil') return <Sign fill="struck" word="Nil" tone="pending" />;
  return <Sign fill="dotted" word="None" tone="muted" />;
}

const TRANSPORTS = { websocket: 'WebSocket', webrtc: 'WebRTC', relayed: 'Relayed' } as const;

const PEERS_INTERVAL_MS = 3_000;

function Peers() {
  const count = useLive((live) => live.status?.peers);
  const now = useNow();
  const answer = useAsk('node.peers', {}, { isLive: true });
  const { askAgain } = answer;
  // Peers come and go, and are measured, also while no block comes.
  const turn = Math.floor(now / PEERS_INTERVAL_MS);
  // biome-ignore lint/correctness/useExhaustiveDependencies: asked at each turn and change.
  useEffect(askAgain, [askAgain, turn, count]);
  return (
    <TrustPanel
      title={count === undefined ? 'Peers' : `Peers (${count})`}
      of="reported"
      note="what they say of themselves"
      isFlush
    >
      <Answered answer={answer}>
        {({ peerId, addresses, peers }) => (
          <>
            <div className={styles.inset}>
              <Facts
                rows={[
                  ['This node', <PeerName key="own" peerId={peerId} />],
                  ['Reachable', reachOf(addresses)],
                ]}
              />
            </div>
            {peers.length === 1 && (count ?? 1) === 1 ? (
              <div className={styles.inset}>
                <Notice kind="warning" title="One peer only">
                  What it withholds cannot be noticed, so figures stay Reported. A second one makes
                  this view independent.
                </Notice>
              </div>
            ) : null}
            {peers.length === 0 && count !== undefined && count > 0 ? (
              <Waiting>Reading…</Waiting>
            ) : peers.length === 0 ? (
              <Empty>No peers at the moment. The node keeps trying by itself.</Empty>
            ) : (
              <Table
                caption="Peers"
                head={['Peer', 'Transport', 'Direction', 'Latency', 'Score', 'Height', 'Since']}
              >
                {peers.map((peer) => (
                  <tr key={peer.peerId}>
                    <td>
                      <PeerName peerId={peer.peerId} />
                    </td>
                    <td>{TRANSPORTS[peer.transport]}</td>
                    <td>{peer.direction === 'inbound' ? 'In' : 'Out'}</td>
                    <td>{peer.latencyMs === undefined ? '—' : `${peer.latencyMs} ms`}</td>
                    <td>{formatCount(peer.score)}</td>
                    <td>{peer.height === undefined ? '—' : formatHeight(peer.height)}</td>
                    <td>{formatAge(now - peer.connectedSinceMs)}</td>
                  </tr>
                ))}
              </Table>
            )}
          </>
        )}
      </Answered>
    </TrustPanel>
  );
}

/** The end of an identity: all of them begin alike. */
function PeerName({ peerId }: { readonly peerId: string }) {
  return peerId === '' ? '—' : <code title={peerId}>…{peerId.slice(-8)}</code>;
}

/** How others reach this node: a tab has no address but those that relays lend. */
function reachOf(addresses: readonly string[]): string {
  const lenders = addresses.flatMap((text) => text.match(/\/p2p\/([^/]+)\/p2p-circuit/)?.[1] ?? []);
  const count = new Set(lenders).size;
  return count === 0 ? 'By nobody at the moment' : `Through ${plural(count, 'relay')}`;
}

const SPACE_WORDS: { readonly [space: string]: string } = {
  meta: 'Settings of the node',
  journal: 'Journal',
  blocks: 'Blocks',
  pages: 'State',
  index: 'Index',
  wal: 'Votes',
  peers: 'Known peers',
};

function memoryOf({ cacheBytes, cacheBytesMax }: StorageView): string {
  return `${formatBytes(cacheBytes)} of at most ${formatMemory(cacheBytesMax)}`;
}

function Storage({ answer }: { readonly answer: Answer<StorageView> }) {
  const [isPersisted, setPersisted] = useState<boolean>();
  const keep = async () => setPersisted(await navigator.storage.persist().catch(() => false));
  return (
    <TrustPanel title="Storage" of="counted">
      <Answered answer={answer}>
        {(storage) => {
          const isKept = isPersisted ?? storage.isPersisted;
          return (
            <Stack gap={4}>
              {storage.usageBytes === undefined || storage.quotaBytes === undefined ? null : (
                <Meter
                  label="Of what the browser allows"
                  percent={Math.min(100, (100 * storage.usageBytes) / storage.quotaBytes)}
                  text={`${formatBytes(storage.usageBytes)} of ${formatBytes(storage.quotaBytes)}`}
                />
              )}
              <Facts
                rows={[
                  ...storage.spaces
                    .filter((space) => space.bytes > 0)
                    .map(
                      (space) =>
                        [
                          SPACE_WORDS[space.space] ?? space.space,
                          `${formatBytes(space.bytes)} in ${plural(space.count, 'record')}`,
                        ] as const,
                    ),
                  ['In memory', memoryOf(storage)],
                  ['State saved up to', savedWords(storage)],
                  isKept === undefined
                    ? undefined
                    : [
                        'Persistent',
                        isKept ? (
                          'Yes: the browser does not delete it under pressure'
                        ) : (
                          <span key="persist">
                            No: the browser may delete it. <Button onClick={keep}>Keep it</Button>
                          </span>
                        ),
                      ],
                ]}
              />
            </Stack>
          );
        }}
      </Answered>
    </TrustPanel>
  );
}

function Controls({ status }: { readonly status: NodeStatus | undefined }) {
  const client = useClient();
  const [isResetting, setResetting] = useState(false);
  const [error, setError] = useState<ErrorData>();
  if (client === undefined || status === undefined) return null;
  const tell = async (deed: () => Promise<unknown>) => {
    setError(undefined);
    try {
      await deed();
    } catch (caught) {
      setError(errorToData(caught));
    }
  };
  const save = async () => {
    const { bundle } = await client.call('node.diagnostics', {});
    download(
      'tabellion-diagnostics.json',
      JSON.stringify(bundle, undefined, 2),
      'application/json',
    );
    announce('Saved. It holds no keys, addresses of peers, or contacts.');
  };
  return (
    <Stack gap={3}>
      <Row>
        {status.stage === 'paused' ? (
          <Button onClick={() => void tell(() => client.call('node.resume', {}))}>Resume</Button>
        ) : (
          <Button onClick={() => void tell(() => client.call('node.pause', {}))}>Pause</Button>
        )}
        <Button onClick={() => void tell(save)}>Export diagnostics</Button>
        <Button look="danger" disabled={isStoreHeld(status)} onClick={() => setResetting(true)}>
          Reset
        </Button>
      </Row>
      {error === undefined ? null : <ErrorNotice error={error} />}
      {isResetting ? (
        <Sheet
          title="Reset the node?"
          onClose={() => setResetting(false)}
          footer={
            <>
              <Button onClick={() => setResetting(false)}>Keep everything</Button>
              <Button
                look="danger"
                onClick={() => {
                  setResetting(false);
                  forgetHeight();
                  void tell(() => client.call('node.reset', {}));
                }}
              >
                Delete and start again
              </Button>
            </>
          }
        >
          <p>
            It deletes the blocks and the state in this browser and reads them again from the
            network. Your accounts, keys and contacts stay, and so does a checkpoint that nothing
            here contradicts.
          </p>
        </Sheet>
      ) : null}
    </Stack>
  );
}
