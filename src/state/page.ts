import type { Bytes, Result } from '../base/index.ts';
import { defined, equalBytes, fail, ok } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { bytes, decode, encode, struct, u8, u32, uint53, vector } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { LayoutError, PageError } from './errors.ts';
import { Items } from './items.ts';
import {
  LAYOUT_PAGES_MAX,
  PAGE_LEAVES_MAX,
  PATH_NIBBLES,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from './limits.ts';
import type { PageRoot, Ref } from './nodes.ts';
import {
  Arena,
  BRANCH,
  bitCount,
  bitmapOf,
  branchWeight,
  branchWords,
  Chunk,
  changedAtOf,
  childHash,
  childOf,
  childPlace,
  childrenOf,
  comparePaths,
  insideOf,
  isBelow,
  isUpper,
  keyLengthOf,
  keyOf,
  LEAF,
  leafValue,
  leafWords,
  NO_REF,
  NOTHING,
  PAGE,
  Page,
  pageId,
  pathWord,
  placeWord,
  setKindOfChild,
  Table,
  totalsOf,
  valueLengthOf,
  writeTotals,
} from './nodes.ts';
import { Builder } from './update.ts';

const leafCodec = struct('PageLeaf', {
  key: bytes({ min: 1, max: STATE_KEY_BYTES_MAX }),
  changedAt: uint53,
  value: bytes({ max: STATE_VALUE_BYTES_MAX }),
});
const pageCodec = struct('StatePage', {
  leaves: vector(leafCodec, { min: 1, max: PAGE_LEAVES_MAX }),
});

/** Words that the branches of random leaves take: a third as many, ten for each child. */
const BRANCH_WORDS_PER_LEAF = 16;

/** Calls back for each leaf below a node, by path. */
function forEachLeaf(table: Table, ref: Ref, onLeaf: (chunk: Chunk, at: number) => void): void {
  if (ref.kind === LEAF) onLeaf(table.chunk(ref.chunk), ref.at);
  else for (const child of childrenOf(table, ref)) forEachLeaf(table, child, onLeaf);
}

/** Encodes a page's leaves: key, height of the last change, value; sorted by path. */
export function encodePage(root: PageRoot): Bytes {
  const leaves: Infer<typeof leafCodec>[] = [];
  const { table, ref } = insideOf(root);
  forEachLeaf(table, ref, (chunk, at) => {
    leaves.push({
      key: keyOf(chunk, at),
      changedAt: changedAtOf(chunk, at),
      value: leafValue(chunk, at),
    });
  });
  return encode(pageCodec, { leaves });
}

/** The nodes of a page's bytes, which must be exactly the page that the layout names. */
export function decodePage(
  page: Page,
  encoded: Uint8Array,
  suite: HashSuite,
): Result<PageRoot, PageError> {
  const refusal = fail({ code: 'page-corrupt' } as const);
  const decoded = decode(pageCodec, encoded);
  if (!decoded.ok || decoded.value.leaves.length !== page.count) return refusal;
  const { leaves } = decoded.value;
  const table = Table.of([]);
  const items = new Items(suite, table, leaves, 0);
  if (!items.areDistinct) return refusal;
  const { bytes } = items.chunk;
  for (let place = 0; place < items.count; place++) {
    if (items.sources[place] !== place) return refusal; // Not sorted.
    if (!isBelow(bytes, 4 * pathWord(items.ats[place] ?? 0), page.prefix)) return refusal;
  }
  const builder = new Builder(suite);
  builder.begin(table, new Arena(table, BRANCH_WORDS_PER_LEAF * items.count));
  const root = builder.update(NO_REF, items, page.prefix.length);
  const hash = builder.complete(root);
  if (totalsOf(table, root).weight !== page.weight) return refusal;
  return equalBytes(hash, page.hash) ? ok(compact(table, root)) : refusal;
}

/** Words that a page's nodes take. */
function wordsOf(table: Table, ref: Ref): number {
  if (ref.kind === PAGE) return loadedPage(table, ref).chunk.words.length;
  const chunk = table.chunk(ref.chunk);
  if (ref.kind === LEAF) return leafWords(keyLengthOf(chunk, ref.at), valueLengthOf(chunk, ref.at));
  let words = branchWords(bitCount(bitmapOf(chunk, ref.at)));
  for (const child of childrenOf(table, ref)) words += wordsOf(table, child);
  return words;
}

function loadedPage(table: Table, ref: Ref): PageRoot {
  return defined(table.page(ref.chunk).root, 'a page that is joined is in memory');
}

/**
 * Copies nodes into a chunk of their own, without page boundaries, hashes included, so that the
 * chunks of the blocks that made them can be freed.
 */
function compact(table: Table, ref: Ref): PageRoot {
  const chunk = new Chunk(wordsOf(table, ref));
  let used = 0;
  /** Copies words to the end of the chunk; where they begin. */
  const append = (source: Chunk, at: number, length: number): number => {
    chunk.words.set(source.words.subarray(at, at + length), used);
    used += length;
    return used - length;
  };
  const copy = (from: Table, node: Ref): { readonly kind: Ref['kind']; readonly at: number } => {
    if (node.kind === PAGE) {
      const inside = insideOf(loadedPage(from, node));
      return copy(inside.table, inside.ref);
    }
    const source = from.chunk(node.chunk);
    if (node.kind === LEAF) {
      const words = leafWords(keyLengthOf(source, node.at), valueLengthOf(source, node.at));
      return { kind: LEAF, at: append(source, node.at, words) };
    }
    const bitmap = bitmapOf(source, node.at);
    const children = bitCount(bitmap);
    const at = append(source, node.at, branchWords(children));
    writeTotals(chunk, at, { ...totalsOf(from, node), isUpper: false });
    let place = 0;
    for (let nibble = 0; nibble < 16; nibble++) {
      if ((bitmap & (1 << nibble)) === 0) continue;
      const child = copy(from, childOf(from, node, nibble));
      setKindOfChild(chunk, at, nibble, child.kind);
      const word = placeWord(at, children, place++);
      chunk.words[word] = 0;
      chunk.words[word + 1] = child.at;
    }
    return { kind: BRANCH, at };
  };
  return { chunk, kind: copy(table, ref).kind };
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

/** Encodes which pages a checkpoint has, or how that differs from the layout before. */
export function encodeLayout(layout: {
  readonly pages: readonly Page[];
  readonly removed: readonly Page[];
}): Bytes {
  const prefixOf = (page: Page) => ({
    depth: page.prefix.length,
    packed: packPrefix(page.prefix),
  });
  return encode(layoutCodec, {
    pages: layout.pages.map((page) => ({
      prefix: prefixOf(page),
      generation: page.generation,
      hash: page.hash,
      weight: page.weight,
      count: page.count,
    })),
    removed: layout.removed.map(prefixOf),
  });
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

/** The upper tree of some pages, whose prefixes must not contain one another; and its root. */
export function treeOfPages(
  suite: HashSuite,
  pages: readonly Page[],
): Result<{ readonly table: Table; readonly root: Ref; readonly hash: Hash }, LayoutError> {
  const placed = pages.map((page) => {
    const path = new Uint8Array(32);
    path.set(packPrefix(page.prefix));
    return { path, page };
  });
  placed.sort(
    (left, right) =>
      comparePaths(left.path, 0, right.path, 0) ||
      left.page.prefix.length - right.page.prefix.length,
  );
  for (let index = 1; index < placed.length; index++) {
    const before = placed[index - 1];
    const here = placed[index];
    if (before === undefined || here === undefined) continue; // Never: inside the bounds.
    if (isBelow(here.path, 0, before.page.prefix)) return fail({ code: 'layout-corrupt' });
  }
  const sorted = placed.map(({ page }) => page);
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
): { readonly table: Table; readonly root: Ref; readonly pages: readonly Page[] } {
  const { table } = tree;
  const pages: Page[] = [];
  const next = Table.of(pages);
  const arena = new Arena(next, UPPER_ARENA_WORDS);
  const placed = (page: Page): Ref => ({ kind: PAGE, chunk: pageId(pages.push(page) - 1), at: 0 });
  const divide = (ref: Ref, prefix: readonly number[], hash: () => Hash): Ref => {
    if (ref.kind === NOTHING) return ref;
    if (ref.kind === PAGE) return placed(table.page(ref.chunk));
    const { weight, count } = totalsOf(table, ref);
    if (ref.kind === BRANCH && isDivided(table, ref, options.pageBytesMax)) {
      return divideChildren(ref, prefix);
    }
    const { generation } = options;
    return placed(
      new Page({
        prefix: Uint8Array.from(prefix),
        generation,
        weight,
        count,
        hash: hash(),
        // Now, not when it is written: what is built on it meanwhile shall share these nodes.
        root: compact(table, ref),
        isStored: false,
      }),
    );
  };
  const divideChildren = (ref: Ref, prefix: readonly number[]): Ref => {
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
      const hash = () => childHash(source, ref.at, place); // Dividing changes no hash.
      const child = divide(childOf(table, ref, nibble), [...prefix, nibble], hash);
      setKindOfChild(chunk, at, nibble, child.kind);
      const word = placeWord(at, children, place);
      chunk.words[word] = child.chunk;
      chunk.words[word + 1] = child.at;
    }
    return { kind: BRANCH, chunk: id, at };
  };
  const root = divide(tree.root, [], () => tree.hash);
  return { table: next, root, pages };
}

/** Whether a branch is above pages: too large for one, or not to be joined into one. */
function isDivided(table: Table, ref: Ref, pageBytesMax: number): boolean {
  const chunk = table.chunk(ref.chunk);
  const weight = branchWeight(chunk, ref.at);
  if (!isUpper(chunk, ref.at)) return weight > pageBytesMax;
  return weight >= pageBytesMax / 4 || !pagesOf(table, ref).every(({ root }) => root !== undefined);
}
