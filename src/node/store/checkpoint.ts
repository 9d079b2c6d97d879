import type { Bytes } from '../../base/index.ts';
import { concatBytes, equalBytes, TabellionError } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { CheckpointPlan, Page } from '../../state/index.ts';
import type { Space, WriteOperation } from '../../storage/index.ts';
import type { Core, HeadState } from './core.ts';
import { writeNamed } from './core.ts';
import type { HistoryIndex, SegmentChange } from './history-index.ts';
import {
  CHECKPOINT_STEP_BYTES,
  JOURNAL_RECORDS_PER_STEP,
  STORE_FORMAT,
  SWEEP_RECORDS_PER_STEP,
} from './limits.ts';
import type { UnwrittenRecords } from './mending.ts';
import type { CheckpointRecord } from './records.ts';
import {
  CHECKPOINT_KEY,
  checkpointRecordCodec,
  committedOf,
  FORMAT_KEY,
  formatRecordCodec,
  GARBAGE_KEY,
  garbageRecordCodec,
  layoutKey,
  orderedKey,
  parseOrderedKey,
  runKey,
  seal,
  unseal,
} from './records.ts';
import type { KeptSnapshot } from './snapshot-records.ts';
import { SNAPSHOTS_KEY, sealed as sealedRecord, snapshotsRecordCodec } from './snapshot-records.ts';

type PutOperation = Extract<WriteOperation, { kind: 'put' }>;
type Garbage = { readonly space: Space; readonly key: Bytes };

/** Deletes of one step. */
const GARBAGE_PER_STEP = 256;

/** Above every key of numbers that are written. */
const LAST_KEY = new Uint8Array(16).fill(255);

/**
 * Deletes what the last checkpoint left, and what an unfinished one wrote.
 *
 * @param writing Generation of the snapshot that is being fetched: its chunks stay.
 */
export async function clean(
  core: Core,
  checkpoint: CheckpointRecord | undefined,
  writing: number | undefined,
): Promise<void> {
  await core.mending?.written();
  const found = await core.store.get('meta', GARBAGE_KEY);
  if (found !== undefined) {
    const payload = unseal(core.ledger.suite, found);
    const record = payload === undefined ? undefined : decode(garbageRecordCodec, payload);
    // A spoilt list costs room on the disk, nothing else.
    await removeGarbage(core, record?.ok === true ? record.value.keys : []);
  }
  const pages = orderedKey((checkpoint?.generation ?? 0) + 1);
  const runs = runKey(checkpoint?.nextSegment ?? 1, 0);
  const ranges: Range[] = [{ space: 'index', from: runs, to: LAST_KEY }];
  if (writing === undefined) ranges.push({ space: 'pages', from: pages, to: LAST_KEY });
  else {
    ranges.push({ space: 'pages', from: pages, to: orderedKey(writing) });
    ranges.push({ space: 'pages', from: orderedKey(writing + 1), to: LAST_KEY });
  }
  for (const range of ranges) await removeRange(core, 'checkpoint-clean', range);
}

type Range = { readonly space: Space; readonly from: Bytes; readonly to: Bytes };

/** Deletes a range a few records at a time: a commit waits for one write at most. */
export async function removeRange(
  core: Core,
  name: 'checkpoint-clean' | 'snapshot-sweep',
  range: Range,
): Promise<void> {
  const { space, to } = range;
  for (let { from } = range; ; ) {
    const entries = await core.store.list(space, { from, to, limit: SWEEP_RECORDS_PER_STEP });
    await writeNamed(
      core,
      name,
      entries.map(({ key }) => ({ kind: 'delete', space, key })),
    );
    const last = entries.at(-1);
    if (last === undefined || entries.length < SWEEP_RECORDS_PER_STEP) return;
    from = concatBytes(last.key, Uint8Array.of(0)); // The least key above it.
  }
}

async function removeGarbage(core: Core, keys: readonly Garbage[]): Promise<void> {
  for (let start = 0; start < keys.length; start += GARBAGE_PER_STEP) {
    await writeNamed(
      core,
      'checkpoint-garbage',
      keys.slice(start, start + GARBAGE_PER_STEP).map(({ space, key }) => ({
        kind: 'delete',
        space,
        key,
      })),
    );
  }
  const done = { kind: 'delete', space: 'meta', key: GARBAGE_KEY } as const;
  await writeNamed(core, 'checkpoint-garbage', [done]);
}

/** Gathers puts and writes them when there are enough bytes. */
class Batch implements UnwrittenRecords {
  readonly #core: Core;
  readonly #name: 'checkpoint-pages' | 'checkpoint-blocks';
  #operations: PutOperation[] = [];
  #bytes = 0;
  /** Those that are being written. */
  readonly #flushing = new Set<readonly PutOperation[]>();
  /** One write after the other; none after one that failed. */
  #written: Promise<void> = Promise.resolve();

  constructor(core: Core, name: 'checkpoint-pages' | 'checkpoint-blocks') {
    this.#core = core;
    this.#name = name;
  }

  async put(space: Space, key: Bytes, value: Bytes): Promise<void> {
    this.#operations.push({ kind: 'put', space, key, value });
    this.#bytes += value.length;
    if (this.#bytes >= CHECKPOINT_STEP_BYTES) await this.flush();
  }

  holds(key: Bytes): boolean {
    const batches = [this.#operations, ...this.#flushing];
    return batches.some((each) => each.some((operation) => equalBytes(operation.key, key)));
  }

  flush(): Promise<void> {
    if (this.#operations.length === 0) return this.#written;
    const operations = this.#operations;
    this.#operations = [];
    this.#bytes = 0;
    this.#flushing.add(operations);
    this.#written = this.#written
      .then(() => writeNamed(this.#core, this.#name, operations))
      .finally(() => this.#flushing.delete(operations));
    return this.#written;
  }
}

/** Copies the blocks of the journal, without their changes, to where they stay. */
async function moveBlocks(core: Core, range: { from: number; to: number }): Promise<void> {
  const { suite } = core.ledger;
  const batch = new Batch(core, 'checkpoint-blocks');
  for (let from = range.from; from <= range.to; from += JOURNAL_RECORDS_PER_STEP) {
    const to = Math.min(from + JOURNAL_RECORDS_PER_STEP, range.to + 1);
    const keys = Array.from({ length: to - from }, (_, at) => orderedKey(from + at));
    const values = await core.store.getMany('journal', keys);
    for (const [at, key] of keys.entries()) {
      const sealed = values[at];
      const payload = sealed === undefined ? undefined : unseal(suite, sealed);
      const committed = payload === undefined ? undefined : committedOf(payload);
      if (committed === undefined) {
        throw new TabellionError('journal-corrupt', { height: from + at });
      }
      await batch.put('blocks', key, seal(suite, committed));
    }
  }
  await batch.flush();
}

/**
 * Pages in the order of their records' keys, as far as those of one depth come in the order of
 * their paths: what lies beyond all that is there, a store need not look up.
 */
function inKeyOrder(pages: CheckpointPlan['written']): Page[] {
  // Not sorted: comparing twenty thousand by calling back took ten times as long.
  const groups = new Map<number, Page[]>();
  for (const page of pages) {
    const group = (page.deltaGeneration === 0 ? 0 : 256) + page.depth;
    const found = groups.get(group);
    if (found === undefined) groups.set(group, [page]);
    else found.push(page);
  }
  const ordered = [...groups.keys()].sort((left, right) => left - right);
  return ordered.flatMap((group) => groups.get(group) ?? []);
}

async function writePages(core: Core, plan: CheckpointPlan): Promise<void> {
  const batch = new Batch(core, 'checkpoint-pages');
  const written = core.mending?.writes(batch);
  try {
    for (const page of inKeyOrder(plan.written)) {
      const { key, value } = plan.encode(page);
      await batch.put('pages', key, value);
    }
    await batch.flush();
  } finally {
    written?.();
  }
}

/** What a checkpoint is made of. */
export type CheckpointWork = {
  readonly plan: CheckpointPlan;
  readonly head: HeadState;
  readonly index: HistoryIndex;
  readonly previous: CheckpointRecord | undefined;
  /** Snapshots that are kept so far, newest first, and of them with this one from now on. */
  readonly snapshots: readonly KeptSnapshot[];
  readonly snapshotsNext: readonly KeptSnapshot[];
  /** Keys of pages that only snapshots had which are not kept any more. */
  readonly released: readonly Bytes[];
};

/**
 * Carries out a checkpoint in steps of about a megabyte. Nothing that the last checkpoint needs is
 * touched before the switch, one strict write; what it no longer needs is deleted after.
 */
export async function writeCheckpoint(
  core: Core,
  work: CheckpointWork,
): Promise<{ readonly record: CheckpointRecord; readonly segments: SegmentChange }> {
  const { plan, index, previous } = work;
  await writePages(core, plan);
  await moveBlocks(core, { from: (previous?.height ?? -1) + 1, to: plan.height });
  const segments = await index.writeSegments(plan.height, previous?.nextSegment ?? 1, (runs) =>
    writeNamed(
      core,
      'checkpoint-index',
      runs.map(({ key, value }) => ({ kind: 'put', space: 'index', key, value })),
    ),
  );
  const { layout, record } = describe(core, { ...work, segments });
  await writeSwitch(core, { ...work, layout, record, segments });
  return { record, segments };
}

/**
 * The checkpoint's record and its layout: a difference, until those outgrow a full one. A snapshot
 * has a full one, which outlives the differences that come after.
 */
function describe(
  core: Core,
  work: CheckpointWork & { readonly segments: SegmentChange },
): { readonly layout: Bytes; readonly record: CheckpointRecord } {
  const { plan, head, previous, segments } = work;
  const isSnapshot = work.snapshotsNext[0]?.generation === plan.generation;
  const change = previous === undefined || isSnapshot ? undefined : plan.layoutChange();
  const changeBytes = (previous?.changeBytes ?? 0) + (change?.length ?? 0);
  const isFull = change === undefined || changeBytes > (previous?.fullBytes ?? 0);
  const layout = isFull ? plan.fullLayout() : change;
  return {
    layout: seal(core.ledger.suite, layout),
    record: {
      height: plan.height,
      blockHash: head.hash,
      stateRoot: plan.root,
      membership: head.membership,
      generation: plan.generation,
      layouts: isFull ? [plan.generation] : [...(previous?.layouts ?? []), plan.generation],
      fullBytes: isFull ? layout.length : (previous?.fullBytes ?? 0),
      changeBytes: isFull ? 0 : changeBytes,
      segments: segments.segments,
      nextSegment: segments.nextSegment,
    },
  };
}

async function writeSwitch(
  core: Core,
  work: CheckpointWork & {
    readonly layout: Bytes;
    readonly record: CheckpointRecord;
    readonly segments: SegmentChange;
  },
): Promise<void> {
  const { plan, layout, record, segments, snapshotsNext } = work;
  const { suite, chainId } = core.ledger;
  const put = (key: Bytes, payload: Bytes): WriteOperation => ({
    kind: 'put',
    space: 'meta',
    key,
    value: seal(suite, payload),
  });
  const isSnapshot = snapshotsNext[0]?.generation === plan.generation;
  const snapshots = sealedRecord(suite, snapshotsRecordCodec, { snapshots: [...snapshotsNext] });
  await writeNamed(
    core,
    'checkpoint-switch',
    [
      { kind: 'put', space: 'pages', key: layoutKey(plan.generation), value: layout },
      put(CHECKPOINT_KEY, encode(checkpointRecordCodec, record)),
      put(FORMAT_KEY, encode(formatRecordCodec, { version: STORE_FORMAT, chainId })),
      put(GARBAGE_KEY, encode(garbageRecordCodec, { keys: garbageOf(work, record, segments) })),
      ...(isSnapshot
        ? [{ kind: 'put', space: 'meta', key: SNAPSHOTS_KEY, value: snapshots } as const]
        : []),
      {
        kind: 'delete-range',
        space: 'journal',
        from: orderedKey(0),
        to: orderedKey(plan.height + 1),
      },
    ],
    'strict',
  );
}

/**
 * What nobody needs after the switch. A page that this checkpoint replaces was there since it was
 * written; so it belongs to the newest kept snapshot if that is not older than the page.
 */
function garbageOf(
  work: CheckpointWork,
  record: CheckpointRecord,
  segments: SegmentChange,
): Garbage[] {
  const { plan, previous, snapshots, snapshotsNext, released } = work;
  const kept = new Set([...record.layouts, ...snapshotsNext.map(({ generation }) => generation)]);
  const layouts = new Set([
    ...(previous?.layouts ?? []),
    ...snapshots.map(({ generation }) => generation),
  ]);
  const pinned = snapshots[0]?.generation ?? -1;
  return [
    ...plan.replacedKeys.filter((key) => (parseOrderedKey(key.subarray(0, 8)) ?? 0) > pinned),
    ...released,
    ...[...layouts].filter((generation) => !kept.has(generation)).map(layoutKey),
  ]
    .map((key): Garbage => ({ space: 'pages', key }))
    .concat(segments.replaced.map((key) => ({ space: 'index', key })));
}
