import { timestampMs } from '../../base/index.ts';
import type { History, NodeStatus, PeersView, Trust } from '../../sdk/index.ts';
import * as figures from './figures.ts';

/** A pretended situation that is hard to reach with a real network. */
export type State = {
  readonly status: (status: NodeStatus) => NodeStatus;
  readonly peers?: (peers: PeersView) => PeersView;
  /** What each answer promises; absent: what the status does. */
  readonly answers?: Trust;
  /** Pages of a history, newest first. */
  readonly history?: (history: History) => readonly History[];
  /** What becomes of test coins: carried out in vain, or nothing more is heard of them. */
  readonly grant?: 'failed' | 'unheard';
};

type Light = NonNullable<NodeStatus['light']>;

function lightOf(status: NodeStatus): Light {
  const { height, hash, timestampMs: atMs } = status.head;
  return {
    head: { height, hash, timestampMs: atMs },
    stage: 'following',
    targetHeight: height,
    comparedVoices: 3,
    trust: 'proven',
    isExpired: false,
    bytesReceived: 31_400,
    alarm: undefined,
  };
}

function light(status: NodeStatus, more: Partial<Light> = {}): NodeStatus {
  return {
    ...status,
    mode: 'light',
    source: 'light',
    chainHeight: figures.height(0),
    startHeight: figures.height(0),
    bytesReceived: 0,
    blocksPerSecond: 0,
    trust: more.trust ?? 'proven',
    light: { ...lightOf(status), ...more },
  };
}

/** Where a node stands still that nobody proves anything to. */
const STUCK_AT = figures.height(figures.START + 3);

const peersOnly = (count: number) => (view: PeersView) => ({
  ...view,
  peers: view.peers.slice(0, count),
});

const oldFromPeers = (history: History): readonly History[] => [
  {
    ...history,
    entries: history.entries.slice(0, 3),
    completeFrom: figures.height(48_000),
    next: { height: figures.height(48_000), index: 0 },
  },
  {
    ...history,
    entries: history.entries.slice(3),
    completeFrom: figures.height(12_000),
    source: 'peers',
    trust: 'reported',
  },
];

/** By the name that stands in the address: `?state=alarm`. */
export const STATES: { readonly [name: string]: State } = {
  following: { status: (status) => ({ ...status, light: lightOf(status) }) },
  saver: {
    status: (status) => light(status),
    history: (history) => [
      {
        ...history,
        source: 'peers',
        trust: 'proven',
        completeFrom: undefined,
        namedBy: 2,
      },
    ],
  },
  proving: {
    status: (status) => ({
      ...light(status, { stage: 'proving', trust: 'reported', comparedVoices: 1 }),
      mode: 'full',
      stage: 'syncing',
      head: { ...status.head, height: figures.height(12_000), transactionCount: undefined },
    }),
  },
  snapshot: {
    status: (status) => ({
      ...light(status),
      mode: 'full',
      stage: 'syncing',
      promotion: 'running',
      keepBlocks: 4096,
      snapshot: {
        height: figures.height(47_104),
        chunksDone: 611,
        chunksTotal: 866,
        bytesDone: 41_000_000,
        bytesTotal: 58_000_000,
        bytesPerSecond: 1_240_000,
        isResumed: true,
        peers: 4,
      },
    }),
  },
  blocks: {
    status: (status) => ({
      ...status,
      stage: 'syncing',
      source: 'light',
      trust: 'proven',
      light: lightOf(status),
      startHeight: figures.height(47_104),
      chainHeight: figures.height(47_820),
      blocksPerSecond: 212,
      etaMs: 2_000,
      keepBlocks: 4096,
    }),
  },
  consent: {
    status: (status) => ({ ...light(status), mode: 'full', promotion: 'waiting-consent' }),
  },
  alarm: {
    status: (status) =>
      light(status, {
        trust: 'reported',
        alarm: {
          height: figures.height(48_205),
          first: figures.hash(1),
          second: figures.hash(2),
        },
      }),
  },
  alone: {
    status: (status) => ({ ...light(status, { trust: 'reported', comparedVoices: 1 }), peers: 1 }),
    peers: peersOnly(1),
  },
  expired: {
    status: (status) =>
      light(status, { trust: 'reported', isExpired: true, stage: 'waiting', comparedVoices: 0 }),
  },
  unproven: {
    status: (status) => ({
      ...light(status, {
        trust: 'reported',
        stage: 'proving',
        comparedVoices: 0,
        head: { height: STUCK_AT, hash: figures.hash(3), timestampMs: status.head.timestampMs },
        targetHeight: figures.height(STUCK_AT + 900),
      }),
      stage: 'syncing',
      head: { ...status.head, height: STUCK_AT },
      targetHeight: figures.height(STUCK_AT + 900),
    }),
  },
  'grant-failed': { status: (status) => status, grant: 'failed' },
  'grant-unheard': { status: (status) => status, grant: 'unheard' },
  wiped: {
    status: (status) => ({
      ...light(status),
      mode: 'full',
      stage: 'syncing',
      storage: { kind: 'wiped', atMs: timestampMs(Date.now() - 5000), code: undefined },
    }),
  },
  'page-wiped': {
    status: (status) => ({
      ...status,
      storage: {
        kind: 'partly-wiped',
        atMs: timestampMs(Date.now() - 5000),
        code: 'page-storage-lost',
      },
    }),
  },
  repaired: {
    status: (status) => ({
      ...status,
      storage: { kind: 'repaired', atMs: timestampMs(Date.now() - 5000), code: 'page-corrupt' },
    }),
  },
  quota: {
    status: (status) => ({
      ...status,
      stage: 'failed',
      trust: 'cached',
      error: { code: 'store-full', facts: {}, message: 'store-full' },
      storage: { kind: 'quota', atMs: timestampMs(Date.now() - 5000), code: 'store-full' },
    }),
  },
  held: {
    status: (status) => ({
      ...light(status, { trust: 'reported' }),
      storage: { kind: 'held', atMs: timestampMs(Date.now() - 5000), code: 'tab-asleep' },
    }),
  },
  slow: {
    status: (status) => ({
      ...light(status, { trust: 'reported', isExpired: true, stage: 'waiting' }),
      storage: { kind: 'held', atMs: timestampMs(Date.now() - 5000), code: 'store-slow' },
    }),
  },
  reopened: {
    status: (status) => ({
      ...status,
      storage: { kind: 'reopened', atMs: timestampMs(Date.now()), code: undefined },
    }),
  },
  failed: {
    // As what was asked before it stopped: nothing comes any more that says less.
    answers: 'validated',
    status: (status) => ({
      ...status,
      stage: 'failed',
      trust: 'cached',
      error: { code: 'store-corrupt', facts: {}, message: 'store-corrupt' },
    }),
  },
  paused: { status: (status) => ({ ...status, stage: 'paused' }) },
  offline: {
    status: (status) => ({ ...light(status, { trust: 'cached' }), peers: 0, trust: 'cached' }),
    peers: peersOnly(0),
  },
  pruned: {
    status: (status) => ({
      ...status,
      keepBlocks: 4096,
      historyFrom: figures.height(12_000),
    }),
    history: oldFromPeers,
  },
};

const KEY = 'tabellion.harness.state';

/** The state that the address names; it stays while one walks through the pages. */
export function chosenState(): State {
  const asked = new URLSearchParams(location.search).get('state');
  if (asked !== null) sessionStorage.setItem(KEY, asked);
  const name = asked ?? sessionStorage.getItem(KEY) ?? 'following';
  const state = STATES[name];
  if (state === undefined) throw new Error(`no state is called ${name}`);
  return state;
}
