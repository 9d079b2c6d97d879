import type { Bytes } from '../../base/index.ts';
import { TabellionError } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { CheckpointPlan } from '../../state/index.ts';
import type { Space, WriteOperation } from '../../storage/index.ts';
import type { Core, HeadState } from './core.ts';
import { writeNamed } from './core.ts';
import type { HistoryIndex, SegmentChange } from './history-index.ts';
import { CHECKPOINT_STEP_BYTES, JOURNAL_RECORDS_PER_STEP } from './limits.ts';
import type { CheckpointRecord } from './records.ts';
import {
  CHECKPOINT_KEY,
  checkpointRecordCodec,
  GARBAGE_KEY,
  garbageRecordCodec,
  journalRecordCodec,
  layoutKey,
  orderedKey,
  runKey,
  seal,
  unseal,
} from './records.ts';

type Garbage = { readonly space: Space; readonly key: Bytes };

/** Deletes of one step. */
const GARBAGE_PER_STEP = 256;

/** Above every key of numbers that are written. */
const LAST_KEY = new Uint8Array(16).fill(255);

/** Deletes what the last checkpoint left, and what an unfinished one wrote. */
export async function clean(core: Core, checkpoint: CheckpointRecord | undefined): Promise<void> {
  const sealed = await core.store.get('meta', GARBAGE_KEY);
  if (sealed !== undefined) {
    const payload = unseal(core.ledger.suite, sealed);
    const record = payload === undefined ? undefined : decode(garbageRecordCodec, payload);
    // A spoilt list costs room on the disk, nothing else.
    await removeGarbage(core, record?.ok === true ? record.value.keys : []);
  }
  const pages = orderedKey((checkpoint?.generation ?? 0) + 1);
  const runs = runKey(checkpoint?.nextSegment ?? 1, 0);
  await writeNamed(core, 'checkpoint-clean', [
    { kind: 'delete-range', space: 'pages', from: pages, to: LAST_KEY },
    { kind: 'delete-range', space: 'index', from: runs, to: LAST_KEY },
  ]);
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
class Batch {
  readonly #core: Core;
  readonly #name: 'checkpoint-pages' | 'checkpoint-blocks';
  #operations: WriteOperation[] = [];
  #bytes = 0;

  constructor(core: Core, name: 'checkpoint-pages' | 'checkpoint-blocks') {
    this.#core = core;
    this.#name = name;
  }

  async put(space: Space, key: Bytes, value: Bytes): Promise<void> {
    this.#operations.push({ kind: 'put', space, key, value });
    this.#bytes += value.length;
    if (this.#bytes >= CHECKPOINT_STEP_BYTES) await this.flush();
  }

  async flush(): Promise<void> {
    if (this.#operations.length === 0) return;
    const operations = this.#operations;
    this.#operations = [];
    this.#bytes = 0;
    await writeNamed(this.#core, this.#name, operations);
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
      const record = payload === undefined ? undefined : decode(journalRecordCodec, payload);
      if (record?.ok !== true) throw new TabellionError('journal-corrupt', { height: from + at });
      await batch.put('blocks', key, seal(suite, record.value.committed));
    }
  }
  await batch.flush();
}

/**
 * Carries out a checkpoint in steps of about a megabyte. Nothing that the last checkpoint needs is
 * touched before the switch, one strict write; what it no longer needs is deleted after.
 */
export async function writeCheckpoint(
  core: Core,
  work: {
    readonly plan: CheckpointPlan;
    readonly head: HeadState;
    readonly index: HistoryIndex;
    readonly previous: CheckpointRecord | undefined;
  },
): Promise<{ readonly record: CheckpointRecord; readonly segments: SegmentChange }> {
  const { plan, head, index, previous } = work;
  const pages = new Batch(core, 'checkpoint-pages');
  for (const page of plan.written) {
    const { key, value } = plan.encode(page);
    await pages.put('pages', key, value);
  }
  await pages.flush();
  await moveBlocks(core, { from: (previous?.height ?? -1) + 1, to: plan.height });
  const segments = await index.writeSegments(plan.height, previous?.nextSegment ?? 1, (runs) =>
    writeNamed(
      core,
      'checkpoint-index',
      runs.map(({ key, value }) => ({ kind: 'put', space: 'index', key, value })),
    ),
  );
  const { layout, record } = describe(core, { plan, head, previous, segments });
  await writeSwitch(core, { plan, layout, record, previous, segments });
  return { record, segments };
}

/** The checkpoint's record and its layout: a difference, until those outgrow a full one. */
function describe(
  core: Core,
  work: {
    readonly plan: CheckpointPlan;
    readonly head: HeadState;
    readonly previous: CheckpointRecord | undefined;
    readonly segments: SegmentChange;
  },
): { readonly layout: Bytes; readonly record: CheckpointRecord } {
  const { plan, head, previous, segments } = work;
  const change = previous === undefined ? undefined : plan.layoutChange();
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
  work: {
    readonly plan: CheckpointPlan;
    readonly layout: Bytes;
    readonly record: CheckpointRecord;
    readonly previous: CheckpointRecord | undefined;
    readonly segments: SegmentChange;
  },
): Promise<void> {
  const { plan, layout, record, previous, segments } = work;
  const { suite } = core.ledger;
  const kept = new Set(record.layouts);
  const garbage: Garbage[] = [
    ...plan.replacedKeys.map((key) => ({ space: 'pages', key }) as const),
    ...(previous?.layouts ?? [])
      .filter((generation) => !kept.has(generation))
      .map((generation) => ({ space: 'pages', key: layoutKey(generation) }) as const),
    ...segments.replaced.map((key) => ({ space: 'index', key }) as const),
  ];
  const put = (key: Bytes, payload: Bytes): WriteOperation => ({
    kind: 'put',
    space: 'meta',
    key,
    value: seal(suite, payload),
  });
  await writeNamed(
    core,
    'checkpoint-switch',
    [
      { kind: 'put', space: 'pages', key: layoutKey(plan.generation), value: layout },
      put(CHECKPOINT_KEY, encode(checkpointRecordCodec, record)),
      put(GARBAGE_KEY, encode(garbageRecordCodec, { keys: garbage })),
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
