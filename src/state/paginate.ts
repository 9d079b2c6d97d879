import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { compact, extract } from './compact.ts';
import type { DeltaEntry } from './delta.ts';
import { EMPTY_DELTA, mergeDeltas, wholeOfDelta } from './delta.ts';
import { DELTA_SHARE_MAX, DELTA_TIMES_MAX } from './limits.ts';
import { Chunk, SHARED_WORDS_MAX } from './memory.ts';
import type { PageMemory, Ref } from './nodes.ts';
import {
  Arena,
  BRANCH,
  bitCount,
  bitmapOf,
  branchWeight,
  branchWords,
  childHash,
  childOf,
  childPlace,
  INSIDE,
  isUpper,
  NOTHING,
  PAGE,
  Page,
  pageId,
  placeWord,
  setKindOfChild,
  Table,
  totalsOf,
  writeTotals,
} from './nodes.ts';
import { changedLeaves, overwriteChanged } from './overwrite.ts';
import { pagesOf, prefixText, UPPER_ARENA_WORDS } from './page.ts';
import type { PageAccount } from './page-memory.ts';

type PaginateOptions = {
  readonly pageBytesMax: number;
  readonly generation: number;
  /** Height of the last plan. */
  readonly since: number;
  /** Pages that blocks changed since, by prefix. */
  readonly changed: ReadonlyMap<string, Page>;
  /** Keys below a prefix that blocks deleted since. */
  readonly deletedBelow: (prefix: Uint8Array) => readonly Bytes[];
  /** Where pages have their memory. */
  readonly account: PageAccount;
  /** Told a changed page, and the one whose memory its own is now. */
  readonly onMoved: (former: Page, memory: PageMemory | undefined, page: Page) => void;
};

type Tree = { readonly table: Table; readonly root: Ref; readonly hash: Hash };

/** A tree of which every leaf is in a page. */
export type Paginated = {
  readonly table: Table;
  readonly root: Ref;
  readonly created: readonly Page[];
  /** Those whose leaves are in a created one now. */
  readonly joined: readonly Page[];
};

/**
 * Divides what changed into pages: the tree with every leaf in a page, hashes unchanged, in a table
 * of its own. Pages that did not change stay the same objects; upper branches that became small are
 * joined into a page. Of a page that is written beside its former record only what changed is.
 */
export function paginate(tree: Tree, options: PaginateOptions): Paginated {
  return new Pagination(tree, options).run();
}

class Pagination {
  readonly #tree: Tree;
  readonly #table: Table;
  readonly #options: PaginateOptions;
  readonly #pages: Page[] = [];
  readonly #created: Page[] = [];
  readonly #joined: Page[] = [];
  readonly #next: Table;
  readonly #arena: Arena;
  readonly #prefix: number[] = [];

  constructor(tree: Tree, options: PaginateOptions) {
    this.#tree = tree;
    this.#table = tree.table;
    this.#options = options;
    this.#next = Table.of(this.#pages);
    this.#arena = new Arena(this.#next, UPPER_ARENA_WORDS);
  }

  run(): Paginated {
    const { root, hash } = this.#tree;
    const divided = this.#divide(root, () => hash);
    const created = this.#created;
    return { table: this.#next, root: divided, created, joined: this.#joined };
  }

  #placed(page: Page): Ref {
    return { kind: PAGE, chunk: pageId(this.#pages.push(page) - 1), at: 0 };
  }

  #divide(ref: Ref, hash: () => Hash): Ref {
    if (ref.kind === NOTHING) return ref;
    if (ref.kind === PAGE) return this.#placed(this.#table.page(ref.chunk));
    assert(ref.kind !== INSIDE, 'a page is divided as a whole');
    const former = this.#options.changed.get(prefixText(this.#prefix));
    // Now, for what copies nodes does one thing at a time.
    former?.root;
    if (ref.kind === BRANCH && isDivided(this.#table, ref, this.#options.pageBytesMax)) {
      const isWhole = former === undefined || isUpper(this.#table.chunk(ref.chunk), ref.at);
      return this.#divideChildren(isWhole ? ref : this.#wholeOf(ref));
    }
    const page = this.#pageOf(ref, hash(), former);
    this.#created.push(page);
    return this.#placed(page);
  }

  /** The same nodes in a chunk of their own, with all that are inside of pages. */
  #wholeOf(ref: Ref): Ref {
    const { chunk: copy, length, kind } = compact(this.#table, ref, this.#prefix);
    const chunk = new Chunk(length);
    chunk.words.set(copy.words.subarray(0, length));
    return { kind, chunk: this.#table.add(chunk), at: 0 };
  }

  #pageOf(ref: Ref, hash: Hash, former: Page | undefined): Page {
    const table = this.#table;
    const { generation, since, account, onMoved } = this.#options;
    const joined = pagesOf(table, ref);
    this.#joined.push(...joined);
    const prefix = Uint8Array.from(this.#prefix);
    const { weight, count } = totalsOf(table, ref);
    const fields = { prefix, weight, count, hash, isStored: false };
    const isBeside = former !== undefined && joined.length === 0 && isBaseOf(former);
    if (isBeside && !isTooMuchBeside(former, this.#options)) {
      const { generation: base } = former;
      const page = new Page({ ...fields, generation: base, deltaGeneration: generation });
      page.countIn(account);
      page.reads = former.reads;
      page.usedAt = former.usedAt;
      const deleted = this.#options.deletedBelow(prefix);
      // When it is written or first read: all at once, ten thousand would hold up everything else.
      page.rememberLater(() => {
        const { memory, changed } = followed(former, table, ref, since);
        const gone = deleted.map((key): DeltaEntry => ({ key, put: undefined }));
        page.delta = mergedDelta(former, [...gone, ...changed]);
        page.reads ??= former.reads;
        onMoved(former, memory, page);
        return memory;
      });
      return page;
    }
    const page = new Page({ ...fields, generation, deltaGeneration: 0 });
    page.countIn(account);
    const copy = () => ({ root: compact(table, ref, prefix), under: undefined });
    // What is inside of other pages has to be copied as long as they are in memory.
    const isJoined = ref.kind === BRANCH && isUpper(table.chunk(ref.chunk), ref.at);
    if (former === undefined && !isJoined && joined.length === 0) page.rememberLater(copy);
    else page.remember(copy());
    return page;
  }

  #divideChildren(ref: Ref): Ref {
    const table = this.#table;
    const source = table.chunk(ref.chunk);
    const bitmap = bitmapOf(source, ref.at);
    const children = bitCount(bitmap);
    const length = branchWords(children);
    const at = this.#arena.take(length);
    const { chunk, id } = this.#arena;
    chunk.words.set(source.words.subarray(ref.at, ref.at + length), at);
    writeTotals(chunk, at, { ...totalsOf(table, ref), isUpper: true });
    for (let nibble = 0; nibble < 16; nibble++) {
      if ((bitmap & (1 << nibble)) === 0) continue;
      const place = childPlace(bitmap, nibble);
      this.#prefix.push(nibble);
      // Dividing changes no hash.
      const hash = () => childHash(source, ref.at, place);
      const child = this.#divide(childOf(table, ref, nibble), hash);
      this.#prefix.pop();
      setKindOfChild(chunk, at, nibble, child.kind);
      const word = placeWord(at, children, place);
      chunk.words[word] = child.chunk;
      chunk.words[word + 1] = child.at;
    }
    return { kind: BRANCH, chunk: id, at };
  }
}

/**
 * What a page of which the record stays has in memory after blocks changed it, and what they
 * changed. The memory of the former state goes on in it.
 */
function followed(
  former: Page,
  table: Table,
  ref: Ref,
  since: number,
): { readonly memory: PageMemory | undefined; readonly changed: readonly DeltaEntry[] } {
  const { memory } = former;
  const leaves = changedLeaves(table, ref, since);
  // Where a block changed a leaf, the one after it found it there without a look at the page.
  for (const { path, put } of leaves) {
    former.noteRead(path, put.changedAt - 1);
  }
  // It was let go of, and nothing of it is read again and again: nobody waits for the changes.
  if (memory === undefined && (former.reads?.hot() ?? []).length === 0)
    return { memory, changed: leaves };
  // Of larger ones views may be in use.
  if (memory?.root.isWhole === true && memory.root.length <= SHARED_WORDS_MAX) {
    if (overwriteChanged(memory.root, table, ref, since)) return { memory, changed: leaves };
  }
  return extract(table, ref, former, since);
}

/** Whether what a page becomes is written beside it. */
function isBaseOf(page: Page): boolean {
  if (!page.isStored && page.deltaGeneration === 0) return false; // It has no record.
  if (isMended(page)) return false;
  const deltaBytes = page.deltaGeneration === 0 ? 0 : deltaBytesOf(page);
  return page.whole === undefined || deltaBytes <= DELTA_SHARE_MAX * page.weight;
}

/** Whether too many keys went from a page for their record to stay beside it. */
function isTooMuchBeside(page: Page, { deletedBelow, pageBytesMax }: PaginateOptions): boolean {
  let bytes = page.deltaGeneration === 0 ? 0 : deltaBytesOf(page);
  for (const { length } of deletedBelow(page.prefix)) bytes += length;
  return bytes > DELTA_TIMES_MAX * Math.max(pageBytesMax, page.weight);
}

/** Whether peers gave it: its leaves' record may be spoilt, so nothing more is written beside it. */
function isMended({ delta }: Page): boolean {
  return delta !== undefined && wholeOfDelta(delta) !== undefined;
}

function deltaBytesOf(page: Page): number {
  if (page.deltaBytes === undefined) page.root; // As in `deltaOf`.
  assert(page.deltaBytes !== undefined, 'known with its nodes');
  return page.deltaBytes;
}

/** The record of what changed in a page that is to be written, or was changed since. */
export function deltaOf(page: Page): Bytes {
  let { delta } = page;
  if (delta === undefined) {
    page.root; // One that is not stored yet has it as soon as its nodes are asked for.
    ({ delta } = page);
  }
  assert(delta !== undefined, 'known with its nodes');
  return delta;
}

/** The record of what changed in a page since it was written, with what did so since. */
function mergedDelta(former: Page, newer: readonly DeltaEntry[]): Bytes {
  const record = former.deltaGeneration === 0 ? EMPTY_DELTA : deltaOf(former);
  const merged = mergeDeltas(record, newer);
  assert(merged !== undefined, 'read or written before');
  return merged;
}

/** Whether a branch is above pages: too large for one, or not to be joined into one. */
function isDivided(table: Table, ref: Ref, pageBytesMax: number): boolean {
  const chunk = table.chunk(ref.chunk);
  const weight = branchWeight(chunk, ref.at);
  if (!isUpper(chunk, ref.at)) return weight > pageBytesMax;
  return weight >= pageBytesMax / 4 || !isWhole(table, ref);
}

/** Whether all that is below an upper branch is in memory. */
function isWhole(table: Table, ref: Ref): boolean {
  if (ref.kind === PAGE || ref.kind === INSIDE) return table.page(ref.chunk).whole !== undefined;
  if (ref.kind !== BRANCH) return true;
  const chunk = table.chunk(ref.chunk);
  const bitmap = bitmapOf(chunk, ref.at);
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((bitmap & (1 << nibble)) === 0) continue;
    if (!isWhole(table, childOf(table, ref, nibble))) return false;
  }
  return true;
}

/** Changed pages that must be whole in memory before the tree is divided: they become several. */
export function pagesToDivide(tree: Tree, options: PaginateOptions): Page[] {
  const { table } = tree;
  const found: Page[] = [];
  for (const page of options.changed.values()) {
    if (page.whole !== undefined) continue;
    if (isMended(page) || isTooMuchBeside(page, options)) {
      found.push(page);
      continue;
    }
    let ref = tree.root;
    for (let depth = 0; depth < page.depth && ref.kind === BRANCH; depth++) {
      const nibble = page.nibble(depth);
      const isThere = (bitmapOf(table.chunk(ref.chunk), ref.at) & (1 << nibble)) !== 0;
      ref = isThere ? childOf(table, ref, nibble) : { kind: NOTHING, chunk: 0, at: 0 };
    }
    if (ref.kind !== BRANCH) continue;
    const chunk = table.chunk(ref.chunk);
    const isLarge = branchWeight(chunk, ref.at) > options.pageBytesMax;
    if (isLarge && !isUpper(chunk, ref.at)) found.push(page);
  }
  return found;
}
