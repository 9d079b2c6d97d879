import type { Bytes, Result } from '../base/index.ts';
import { assert, equalBytes, fail, ok } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Height, StateChange, StateView } from '../ledger/index.ts';
import { encodePage } from './compact.ts';
import type { LayoutError, PageError } from './errors.ts';
import { find, findMissingPage } from './find.ts';
import { Items } from './items.ts';
import { changedAtOf, leafValue, leafValueView } from './leaf.ts';
import {
  PAGE_BYTES_MAX_DEFAULT,
  VERSION_BYTES_ALWAYS,
  VERSIONS_KEPT_DEFAULT,
  VERSIONS_KEPT_MIN,
} from './limits.ts';
import type { Page, Ref } from './nodes.ts';
import { Arena, memoryOf, NO_REF, Table, totalsOf } from './nodes.ts';
import {
  decodeLayouts,
  decodePage,
  encodeLayout,
  pageStoreKey,
  paginate,
  prefixText,
  treeOfPages,
} from './page.ts';
import type { StateProof } from './proof.ts';
import { emptyRoot, prove } from './proof.ts';
import type { FoundSubtree, WantedSubtree } from './subtree.ts';
import { findSubtree } from './subtree.ts';
import type { CheckpointPlan, StagedState, StateTreeOptions, UndoEntry } from './types.ts';
import { Builder } from './update.ts';

type Version = {
  readonly height: number;
  readonly table: Table;
  /** Chunks of the table that it may use; another version may have added more. */
  readonly length: number;
  readonly root: Ref;
  readonly hash: Hash;
  /** Memory of pages and chunks that only this version and older ones use; an estimate. */
  heldBytes: number;
};

/** What the store calls a page; of the page itself nothing is held back. */
type StoredName = Pick<Page, 'prefix' | 'generation'>;

/** The versions behind staged states, which callers hold without seeing nodes. */
type Staging = {
  readonly version: Version;
  readonly base: Version | undefined;
  /** Bytes of the chunks that it added. */
  readonly bytes: number;
  /** Pages of its base that it has other nodes for. */
  readonly replaced: readonly Page[];
};

/**
 * The state after the newest block and after some blocks before it: an authenticated hexadecimal
 * tree whose leaves are kept in pages, loaded when needed. See README.md.
 */
export class StateTree {
  readonly #suite: HashSuite;
  readonly #builder: Builder;
  readonly #versionsKept: number;
  readonly #pageBytesMax: number;
  /** Oldest first; the last is the head. */
  #versions: Version[] = [];
  /*
   * Pages of the head, and sums over them, so that no block costs what grows with their number.
   */
  /** In the order in which they are evicted: stored, loaded. */
  readonly #evictable = new Set<Page>();
  /** Not stored by a completed checkpoint yet. */
  readonly #unwritten = new Set<Page>();
  /** No longer of the head, but of the last completed checkpoint. */
  readonly #gone = new Set<StoredName>();
  /** Memory that pages of the head would take that are not loaded. */
  #unloadedBytes = 0;
  /** Memory of pages of the head that are stored. */
  #storedBytes = 0;
  /** Of plans: what was gone when they were made. */
  readonly #goneAt = new WeakMap<CheckpointPlan, readonly StoredName[]>();
  /** What all versions but the head hold. */
  #versionBytes = 0;
  readonly #staged = new WeakMap<StagedState, Staging>();
  #tick = 0;
  /** Bytes of buffers that blocks took since the last plan of a checkpoint compacted them. */
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
    assert(this.#versionsKept >= 1, 'the head is a version too');
    if (start.version !== undefined) this.#versions.push(start.version);
    for (const page of start.pages) {
      page.isCurrent = true;
      this.#unloadedBytes += memoryOf(page);
    }
    this.#storedBytes = this.#unloadedBytes;
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
    const pages = decodeLayouts(checkpoint.layouts);
    if (!pages.ok) return pages;
    const upper = treeOfPages(suite, pages.value);
    if (!upper.ok) return upper;
    if (!equalBytes(upper.value.hash, checkpoint.root)) return fail({ code: 'layout-corrupt' });
    const { length } = upper.value.table;
    const version = { ...upper.value, height: checkpoint.height, length, heldBytes: 0 };
    return ok(new StateTree(suite, options, { version, pages: pages.value }));
  }

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

  /** Where the path of the key that is being read stands. */
  readonly #path: Bytes = new Uint8Array(32);

  #pathOf(key: Bytes): Hash {
    return this.suite.hash('state-path', key);
  }

  /**
   * The state of the head, or of a staged state, as execution reads it. It never changes, whatever
   * is applied later; a page of it that is not in memory shows as `MissingKey`.
   */
  view(staged?: StagedState): StateView {
    const version = staged === undefined ? this.#head : this.#stagingOf(staged).version;
    const onPage = (page: Page): void => {
      page.usedAt = this.#tick;
    };
    return {
      get: (key) => {
        if (version === undefined) return undefined;
        this.suite.hashInto('state-path', key, 0, key.length, this.#path, 0);
        const leaf = find(version, this.#path, { key, onPage });
        return leaf === undefined ? undefined : leafValueView(leaf.chunk, leaf.at);
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

  /** Takes in a page's bytes, which must be exactly those that its hash names. */
  insertPage(page: Page, encoded: Uint8Array): Result<undefined, PageError> {
    if (page.isLoaded) return ok(undefined);
    const root = decodePage(page, encoded, this.#suite);
    if (!root.ok) return root;
    page.root = root.value;
    page.usedAt = ++this.#tick;
    if (page.isCurrent) {
      this.#unloadedBytes -= memoryOf(page);
      this.#queue(page);
    }
    return ok(undefined);
  }

  /** Puts a page behind those that are evicted before it. */
  #queue(page: Page): void {
    page.queuedAt = page.usedAt;
    this.#evictable.add(page);
  }

  /** Notes that a page is not of the head any more. */
  #leave(page: Page): void {
    page.isCurrent = false;
    this.#unwritten.delete(page);
    // Evicted after the block that replaces it was staged.
    if (!page.isLoaded) this.#unloadedBytes -= memoryOf(page);
    if (!page.isStored) return;
    this.#evictable.delete(page);
    this.#storedBytes -= memoryOf(page);
    const { prefix, generation } = page;
    this.#gone.add({ prefix, generation });
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
    const version = { height, table, length: table.length, root, hash, heldBytes: 0 };
    const bytes = items.chunk.bytes.length + arena.takenBytes;
    const { replaced } = this.#builder;
    this.#staged.set(staged, { version, base, bytes, replaced });
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
    const { version, bytes, replaced } = this.#stagingOf(staged);
    this.#hold(this.#head, replaced, 0);
    for (const page of replaced) this.#leave(page);
    this.#versions.push(version);
    this.#looseBytes += bytes;
    if (this.#versions.length > this.#versionsKept) this.#dropOldest();
  }

  /** Notes what a version holds that the head does not use any more. */
  #hold(version: Version | undefined, pages: readonly Page[], looseBytes: number): void {
    if (version === undefined) return;
    let bytes = looseBytes;
    for (const page of pages) if (page.isLoaded) bytes += memoryOf(page);
    version.heldBytes += bytes;
    this.#versionBytes += bytes;
  }

  #dropOldest(): void {
    this.#versionBytes -= this.#versions.shift()?.heldBytes ?? 0;
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

  /**
   * Divides the head into pages and says which of them the store does not hold yet. Until
   * `checkpointed` is called with the plan, no page of it is evicted; a plan that was not carried
   * out may simply be forgotten.
   *
   * @param generation Above that of every checkpoint before.
   */
  planCheckpoint(generation: number): CheckpointPlan {
    const head = this.#head;
    assert(head !== undefined, 'nothing to write before the first block');
    const options = { pageBytesMax: this.#pageBytesMax, generation };
    const { table, root, created, joined } = paginate(head, options);
    this.#versions[this.#versions.length - 1] = { ...head, table, length: table.length, root };
    this.#hold(this.#versions.at(-2), joined, this.#looseBytes);
    this.#looseBytes = 0;
    for (const page of joined) this.#leave(page);
    for (const page of created) {
      page.isCurrent = true;
      this.#unwritten.add(page);
    }
    const written = [...this.#unwritten];
    for (const page of written) page.generation = generation;
    const gone = [...this.#gone];
    const { pages } = table;
    const plan: CheckpointPlan = {
      height: head.height as Height, // Given as one.
      root: head.hash,
      generation,
      pages,
      written,
      replacedKeys: gone.map((page) => pageStoreKey(page)),
      fullLayout: () => encodeLayout({ pages, removed: [] }),
      layoutChange: () => {
        const prefixes = new Set(written.map((page) => prefixText(page.prefix)));
        const removed = gone.filter((page) => !prefixes.has(prefixText(page.prefix)));
        return encodeLayout({ pages: written, removed });
      },
      encode: encodeOne,
    };
    this.#goneAt.set(plan, gone);
    return plan;
  }

  /** Notes that a plan was carried out: its pages may be evicted from now on. */
  checkpointed(plan: CheckpointPlan): void {
    const gone = this.#goneAt.get(plan);
    assert(gone !== undefined, 'a plan of another tree');
    for (const page of gone) this.#gone.delete(page);
    for (const page of plan.written) {
      if (page.isStored) continue;
      page.isStored = true;
      this.#unwritten.delete(page);
      if (page.isCurrent) {
        this.#storedBytes += memoryOf(page);
        this.#queue(page);
      } else this.#gone.add({ prefix: page.prefix, generation: page.generation });
    }
  }

  /**
   * Lets go of pages, those unused for longest first, until the rest takes at most `bytesMax`.
   * Pages with unwritten changes stay. Older versions may hold as much again; beyond, the oldest
   * are let go of too, all but a few.
   *
   * Costs what is let go of and what was read since: whoever was read after it came into the queue
   * goes to its end once.
   */
  evict(bytesMax: number): void {
    const versionBytesMax = Math.max(bytesMax, VERSION_BYTES_ALWAYS);
    while (this.#versionBytes > versionBytesMax && this.#versions.length > VERSIONS_KEPT_MIN) {
      this.#dropOldest();
    }
    let excess = this.memoryBytes() - bytesMax;
    if (excess <= 0) return;
    for (const page of this.#evictable) {
      this.#evictable.delete(page);
      if (page.usedAt > page.queuedAt) {
        this.#queue(page);
        continue;
      }
      const bytes = memoryOf(page);
      page.root = undefined;
      this.#unloadedBytes += bytes;
      excess -= bytes;
      if (excess <= 0) return;
    }
  }

  /** Memory that all leaves of the head would take, in bytes; an estimate. */
  #memoryOfHead(): number {
    const head = this.#head;
    return head === undefined ? 0 : memoryOf(totalsOf(head.table, head.root));
  }

  /** Memory that the head's leaves take, in bytes; an estimate. */
  memoryBytes(): number {
    return this.#memoryOfHead() - this.#unloadedBytes;
  }

  /** Memory that only versions before the head use, in bytes; an estimate. */
  versionBytes(): number {
    return this.#versionBytes;
  }

  /**
   * Memory that waits for a checkpoint, in bytes; an estimate: of leaves that none holds yet, or of
   * the chunks of blocks.
   */
  dirtyBytes(): number {
    return Math.max(this.#memoryOfHead() - this.#storedBytes, this.#looseBytes);
  }
}

/** An eighth of what the branches above one changed leaf take, where changes share the upper ones. */
const CHUNK_WORDS_PER_CHANGE = 32;
const CHUNK_WORDS_MIN = 1024;
const CHUNK_WORDS_MAX = 256 * 1024;

/** Some chunks a block, since half of the last one is not used. */
function arenaWords(changes: number): number {
  return Math.min(CHUNK_WORDS_MAX, Math.max(CHUNK_WORDS_MIN, CHUNK_WORDS_PER_CHANGE * changes));
}

function undoOf(items: Items): UndoEntry[] {
  const entries: UndoEntry[] = [];
  for (let place = 0; place < items.count; place++) {
    const chunk = items.previousChunks[place];
    const at = items.previousAts[place] ?? 0;
    entries.push({
      key: items.key(place),
      previous:
        chunk === undefined
          ? undefined
          : { value: leafValue(chunk, at), changedAt: changedAtOf(chunk, at) },
    });
  }
  return entries;
}

function encodeOne(page: Page): { readonly key: Bytes; readonly value: Bytes } {
  assert(page.root !== undefined, 'an unwritten page is in memory');
  return { key: pageStoreKey(page), value: encodePage(page.root) };
}
