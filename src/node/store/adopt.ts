import { assert, TabellionError } from '../../base/index.ts';
import { StateTree } from '../../state/index.ts';
import type { Space, WriteOperation } from '../../storage/index.ts';
import { removeRange } from './checkpoint.ts';
import type { Core, HeadState } from './core.ts';
import { writeNamed } from './core.ts';
import type { CheckpointRecord } from './records.ts';
import {
  CHECKPOINT_KEY,
  checkpointRecordCodec,
  GARBAGE_KEY,
  garbageRecordCodec,
  layoutKey,
  orderedKey,
  runKey,
  seal,
} from './records.ts';
import type { KeptSnapshot } from './snapshot-records.ts';
import {
  ANCHOR_KEY,
  anchorRecordCodec,
  HISTORY_KEY,
  historyRecordCodec,
  membershipKey,
  membershipRecordCodec,
  opened,
  SNAPSHOTS_KEY,
  SWEEP_KEY,
  sealed,
  snapshotsRecordCodec,
  sweepRecordCodec,
} from './snapshot-records.ts';
import type { SnapshotWriter } from './snapshot-writer.ts';
import { writerRecordsGone } from './snapshot-writer.ts';
import type { LedgerStoreOptions } from './types.ts';

/** What a store holds right after it took over a snapshot. */
export type Adopted = {
  readonly tree: StateTree;
  readonly head: HeadState;
  readonly checkpoint: CheckpointRecord;
  readonly snapshot: KeptSnapshot;
};

/**
 * Makes a complete snapshot the state of the store and its block the head, in one strict write: a
 * kill leaves the old chain or the new one. What the old one had is swept away later.
 */
export async function switchToSnapshot(
  core: Core,
  work: {
    readonly writer: SnapshotWriter;
    readonly previous: CheckpointRecord | undefined;
    readonly options: LedgerStoreOptions;
    readonly isOffered: boolean;
  },
): Promise<Adopted> {
  const { writer, previous, isOffered } = work;
  const { suite } = core.ledger;
  const { anchor } = writer;
  const { header, hash, nextMembership: membership } = anchor;
  const { height, stateRoot } = header;
  if (!writer.isComplete) throw new TabellionError('snapshot-incomplete', { height });
  const layout = writer.layout();
  const start = { height, root: stateRoot, layouts: [layout] };
  const tree = StateTree.restore(suite, start, work.options);
  assert(tree.ok, 'the manifest was checked against the root');
  // Its own generation names the layout, that of its pages is below.
  const generation = writer.generation + 1;
  const nextSegment = previous?.nextSegment ?? 1;
  const checkpoint: CheckpointRecord = {
    height,
    blockHash: hash,
    stateRoot,
    membership,
    generation,
    layouts: [generation],
    fullBytes: layout.length,
    changeBytes: 0,
    segments: [],
    nextSegment,
  };
  const snapshot: KeptSnapshot = {
    height,
    blockHash: hash,
    stateRoot,
    generation,
    bytes: writer.plans.reduce((sum, { weight }) => sum + weight, 0),
    chunkCount: writer.plans.length,
  };
  const put = (space: Space, key: Uint8Array, value: Uint8Array): WriteOperation => {
    return { kind: 'put', space, key, value };
  };
  const meta = (key: Uint8Array, value: Uint8Array) => put('meta', key, value);
  const snapshots = isOffered ? [snapshot] : [];
  const sweep = { pagesBelow: writer.generation, runsBelow: nextSegment };
  const next = height + 1;
  await writeNamed(
    core,
    'snapshot-switch',
    [
      put('pages', layoutKey(generation), seal(suite, layout)),
      meta(CHECKPOINT_KEY, sealed(suite, checkpointRecordCodec, checkpoint)),
      meta(ANCHOR_KEY, sealed(suite, anchorRecordCodec, anchor)),
      meta(SNAPSHOTS_KEY, sealed(suite, snapshotsRecordCodec, { snapshots })),
      meta(HISTORY_KEY, sealed(suite, historyRecordCodec, { earliest: next })),
      meta(SWEEP_KEY, sealed(suite, sweepRecordCodec, sweep)),
      meta(GARBAGE_KEY, sealed(suite, garbageRecordCodec, { keys: [] })),
      meta(membershipKey(height), sealed(suite, membershipRecordCodec, anchor.membership)),
      meta(membershipKey(next), sealed(suite, membershipRecordCodec, membership)),
      ...writerRecordsGone(),
      { kind: 'delete-range', space: 'journal', from: orderedKey(0), to: orderedKey(next) },
    ],
    'strict',
  );
  return { tree: tree.value, head: { header, hash, membership }, checkpoint, snapshot };
}

/** Deletes what was there before the last snapshot was taken over, a few records at a time. */
export async function sweep(core: Core): Promise<void> {
  const { suite } = core.ledger;
  const record = opened(suite, sweepRecordCodec, await core.store.get('meta', SWEEP_KEY));
  if (record === undefined) return;
  if (record !== 'spoilt') {
    // A spoilt one costs room on the disk, nothing else.
    await core.mending?.written();
    const pages = { from: orderedKey(0), to: orderedKey(record.pagesBelow) };
    await removeRange(core, 'snapshot-sweep', { space: 'pages', ...pages });
    const runs = { from: runKey(0, 0), to: runKey(record.runsBelow, 0) };
    await removeRange(core, 'snapshot-sweep', { space: 'index', ...runs });
  }
  const done = { kind: 'delete', space: 'meta', key: SWEEP_KEY } as const;
  await writeNamed(core, 'snapshot-sweep', [done]);
}
