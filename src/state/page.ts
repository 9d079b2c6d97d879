import type { Bytes, Result } from '../base/index.ts';
import { equalBytes, fail, ok } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { bytes, decode, struct, u8, u32, uint53, vector, Writer } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import { compact } from './compact.ts';
import type { LayoutError, PageError } from './errors.ts';
import { Items } from './items.ts';
import { LAYOUT_PAGES_MAX, PATH_NIBBLES } from './limits.ts';
import type { PageRoot, Ref } from './nodes.ts';
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
  childrenOf,
  isUpper,
  NO_REF,
  NOTHING,
  PAGE,
  Page,
  pageId,
  placeWord,
  Scratch,
  setKindOfChild,
  Table,
  totalsOf,
  writeTotals,
} from './nodes.ts';
import { Builder } from './update.ts';

/** Words that the branches of random leaves take: a third as many, ten for each child. */
const BRANCH_WORDS_PER_LEAF = 16;

/** The nodes of a page's bytes, which must be exactly the page that the layout names. */
export function decodePage(
  page: Page,
  encoded: Uint8Array,
  suite: HashSuite,
): Result<PageRoot, PageError> {
  const refusal = fail({ code: 'page-corrupt' } as const);
  const built = buildPage(page.prefix, encoded, suite);
  if (built === undefined) return refusal;
  const { table, root, hash } = built;
  const { weight, count } = totalsOf(table, root);
  if (count !== page.count || weight !== page.weight) return refusal;
  return equalBytes(hash, page.hash) ? ok(compact(table, root)) : refusal;
}

/** Makes subtrees of pages, one at a time, in memory that is used again. */
class PageBuilder {
  readonly #suite: HashSuite;
  readonly #builder: Builder;
  readonly #leaves = new Scratch();
  readonly #branches = new Scratch();

  constructor(suite: HashSuite) {
    this.#suite = suite;
    this.#builder = new Builder(suite);
  }

  build(prefix: Uint8Array, encoded: Uint8Array): BuiltPage | undefined {
    const table = Table.of([]);
    const where = { prefix, scratch: this.#leaves };
    const items = Items.ofPage(this.#suite, table, encoded, where);
    if (items === undefined) return undefined;
    const words = BRANCH_WORDS_PER_LEAF * items.count;
    const branches = this.#branches.take(words);
    const arena = new Arena(table, words, branches);
    this.#builder.begin(table, arena);
    const root = this.#builder.update(NO_REF, items, prefix.length);
    return { table, root, hash: this.#builder.complete(root) };
  }
}

/** A page's nodes; valid until the next page is built. */
type BuiltPage = { readonly table: Table; readonly root: Ref; readonly hash: Hash };

const pageBuilders = new WeakMap<HashSuite, PageBuilder>();

/**
 * The subtree of a page's bytes, hashed, in memory that the next call uses again; `undefined` when
 * these are not the one encoding of leaves below the prefix.
 */
export function buildPage(
  prefix: Uint8Array,
  encoded: Uint8Array,
  suite: HashSuite,
): BuiltPage | undefined {
  let builder = pageBuilders.get(suite);
  if (builder === undefined) {
    builder = new PageBuilder(suite);
    pageBuilders.set(suite, builder);
  }
  return builder.build(prefix, encoded);
}

/** A prefix in text, for maps and messages. */
export function prefixText(prefix: Uint8Array): string {
  let text = '';
  for (const nibble of prefix) text += nibble.toString(16);
  return text;
}

function packPrefix(prefix: Uint8Array): Bytes {
  const packed = new Uint8Array((prefix.length + 1) >> 1);
  prefix.forEach((nibble, depth) => {
    const byte = packed[depth >> 1] ?? 0;
    packed[depth >> 1] = byte | ((depth & 1) === 0 ? nibble << 4 : nibble);
  });
  return packed;
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
  const packed = packPrefix(page.prefix);
  const key = new Uint8Array(9 + packed.length);
  new DataView(key.buffer).setBigUint64(0, BigInt(page.generation));
  key[8] = page.prefix.length;
  key.set(packed, 9);
  return key;
}

const prefixCodec = struct('PagePrefix', { depth: u8, packed: bytes({ max: 32 }) });
const layoutCodec = struct('StateLayout', {
  pages: vector(
    struct('LayoutPage', {
      prefix: prefixCodec,
      generation: uint53,
      hash: hashCodec,
      weight: u32,
      count: u32,
    }),
    { max: LAYOUT_PAGES_MAX },
  ),
  removed: vector(prefixCodec, { max: LAYOUT_PAGES_MAX }),
});
type LayoutRecord = Infer<typeof layoutCodec>;

/**
 * Encodes which pages a checkpoint has, or how that differs from the layout before. By hand: a
 * value of the codec for each of ten thousand pages took most of the time.
 */
export function encodeLayout(layout: {
  readonly pages: readonly Pick<Page, 'prefix' | 'generation' | 'hash' | 'weight' | 'count'>[];
  readonly removed: readonly Pick<Page, 'prefix'>[];
}): Bytes {
  const { pages, removed } = layout;
  const writer = new Writer(64 + LAYOUT_PAGE_BYTES * pages.length);
  const writePrefix = (prefix: Uint8Array) => {
    const packed = packPrefix(prefix);
    writer.u8(prefix.length);
    writer.uleb(packed.length);
    writer.bytes(packed);
  };
  writer.uleb(pages.length);
  for (const page of pages) {
    writePrefix(page.prefix);
    writer.uint53(page.generation);
    writer.bytes(page.hash);
    writer.u32(page.weight);
    writer.u32(page.count);
  }
  writer.uleb(removed.length);
  for (const { prefix } of removed) writePrefix(prefix);
  return writer.finish();
}

/** Of a page four nibbles deep, as those of a large state are. */
const LAYOUT_PAGE_BYTES = 52;

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
      const prefix = prefixText(page.prefix);
      if (named.has(prefix)) return refusal; // One form only.
      named.add(prefix);
      pages.set(prefix, page);
    }
  }
  return ok([...pages.values()]);
}

function pageOf(entry: LayoutRecord['pages'][number]): Page | undefined {
  const { depth, packed } = entry.prefix;
  const prefix = depth > PATH_NIBBLES ? undefined : unpackPrefix(packed, depth);
  if (prefix === undefined || entry.count === 0) return undefined;
  return new Page({
    prefix,
    generation: entry.generation,
    weight: entry.weight,
    count: entry.count,
    hash: entry.hash,
    root: undefined,
    isStored: true,
  });
}

/** Orders prefixes by path; zero when one contains the other. */
function byPrefix({ prefix: left }: Page, { prefix: right }: Page): number {
  const { length } = left.length < right.length ? left : right;
  for (let depth = 0; depth < length; depth++) {
    const difference = (left[depth] ?? 0) - (right[depth] ?? 0);
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
    if (high - low === 1 && (page.count === 1 || page.prefix.length === depth)) {
      return { kind: PAGE, chunk: pageId(low), at: 0 };
    }
    const children: Ref[] = [];
    let start = low;
    for (let nibble = 0; nibble < 16; nibble++) {
      let end = start;
      while (end < high && sorted[end]?.prefix[depth] === nibble) end += 1;
      children.push(build(start, end, depth + 1));
      start = end;
    }
    return builder.branchOf(children, depth);
  };
  const root = build(0, sorted.length, 0);
  return ok({ table, root, hash: builder.complete(root) });
}

const UPPER_ARENA_WORDS = 16 * 1024;

/** The pages that a tree is made of. */
export function pagesOf(table: Table, ref: Ref, into: Page[] = []): Page[] {
  if (ref.kind === PAGE) into.push(table.page(ref.chunk));
  else if (ref.kind === BRANCH && isUpper(table.chunk(ref.chunk), ref.at)) {
    for (const child of childrenOf(table, ref)) pagesOf(table, child, into);
  }
  return into;
}

type PaginateOptions = {
  readonly pageBytesMax: number;
  readonly generation: number;
};

/**
 * Divides what changed into pages: the tree with every leaf in a page, hashes unchanged, in a table
 * of its own. Pages that did not change stay the same objects, new ones have a chunk of their own;
 * upper branches that became small are joined into a page.
 */
export function paginate(
  tree: { readonly table: Table; readonly root: Ref; readonly hash: Hash },
  options: PaginateOptions,
): {
  readonly table: Table;
  readonly root: Ref;
  readonly created: readonly Page[];
  /** Those whose leaves are in a created one now. */
  readonly joined: readonly Page[];
} {
  const { table } = tree;
  const pages: Page[] = [];
  const created: Page[] = [];
  const joined: Page[] = [];
  const next = Table.of(pages);
  const arena = new Arena(next, UPPER_ARENA_WORDS);
  const prefix: number[] = [];
  const placed = (page: Page): Ref => ({ kind: PAGE, chunk: pageId(pages.push(page) - 1), at: 0 });
  const divide = (ref: Ref, hash: () => Hash): Ref => {
    if (ref.kind === NOTHING) return ref;
    if (ref.kind === PAGE) return placed(table.page(ref.chunk));
    if (ref.kind === BRANCH && isDivided(table, ref, options.pageBytesMax)) {
      return divideChildren(ref);
    }
    pagesOf(table, ref, joined);
    const { weight, count } = totalsOf(table, ref);
    const page = new Page({
      prefix: Uint8Array.from(prefix),
      generation: options.generation,
      weight,
      count,
      hash: hash(),
      // When it is written or first read: all at once, ten thousand would hold up everything else.
      // What is built on it meanwhile shares its nodes, for that reads it.
      root: () => compact(table, ref),
      isStored: false,
    });
    created.push(page);
    return placed(page);
  };
  const divideChildren = (ref: Ref): Ref => {
    const source = table.chunk(ref.chunk);
    const bitmap = bitmapOf(source, ref.at);
    const children = bitCount(bitmap);
    const length = branchWords(children);
    const at = arena.take(length);
    const { chunk, id } = arena;
    chunk.words.set(source.words.subarray(ref.at, ref.at + length), at);
    writeTotals(chunk, at, { ...totalsOf(table, ref), isUpper: true });
    for (let nibble = 0; nibble < 16; nibble++) {
      if ((bitmap & (1 << nibble)) === 0) continue;
      const place = childPlace(bitmap, nibble);
      prefix.push(nibble);
      // Dividing changes no hash.
      const child = divide(childOf(table, ref, nibble), () => childHash(source, ref.at, place));
      prefix.pop();
      setKindOfChild(chunk, at, nibble, child.kind);
      const word = placeWord(at, children, place);
      chunk.words[word] = child.chunk;
      chunk.words[word + 1] = child.at;
    }
    return { kind: BRANCH, chunk: id, at };
  };
  const root = divide(tree.root, () => tree.hash);
  return { table: next, root, created, joined };
}

/** Whether a branch is above pages: too large for one, or not to be joined into one. */
function isDivided(table: Table, ref: Ref, pageBytesMax: number): boolean {
  const chunk = table.chunk(ref.chunk);
  const weight = branchWeight(chunk, ref.at);
  if (!isUpper(chunk, ref.at)) return weight > pageBytesMax;
  return weight >= pageBytesMax / 4 || !pagesOf(table, ref).every(({ isLoaded }) => isLoaded);
}
