import type { Bytes, Result } from '../base/index.ts';
import { assert, ok } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Height, StateChange, StateView } from '../ledger/index.ts';
import { nameOf, planOf, unwrittenBytesOf } from './checkpoint-plan.ts';
import type { DeletedKey } from './deleted-keys.ts';
import { deletedBy, keysBelow } from './deleted-keys.ts';
import { EMPTY_DELTA } from './delta.ts';
import type { LayoutError, PageError } from './errors.ts';
import { EvictionQueue } from './eviction-queue.ts';
import { find, findMissingPage, foundValue } from './find.ts';
import { Items } from './items.ts';
import { comparePaths } from './leaf.ts';
import {
  LAYOUT_BYTES_PER_PAGE,
  PAGE_BYTES_MAX_DEFAULT,
  PAGES_SHARE_MIN,
  PARTLY_SHARE,
  VERSION_BYTES_ALWAYS,
  VERSION_SHARE,
  VERSIONS_KEPT_DEFAULT,
  VERSIONS_KEPT_MIN,
} from './limits.ts';
import { Slabs } from './memory.ts';
import { NeededDeltas } from './needed-deltas.ts';
import type { Page, PageMemory } from './nodes.ts';
import { Arena, NO_REF, Table } from './nodes.ts';
import type { PageRecords, StoredName } from './page.ts';
import { decodePage } from './page.ts';
import type { PageAccount } from './page-memory.ts';
import { pagesToDivide, paginate } from './paginate.ts';
import type { StateProof } from './proof.ts';
import { emptyRoot, prove } from './proof.ts';
import type { FoundSubtree, WantedSubtree } from './subtree.ts';
import { findSubtree } from './subtree.ts';
import type { CheckpointPlan, PageRecordForm, StagedState, StateTreeOptions } from './types.ts';
import { Builder } from './update.ts';
import type { Staging, Version } from './versions.ts';
import { arenaWords, undoOf, versionOfLayouts } from './versions.ts';

/**
 * The state after the newest block and after some blocks before it: an authenticated hexadecimal
 * tree whose leaves are kept in pages, loaded when needed. See README.md.
 */
export class StateTree {
  readonly #suite: HashSuite;
  readonly #builder: Builder;
  readonly #versionsKept: number;
  readonly #pageBytesMax: number;
  readonly #pageRecords: PageRecordForm;
  /** Oldest first; the last is the head. */
  #versions: Version[] = [];
  /** Bytes of all pages in memory, so that no block costs what grows with their number. */
  readonly #account: PageAccount = { slabs: new Slabs(), bytes: 0 };
  /** Of those that only older versions have, and nobody else any more. */
  readonly #heldAccount: PageAccount = { slabs: this.#account.slabs, bytes: 0 };
  /** Pages in memory, unless they are only there. */
  readonly #evictable = new EvictionQueue();
  /** Of the head, not stored by a completed checkpoint yet; and what they take. */
  readonly #unwritten = new Set<Page>();
  #unwrittenBytes = 0;
  /** No longer of the head, but of the last completed checkpoint. */
  readonly #gone = new Set<StoredName>();
  /** What blocks changed since the last plan of a checkpoint: pages by prefix, keys deleted. */
  readonly #changed = new Map<string, Page>();
  /** What these keep of how they differ from their records. */
  #changedBytes = 0;
  #deleted: DeletedKey[] = [];
  #planHeight = -1;
  /** Of plans: what was gone when they were made. */
  readonly #goneAt = new WeakMap<CheckpointPlan, readonly StoredName[]>();
  /** Number of the newest plan. Those before it were carried out, or never will be. */
  #planNumber = 0;
  /** Buffers of blocks that only versions before the head use. */
  #versionBytes = 0;
  readonly #staged = new WeakMap<StagedState, Staging>();
  readonly #neededDeltas = new NeededDeltas();
  #tick = 0;
  /** Bytes of buffers that blocks took since the last plan. */
  #looseBytes = 0;

  private constructor(
    suite: HashSuite,
    options: StateTreeOptions,
    start: { readonly version: Version | undefined; readonly pages: readonly Page[] },
  ) {
    this.#suite = suite;
    this.#builder = new Builder(suite);
    this.#versionsKept = options.versionsKept ?? VERSIONS_KEPT_DEFAULT;
    this.#pageBytesMax = options.pageBytesMax ?? PAGE_BYTES_MAX_DEFAULT;
    this.#pageRecords = options.pageRecords ?? 'leaves';
    assert(this.#versionsKept >= 1, 'the head is a version too');
    if (start.version !== undefined) this.#versions.push(start.version);
    this.#planHeight = start.version?.height ?? -1;
    for (const page of start.pages) {
      page.isCurrent = true;
      page.countIn(this.#account);
    }
  }

  /** A tree before its first block: no height, no keys. */
  static empty(suite: HashSuite, options: StateTreeOptions = {}): StateTree {
    return new StateTree(suite, options, { version: undefined, pages: [] });
  }

  /**
   * The tree of a checkpoint, with no page loaded.
   *
   * @param checkpoint.layouts A full layout and the differences since, oldest first.
   */
  static restore(
    suite: HashSuite,
    checkpoint: {
      readonly height: Height;
      readonly root: Hash;
      readonly layouts: readonly Uint8Array[];
    },
    options: StateTreeOptions = {},
  ): Result<StateTree, LayoutError> {
    const version = versionOfLayouts(suite, checkpoint);
    if (!version.ok) return version;
    const { pages } = version.value.table;
    return ok(new StateTree(suite, options, { version: version.value, pages }));
  }

  /** Where the path of the key that is being read stands. */
  readonly #path: Bytes = new Uint8Array(32);

  get suite(): HashSuite {
    return this.#suite;
  }

  get #head(): Version | undefined {
    return this.#versions.at(-1);
  }

  /** Height of the newest version; -1 before the first. */
  get height(): number {
    return this.#head?.height ?? -1;
  }

  /** Root of the newest version. */
  root(): Hash {
    return this.#head?.hash ?? emptyRoot(this.suite);
  }

  #versionAt(height: number): Version | undefined {
    return this.#versions.find((version) => version.height === height);
  }

  /** Root after the block of a height; `undefined` when that version is not kept. */
  rootAt(height: number): Hash | undefined {
    return this.#versionAt(height)?.hash;
  }

  /** Heights that can be read and proved, oldest first. */
  heights(): Height[] {
    return this.#versions.map(({ height }) => height as Height); // Given as heights.
  }

  #pathOf(key: Bytes): Hash {
    return this.suite.hash('state-path', key);
  }

  /**
   * The state of the head, or of a staged state, as execution reads it. It never changes, whatever
   * is applied later; a page of it that is not in memory shows as `MissingKey`.
   */
  view(staged?: StagedState): StateView {
    const version = staged === undefined ? this.#head : this.#stagingOf(staged).version;
    return {
      get: (key) => {
        if (version === undefined) return undefined;
        const path = this.#path;
        this.suite.hashInto('state-path', key, 0, key.length, path, 0);
        const onPage = (page: Page): void => {
          page.usedAt = this.#tick;
          page.noteRead(path, version.height);
        };
        const leaf = find(version, path, { key, onPage });
        return leaf === undefined ? undefined : foundValue(leaf);
      },
    };
  }

  /** Pages that must be loaded before these keys can be read, changed or proved. */
  pagesNeeded(keys: Iterable<Bytes>, height?: number): Page[] {
    const version = height === undefined ? this.#head : this.#versionAt(height);
    const needed = new Set<Page>();
    if (version === undefined) return [];
    for (const key of keys) {
      const page = findMissingPage(version, this.#pathOf(key));
      if (page !== undefined) needed.add(page);
    }
    return [...needed];
  }

  /** A subtree of the version of a height, where it is the one that is wanted. */
  subtree(height: number, wanted: WantedSubtree): FoundSubtree {
    const version = this.#versionAt(height);
    return version === undefined ? { kind: 'other' } : findSubtree(version, wanted);
  }

  /**
   * Takes in a page's bytes, which must be exactly those that its hash names.
   *
   * @param delta The record of what changed since they were written, where there is one and it is
   *   not contained in them.
   */
  insertPage(page: Page, encoded: Uint8Array, delta?: Uint8Array): Result<undefined, PageError> {
    return this.#insert(page, { base: encoded, delta, isOwn: false });
  }

  /** As `insertPage`, of records that this node wrote: the first may be an image. */
  insertStored(page: Page, base: Uint8Array, delta?: Uint8Array): Result<undefined, PageError> {
    return this.#insert(page, { base, delta, isOwn: true });
  }

  #insert(page: Page, records: PageRecords): Result<undefined, PageError> {
    if (page.whole !== undefined) return ok(undefined);
    const { delta } = records;
    const root = decodePage(page, records, this.#suite);
    if (!root.ok) return root;
    if (page.deltaGeneration !== 0) page.delta = delta ?? EMPTY_DELTA;
    page.remember({ root: root.value, under: undefined });
    page.usedAt = ++this.#tick;
    this.#evictable.add(page);
    return ok(undefined);
  }

  /** Notes that a page is not of the head any more. */
  #leave(page: Page): void {
    page.isCurrent = false;
    if (this.#unwritten.delete(page)) this.#unwrittenBytes -= unwrittenBytesOf(page);
    if (page.isStored) this.#gone.add(nameOf(page));
    this.#head?.heldPages.push(page);
  }

  #stagingOf(staged: StagedState): Staging {
    const staging = this.#staged.get(staged);
    assert(staging !== undefined, 'a staged state of another tree');
    return staging;
  }

  /**
   * The state after a block, beside the head: nothing is kept of it unless it is adopted. Changed
   * keys must be distinct. Throws `MissingKey` when a page must be loaded first.
   *
   * @param onto The state it stands on; the head when absent.
   */
  stage(height: Height, changes: readonly StateChange[], onto?: StagedState): StagedState {
    const base = onto === undefined ? this.#head : this.#stagingOf(onto).version;
    assert(height > (base?.height ?? -1), `height ${height} is not above its base`);
    this.#tick += 1;
    const length = base?.length ?? 0;
    const table = base?.table.branchedAt(length) ?? Table.of([]);
    try {
      return this.#stageIn(table, base, height, changes);
    } catch (error) {
      table.truncate(length);
      throw error;
    }
  }

  #stageIn(
    table: Table,
    base: Version | undefined,
    height: Height,
    changes: readonly StateChange[],
  ): StagedState {
    const items = Items.ofChanges(this.suite, table, changes, height);
    assert(items.areDistinct, 'a key is changed twice');
    const arena = new Arena(table, arenaWords(items.count));
    this.#builder.begin(table, arena);
    const root = this.#builder.update(base?.root ?? NO_REF, items, 0);
    const hash = this.#builder.complete(root);
    const staged: StagedState = { height, root: () => hash, undo: () => undoOf(items) };
    const { length } = table;
    const version = { height, table, length, root, hash, heldBytes: 0, heldPages: [] };
    const bytes = items.chunk.bytes.length + arena.takenBytes;
    const { replaced } = this.#builder;
    this.#neededDeltas.note(replaced, height);
    const deleted = deletedBy(items);
    this.#staged.set(staged, { version, base, bytes, replaced, deleted });
    return staged;
  }

  /**
   * Whether a staged state stands on the present head. One staged before a checkpoint was planned
   * does not: the head's nodes were replaced, hash for hash, and it must be staged again.
   */
  isOnHead(staged: StagedState): boolean {
    const staging = this.#staged.get(staged);
    return staging !== undefined && staging.base === this.#head && staged.height > this.height;
  }

  /** Makes a staged state the head, on which it must stand. */
  adopt(staged: StagedState): void {
    assert(this.isOnHead(staged), 'staged on another state');
    const { version, bytes, replaced, deleted } = this.#stagingOf(staged);
    for (const page of replaced) {
      this.#leave(page);
      page.isChanged = true;
      this.#changed.set(page.prefixText, page);
      this.#changedBytes += page.deltaMemoryBytes;
    }
    this.#deleted.push(...deleted);
    this.#versions.push(version);
    this.#neededDeltas.settle(version.height);
    this.#looseBytes += bytes;
    if (this.#versions.length > this.#versionsKept) this.#dropOldest();
  }

  #dropOldest(): void {
    const oldest = this.#versions.shift();
    if (oldest === undefined) return;
    this.#versionBytes -= oldest.heldBytes;
    for (const page of oldest.heldPages) {
      // The newest plan may be carried out still, and has to write it then.
      const isAwaited = !page.isStored && page.plannedIn === this.#planNumber;
      // Or the head may find nodes inside of it.
      if (page.isChanged || isAwaited) this.#versions[0]?.heldPages.push(page);
      else this.#forget(page);
    }
  }

  #forget(page: Page): void {
    this.#evictable.delete(page);
    page.leaveVersions();
  }

  /** Stages and adopts. */
  apply(height: Height, changes: readonly StateChange[]): StagedState {
    const staged = this.stage(height, changes);
    this.adopt(staged);
    return staged;
  }

  /**
   * Proves what some distinct keys (1 to 512) held after the block of a height; `undefined` when
   * that version is not kept. Throws `MissingKey` when a page must be loaded first.
   */
  prove(height: number, keys: readonly Bytes[]): StateProof | undefined {
    const version = this.#versionAt(height);
    if (version === undefined) return undefined;
    return prove(this.suite, version, keys);
  }

  #paginateOptions(generation: number) {
    const deleted = this.#deleted.sort((left, right) => comparePaths(left.path, 0, right.path, 0));
    return {
      generation,
      pageBytesMax: this.#pageBytesMax,
      since: this.#planHeight,
      changed: this.#changed,
      deletedBelow: (prefix: Uint8Array) => keysBelow(deleted, prefix),
      account: this.#account,
      onMoved: (former: Page, memory: PageMemory | undefined, page: Page) => {
        // One that is nowhere else is not changed beside its record.
        this.#evictable.delete(former);
        former.handOver(memory);
        former.release(this.#heldAccount);
        this.#evictable.add(page); // Perhaps it was passed over before it had nodes.
      },
    };
  }

  /** Pages that must be loaded before a checkpoint is planned. */
  pagesToPlan(): Page[] {
    const head = this.#head;
    return head === undefined ? [] : pagesToDivide(head, this.#paginateOptions(0));
  }

  /**
   * Divides the head into pages and says which of them the store does not hold yet. Until
   * `checkpointed` is called with the plan, what it writes stays: whole pages, and of others the
   * record of what changed, though not their nodes. A plan that was not carried out may simply be
   * forgotten, and is given up when another one is made. What `pagesToPlan` names is in memory.
   *
   * @param generation Above that of every checkpoint before by two or more: pages that are written
   *   whole get the one below it. So the records of changes, most of which the next checkpoint
   *   deletes, lie apart from them, and a store that sorts its records merges few others for it.
   */
  planCheckpoint(generation: number): CheckpointPlan {
    const head = this.#head;
    assert(head !== undefined, 'nothing to write before the first block');
    const { table, root, created, joined } = paginate(head, this.#paginateOptions(generation));
    this.#versions[this.#versions.length - 1] = { ...head, table, length: table.length, root };
    const former = this.#versions.at(-2);
    if (former !== undefined) {
      former.heldBytes += this.#looseBytes;
      this.#versionBytes += this.#looseBytes;
    }
    this.#looseBytes = 0;
    for (const page of joined) this.#leave(page);
    for (const page of created) {
      page.isCurrent = true;
      this.#unwritten.add(page);
      this.#unwrittenBytes += unwrittenBytesOf(page);
      if (page.deltaGeneration !== 0) this.#evictable.add(page);
    }
    this.#settleChanged(joined);
    const written = [...this.#unwritten];
    this.#planNumber += 1;
    for (const page of written) {
      page.plannedIn = this.#planNumber;
      if (page.deltaGeneration === 0) page.generation = generation - 1;
      else page.deltaGeneration = generation;
    }
    const gone = [...this.#gone];
    const form = this.#pageRecords;
    const plan = planOf({ head, pages: table.pages, generation, written, gone, form });
    this.#goneAt.set(plan, gone);
    return plan;
  }

  /** What blocks changed is in pages now, and nothing of the head is inside of others. */
  #settleChanged(joined: readonly Page[]): void {
    const followed = new Set<string>();
    for (const page of this.#unwritten) {
      if (page.deltaGeneration !== 0) followed.add(page.prefixText);
    }
    for (const [prefix, page] of this.#changed) {
      page.isChanged = false;
      // Their records go with this checkpoint: older versions have them here or not at all.
      if (!followed.has(prefix)) this.#keepForVersions(page);
    }
    for (const page of joined) this.#keepForVersions(page);
    this.#changed.clear();
    this.#changedBytes = 0;
    this.#deleted = [];
    this.#planHeight = this.height;
  }

  #keepForVersions(page: Page): void {
    this.#evictable.delete(page);
    page.release(this.#heldAccount);
    if (this.#versions.length === 1) this.#forget(page);
  }

  /** Notes that a plan was carried out: its pages may go as a whole from now on. */
  checkpointed(plan: CheckpointPlan): void {
    const gone = this.#goneAt.get(plan);
    assert(gone !== undefined, 'a plan of another tree');
    for (const page of gone) this.#gone.delete(page);
    for (const page of plan.written) {
      if (page.isStored) continue;
      page.isStored = true;
      if (this.#unwritten.delete(page)) this.#unwrittenBytes -= unwrittenBytesOf(page);
      if (!page.isCurrent) this.#gone.add(nameOf(page));
      if (page.isLoaded) this.#evictable.add(page);
      else page.forget();
    }
  }

  /**
   * Lets go of pages, those unused for longest first, until the rest takes at most `bytesMax`.
   * What is nowhere else stays: unwritten whole pages, and what changed beside a stored record.
   * Older versions may hold as much again; beyond, the oldest are let go of too, all but a few.
   *
   * Costs what is let go of and what was read since: that goes to the end of the queue once.
   */
  evict(bytesMax: number): void {
    const versionBytesMax = Math.max(VERSION_SHARE * bytesMax, VERSION_BYTES_ALWAYS);
    while (this.versionBytes() > versionBytesMax && this.#versions.length > VERSIONS_KEPT_MIN) {
      this.#dropOldest();
    }
    const { slabs } = this.#account;
    // Of a layout that is too large for what is allowed, some pages can be read still.
    const left = Math.max(PAGES_SHARE_MIN * bytesMax, bytesMax - this.layoutBytes());
    const isEnough = () => this.memoryBytes() + this.versionBytes() + slabs.spareBytesMax <= left;
    this.#evictable.evict(PARTLY_SHARE * bytesMax, isEnough);
    slabs.settle();
  }

  /** Memory that pages take, and what blocks made of them since; that of older versions apart. */
  memoryBytes(): number {
    return this.#account.bytes + this.#looseBytes;
  }

  /** Memory that the head's pages take though they are not loaded, and what is above them. */
  layoutBytes(): number {
    return LAYOUT_BYTES_PER_PAGE * (this.#head?.table.pages.length ?? 0);
  }

  /** Memory between pages, and what waits for those that come. */
  spareBytes(): number {
    return this.#account.slabs.spareBytes;
  }

  /** Memory that only versions before the head use. */
  versionBytes(): number {
    return this.#versionBytes + this.#heldAccount.bytes;
  }

  /** Memory that waits for a checkpoint, in bytes; an estimate. */
  dirtyBytes(): number {
    return this.#unwrittenBytes + this.#looseBytes + this.#changedBytes;
  }
}
