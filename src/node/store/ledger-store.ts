import type { Bytes } from '../../base/index.ts';
import { assert, equalBytes, silentTracer, TabellionError } from '../../base/index.ts';
import { encode, encodeEach } from '../../codec/index.ts';
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
import { receiptCodec } from '../../ledger/index.ts';
import type { StateProof, StateTree } from '../../state/index.ts';
import { STATE_KEY_BYTES_MAX } from '../../state/index.ts';
import type { SpaceUsage } from '../../storage/index.ts';
import { Turnstile } from '../../storage/index.ts';
import { BlockReader, includedIn } from './block-reader.ts';
import { clean, writeCheckpoint } from './checkpoint.ts';
import type { Core, HeadState } from './core.ts';
import { keysOf, loadPages, runLoading, writeNamed } from './core.ts';
import type { HistoryIndex, Place } from './history-index.ts';
import { accountsOf, indexBlock } from './index-block.ts';
import {
  CACHE_BYTES_MAX_DEFAULT,
  CHECKPOINT_EVERY_BLOCKS_DEFAULT,
  CHECKPOINT_RETRY_BLOCKS,
  HISTORY_LIMIT_MAX,
  JOURNAL_BYTES_MAX,
} from './limits.ts';
import type { CheckpointRecord } from './records.ts';
import { encodeCommitted, journalRecordCodec, orderedKey, seal } from './records.ts';
import type { Recovered } from './recovery.ts';
import { recover } from './recovery.ts';
import type {
  BlockSummary,
  CommitRequest,
  IncludedTransaction,
  LedgerStoreDependencies,
  LedgerStoreOptions,
  LedgerStoreStatus,
  ServedBlock,
  StagedBlock,
  StoredBlock,
  StoredHead,
} from './types.ts';

/** Commits between two looks at how much of the state no checkpoint holds. */
const COMMITS_PER_DIRTY_LOOK = 8;

/** Opens what a store holds, or writes genesis into a fresh one; see `recover` for refusals. */
export async function openLedgerStore(dependencies: LedgerStoreDependencies): Promise<LedgerStore> {
  const core: Core = {
    store: dependencies.store,
    ledger: dependencies.ledger,
    tracer: dependencies.tracer ?? silentTracer,
    onCrashPoint: dependencies.onCrashPoint,
  };
  const options = dependencies.options ?? {};
  return new LedgerStore(core, options, await recover(core, options));
}

/**
 * All that a node remembers of its chain: blocks, receipts, certificates, state, and where to find
 * them. One commit is one record in one write; a kill at any instant leaves the old head or the new
 * one. Commits queue; readers run beside them.
 */
export class LedgerStore {
  readonly #core: Core;
  readonly #tree: StateTree;
  readonly #index: HistoryIndex;
  readonly #commits = new Turnstile();
  readonly #options: LedgerStoreOptions;
  #cacheBytesMax: number;
  #head: HeadState;
  #checkpoint: CheckpointRecord | undefined;
  #journalBytes: number;
  #commitCount = 0;
  /** After a failed checkpoint, the next is tried at this height. */
  #retryHeight = 0;
  #background: Promise<void> | undefined;
  readonly #blocks: BlockReader;

  constructor(core: Core, options: LedgerStoreOptions, recovered: Recovered) {
    this.#core = core;
    this.#options = options;
    this.#blocks = new BlockReader(core);
    this.#cacheBytesMax = options.cacheBytesMax ?? CACHE_BYTES_MAX_DEFAULT;
    this.#tree = recovered.tree;
    this.#index = recovered.index;
    this.#head = recovered.head;
    this.#checkpoint = recovered.checkpoint;
    this.#journalBytes = recovered.journalBytes;
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

  /** The first height whose block is kept. */
  earliestHeight(): Height {
    return 0 as Height; // Nothing is pruned.
  }

  status(): LedgerStoreStatus {
    return {
      headHeight: this.#head.header.height,
      checkpointHeight: this.#checkpoint?.height,
      journalBytes: this.#journalBytes,
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
    this.#cacheBytesMax = bytes;
    this.#tree.evict(bytes);
  }

  /* ------------------------------------------------------------ state */

  /** The state of the head as execution reads it; it never changes. */
  view(): StateView {
    return this.#tree.view();
  }

  /** Loads what reading or changing some keys at the head needs. */
  ensureLoaded(keys: Iterable<Bytes>): Promise<void> {
    return loadPages(this.#core, this.#tree, keys);
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
    if (keys.length > 0) await this.ensureLoaded(keys);
    return runLoading(
      () => reading(this.#tree.view()),
      (missing) => this.ensureLoaded(missing),
    );
  }

  /** The state after a block on top of the head; nothing is kept of it unless it is committed. */
  stage(height: Height, changes: readonly StateChange[]): Promise<StagedBlock> {
    return runLoading(
      () => this.#tree.stage(height, changes),
      (missing) => this.ensureLoaded([...missing, ...keysOf(changes)]),
    );
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
    return runLoading(
      () => {
        const proof = this.#tree.prove(height, keys);
        if (proof === undefined) throw new TabellionError('version-unavailable', { height });
        return proof;
      },
      (missing) => loadPages(this.#core, this.#tree, missing, height),
    );
  }

  /* ----------------------------------------------------------- commit */

  /**
   * Makes a block durable and the head. Committing the same block again changes nothing.
   *
   * Rejects with `commit-conflict` when it does not follow the head, `state-root-mismatch` when its
   * header names another state, and with the store's own codes; the head is then the old one.
   */
  commit(request: CommitRequest): Promise<void> {
    return this.#commits.run(() => this.#commit(request));
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
    const value = this.#journalValue(request, staged.root());
    const put = { kind: 'put', space: 'journal', key: orderedKey(header.height), value } as const;
    const durability = this.#options.commitDurability ?? 'relaxed';
    await writeNamed(this.#core, 'commit', [put], durability);
    this.#tree.adopt(staged);
    const { hash } = block;
    const { transactions } = block.block;
    indexBlock(this.#index, { height: header.height, hash, transactions, receipts });
    this.#head = { header, hash, membership: nextMembership };
    this.#journalBytes += value.length;
    this.#commitCount += 1;
    this.#startCheckpoint();
  }

  #journalValue(request: CommitRequest, stateRoot: Hash): Bytes {
    const { ledger } = this.#core;
    const { blockBytes, certificate, receipts, changes, nextMembership } = request;
    const isSame = equalBytes(
      ledger.membershipHash(nextMembership),
      ledger.membershipHash(this.#head.membership),
    );
    const { receiptBytes = encodeEach(receiptCodec, receipts) } = request;
    const committed = encodeCommitted({ block: blockBytes, certificate, receiptBytes });
    const record = encode(journalRecordCodec, {
      committed,
      stateRoot,
      nextMembership: isSame ? undefined : nextMembership,
      changes,
    });
    return seal(ledger.suite, record);
  }

  async #expectCommitted(hash: Hash, header: Header): Promise<void> {
    const known = await this.block(header.height);
    if (known !== undefined && equalBytes(known.hash, hash)) return;
    throw new TabellionError('commit-conflict', { height: header.height });
  }

  /* ------------------------------------------------------- checkpoint */

  #startCheckpoint(): void {
    const every = this.#options.checkpointEveryBlocks ?? CHECKPOINT_EVERY_BLOCKS_DEFAULT;
    const blocks = this.#head.header.height - (this.#checkpoint?.height ?? -1);
    let isDue = blocks >= every || this.#journalBytes >= JOURNAL_BYTES_MAX;
    if (!isDue && this.#commitCount % COMMITS_PER_DIRTY_LOOK === 0) {
      this.#tree.evict(this.#cacheBytesMax);
      // Pages that wait for a checkpoint cannot be let go of: past half, they are the cache.
      isDue = this.#tree.dirtyBytes() > this.#cacheBytesMax / 2 && blocks >= COMMITS_PER_DIRTY_LOOK;
    }
    const { height } = this.#head.header;
    if (!isDue || this.#background !== undefined || height < this.#retryHeight) return;
    this.checkpoint().catch((error: unknown) => {
      this.#retryHeight = height + CHECKPOINT_RETRY_BLOCKS;
      const code = error instanceof TabellionError ? error.code : String(error);
      // The journal goes on; a later commit tries again.
      this.#core.tracer.trace('warn', 'checkpoint-failed', { code });
    });
  }

  /**
   * Writes back what changed since the last checkpoint, in the background of commits. Called by
   * commits when it is due; one at a time, so a second call waits for the first.
   */
  checkpoint(): Promise<void> {
    this.#background ??= this.#runCheckpoint().finally(() => {
      this.#background = undefined;
    });
    return this.#background;
  }

  async #runCheckpoint(): Promise<void> {
    const previous = this.#checkpoint;
    await clean(this.#core, previous);
    // Between two commits: the plan and the head it is of belong together.
    const { plan, head } = await this.#commits.run(async () => ({
      plan: this.#tree.planCheckpoint((previous?.generation ?? 0) + 1),
      head: this.#head,
    }));
    if (plan.height === previous?.height) return;
    const work = { plan, head, index: this.#index, previous };
    const { record, segments } = await writeCheckpoint(this.#core, work);
    this.#tree.checkpointed(plan);
    this.#index.adopt(segments, plan.height);
    this.#checkpoint = record;
    const usage = await this.#core.store.usage();
    this.#journalBytes = usage.find(({ space }) => space === 'journal')?.bytes ?? 0;
    this.#tree.evict(this.#cacheBytesMax);
    await clean(this.#core, record);
    this.#core.tracer.trace('debug', 'checkpoint-written', {
      height: plan.height,
      pages: plan.written.length,
    });
  }

  /* ---------------------------------------------------------- readers */

  #isKnown(height: number): boolean {
    return height >= 0 && height <= this.#head.header.height;
  }

  /**
   * The committed block of a height; `undefined` above the head. Rejects with `store-corrupt` when
   * its record was spoilt. Whoever asks for a block that is being read waits for that reading.
   */
  async block(height: Height): Promise<StoredBlock | undefined> {
    return this.#isKnown(height) ? this.#blocks.block(height) : undefined;
  }

  /** As `block`, without the transactions, which are not even decoded. */
  async summary(height: Height): Promise<BlockSummary | undefined> {
    return this.#isKnown(height) ? this.#blocks.summary(height) : undefined;
  }

  /** The header of a height; `undefined` above the head. */
  async header(height: Height): Promise<Header | undefined> {
    return (await this.summary(height))?.header;
  }

  /** A block as peers ask for it; `undefined` above the head, and for genesis. */
  async servedBlock(height: Height): Promise<ServedBlock | undefined> {
    return height >= 1 && this.#isKnown(height) ? this.#blocks.served(height) : undefined;
  }

  /** The height of the committed block of a hash. */
  async heightOf(hash: Hash): Promise<Height | undefined> {
    const places = await this.#index.find('block', hash, { before: undefined, limit: 16 });
    for (const { height } of places) {
      const summary = await this.summary(height);
      if (summary !== undefined && equalBytes(summary.hash, hash)) return height;
    }
    return undefined;
  }

  /** Where a transaction stands in the chain. */
  async transaction(id: Hash): Promise<IncludedTransaction | undefined> {
    return (await this.transactions([id]))[0];
  }

  /**
   * Where transactions stand in the chain, in the order of their ids; `undefined` for those that
   * are not there. One block is read after the other, the newest first, and each once.
   */
  async transactions(
    ids: readonly Hash[],
    signal?: AbortSignal,
  ): Promise<(IncludedTransaction | undefined)[]> {
    const found = new Array<IncludedTransaction | undefined>(ids.length).fill(undefined);
    const wanted = new Map<Height, { readonly at: number; readonly index: number }[]>();
    for (const [at, id] of ids.entries()) {
      const places = await this.#index.find('transaction', id, { before: undefined, limit: 16 });
      for (const { height, index } of places) {
        const there = wanted.get(height) ?? [];
        there.push({ at, index });
        wanted.set(height, there);
      }
    }
    for (const height of [...wanted.keys()].sort((left, right) => right - left)) {
      signal?.throwIfAborted();
      const stored = await this.block(height);
      for (const { at, index } of wanted.get(height) ?? []) {
        const included = includedIn(stored, index);
        const id = ids[at];
        if (included === undefined || id === undefined) continue;
        if (equalBytes(included.receipt.transactionId, id)) found[at] ??= included;
      }
    }
    return found;
  }

  /**
   * Transactions that concern an account, newest first: it signed, paid, or is named in a log.
   *
   * @param options.before Only those strictly before this place; all when absent.
   * @param options.limit 1 to 1,000.
   */
  async history(
    address: Address,
    options: {
      readonly before?: Place;
      readonly limit: number;
      readonly signal?: AbortSignal;
    },
  ): Promise<IncludedTransaction[]> {
    const { limit, signal } = options;
    assert(limit >= 1 && limit <= HISTORY_LIMIT_MAX, `limit ${limit}`);
    const history: IncludedTransaction[] = [];
    let { before } = options;
    while (history.length < limit) {
      const wanted = limit - history.length;
      const places = await this.#index.find('account', address, { before, limit: wanted });
      for (const { height, index } of places) {
        signal?.throwIfAborted();
        const included = includedIn(await this.block(height), index);
        if (included === undefined) continue;
        const accounts = accountsOf(included.transaction, included.receipt);
        if (accounts.some((account) => equalBytes(account, address))) history.push(included);
      }
      if (places.length < wanted) break;
      before = places.at(-1);
    }
    return history;
  }

  /** Waits for the commit and the checkpoint that were begun; may be called twice. */
  async close(): Promise<void> {
    await this.#commits.idle();
    await this.#background?.catch(() => undefined); // Reported where it was started.
  }
}
