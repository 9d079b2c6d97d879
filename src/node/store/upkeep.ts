import { assert, equalBytes, TabellionError } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { CheckpointPlan, StateTree } from '../../state/index.ts';
import { Turnstile } from '../../storage/index.ts';
import { sweep, switchToSnapshot } from './adopt.ts';
import { BlockReader } from './block-reader.ts';
import { clean, writeCheckpoint } from './checkpoint.ts';
import type { Core, HeadState } from './core.ts';
import { insertPages } from './core.ts';
import { HistoryIndex } from './history-index.ts';
import { KeptSnapshots } from './kept-snapshots.ts';
import {
  CACHE_BYTES_MAX_DEFAULT,
  CHECKPOINT_EVERY_BLOCKS_DEFAULT,
  CHECKPOINT_RETRY_BLOCKS,
  JOURNAL_BYTES_MAX,
  SNAPSHOT_EVERY_BLOCKS_DEFAULT,
  SNAPSHOT_QUIET_BLOCKS,
  SNAPSHOTS_KEPT_DEFAULT,
  WRITER_GENERATION_GAP,
} from './limits.ts';
import type { CheckpointRecord } from './records.ts';
import type { Recovered } from './recovery.ts';
import { Pruner } from './retention.ts';
import { SnapshotWriter } from './snapshot-writer.ts';
import type { LedgerStoreOptions, Retention, SnapshotRequest, StoredAnchor } from './types.ts';

/** Blocks between two checkpoints, however much of the state changes. */
const CHECKPOINT_BLOCKS_MIN = 8;
/**
 * Of the cache, what may wait for a checkpoint before one is due. Measured with 65,000 pages in
 * LevelDB: when it writes 32 blocks, it writes 519 pages a block; of 128 blocks 258.
 */
const DIRTY_SHARE = 1 / 2;

/** A checkpoint, and the block that it is of. */
type Planned = { readonly plan: CheckpointPlan; readonly head: HeadState };

function deferred(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** What a store knows of its chain; commits and upkeep change it, readers look at it anew. */
export type StoreState = {
  tree: StateTree;
  index: HistoryIndex;
  blocks: BlockReader;
  head: HeadState;
  checkpoint: CheckpointRecord | undefined;
  journalBytes: number;
  cacheBytesMax: number;
  anchor: StoredAnchor | undefined;
  /** First height whose block is kept; one above the head right after a snapshot was adopted. */
  earliest: Height;
};

export function stateOf(core: Core, options: LedgerStoreOptions, recovered: Recovered): StoreState {
  return {
    ...recovered,
    blocks: new BlockReader(core),
    cacheBytesMax: options.cacheBytesMax ?? CACHE_BYTES_MAX_DEFAULT,
  };
}

/**
 * The work in the background of commits: checkpoints, snapshots kept and taken over, blocks that
 * go. One thing at a time, in steps, so that a commit waits for one write of it at most.
 */
export class Upkeep {
  readonly #core: Core;
  readonly #options: LedgerStoreOptions;
  readonly #state: StoreState;
  readonly #commits: Turnstile;
  readonly #jobs = new Turnstile();
  readonly #snapshots: KeptSnapshots;
  readonly #pruner: Pruner;
  #writer: SnapshotWriter | undefined;
  #retention: Retention = { kind: 'all' };
  #isPruning = false;
  #isClosed = false;
  /** After a failed checkpoint, the next is tried at this height. */
  #retryHeight = 0;
  #checkpointing: Promise<void> | undefined;
  /** Until the checkpoint of a snapshot is planned, no block may follow the one it is of. */
  #gate: Promise<void> | undefined;

  private constructor(
    core: Core,
    options: LedgerStoreOptions,
    state: StoreState,
    commits: Turnstile,
    found: {
      readonly snapshots: KeptSnapshots;
      readonly writer: SnapshotWriter | undefined;
    },
  ) {
    this.#core = core;
    this.#options = options;
    this.#state = state;
    this.#commits = commits;
    this.#snapshots = found.snapshots;
    this.#writer = found.writer;
    this.#pruner = new Pruner(core);
  }

  static async open(
    core: Core,
    options: LedgerStoreOptions,
    state: StoreState,
    commits: Turnstile,
  ): Promise<Upkeep> {
    const snapshots = await KeptSnapshots.load(core);
    const writer = await SnapshotWriter.load(core);
    return new Upkeep(core, options, state, commits, { snapshots, writer });
  }

  get snapshots(): KeptSnapshots {
    return this.#snapshots;
  }

  get writer(): SnapshotWriter | undefined {
    return this.#writer;
  }

  /** Whether the next block may be committed; otherwise it may once `ready` settles. */
  get isReady(): boolean {
    return this.#gate === undefined;
  }

  ready(): Promise<void> {
    return this.#gate ?? Promise.resolve();
  }

  #trace(name: string, error: unknown): void {
    const code = error instanceof TabellionError ? error.code : String(error);
    this.#core.tracer.trace('warn', name, { code });
  }

  /* ------------------------------------------------------ checkpoints */

  get #snapshotEvery(): number {
    return this.#options.snapshotEveryBlocks ?? SNAPSHOT_EVERY_BLOCKS_DEFAULT;
  }

  get #snapshotsKept(): number {
    // Where headers bind the state before their block, none binds a snapshot's.
    const isBound = this.#core.ledger.genesis.document.execution === 'state';
    return isBound ? (this.#options.snapshotsKept ?? SNAPSHOTS_KEPT_DEFAULT) : 0;
  }

  /** Begins what is due after a block; called by its commit, before any other. */
  committed(): void {
    const { tree, head, cacheBytesMax } = this.#state;
    tree.evict(cacheBytesMax);
    const { height } = head.header;
    if (this.#snapshotsKept > 0 && height % this.#snapshotEvery === 0) this.#startSnapshot();
    else if (this.#isCheckpointDue() && this.#checkpointing === undefined) {
      if (height >= this.#retryHeight) this.#watch(this.checkpoint());
    }
    this.#startPruning();
  }

  #watch(checkpoint: Promise<void>): void {
    const { height } = this.#state.head.header;
    checkpoint.catch((error: unknown) => {
      this.#retryHeight = height + CHECKPOINT_RETRY_BLOCKS;
      // The journal goes on; a later commit tries again.
      this.#trace('checkpoint-failed', error);
    });
  }

  #isCheckpointDue(): boolean {
    const { tree, head, checkpoint, journalBytes, cacheBytesMax } = this.#state;
    const every = this.#options.checkpointEveryBlocks ?? CHECKPOINT_EVERY_BLOCKS_DEFAULT;
    const { height } = head.header;
    const blocks = height - (checkpoint?.height ?? -1);
    // What waits for a checkpoint cannot be let go of, nor what it was while versions need that.
    const dirtyBytesMax = DIRTY_SHARE * cacheBytesMax;
    const isDirty = blocks >= CHECKPOINT_BLOCKS_MIN && tree.dirtyBytes() > dirtyBytesMax;
    const isDue = blocks >= every || journalBytes >= JOURNAL_BYTES_MAX || isDirty;
    return isDue && !this.#isQuiet(height);
  }

  /** Whether the checkpoint of a snapshot is so near that this one would be in its way. */
  #isQuiet(height: number): boolean {
    const every = this.#snapshotEvery;
    const left = every - (height % every);
    const isNear = this.#snapshotsKept > 0 && left <= Math.min(SNAPSHOT_QUIET_BLOCKS, every / 8);
    return isNear && this.#state.journalBytes < 2 * JOURNAL_BYTES_MAX;
  }

  /**
   * Writes back what changed since the last checkpoint, in the background of commits. Called by
   * commits when it is due; a second call waits for the first.
   */
  checkpoint(): Promise<void> {
    return this.#checkpointing ?? this.#track(() => this.#runCheckpoint());
  }

  #track(job: () => Promise<void>): Promise<void> {
    const running = this.#jobs.run(job).finally(() => {
      if (this.#checkpointing === running) this.#checkpointing = undefined;
    });
    this.#checkpointing = running;
    return running;
  }

  async #runCheckpoint(): Promise<void> {
    // Between two commits: the plan and the head it is of belong together.
    const planned = await this.#commits.run(() => this.#plan());
    if (planned.plan.height === this.#state.checkpoint?.height) {
      this.#state.tree.evict(this.#state.cacheBytesMax); // What was loaded to plan nothing.
      return;
    }
    await this.#write(planned, false);
  }

  /** The checkpoint of the head, as a snapshot; planned before another block follows. */
  #startSnapshot(): void {
    const { height } = this.#state.head.header;
    const planned = deferred();
    this.#gate = planned.promise;
    const written = this.#track(async () => {
      let work: Planned | undefined;
      try {
        // Another one since: a snapshot was adopted.
        if (this.#state.head.header.height === height) work = await this.#plan();
      } finally {
        this.#gate = undefined;
        planned.resolve();
      }
      if (work !== undefined) await this.#write(work, true);
    });
    this.#watch(written);
  }

  async #plan(): Promise<Planned> {
    const { tree, checkpoint, head } = this.#state;
    // Pages that became too large are divided, which takes all of them.
    for (let missing = tree.pagesToPlan(); missing.length > 0; missing = tree.pagesToPlan()) {
      await insertPages(this.#core, tree, missing, this.#core.mending);
    }
    return { plan: tree.planCheckpoint((checkpoint?.generation ?? 0) + 2), head };
  }

  async #write({ plan, head }: Planned, isSnapshot: boolean): Promise<void> {
    const state = this.#state;
    const { checkpoint: previous, tree, index } = state;
    await clean(this.#core, previous, this.#writer?.generation);
    const { all } = this.#snapshots;
    const next = isSnapshot
      ? await this.#snapshots.next(plan, head.hash, this.#snapshotsKept)
      : { snapshots: all, released: [] };
    const { record, segments } = await writeCheckpoint(this.#core, {
      plan,
      head,
      index,
      previous,
      snapshots: all,
      snapshotsNext: next.snapshots,
      released: next.released,
    });
    tree.checkpointed(plan);
    index.adopt(segments, plan.height);
    state.checkpoint = record;
    this.#snapshots.adopt(next.snapshots);
    const usage = await this.#core.store.usage();
    state.journalBytes = usage.find(({ space }) => space === 'journal')?.bytes ?? 0;
    tree.evict(state.cacheBytesMax);
    await clean(this.#core, record, this.#writer?.generation);
    this.#core.tracer.trace('debug', 'checkpoint-written', {
      height: plan.height,
      pages: plan.written.length,
    });
    this.#startPruning();
  }

  /* -------------------------------------------------------- snapshots */

  /** See `LedgerStore.beginSnapshot`. */
  beginSnapshot(request: SnapshotRequest): Promise<SnapshotWriter> {
    const isBound = this.#core.ledger.genesis.document.execution === 'state';
    if (!isBound) throw new TabellionError('snapshot-unsupported');
    return this.#jobs.run(async () => {
      const generation = (this.#state.checkpoint?.generation ?? 0) + WRITER_GENERATION_GAP;
      this.#writer = await SnapshotWriter.begin(this.#core, request, this.#writer, generation);
      return this.#writer;
    });
  }

  discardSnapshot(): Promise<void> {
    return this.#jobs.run(async () => {
      const writer = this.#writer;
      this.#writer = undefined;
      await writer?.discard();
    });
  }

  /** See `LedgerStore.adoptSnapshot`. */
  async adoptSnapshot(writer: SnapshotWriter): Promise<void> {
    await this.#jobs.run(() => this.#commits.run(() => this.#adopt(writer)));
    this.#startSweep();
  }

  async #adopt(writer: SnapshotWriter): Promise<void> {
    const state = this.#state;
    const { height } = writer.anchor.header;
    assert(writer === this.#writer, 'the snapshot that was begun last');
    if (height <= state.head.header.height) throw new TabellionError('snapshot-behind', { height });
    const { tree, head, checkpoint, snapshot } = await switchToSnapshot(this.#core, {
      writer,
      previous: state.checkpoint,
      options: this.#options,
      isOffered: this.#snapshotsKept > 0,
    });
    this.#writer = undefined;
    this.#core.mending?.retire(state.tree);
    state.tree = tree;
    state.index = new HistoryIndex(this.#core.store, []);
    state.blocks = new BlockReader(this.#core);
    state.head = head;
    state.checkpoint = checkpoint;
    state.journalBytes = 0;
    state.anchor = writer.anchor;
    this.#forgetBelow(height + 1);
    this.#snapshots.adopt(this.#snapshotsKept > 0 ? [snapshot] : []);
    this.#retryHeight = 0;
    this.#core.tracer.trace('info', 'snapshot-adopted', { height });
  }

  /** Sweeps away what was there before the last adopted snapshot, if anything is left of it. */
  #startSweep(): void {
    this.#jobs
      .run(() => sweep(this.#core))
      .catch((error: unknown) => {
        this.#trace('sweep-failed', error); // The next start tries again.
      });
    this.#startPruning();
  }

  /** Goes on with what the last life of this store left. */
  resume(): void {
    const { head, checkpoint } = this.#state;
    const { height } = head.header;
    this.#startSweep();
    const isSnapshot = height > 0 && height % this.#snapshotEvery === 0 && this.#snapshotsKept > 0;
    const isKept = this.#snapshots.all.some(({ blockHash }) => equalBytes(blockHash, head.hash));
    if (isSnapshot && !isKept && checkpoint?.height !== height) this.#startSnapshot();
  }

  /* -------------------------------------------------------- retention */

  setRetention(retention: Retention): void {
    this.#retention = retention;
    this.#startPruning();
  }

  #forgetBelow(height: number): void {
    if (height <= this.#state.earliest) return;
    this.#state.earliest = height as Height; // Above a height by whole numbers.
    this.#state.index.forgetBelow(height);
  }

  /** The first height to keep: no block that a restart, or a peer with our snapshot, needs goes. */
  #firstKept(): number {
    const { head, checkpoint } = this.#state;
    if (this.#retention.kind === 'all') return 0;
    const oldest = this.#snapshots.all.at(-1)?.height;
    return Math.min(
      head.header.height - this.#retention.blocks + 1,
      checkpoint?.height ?? 0,
      oldest === undefined ? Number.POSITIVE_INFINITY : oldest - 1,
    );
  }

  #startPruning(): void {
    this.#forgetBelow(this.#firstKept());
    if (this.#isPruning || this.#isClosed || this.#state.earliest === 0) return;
    this.#isPruning = true;
    this.#prune()
      .catch((error: unknown) => this.#trace('prune-failed', error)) // A later commit tries again.
      .finally(() => {
        this.#isPruning = false;
      });
  }

  async #prune(): Promise<void> {
    for (let isDone = false; !isDone && !this.#isClosed; ) {
      isDone = await this.#jobs.run(() => this.#pruner.step(this.#state.earliest));
    }
  }

  /** Waits for what was begun. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#jobs.idle();
    // Reported where it was started.
    await this.#checkpointing?.catch(() => undefined);
    await this.#jobs.idle();
  }
}
