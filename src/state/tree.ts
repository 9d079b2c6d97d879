import type { Bytes, Result } from '../base/index.ts';
import { assert, equalBytes, fail, ok } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Height, StateChange, StateView } from '../ledger/index.ts';
import type { LayoutError, PageError } from './errors.ts';
import { PAGE_BYTES_MAX_DEFAULT, VERSIONS_KEPT_DEFAULT } from './limits.ts';
import type { Page, TreeNode } from './nodes.ts';
import {
  Arena,
  changedAtOf,
  Hasher,
  leafValue,
  makeLeaf,
  memoryOf,
  recordLength,
} from './nodes.ts';
import {
  decodeLayouts,
  decodePage,
  encodeLayout,
  encodePage,
  pageStoreKey,
  pagesOf,
  paginate,
  prefixText,
  treeOfPages,
} from './page.ts';
import type { StateProof } from './proof.ts';
import { emptyRoot, prove } from './proof.ts';
import type { CheckpointPlan, StagedState, StateTreeOptions, UndoEntry } from './types.ts';
import type { Item } from './update.ts';
import { find, findMissingPage, itemAt, sortItems, update } from './update.ts';

type Version = { readonly height: number; root: TreeNode | undefined };

/** The roots behind staged states, which callers hold without seeing nodes. */
type Staging = {
  readonly root: TreeNode | undefined;
  readonly base: TreeNode | undefined;
  /** Buffers that it took. */
  readonly bytes: number;
};

/**
 * The state after the newest block and after some blocks before it: an authenticated hexadecimal
 * tree whose leaves are kept in pages, loaded when needed. See README.md.
 */
export class StateTree {
  readonly #hasher: Hasher;
  readonly #versionsKept: number;
  readonly #pageBytesMax: number;
  /** Oldest first; the last is the head. */
  #versions: Version[] = [];
  /** Pages of the last completed checkpoint, by prefix. */
  #stored: Map<string, Page>;
  readonly #staged = new WeakMap<StagedState, Staging>();
  #tick = 0;
  /** Bytes of buffers that blocks took since the last plan of a checkpoint compacted them. */
  #looseBytes = 0;

  private constructor(
    suite: HashSuite,
    options: StateTreeOptions,
    start: { readonly version: Version | undefined; readonly pages: readonly Page[] },
  ) {
    this.#hasher = new Hasher(suite);
    this.#versionsKept = options.versionsKept ?? VERSIONS_KEPT_DEFAULT;
    this.#pageBytesMax = options.pageBytesMax ?? PAGE_BYTES_MAX_DEFAULT;
    assert(this.#versionsKept >= 1, 'the head is a version too');
    if (start.version !== undefined) this.#versions.push(start.version);
    this.#stored = new Map(start.pages.map((page) => [prefixText(page.prefix), page]));
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
    const root = treeOfPages(pages.value);
    if (!root.ok) return root;
    const version = { height: checkpoint.height, root: root.value };
    const tree = new StateTree(suite, options, { version, pages: pages.value });
    if (!equalBytes(tree.#hashed(root.value), checkpoint.root)) {
      return fail({ code: 'layout-corrupt' });
    }
    return ok(tree);
  }

  get suite(): HashSuite {
    return this.#hasher.suite;
  }

  get #head(): Version | undefined {
    return this.#versions.at(-1);
  }

  /** Height of the newest version; -1 before the first. */
  get height(): number {
    return this.#head?.height ?? -1;
  }

  #hashed(node: TreeNode | undefined): Hash {
    if (node === undefined) return emptyRoot(this.suite);
    return this.#hasher.hash(node);
  }

  /** Root of the newest version. */
  root(): Hash {
    return this.#hashed(this.#head?.root);
  }

  #versionAt(height: number): Version | undefined {
    return this.#versions.find((version) => version.height === height);
  }

  /** Root after the block of a height; `undefined` when that version is not kept. */
  rootAt(height: number): Hash | undefined {
    const version = this.#versionAt(height);
    return version === undefined ? undefined : this.#hashed(version.root);
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
    const root = staged === undefined ? this.#head?.root : this.#stagingOf(staged).root;
    const onPage = (page: Page): void => {
      page.usedAt = this.#tick;
    };
    return {
      get: (key) => {
        const leaf = find(root, this.#pathOf(key), { key, onPage });
        return leaf === undefined ? undefined : leafValue(leaf);
      },
    };
  }

  /** Pages that must be loaded before these keys can be read, changed or proved. */
  pagesNeeded(keys: Iterable<Bytes>, height?: number): Page[] {
    const version = height === undefined ? this.#head : this.#versionAt(height);
    const needed = new Set<Page>();
    for (const key of keys) {
      const page = findMissingPage(version?.root, this.#pathOf(key));
      if (page !== undefined) needed.add(page);
    }
    return [...needed];
  }

  /** Takes in a page's bytes, which must be exactly those that its hash names. */
  insertPage(page: Page, encoded: Uint8Array): Result<undefined, PageError> {
    if (page.root !== undefined) return ok(undefined);
    const root = decodePage(page, encoded, this.#hasher);
    if (!root.ok) return root;
    page.root = root.value;
    page.usedAt = ++this.#tick;
    return ok(undefined);
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
    const base = onto === undefined ? this.#head?.root : this.#stagingOf(onto).root;
    assert(height > (onto?.height ?? this.height), `height ${height} is not above its base`);
    this.#tick += 1;
    const records = new Arena(recordBytes(changes));
    const items = sortItems(changes.map((change) => this.#itemOf(change, height, records)));
    const arena = new Arena(blockArenaBytes(items.length));
    const root = update(base, items, { low: 0, high: items.length, depth: 0, arena });
    const rootHash = (): Hash => this.#hashed(root);
    const staged: StagedState = { height, root: rootHash, undo: () => undoOf(items) };
    this.#staged.set(staged, { root, base, bytes: records.takenBytes + arena.takenBytes });
    return staged;
  }

  #itemOf(change: StateChange, height: Height, arena: Arena): Item {
    const { key, value } = change;
    if (value === undefined) return itemAt(this.#pathOf(key), 0, undefined, key);
    const leaf = makeLeaf(this.suite, arena, { key, value, changedAt: height });
    return itemAt(leaf.bytes, leaf.at, leaf, key);
  }

  /**
   * Whether a staged state stands on the present head. One staged before a checkpoint was planned
   * does not: the head's nodes were replaced, hash for hash, and it must be staged again.
   */
  isOnHead(staged: StagedState): boolean {
    const staging = this.#staged.get(staged);
    return (
      staging !== undefined && staging.base === this.#head?.root && staged.height > this.height
    );
  }

  /** Makes a staged state the head, on which it must stand. */
  adopt(staged: StagedState): void {
    assert(this.isOnHead(staged), 'staged on another state');
    const { root, bytes } = this.#stagingOf(staged);
    this.#versions.push({ height: staged.height, root });
    this.#looseBytes += bytes;
    if (this.#versions.length > this.#versionsKept) this.#versions.shift();
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
    this.#hashed(version.root);
    return prove(this.suite, version.root, keys);
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
    const root = this.#hashed(head.root);
    const options = { hasher: this.#hasher, pageBytesMax: this.#pageBytesMax, generation };
    const divided = head.root === undefined ? undefined : paginate(head.root, [], options);
    head.root = divided;
    this.#looseBytes = 0;
    const pages = pagesOf(divided);
    const written = pages.filter(
      (page) => !page.isStored || this.#stored.get(prefixText(page.prefix)) !== page,
    );
    for (const page of written) page.generation = generation;
    const prefixes = new Set(pages.map((page) => prefixText(page.prefix)));
    const gone = [...this.#stored].filter(([prefix]) => !prefixes.has(prefix));
    const present = new Set(pages);
    return {
      height: head.height as Height, // Given as one.
      root,
      generation,
      pages,
      written,
      replacedKeys: [...this.#stored.values()]
        .filter((page) => !present.has(page))
        .map((page) => pageStoreKey(page)),
      fullLayout: () => encodeLayout({ pages, removed: [] }),
      layoutChange: () => encodeLayout({ pages: written, removed: gone.map(([, page]) => page) }),
      encode: encodeOne,
    };
  }

  /** Notes that a plan was carried out: its pages may be evicted from now on. */
  checkpointed(plan: CheckpointPlan): void {
    for (const page of plan.written) page.isStored = true;
    this.#stored = new Map(plan.pages.map((page) => [prefixText(page.prefix), page]));
  }

  /**
   * Lets go of pages, those unused for longest first, until the rest takes at most `bytesMax`.
   * Pages with unwritten changes stay, as do pages that only older versions still use.
   */
  evict(bytesMax: number): void {
    const pages = pagesOf(this.#head?.root).filter((page) => page.root !== undefined);
    let excess = this.memoryBytes() - bytesMax;
    if (excess <= 0) return;
    pages.sort((left, right) => left.usedAt - right.usedAt);
    for (const page of pages) {
      if (excess <= 0) return;
      // Only what the last completed checkpoint holds can be loaded again.
      if (!page.isStored || this.#stored.get(prefixText(page.prefix)) !== page) continue;
      page.root = undefined;
      excess -= memoryOf(page);
    }
  }

  /** Memory that the head's leaves take, in bytes; an estimate. */
  memoryBytes(): number {
    const root = this.#head?.root;
    if (root === undefined) return 0;
    let bytes = memoryOf(root);
    for (const page of pagesOf(root)) if (page.root === undefined) bytes -= memoryOf(page);
    return bytes;
  }

  /**
   * Memory that waits for a checkpoint, in bytes; an estimate: of leaves that none holds yet, or of
   * the buffers of blocks, of which about half still hold something that is in use.
   */
  dirtyBytes(): number {
    const root = this.#head?.root;
    if (root === undefined) return 0;
    let bytes = memoryOf(root);
    for (const page of pagesOf(root)) if (page.isStored) bytes -= memoryOf(page);
    return Math.max(bytes, this.#looseBytes / 2);
  }
}

/** Many small buffers would be freed sooner, one large one is quicker to make: a compromise. */
const ARENA_BYTES_MAX = 64 * 1024;
/** Blocks of the branches above one changed leaf, of which many changes share the upper ones. */
const BLOCK_BYTES_PER_CHANGE = 1024;

/**
 * Small buffers for a small block, since the upper branches are made anew by the next one and their
 * buffers go sooner; for 10,000 changes one of 640 KB instead of 40 of 16 KB saved a tenth.
 */
function blockArenaBytes(changes: number): number {
  const bytes = BLOCK_BYTES_PER_CHANGE * changes;
  return Math.min(bytes, Math.max(16 * 1024, Math.min(bytes / 16, 1024 * 1024)));
}

function recordBytes(changes: readonly StateChange[]): number {
  let bytes = 0;
  for (const { key, value } of changes) {
    if (value !== undefined) bytes += recordLength(key.length, value.length);
  }
  return Math.min(bytes, ARENA_BYTES_MAX);
}

function undoOf(items: readonly Item[]): UndoEntry[] {
  return items.map(({ key, previous }) => ({
    key,
    previous:
      previous === undefined
        ? undefined
        : { value: leafValue(previous), changedAt: changedAtOf(previous) },
  }));
}

function encodeOne(page: Page): { readonly key: Bytes; readonly value: Bytes } {
  assert(page.root !== undefined, 'an unwritten page is in memory');
  return { key: pageStoreKey(page), value: encodePage(page.root) };
}
