import type { Bytes } from '../../base/index.ts';
import { assert, equalBytes, silentTracer, TabellionError } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type {
  Address,
  Header,
  Height,
  Membership,
  MissingKeys,
  StateChange,
  StateView,
} from '../../ledger/index.ts';
import type { StateProof, StateTree, WantedSubtree } from '../../state/index.ts';
import { STATE_KEY_BYTES_MAX } from '../../state/index.ts';
import type { SpaceUsage } from '../../storage/index.ts';
import { Turnstile } from '../../storage/index.ts';
import type { BlockReader } from './block-reader.ts';
import type { Core, HeadState } from './core.ts';
import { keysOf, loadPages, runLoading, writeNamed } from './core.ts';
import type { FinderParts, HistoryOptions } from './finder.ts';
import { findHeight, findHistory, findTransactions } from './finder.ts';
import { indexBlock } from './index-block.ts';
import { journalValue } from './journal-value.ts';
import { LoadedMemory } from './loaded-memory.ts';
import { membershipChangesOf, membershipOf, membershipPut } from './memberships.ts';
import { Mending } from './mending.ts';
import { orderedKey } from './records.ts';
import { recover } from './recovery.ts';
import { servedSubtree } from './served-subtree.ts';
import type { SnapshotWriter } from './snapshot-writer.ts';
import type {
  BegunSnapshot,
  BlockSummary,
  CommitRequest,
  IncludedTransaction,
  LedgerStoreDependencies,
  LedgerStoreOptions,
  LedgerStoreStatus,
  Retention,
  ServedBlock,
  SnapshotOffer,
  SnapshotRequest,
  StagedBlock,
  StoredAnchor,
  StoredBlock,
  StoredHead,
} from './types.ts';
import type { StoreState } from './upkeep.ts';
import { stateOf, Upkeep } from './upkeep.ts';

/** Opens what a store holds, or writes genesis into a fresh one; see `recover` for refusals. */
export async function openLedgerStore(dependencies: LedgerStoreDependencies): Promise<LedgerStore> {
  const { valueBytesBest } = dependencies.store;
  const options: LedgerStoreOptions = {
    ...(valueBytesBest === undefined ? {} : { pageBytesMax: valueBytesBest, pageRecords: 'image' }),
    ...dependencies.options,
  };
  const core: Core = {
    store: dependencies.store,
    ledger: dependencies.ledger,
    tracer: dependencies.tracer ?? silentTracer,
    onCrashPoint: dependencies.onCrashPoint,
    mending: dependencies.mend && new Mending(dependencies.mend),
    pageRecords: options.pageRecords ?? 'leaves',
  };
  const state = stateOf(core, options, await recover(core, options));
  const commits = new Turnstile();
  const upkeep = await Upkeep.open(core, options, state, commits);
  const store = new LedgerStore(core, options, { state, commits, upkeep });
  upkeep.resume();
  return store;
}

/**
 * All that a node remembers of its chain: blocks, receipts, certificates, state, and where to find
 * them. One commit is one record in one write; a kill at any instant leaves the old head or the new
 * one. Commits queue; readers run beside them.
 */
export class LedgerStore {
  readonly #core: Core;
  readonly #options: LedgerStoreOptions;
  readonly #state: StoreState;
  readonly #commits: Turnstile;
  readonly #upkeep: Upkeep;
  readonly #loaded: LoadedMemory;

  constructor(
    core: Core,
    options: LedgerStoreOptions,
    parts: {
      readonly state: StoreState;
      readonly commits: Turnstile;
      readonly upkeep: Upkeep;
    },
  ) {
    this.#core = core;
    this.#options = options;
    this.#state = parts.state;
    this.#commits = parts.commits;
    this.#upkeep = parts.upkeep;
    this.#loaded = new LoadedMemory(parts.state);
  }

  get #tree(): StateTree {
    return this.#state.tree;
  }

  get #head(): HeadState {
    return this.#state.head;
  }

  /* ------------------------------------------------------------- head */

  /** The newest committed block. */
  head(): StoredHead {
    return this.#head;
  }

  /** Who decides the height after the head. */
  membership(): Membership {
    return this.#head.membership;
  }

  /** The first height whose block is kept; the one after the head when a snapshot is fresh. */
  earliestHeight(): Height {
    return this.#state.earliest;
  }

  /** The first height from which on histories of accounts are complete. */
  historyCompleteFrom(): Height {
    return this.#state.earliest;
  }

  /** The block whose state was taken over from peers; `undefined` where all was executed here. */
  anchor(): StoredAnchor | undefined {
    return this.#state.anchor;
  }

  /** Says which blocks are kept; those that are too old go in the background of commits. */
  setRetention(retention: Retention): void {
    this.#upkeep.setRetention(retention);
  }

  /**
   * Who decides a height up to the one after the head; `undefined` above it, and below an adopted
   * snapshot.
   */
  membershipAt(height: Height): Promise<Membership | undefined> {
    const next = this.#head.header.height + 1;
    if (height === next) return Promise.resolve(this.#head.membership);
    if (height > next || height < 0) return Promise.resolve(undefined);
    return membershipOf(this.#core, height, this.#state.anchor?.header.height);
  }

  /** The lowest heights from `from` on, below `to`, from which on others decide; at most 128. */
  membershipChanges(from: Height, to: Height): Promise<readonly Height[]> {
    return membershipChangesOf(this.#core, from, to);
  }

  status(): LedgerStoreStatus {
    return {
      headHeight: this.#head.header.height,
      checkpointHeight: this.#state.checkpoint?.height,
      journalBytes: this.#state.journalBytes,
      cacheBytes: this.#tree.memoryBytes(),
      dirtyBytes: this.#tree.dirtyBytes(),
    };
  }

  usage(): Promise<SpaceUsage[]> {
    return this.#core.store.usage();
  }

  /** Changes the memory for pages of state; pages that are too many go at once. */
  setCacheBytesMax(bytes: number): void {
    assert(Number.isSafeInteger(bytes) && bytes >= 0, `not a size: ${bytes}`);
    this.#state.cacheBytesMax = bytes;
    this.#tree.evict(bytes);
  }

  /* ------------------------------------------------------------ state */

  /** The state of the head as execution reads it; it never changes. */
  view(): StateView {
    return this.#tree.view();
  }

  /** Loads what reading or changing some keys at the head needs. */
  ensureLoaded(keys: Iterable<Bytes>): Promise<void> {
    this.#loaded.noteMiss();
    return this.#load(keys);
  }

  /** See {@link LoadedMemory.expect}. */
  expect(keysOf: () => Iterable<Bytes>): Promise<void> {
    return this.#loaded.expect(this.#core, keysOf);
  }

  async #load(keys: Iterable<Bytes>, height?: number): Promise<void> {
    const tree = this.#tree;
    await loadPages(this.#core, tree, keys, height).catch((error: unknown) => {
      // A snapshot was adopted meanwhile, and the pages of before are gone: read again.
      if (tree === this.#tree) throw error;
    });
  }

  /**
   * Runs a synchronous reading on the state of the head. When it throws `MissingKey` or answers
   * `missing-keys`, these are loaded and it runs again, perhaps on a newer head.
   *
   * @param keys Loaded before the first run, where they are known.
   */
  async withState<Value>(
    reading: (view: StateView) => Value,
    keys: readonly Bytes[] = [],
  ): Promise<Exclude<Value, MissingKeys>> {
    if (keys.length > 0) await this.#load(keys);
    const read = () => reading(this.#tree.view());
    const run = runLoading(read, (missing) => this.ensureLoaded(missing));
    return this.#loaded.during(run);
  }

  /** The state after a block on top of the head; nothing is kept of it unless it is committed. */
  stage(height: Height, changes: readonly StateChange[]): Promise<StagedBlock> {
    const run = runLoading(
      () => this.#tree.stage(height, changes),
      (missing) => this.ensureLoaded([...missing, ...keysOf(changes)]),
    );
    return this.#loaded.during(run);
  }

  /** Whether a staged state still stands on the head; otherwise `commit` stages it again. */
  isOnHead(staged: StagedBlock): boolean {
    return this.#tree.isOnHead(staged);
  }

  /** Root of the state after a block; `undefined` when that version is not kept. */
  stateRootAt(height: Height): Hash | undefined {
    return this.#tree.rootAt(height);
  }

  /**
   * Proves what some distinct keys (1 to 512) held after the block of a height. Rejects with
   * `version-unavailable` for heights that are not kept: older ones, and those before a restart.
   */
  prove(height: Height, keys: readonly Bytes[]): Promise<StateProof> {
    assert(
      keys.every(({ length }) => length <= STATE_KEY_BYTES_MAX),
      'a key is too long',
    );
    const run = runLoading(
      () => {
        const proof = this.#tree.prove(height, keys);
        if (proof === undefined) throw new TabellionError('version-unavailable', { height });
        return proof;
      },
      (missing) => this.#load(missing, height),
    );
    return this.#loaded.during(run);
  }

  /* ----------------------------------------------------------- commit */

  /**
   * Makes a block durable and the head. Committing the same block again changes nothing.
   *
   * Rejects with `commit-conflict` when it does not follow the head, `state-root-mismatch` when its
   * header names another state, and with the store's own codes; the head is then the old one.
   */
  async commit(request: CommitRequest): Promise<void> {
    for (let isDone = false; !isDone; ) {
      // Not inside of the turnstile, where it would block what it waits for.
      await this.#upkeep.ready();
      isDone = await this.#commits.run(async () => {
        if (!this.#upkeep.isReady) return false;
        await this.#commit(request);
        return true;
      });
    }
  }

  async #commit(request: CommitRequest): Promise<void> {
    const { block, receipts, nextMembership } = request;
    const { header } = block.block;
    if (header.height <= this.#head.header.height) return this.#expectCommitted(block.hash, header);
    const follows =
      header.height === this.#head.header.height + 1 &&
      equalBytes(header.parentHash, this.#head.hash);
    if (!follows) throw new TabellionError('commit-conflict', { height: header.height });
    assert(receipts.length === block.transactions.length, 'one receipt a transaction');
    let { staged } = request;
    if (staged === undefined || !this.#tree.isOnHead(staged) || staged.height !== header.height) {
      staged = await this.stage(header.height, request.changes);
    }
    const isBound = this.#core.ledger.genesis.document.execution === 'state';
    if (isBound && !equalBytes(staged.root(), header.stateRoot)) {
      throw new TabellionError('state-root-mismatch', { height: header.height });
    }
    const isSame = this.#decidesNext(nextMembership);
    const value = journalValue(this.#core.ledger.suite, request, staged.root(), isSame);
    const put = { kind: 'put', space: 'journal', key: orderedKey(header.height), value } as const;
    const noted = isSame ? [] : [membershipPut(this.#core, header.height + 1, nextMembership)];
    const durability = this.#options.commitDurability ?? 'relaxed';
    await writeNamed(this.#core, 'commit', [put, ...noted], durability);
    this.#tree.adopt(staged);
    const { hash } = block;
    const { transactions } = block.block;
    const state = this.#state;
    indexBlock(state.index, { height: header.height, hash, transactions, receipts });
    state.head = { header, hash, membership: nextMembership };
    state.journalBytes += value.length;
    this.#upkeep.committed();
  }

  #decidesNext(membership: Membership): boolean {
    const { ledger } = this.#core;
    const present = ledger.membershipHash(this.#head.membership);
    return equalBytes(ledger.membershipHash(membership), present);
  }

  async #expectCommitted(hash: Hash, header: Header): Promise<void> {
    const { anchor } = this.#state;
    const isAnchor = header.height === anchor?.header.height;
    const known = isAnchor ? anchor : await this.block(header.height);
    if (known !== undefined && equalBytes(known.hash, hash)) return;
    throw new TabellionError('commit-conflict', { height: header.height });
  }

  /* ----------------------------------------- checkpoints and snapshots */

  /**
   * Writes back what changed since the last checkpoint, in the background of commits. Called by
   * commits when it is due; one at a time, so a second call waits for the first.
   */
  checkpoint(): Promise<void> {
    return this.#upkeep.checkpoint();
  }

  /** The states that are kept for peers, newest first. */
  snapshots(): readonly SnapshotOffer[] {
    return this.#upkeep.snapshots.all;
  }

  /** The encoded manifest of a kept state; `undefined` when it is not kept. */
  snapshotManifest(stateRoot: Hash): Promise<Bytes | undefined> {
    return this.#upkeep.snapshots.manifest(stateRoot);
  }

  /**
   * The bytes of a chunk of a kept state; `undefined` when it is not kept, or was damaged. They
   * are not verified here: whoever asked does that anyway.
   *
   * @param prefix One nibble a byte, as the manifest's plans name it.
   */
  snapshotChunk(stateRoot: Hash, prefix: Uint8Array): Promise<Bytes | undefined> {
    return this.#upkeep.snapshots.chunk(stateRoot, prefix);
  }

  /** The snapshot that was begun and neither adopted nor discarded, perhaps before a restart. */
  snapshotBegun(): BegunSnapshot | undefined {
    const writer = this.#upkeep.writer;
    if (writer === undefined) return undefined;
    const chunksTotal = writer.plans.length;
    return { anchor: writer.anchor, chunksTotal, chunksDone: writer.have().size };
  }

  /** Its writer, to go on where it ended. */
  snapshotWriter(): SnapshotWriter | undefined {
    return this.#upkeep.writer;
  }

  /**
   * Begins to take over the state of a block, beside the one in use; or goes on, when that was
   * begun before. What another one begun before has in common with it is kept.
   *
   * Rejects with `snapshot-manifest-refused` when the manifest is not of that state,
   * `snapshot-unsupported` where headers do not bind the state after their block.
   */
  beginSnapshot(request: SnapshotRequest): Promise<SnapshotWriter> {
    return this.#upkeep.beginSnapshot(request);
  }

  /** Gives up the snapshot that was begun, and deletes its chunks. */
  discardSnapshot(): Promise<void> {
    return this.#upkeep.discardSnapshot();
  }

  /**
   * Makes a complete snapshot the state, and its block the head: blocks and histories before are
   * given up. One strict write; a kill leaves the old chain or the new one.
   *
   * Rejects with `snapshot-incomplete`, or `snapshot-behind` when the head is not below it.
   */
  adoptSnapshot(writer: SnapshotWriter): Promise<void> {
    return this.#upkeep.adoptSnapshot(writer);
  }

  /**
   * A subtree of any state that is kept, encoded as a page, for peers whose page of it is damaged;
   * `undefined` when none has it. What is larger than a chunk, nobody has as a page.
   */
  subtree(wanted: WantedSubtree): Promise<Bytes | undefined> {
    const parts = { tree: this.#tree, snapshots: this.#upkeep.snapshots };
    return this.#loaded.during(servedSubtree(this.#core, parts, wanted));
  }

  /* ---------------------------------------------------------- readers */

  #isKnown(height: number): boolean {
    return height >= this.#state.earliest && height <= this.#head.header.height;
  }

  /** Reads of a block that is kept; `undefined` when it went while it was read. */
  async #read<Value>(
    height: Height,
    read: (blocks: BlockReader) => Promise<Value>,
  ): Promise<Value | undefined> {
    if (!this.#isKnown(height)) return undefined;
    try {
      return await read(this.#state.blocks);
    } catch (error) {
      if (this.#isKnown(height)) throw error;
      return undefined;
    }
  }

  get #finder(): FinderParts {
    return {
      index: this.#state.index,
      block: (height) => this.block(height),
      summary: (height) => this.summary(height),
    };
  }

  /**
   * The committed block of a height; `undefined` above the head and where blocks are not kept.
   * Rejects with `store-corrupt` when its record was spoilt. Whoever asks for a block that is being
   * read waits for that reading.
   */
  block(height: Height): Promise<StoredBlock | undefined> {
    return this.#read(height, (blocks) => blocks.block(height));
  }

  /** As `block`, without the transactions, which are not even decoded. */
  summary(height: Height): Promise<BlockSummary | undefined> {
    return this.#read(height, (blocks) => blocks.summary(height));
  }

  /** The header of a height; of those that are not kept only the anchor's, and its parent's. */
  async header(height: Height): Promise<Header | undefined> {
    const { anchor } = this.#state;
    if (height === anchor?.header.height) return anchor.header;
    if (height === anchor?.parent?.height) return anchor.parent;
    return (await this.summary(height))?.header;
  }

  /** A block as peers ask for it; `undefined` above the head, and for genesis. */
  async servedBlock(height: Height): Promise<ServedBlock | undefined> {
    if (height < 1) return undefined;
    return this.#read(height, (blocks) => blocks.served(height));
  }

  /** The height of the committed block of a hash. */
  async heightOf(hash: Hash): Promise<Height | undefined> {
    const { anchor } = this.#state;
    if (anchor !== undefined && equalBytes(anchor.hash, hash)) return anchor.header.height;
    return findHeight(this.#finder, hash);
  }

  /** Where a transaction stands in the chain. */
  async transaction(id: Hash): Promise<IncludedTransaction | undefined> {
    return (await this.transactions([id]))[0];
  }

  /**
   * Where transactions stand in the chain, in the order of their ids; `undefined` for those that
   * are not there. One block is read after the other, the newest first, and each once.
   */
  transactions(
    ids: readonly Hash[],
    signal?: AbortSignal,
  ): Promise<(IncludedTransaction | undefined)[]> {
    return findTransactions(this.#finder, ids, signal);
  }

  /**
   * Transactions that concern an account, newest first: it signed, paid, or is named in a log. They
   * are complete from `historyCompleteFrom` on.
   */
  history(address: Address, options: HistoryOptions): Promise<IncludedTransaction[]> {
    return findHistory(this.#finder, address, options);
  }

  /** Waits for the commit and the upkeep that were begun; may be called twice. */
  async close(): Promise<void> {
    await this.#commits.idle();
    await this.#upkeep.close();
  }
}
