import { expect, test } from 'vitest';
import { timestampMs } from '../../base/index.ts';
import type { Hash, Height, NodeStatus, StorageView } from '../hooks/client.ts';
import { savedWords, sizesOf, wayOf, workOf } from './node-progress.ts';

const at = (height: number) => height as Height; // Whole numbers written below.
const HASH = new Uint8Array(32) as Hash; // Any 32 bytes are one.

const FOLLOWING: NodeStatus = {
  home: 'tab',
  mode: 'full',
  stage: 'following',
  head: { height: at(500), hash: HASH, timestampMs: timestampMs(0), transactionCount: 1 },
  source: 'chain',
  chainHeight: at(500),
  startHeight: at(100),
  targetHeight: at(500),
  blocksPerSecond: 1,
  bytesReceived: 0,
  etaMs: undefined,
  peers: 3,
  trust: 'validated',
  isValidator: false,
  pendingTransactions: 0,
  startedAtMs: timestampMs(0),
  version: '0',
  error: undefined,
  light: {
    head: { height: at(500), hash: HASH, timestampMs: timestampMs(0) },
    stage: 'following',
    targetHeight: at(500),
    comparedVoices: 2,
    trust: 'proven',
    isExpired: false,
    bytesReceived: 30_000,
    alarm: undefined,
  },
  snapshot: undefined,
  promotion: 'none',
  keepBlocks: undefined,
  historyFrom: at(0),
  storage: undefined,
};
const SNAPSHOT: NonNullable<NodeStatus['snapshot']> = {
  height: at(400),
  chunksDone: 1,
  chunksTotal: 4,
  bytesDone: 1_000_000,
  bytesTotal: 4_000_000,
  bytesPerSecond: 500_000,
  isResumed: false,
  peers: 2,
};

const statesOf = (status: NodeStatus) => wayOf(status).map(({ state }) => state);

test('whoever follows has gone the whole way', () => {
  expect(statesOf(FOLLOWING)).toEqual(['done', 'done', 'done', 'done']);
  expect(workOf(FOLLOWING)).toBeUndefined();
});

test('a light node needs neither state nor blocks', () => {
  const status: NodeStatus = { ...FOLLOWING, mode: 'light', chainHeight: at(0) };
  expect(statesOf(status)).toEqual(['done', 'done', 'unneeded', 'unneeded']);
});

test('the way is gone in order: headers, proof, state, blocks', () => {
  const { light } = FOLLOWING;
  if (light === undefined) throw new Error('present above');
  const begun: NodeStatus = { ...FOLLOWING, stage: 'syncing', trust: 'reported' };
  const proving: NodeStatus = {
    ...begun,
    startHeight: at(0),
    chainHeight: at(0),
    light: { ...light, stage: 'proving', trust: 'reported' },
    snapshot: undefined,
  };
  expect(statesOf(proving).slice(0, 2)).toEqual(['now', 'next']);
  const alone: NodeStatus = { ...begun, light: { ...light, trust: 'reported' } };
  expect(statesOf(alone).slice(0, 2)).toEqual(['done', 'now']);
  const loading: NodeStatus = { ...begun, snapshot: SNAPSHOT };
  expect(statesOf(loading)).toEqual(['done', 'done', 'now', 'next']);
  const executing: NodeStatus = { ...begun, chainHeight: at(200) };
  expect(statesOf(executing)).toEqual(['done', 'done', 'done', 'now']);
});

test('an alarm, trust that ran out and a question stand still, each at its place', () => {
  const { light } = FOLLOWING;
  if (light === undefined) throw new Error('present above');
  const alarm = { height: at(450), first: HASH, second: HASH };
  expect(statesOf({ ...FOLLOWING, light: { ...light, alarm } })[1]).toBe('stuck');
  expect(statesOf({ ...FOLLOWING, light: { ...light, isExpired: true } })[0]).toBe('stuck');
  const asked: NodeStatus = { ...FOLLOWING, stage: 'syncing', promotion: 'waiting-consent' };
  expect(statesOf(asked).slice(2)).toEqual(['asked', 'next']);
});

test('beside its store a node waits for that, and not for another host', () => {
  const { light } = FOLLOWING;
  if (light === undefined) throw new Error('present above');
  const held: NodeStatus = {
    ...FOLLOWING,
    mode: 'light',
    trust: 'reported',
    light: { ...light, trust: 'reported' },
    storage: { kind: 'held', atMs: timestampMs(0), code: 'tab-asleep' },
  };
  expect(wayOf(held)[1]).toEqual({
    name: 'proof',
    state: 'next',
    detail: 'Waiting for the stored data',
  });
  expect(statesOf({ ...held, storage: undefined })[1]).toBe('now');
  expect(wayOf(held)[2]?.detail).not.toContain('Proven');
  // Genesis may be too old, and what was trusted since lie in the store: nothing is lost yet.
  expect(statesOf({ ...held, light: { ...light, isExpired: true } })[0]).toBe('next');
});

test('work is never complete while a byte or a block is missing', () => {
  const nearly = { ...SNAPSHOT, bytesDone: SNAPSHOT.bytesTotal - 1 };
  expect(workOf({ ...FOLLOWING, snapshot: nearly })?.percent).toBe(99);
  const status: NodeStatus = { ...FOLLOWING, stage: 'syncing', chainHeight: at(499) };
  expect(workOf(status)?.percent).toBe(99);
});

test('work is told in bytes or blocks, with rate and time left', () => {
  expect(workOf({ ...FOLLOWING, snapshot: SNAPSHOT })?.text).toBe(
    '25 % of the state · 1 MB of 4 MB · 500 KB a second · ~6 s',
  );
  const stalled = { ...SNAPSHOT, bytesPerSecond: 0 };
  expect(workOf({ ...FOLLOWING, snapshot: stalled })?.text).not.toContain('~');
  const status: NodeStatus = { ...FOLLOWING, stage: 'syncing', chainHeight: at(300), etaMs: 4_000 };
  expect(workOf(status)?.text).toBe('50 % of work · 200 of 400 blocks · ~4 s');
});

test('the size of each mode is worked out from what is kept, and unknown before', () => {
  const storage: StorageView = {
    spaces: [
      { space: 'pages', count: 10, bytes: 1_000_000 },
      { space: 'blocks', count: 100, bytes: 200_000 },
      { space: 'index', count: 100, bytes: 100_000 },
    ],
    totalBytes: 1_300_000,
    usageBytes: undefined,
    quotaBytes: undefined,
    isPersisted: undefined,
    cacheBytes: 0,
    cacheBytesMax: 1,
    checkpointHeight: at(500),
    kind: 'memory',
  };
  expect(sizesOf({ ...FOLLOWING, keepBlocks: 100 }, storage)).toEqual({
    full: 1_300_000,
    archive: 2_500_000,
  });
  const empty: StorageView = { ...storage, spaces: [] };
  const fresh: NodeStatus = { ...FOLLOWING, chainHeight: at(0) };
  expect(sizesOf(fresh, empty)).toEqual({ full: undefined, archive: undefined });
  // A small ledger stands in the journal alone.
  const young: StorageView = {
    ...storage,
    spaces: [{ space: 'journal', count: 9, bytes: 90_000 }],
  };
  expect(sizesOf(FOLLOWING, young)).toEqual({ full: 90_000, archive: 90_000 });
  const late: NodeStatus = { ...FOLLOWING, historyFrom: at(90) };
  expect(sizesOf(late, young)).toEqual({ full: 90_000, archive: undefined });
  expect(sizesOf({ ...fresh, snapshot: SNAPSHOT }, empty).full).toBe(4_000_000);
});

test('before the first saving no block is named up to which the state is saved', () => {
  const storage = { checkpointHeight: at(0) } as StorageView; // All that is looked at.
  expect(savedWords(storage)).toMatch(/^Not yet by itself/);
  expect(savedWords({ ...storage, checkpointHeight: at(256) })).toBe('#256');
});
