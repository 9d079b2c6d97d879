import type { Bytes, Result } from '../base/index.ts';
import { equalBytes, fail, ok } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { bytes, decode, encode, struct, u8, u32, uint53, vector } from '../codec/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { LayoutError, PageError } from './errors.ts';
import {
  LAYOUT_PAGES_MAX,
  PAGE_LEAVES_MAX,
  PATH_NIBBLES,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from './limits.ts';
import type { Hasher, TreeNode } from './nodes.ts';
import {
  Arena,
  Branch,
  bytesOf,
  changedAtOf,
  compact,
  keyOf,
  Leaf,
  leafValue,
  makeLeaf,
  Page,
  recordLength,
  withSameHashes,
} from './nodes.ts';
import type { Item } from './update.ts';
import { build, comparePaths, isBelow, itemAt } from './update.ts';

const leafCodec = struct('PageLeaf', {
  key: bytes({ min: 1, max: STATE_KEY_BYTES_MAX }),
  changedAt: uint53,
  value: bytes({ max: STATE_VALUE_BYTES_MAX }),
});
const pageCodec = struct('StatePage', {
  leaves: vector(leafCodec, { min: 1, max: PAGE_LEAVES_MAX }),
});

/** What the branches of random leaves take: a third as many branches, 32 bytes for each child. */
const BLOCK_BYTES_PER_LEAF = 48;

/** The leaves below a node, by path. */
export function leavesOf(node: Leaf | Branch, into: Leaf[] = []): Leaf[] {
  if (node instanceof Leaf) into.push(node);
  // Pages hold no pages.
  else for (const child of node.children) leavesOf(child as Leaf | Branch, into);
  return into;
}

/** Encodes a page's leaves: key, height of the last change, value; sorted by path. */
export function encodePage(root: Leaf | Branch): Bytes {
  const leaves = leavesOf(root).map((leaf) => ({
    key: keyOf(leaf),
    changedAt: changedAtOf(leaf),
    value: leafValue(leaf),
  }));
  return encode(pageCodec, { leaves });
}

/** The nodes of a page's bytes, which must be exactly the page that the layout names. */
export function decodePage(
  page: Page,
  encoded: Uint8Array,
  hasher: Hasher,
): Result<Leaf | Branch, PageError> {
  const refusal = fail({ code: 'page-corrupt' } as const);
  const decoded = decode(pageCodec, encoded);
  if (!decoded.ok || decoded.value.leaves.length !== page.count) return refusal;
  let size = 0;
  for (const { key, value } of decoded.value.leaves) {
    size += recordLength(key.length, value.length);
  }
  const arena = new Arena(size);
  const items: Item[] = [];
  let previous: Item | undefined;
  for (const { key, changedAt, value } of decoded.value.leaves) {
    const node = makeLeaf(hasher.suite, arena, { key, value, changedAt });
    const item = itemAt(node.bytes, node.at, node, key);
    if (previous !== undefined && comparePaths(previous, item) >= 0) return refusal;
    if (!isBelow(node.bytes, node.at, page.prefix)) return refusal;
    previous = item;
    items.push(item);
  }
  const blocks = new Arena(BLOCK_BYTES_PER_LEAF * items.length);
  const root = build(items, 0, items.length, page.prefix.length, blocks);
  if (root === undefined || root instanceof Page || root.weight !== page.weight) return refusal;
  return equalBytes(hasher.hash(root), page.hash) ? ok(root) : refusal;
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

/** The upper tree of some pages, whose prefixes must not contain one another. */
export function treeOfPages(pages: readonly Page[]): Result<TreeNode | undefined, LayoutError> {
  const items = pages.map((page): Item & { node: Page } => {
    const path = new Uint8Array(32);
    path.set(packPrefix(page.prefix));
    return { ...itemAt(path, 0, page, page.prefix), node: page };
  });
  items.sort((left, right) => comparePaths(left, right) || left.key.length - right.key.length);
  for (let index = 1; index < items.length; index++) {
    const before = items[index - 1];
    const here = items[index];
    if (before === undefined || here === undefined) continue; // Never: inside the bounds.
    if (isBelow(here.path, 0, before.node.prefix)) return fail({ code: 'layout-corrupt' });
  }
  return ok(build(items, 0, items.length, 0, new Arena(64 * 1024)));
}

/** Pages that a tree is made of, and those leaves that are in none yet. */
export function pagesOf(node: TreeNode | undefined, into: Page[] = []): Page[] {
  if (node instanceof Page) into.push(node);
  else if (node instanceof Branch && node.isUpper) {
    for (const child of node.children) pagesOf(child, into);
  }
  return into;
}

type PaginateOptions = {
  readonly hasher: Hasher;
  readonly pageBytesMax: number;
  readonly generation: number;
};

/**
 * Divides what changed into pages: the tree with every leaf in a page, hashes unchanged. Pages that
 * did not change stay the same objects, new ones have a buffer of their own; upper branches that
 * became small are joined into a page.
 */
export function paginate(
  node: TreeNode,
  prefix: readonly number[],
  options: PaginateOptions,
): TreeNode {
  if (node instanceof Page) return node;
  if (node instanceof Branch && node.isUpper) {
    const joined = node.weight < options.pageBytesMax / 4 ? unpaged(node) : undefined;
    if (joined !== undefined) return paginate(joined, prefix, options);
    return withChildren(node, prefix, options);
  }
  if (node instanceof Branch && node.weight > options.pageBytesMax) {
    return withChildren(node, prefix, options);
  }
  return new Page({
    prefix: Uint8Array.from(prefix),
    generation: options.generation,
    weight: node.weight,
    count: node.count,
    hash: options.hasher.hash(node),
    // Now, not when it is written: what is built on it meanwhile shall share these nodes.
    root: compact(node, new Arena(bytesOf(node))),
    isStored: false,
  });
}

function withChildren(branch: Branch, prefix: readonly number[], options: PaginateOptions): Branch {
  const children: TreeNode[] = [];
  let place = 0;
  let isSame = branch.isUpper;
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((branch.bitmap & (1 << nibble)) === 0) continue;
    const child = branch.children[place++] as TreeNode; // One child a set bit.
    const divided = paginate(child, [...prefix, nibble], options);
    if (divided !== child) isSame = false;
    children.push(divided);
  }
  if (isSame) return branch;
  return withSameHashes(branch, children, true); // Dividing changes no hash.
}

/** The same subtree without page boundaries; absent when a page of it is not in memory. */
function unpaged(node: TreeNode): Leaf | Branch | undefined {
  if (node instanceof Page) return node.root;
  if (node instanceof Leaf || !node.isUpper) return node;
  const children: (Leaf | Branch)[] = [];
  for (const child of node.children) {
    const plain = unpaged(child);
    if (plain === undefined) return undefined;
    children.push(plain);
  }
  return withSameHashes(node, children, false);
}
