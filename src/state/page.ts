import type { Bytes, Result } from '../base/index.ts';
import { equalBytes, fail, ok } from '../base/index.ts';
import type { Codec, Infer } from '../codec/index.ts';
import { bytes, decode, struct, u8, u32, uint53, vector } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import { compact, encodeSubtree } from './compact.ts';
import { wholeOfDelta } from './delta.ts';
import type { LayoutError, PageError } from './errors.ts';
import { hashBranchInto, hashLeafInto } from './hashing.ts';
import { imageWords, isImage, pageOfImage, readImage } from './image.ts';
import { ItemArrays, Items } from './items.ts';
import { isBelow, pathWord, writeLength } from './leaf.ts';
import { LAYOUT_PAGES_MAX, PATH_NIBBLES } from './limits.ts';
import { Scratch } from './memory.ts';
import type { Nodes, Ref } from './nodes.ts';
import {
  Arena,
  BRANCH,
  childrenOf,
  INSIDE,
  insideOf,
  isUpper,
  LEAF,
  NO_REF,
  NOTHING,
  PAGE,
  Page,
  pageId,
  Table,
  totalsOf,
} from './nodes.ts';
import { overwrite } from './overwrite.ts';
import { prefixText } from './page-memory.ts';
import { Builder } from './update.ts';

export { prefixText };

/** Words that the branches of random leaves take: a third as many, ten for each child. */
const BRANCH_WORDS_PER_LEAF = 16;

/** Words for the branches of what changed in a page, as a rule. */
const CHANGED_BRANCH_WORDS = 8 * 1024;

/** What there is of a page. */
export type PageRecords = {
  /** Its leaves; or its image, where this node wrote it. */
  readonly base: Uint8Array;
  /** What changed since they were written. */
  readonly delta?: Uint8Array | undefined;
  /** Whether this node wrote them: images of others are refused. */
  readonly isOwn: boolean;
};

/**
 * The nodes of a page's records, which must be exactly the page that the layout names; void after
 * the next page.
 */
export function decodePage(
  page: Page,
  records: PageRecords,
  suite: HashSuite,
): Result<Nodes, PageError> {
  const refusal = fail({ code: 'page-corrupt' } as const);
  const { base, delta, isOwn } = records;
  if (isOwn && isImage(base) && (delta === undefined || wholeOfDelta(delta) === undefined)) {
    const read = readOwn(page, base, delta, suite);
    if (read !== 'changed-otherwise') return read === undefined ? refusal : ok(read);
  }
  const built = buildPage(page.prefix, records, suite);
  if (built === undefined) return refusal;
  const { table, root, hash } = built;
  if (!isPage(page, totalsOf(table, root), hash)) return refusal;
  return ok(compact(table, root, page.prefix));
}

/** Whether a page is the one that the layout names. */
function isPage(
  page: Page,
  { weight, count }: { readonly weight: number; readonly count: number },
  hash: Uint8Array,
): boolean {
  return count === page.count && weight === page.weight && equalBytes(hash, page.hash);
}

const topmostHash = new Uint8Array(32);

/**
 * The nodes of an image, with what changed since; `undefined` when they are not that page, and
 * `changed-otherwise` when that cannot be put in place.
 */
function readOwn(
  page: Page,
  image: Uint8Array,
  delta: Uint8Array | undefined,
  suite: HashSuite,
): Nodes | 'changed-otherwise' | undefined {
  const root = pageOfImage(image);
  if (root === undefined) return undefined;
  const { chunk, kind } = root;
  if (delta !== undefined && !builderOf(suite).overwrite(root, page.prefix, delta)) {
    return 'changed-otherwise';
  }
  const { table, ref } = insideOf(root);
  if (kind === LEAF) hashLeafInto(suite, chunk, 0, topmostHash, 0);
  else hashBranchInto(suite, chunk, 0, topmostHash, 0);
  return isPage(page, totalsOf(table, ref), topmostHash) ? root : undefined;
}

/** Makes subtrees of pages, one at a time, in memory that is used again. */
class PageBuilder {
  readonly #suite: HashSuite;
  readonly #builder: Builder;
  readonly #leaves = new Scratch();
  readonly #arrays = new ItemArrays();
  readonly #branches = new Scratch();
  readonly #changed = new Scratch();

  constructor(suite: HashSuite) {
    this.#suite = suite;
    this.#builder = new Builder(suite);
  }

  build(prefix: Uint8Array, { base, delta, isOwn }: PageRecords): BuiltPage | undefined {
    const whole = delta && wholeOfDelta(delta);
    if (whole !== undefined) return this.#buildLeaves(prefix, whole);
    const built = isOwn && isImage(base) ? this.#readImage(base) : this.#buildLeaves(prefix, base);
    return delta === undefined || built === undefined ? built : this.#change(built, prefix, delta);
  }

  /** Its hashes are those that this node computed when it wrote them. */
  #readImage(image: Uint8Array): BuiltPage | undefined {
    const words = imageWords(image);
    if (words < 0) return undefined;
    const chunk = this.#leaves.take(words);
    const kind = readImage(image, chunk);
    if (kind === undefined) return undefined;
    const table = Table.of([]);
    const root = { kind, chunk: table.add(chunk), at: 0 };
    const branches = this.#branches.take(CHANGED_BRANCH_WORDS);
    this.#builder.begin(table, new Arena(table, CHANGED_BRANCH_WORDS, branches));
    return { table, root, hash: this.#builder.complete(root) };
  }

  #buildLeaves(prefix: Uint8Array, encoded: Uint8Array): BuiltPage | undefined {
    const table = Table.of([]);
    const where = { prefix, scratch: this.#leaves, arrays: this.#arrays };
    const items = Items.ofPage(this.#suite, table, encoded, where);
    if (items === undefined) return undefined;
    const words = BRANCH_WORDS_PER_LEAF * items.count;
    const branches = this.#branches.take(words);
    const arena = new Arena(table, words, branches);
    this.#builder.begin(table, arena);
    const root = this.#builder.update(NO_REF, items, prefix.length);
    return { table, root, hash: this.#builder.complete(root) };
  }

  /** Puts in place what changed since. */
  #change(built: BuiltPage, prefix: Uint8Array, delta: Uint8Array): BuiltPage | undefined {
    const { table } = built;
    const items = this.#readDelta(table, prefix, delta);
    if (items === undefined) return undefined;
    if (items.count === 0) return built;
    const root = this.#builder.update(built.root, items, prefix.length);
    return { table, root, hash: this.#builder.complete(root) };
  }

  #readDelta(table: Table, prefix: Uint8Array, delta: Uint8Array): Items | undefined {
    const where = { scratch: this.#changed, arrays: this.#arrays };
    const items = Items.ofDelta(this.#suite, table, delta, where);
    if (items?.areDistinct !== true) return undefined;
    // They are sorted: what lies between two below the prefix is too.
    for (const place of items.count === 0 ? [] : [0, items.count - 1]) {
      const at = items.ats[place] ?? 0;
      if (!isBelow(items.chunk.bytes, 4 * pathWord(at), prefix)) return undefined;
    }
    return items;
  }

  /**
   * Puts in place what changed since in a page that nobody has seen yet; whether that could be done
   * where its nodes stand. Otherwise it is as it was.
   */
  overwrite(root: Nodes, prefix: Uint8Array, delta: Uint8Array): boolean {
    const items = this.#readDelta(Table.of([]), prefix, delta);
    return items !== undefined && overwrite(this.#suite, root, items, prefix.length);
  }
}

/** A page's nodes; valid until the next page is built. */
export type BuiltPage = {
  readonly table: Table;
  readonly root: Ref;
  readonly hash: Hash;
};

const pageBuilders = new WeakMap<HashSuite, PageBuilder>();

/**
 * The subtree of a page's records, hashed, in memory that the next call uses again; `undefined`
 * when these are not what is written of leaves below the prefix.
 */
export function buildPage(
  prefix: Uint8Array,
  records: PageRecords,
  suite: HashSuite,
): BuiltPage | undefined {
  return builderOf(suite).build(prefix, records);
}

function builderOf(suite: HashSuite): PageBuilder {
  let builder = pageBuilders.get(suite);
  if (builder === undefined) {
    builder = new PageBuilder(suite);
    pageBuilders.set(suite, builder);
  }
  return builder;
}

function unpackPrefix(packed: Uint8Array, depth: number): Bytes | undefined {
  if (packed.length !== (depth + 1) >> 1) return undefined;
  if ((depth & 1) === 1 && ((packed.at(-1) ?? 0) & 15) !== 0) return undefined;
  return Uint8Array.from({ length: depth }, (_, at) => {
    const byte = packed[at >> 1] ?? 0;
    return (at & 1) === 0 ? byte >> 4 : byte & 15;
  });
}

/** The key under which a store keeps a page: generation u64 BE ‖ depth u8 ‖ prefix, packed. */
export function pageStoreKey(page: Pick<Page, 'prefix' | 'generation'>): Bytes {
  const { prefix, generation } = page;
  const key = new Uint8Array(9 + ((prefix.length + 1) >> 1));
  let rest = generation; // A safe whole number.
  for (let at = 7; at >= 0; at--, rest = Math.floor(rest / 256)) key[at] = rest & 255;
  key[8] = prefix.length;
  for (let depth = 0; depth < prefix.length; depth++) {
    const at = 9 + (depth >> 1);
    const nibble = prefix[depth] ?? 0;
    key[at] = (depth & 1) === 0 ? nibble << 4 : (key[at] ?? 0) | nibble;
  }
  return key;
}

/** The key under which a store keeps what changed in a page; `undefined`: nothing did. */
export function deltaStoreKey(page: Pick<Page, 'prefix' | 'deltaGeneration'>): Bytes | undefined {
  const { prefix, deltaGeneration: generation } = page;
  return generation === 0 ? undefined : pageStoreKey({ prefix, generation });
}

/** The keys of all that a store keeps of a page. */
export function pageStoreKeys(page: StoredName): Bytes[] {
  const delta = deltaStoreKey(page);
  return delta === undefined ? [pageStoreKey(page)] : [pageStoreKey(page), delta];
}

/** What the store calls a page; of the page itself nothing is held back. */
export type StoredName = Pick<Page, 'prefix' | 'generation' | 'deltaGeneration'>;

const prefixCodec = struct('PagePrefix', { depth: u8, packed: bytes({ max: 32 }) });
/** In the depth of a page: the generation of its changes follows. */
const HAS_DELTA = 0x80;
const pageFields = {
  prefix: prefixCodec,
  generation: uint53,
  hash: hashCodec,
  weight: u32,
  count: u32,
};
const layoutPageCodec = struct('LayoutPage', pageFields);
const layoutCodec = struct('StateLayout', {
  pages: vector(layoutPageWithDelta(), { max: LAYOUT_PAGES_MAX }),
  removed: vector(prefixCodec, { max: LAYOUT_PAGES_MAX }),
});

/** A page and the generation of its changes, 0 when there are none: then nothing is written. */
function layoutPageWithDelta(): Codec<LayoutPage> {
  return {
    ...layoutPageCodec,
    write: (writer, value) => {
      layoutPageCodec.write(writer, value);
      if ((value.prefix.depth & HAS_DELTA) !== 0) uint53.write(writer, value.deltaGeneration);
    },
    read: (reader) => {
      const page = layoutPageCodec.read(reader);
      const hasDelta = (page.prefix.depth & HAS_DELTA) !== 0;
      return { ...page, deltaGeneration: hasDelta ? uint53.read(reader) : 0 };
    },
    // Nobody shows a layout to people.
    fromJson: (json, path) => ({ ...layoutPageCodec.fromJson(json, path), deltaGeneration: 0 }),
  };
}
type LayoutPage = Infer<typeof layoutPageCodec> & { readonly deltaGeneration: number };

/**
 * Encodes which pages a checkpoint has, or how that differs from the layout before. By hand: a
 * value of the codec for each of ten thousand pages took most of the time, and a writer half of
 * what was left.
 */
export function encodeLayout(layout: {
  readonly pages: readonly LayoutFields[];
  readonly removed: readonly Pick<Page, 'prefix'>[];
}): Bytes {
  const { pages, removed } = layout;
  let length = 2 * COUNT_BYTES_MAX;
  for (const { prefix } of pages) length += LAYOUT_PAGE_BYTES + ((prefix.length + 1) >> 1);
  for (const { prefix } of removed) length += 2 + ((prefix.length + 1) >> 1);
  const bytes = new Uint8Array(length);
  const view = new DataView(bytes.buffer);
  const writeUint53 = (at: number, value: number): number => {
    view.setUint32(at, value, true); // Its lower half.
    view.setUint32(at + 4, Math.floor(value / 0x1_0000_0000), true);
    return at + 8;
  };
  let at = writeLength(bytes, 0, pages.length);
  for (const page of pages) {
    const { hash, deltaGeneration } = page;
    at = writePrefix(bytes, at, page.prefix, deltaGeneration === 0 ? 0 : HAS_DELTA);
    at = writeUint53(at, page.generation);
    for (let place = 0; place < 32; place++) bytes[at + place] = hash[place] ?? 0;
    view.setUint32(at + 32, page.weight, true);
    view.setUint32(at + 36, page.count, true);
    at += 40;
    if (deltaGeneration !== 0) at = writeUint53(at, deltaGeneration);
  }
  at = writeLength(bytes, at, removed.length);
  for (const { prefix } of removed) at = writePrefix(bytes, at, prefix, 0);
  return bytes.slice(0, at);
}

/** What a layout says of a page. */
type LayoutFields = Pick<
  Page,
  'prefix' | 'generation' | 'deltaGeneration' | 'hash' | 'weight' | 'count'
>;

/** Bytes of a number of pages, at most. */
const COUNT_BYTES_MAX = 5;
/** What a layout says of a page, at most, its packed prefix aside. */
const LAYOUT_PAGE_BYTES = 2 + 8 + 32 + 4 + 4 + 8;

/** Depth, and the prefix packed, with its length before it; where the next byte goes. */
function writePrefix(bytes: Bytes, from: number, prefix: Uint8Array, flags: number): number {
  const { length } = prefix;
  bytes[from] = length | flags;
  bytes[from + 1] = (length + 1) >> 1; // Below 128.
  let at = from + 2;
  for (let depth = 0; depth < length; depth += 2) {
    bytes[at++] = ((prefix[depth] ?? 0) << 4) | (prefix[depth + 1] ?? 0);
  }
  return at;
}

/** The pages that a full layout, then each later difference, leaves; none is loaded. */
export function decodeLayouts(encoded: readonly Uint8Array[]): Result<Page[], LayoutError> {
  const refusal = fail({ code: 'layout-corrupt' } as const);
  const pages = new Map<string, Page>();
  for (const record of encoded) {
    const decoded = decode(layoutCodec, record);
    if (!decoded.ok) return refusal;
    for (const { depth, packed } of decoded.value.removed) {
      const prefix = unpackPrefix(packed, depth);
      if (prefix === undefined || !pages.delete(prefixText(prefix))) return refusal;
    }
    const named = new Set<string>();
    for (const entry of decoded.value.pages) {
      const page = pageOf(entry);
      if (page === undefined) return refusal;
      const prefix = page.prefixText;
      if (named.has(prefix)) return refusal; // One form only.
      named.add(prefix);
      pages.set(prefix, page);
    }
  }
  return ok([...pages.values()]);
}

function pageOf(entry: LayoutPage): Page | undefined {
  const { generation, deltaGeneration, weight, count, hash } = entry;
  const depth = entry.prefix.depth & ~HAS_DELTA;
  const hasDelta = depth !== entry.prefix.depth;
  // One form only: what changed was written later.
  if (hasDelta && deltaGeneration <= generation) return undefined;
  const prefix = depth > PATH_NIBBLES ? undefined : unpackPrefix(entry.prefix.packed, depth);
  if (prefix === undefined || count === 0) return undefined;
  return new Page({ prefix, generation, deltaGeneration, weight, count, hash, isStored: true });
}

/** Orders prefixes by path; zero when one contains the other. */
function byPrefix(left: Page, right: Page): number {
  const depths = Math.min(left.depth, right.depth);
  for (let depth = 0; depth < depths; depth++) {
    const difference = left.nibble(depth) - right.nibble(depth);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether pages stand in the order of their paths, and no prefix contains another. */
function isRising(pages: readonly Page[]): boolean {
  let before: Page | undefined;
  for (const page of pages) {
    if (before !== undefined && byPrefix(before, page) >= 0) return false;
    before = page;
  }
  return true;
}

/** The upper tree of some pages, whose prefixes must not contain one another; and its root. */
export function treeOfPages(
  suite: HashSuite,
  pages: readonly Page[],
): Result<{ readonly table: Table; readonly root: Ref; readonly hash: Hash }, LayoutError> {
  const sorted = isRising(pages) ? pages : pages.toSorted(byPrefix);
  if (sorted !== pages && !isRising(sorted)) return fail({ code: 'layout-corrupt' });
  const table = Table.of(sorted);
  const builder = new Builder(suite);
  builder.begin(table, new Arena(table, UPPER_ARENA_WORDS));
  const build = (low: number, high: number, depth: number): Ref => {
    const page = sorted[low];
    if (page === undefined || low === high) return NO_REF;
    // A page of many leaves stands at its own depth; single leaves stand as high as they can.
    if (high - low === 1 && (page.count === 1 || page.depth === depth)) {
      return { kind: PAGE, chunk: pageId(low), at: 0 };
    }
    const children: Ref[] = [];
    let start = low;
    for (let nibble = 0; nibble < 16; nibble++) {
      let end = start;
      while (end < high && sorted[end]?.nibble(depth) === nibble) end += 1;
      children.push(build(start, end, depth + 1));
      start = end;
    }
    return builder.branchOf(children, depth);
  };
  const root = build(0, sorted.length, 0);
  return ok({ table, root, hash: builder.complete(root) });
}

export const UPPER_ARENA_WORDS = 16 * 1024;

/** The pages that a tree is made of. */
export function pagesOf(table: Table, ref: Ref, into: Page[] = []): Page[] {
  if (ref.kind === PAGE) into.push(table.page(ref.chunk));
  else if (ref.kind === BRANCH && isUpper(table.chunk(ref.chunk), ref.at)) {
    for (const child of childrenOf(table, ref)) pagesOf(table, child, into);
  }
  return into;
}

/**
 * The pages that a subtree is made of, and those that branches of it are inside of.
 *
 * @param page The one that the table is of, if it is of one.
 */
export function pagesBelow(table: Table, ref: Ref, page: Page | undefined): Page[] {
  const found = new Set<Page>();
  const visit = (node: Ref): void => {
    if (node.kind === PAGE || node.kind === INSIDE) {
      const owner = node.chunk < 0 ? table.page(node.chunk) : page;
      if (owner !== undefined) found.add(owner);
    } else if (node.kind === BRANCH) for (const child of childrenOf(table, node)) visit(child);
  };
  visit(ref);
  return [...found];
}

/**
 * The leaves of a page with what changed since; `undefined` when a record is spoilt. Whether they
 * are that page, its hash says: here nobody asks.
 */
export function mergePage(
  suite: HashSuite,
  prefix: Uint8Array,
  base: Uint8Array,
  delta: Uint8Array,
): Bytes | undefined {
  const built = buildPage(prefix, { base, delta, isOwn: true }, suite);
  if (built === undefined || built.root.kind === NOTHING) return undefined;
  return encodeSubtree(built.table, built.root, prefix);
}
