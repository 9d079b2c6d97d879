import type { Bytes } from '../base/index.ts';
import { assert, defined } from '../base/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { PATH_NIBBLES } from './limits.ts';
import type { Arena, TreeNode } from './nodes.ts';
import {
  Branch,
  childPlace,
  isSingleLeaf,
  Leaf,
  makeBranch,
  nibbleOf,
  Page,
  replaceChildren,
  shareHashes,
} from './nodes.ts';

/** What shall stand at a path: a leaf, an untouched page of one leaf, or nothing. */
export type Item = {
  readonly path: Bytes;
  readonly pathAt: number;
  /** The first seven nibbles: orders nearly all items without a look at their paths. */
  readonly order: number;
  readonly node: Leaf | Page | undefined;
  /** Named when the page that holds it must be loaded first. */
  readonly key: Bytes;
  /** The leaf that stood there before; set by `update`. */
  previous: Leaf | undefined;
};

/** Where something is in a tree. */
type Place = Pick<Item, 'path' | 'pathAt'>;

const NO_KEY: Bytes = new Uint8Array(0);
/** Nibbles in `Item.order`; 28 bits are a small integer in every engine. */
const ORDER_NIBBLES = 7;

/** An item whose path begins at `pathAt` of `path`. */
export function itemAt(
  path: Bytes,
  pathAt: number,
  node: Leaf | Page | undefined,
  key: Bytes,
): Item {
  let order = 0;
  for (let depth = 0; depth < ORDER_NIBBLES; depth++) {
    order = (order << 4) | nibbleOf(path, pathAt, depth);
  }
  return { path, pathAt, order, node, key, previous: undefined };
}

function nibbleOfItem(item: Item, depth: number): number {
  if (depth < ORDER_NIBBLES) return (item.order >> (4 * (ORDER_NIBBLES - 1 - depth))) & 15;
  return nibbleOf(item.path, item.pathAt, depth);
}

/**
 * The tree with some items put in place. Nodes are never changed: whatever is touched is made
 * anew, the rest is shared with the tree before. `items[low..high)` are sorted by path, distinct,
 * and share the first `depth` nibbles. Throws `MissingKey` when a page must be loaded first.
 *
 * @param range.arena Where the blocks of new branches go.
 */
export function update(
  node: TreeNode | undefined,
  items: readonly Item[],
  range: {
    readonly low: number;
    readonly high: number;
    readonly depth: number;
    readonly arena: Arena;
  },
): TreeNode | undefined {
  const { low, high, depth, arena } = range;
  return updateNode(node, items, low, high, depth, arena);
}

/** As `update`; called for each node, so without an object around its bounds. */
function updateNode(
  node: TreeNode | undefined,
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
  arena: Arena,
): TreeNode | undefined {
  if (low === high) return node;
  if (node === undefined) return build(items, low, high, depth, arena);
  if (node instanceof Branch) return updateBranch(node, items, low, high, depth, arena);
  if (node instanceof Leaf) return updateLeaf(node, items, low, high, depth, arena);
  const inside = items
    .slice(low, high)
    .find((item) => isBelow(item.path, item.pathAt, node.prefix));
  if (inside === undefined) return mergeOne(pageItem(node), items, low, high, depth, arena);
  if (node.root === undefined) throw new MissingKey(inside.key);
  const updated = updateNode(node.root, items, low, high, depth, arena);
  return updated === node.root ? node : updated;
}

/** Whether a path begins with the nibbles of a prefix. */
export function isBelow(path: Uint8Array, at: number, prefix: Uint8Array): boolean {
  for (let depth = 0; depth < prefix.length; depth++) {
    if (nibbleOf(path, at, depth) !== prefix[depth]) return false;
  }
  return true;
}

/** A page of one leaf as an item: nothing else lies below its prefix, so zeros may follow it. */
function pageItem(page: Page): Item {
  const path = new Uint8Array(32);
  page.prefix.forEach((nibble, depth) => {
    const byte = path[depth >> 1] ?? 0;
    path[depth >> 1] = byte | ((depth & 1) === 0 ? nibble << 4 : nibble);
  });
  return itemAt(path, 0, page, NO_KEY);
}

function updateLeaf(
  leaf: Leaf,
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
  arena: Arena,
): TreeNode | undefined {
  for (let index = low; index < high; index++) {
    const item = items[index] as Item; // Inside the bounds.
    if (isAt(item, leaf)) {
      item.previous = leaf;
      return build(items, low, high, depth, arena);
    }
  }
  const staying = itemAt(leaf.bytes, leaf.at, leaf, NO_KEY);
  return mergeOne(staying, items, low, high, depth, arena);
}

function isAt(item: Item, leaf: Leaf): boolean {
  for (let offset = 0; offset < 32; offset++) {
    if (item.path[item.pathAt + offset] !== leaf.bytes[leaf.at + offset]) return false;
  }
  return true;
}

/** Orders places by path. */
export function comparePaths(left: Place, right: Place): number {
  for (let offset = 0; offset < 32; offset++) {
    const a = left.path[left.pathAt + offset] ?? 0;
    const difference = a - (right.path[right.pathAt + offset] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Builds from items and one node that stays; the very node when the items put nothing. */
function mergeOne(
  staying: Item,
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
  arena: Arena,
): TreeNode | undefined {
  const merged: Item[] = [];
  let isPlaced = false;
  for (let index = low; index < high; index++) {
    const item = items[index] as Item; // Inside the bounds.
    if (item.node === undefined) continue;
    if (!isPlaced && comparePaths(staying, item) < 0) {
      merged.push(staying);
      isPlaced = true;
    }
    merged.push(item);
  }
  if (!isPlaced) merged.push(staying);
  return build(merged, 0, merged.length, depth, arena);
}

/** A tree of items alone. */
export function build(
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
  arena: Arena,
): TreeNode | undefined {
  let present = 0;
  let only: TreeNode | undefined;
  for (let index = low; index < high; index++) {
    const node = items[index]?.node;
    if (node === undefined) continue;
    present += 1;
    only = node;
    if (present > 1) break;
  }
  if (present === 0) return undefined;
  // A page of many leaves stands at its own depth; single leaves stand as high as they can.
  if (present === 1 && only !== undefined) {
    if (isSingleLeaf(only)) return only;
    if (only instanceof Page && only.prefix.length === depth) return only;
  }
  assert(depth < PATH_NIBBLES, 'two leaves of one path');
  let bitmap = 0;
  const children: TreeNode[] = [];
  for (let start = low; start < high; ) {
    const nibble = nibbleOfItem(items[start] as Item, depth); // Inside the bounds.
    const end = runEnd(items, start, high, depth);
    const child = build(items, start, end, depth + 1, arena);
    if (child !== undefined) {
      bitmap |= 1 << nibble;
      children.push(child);
    }
    start = end;
  }
  return assemble(bitmap, children, undefined, arena);
}

/** The end of the run of items from `start` that share its nibble at `depth`. */
function runEnd(items: readonly Item[], start: number, high: number, depth: number): number {
  const nibble = nibbleOfItem(items[start] as Item, depth); // The callers stay inside the bounds.
  let end = start + 1;
  while (end < high && nibbleOfItem(items[end] as Item, depth) === nibble) end += 1;
  return end;
}

function updateBranch(
  branch: Branch,
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
  arena: Arena,
): TreeNode | undefined {
  const { bitmap, children } = branch;
  let { weight, count } = branch;
  let changed = 0;
  /** The children, as long as each is replaced by one. */
  let copy: TreeNode[] | undefined;
  /** The children by nibble, once one came or went. */
  let slots: (TreeNode | undefined)[] | undefined;
  for (let start = low; start < high; ) {
    const nibble = nibbleOfItem(items[start] as Item, depth); // Inside the bounds.
    const end = runEnd(items, start, high, depth);
    const place = childPlace(bitmap, nibble);
    const child = (bitmap & (1 << nibble)) === 0 ? undefined : children[place];
    const updated = updateNode(child, items, start, end, depth + 1, arena);
    start = end;
    if (updated === child) continue;
    const isReplaced = child !== undefined && updated !== undefined && children.length > 1;
    if (isReplaced && slots === undefined) {
      copy ??= children.slice();
      copy[place] = updated;
      changed |= 1 << place;
      weight += updated.weight - child.weight;
      count += updated.count - child.count;
    } else {
      slots ??= slotsOf(bitmap, copy ?? children);
      slots[nibble] = updated;
    }
  }
  if (slots !== undefined) return assembleSlots(slots, branch, arena);
  if (copy === undefined) return branch;
  return replaceChildren(arena, branch, { children: copy, changed, weight, count });
}

/** Children by nibble. */
function slotsOf(bitmap: number, children: readonly TreeNode[]): (TreeNode | undefined)[] {
  const slots: (TreeNode | undefined)[] = new Array(16).fill(undefined);
  let place = 0;
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((bitmap & (1 << nibble)) !== 0) slots[nibble] = children[place++];
  }
  return slots;
}

/** The node of some children by nibble: nothing, the only leaf, or a branch. */
function assembleSlots(
  slots: readonly (TreeNode | undefined)[],
  before: Branch,
  arena: Arena,
): TreeNode | undefined {
  let bitmap = 0;
  const children: TreeNode[] = [];
  for (let nibble = 0; nibble < 16; nibble++) {
    const child = slots[nibble];
    if (child === undefined) continue;
    bitmap |= 1 << nibble;
    children.push(child);
  }
  return assemble(bitmap, children, before, arena);
}

/**
 * The node of some children: nothing, the only leaf, or a branch.
 *
 * @param before The branch in whose place it stands.
 */
function assemble(
  bitmap: number,
  children: readonly TreeNode[],
  before: Branch | undefined,
  arena: Arena,
): TreeNode | undefined {
  const [first] = children;
  if (first === undefined) return undefined;
  if (children.length === 1 && isSingleLeaf(first)) return first;
  const branch = makeBranch(arena, bitmap, children, before?.isUpper ?? false);
  if (before !== undefined) shareHashes(branch, before);
  return branch;
}

/**
 * The leaf at a path. Throws `MissingKey` when its page is not in memory.
 *
 * @param onPage Told each loaded page on the way, so that the cache knows what is in use.
 */
export function find(
  root: TreeNode | undefined,
  path: Bytes,
  context: { readonly key: Bytes; readonly onPage: (page: Page) => void },
): Leaf | undefined {
  let node = root;
  for (let depth = 0; node !== undefined; depth++) {
    if (node instanceof Page) {
      if (node.root === undefined) {
        if (!isBelow(path, 0, node.prefix)) return undefined;
        throw new MissingKey(context.key);
      }
      context.onPage(node);
      node = node.root;
    }
    if (node instanceof Leaf) {
      const other = { path: node.bytes, pathAt: node.at };
      return comparePaths({ path, pathAt: 0 }, other) === 0 ? node : undefined;
    }
    const nibble = nibbleOf(path, 0, depth);
    if ((node.bitmap & (1 << nibble)) === 0) return undefined;
    node = node.children[childPlace(node.bitmap, nibble)];
  }
  return undefined;
}

/** The page on the way to a path that is not in memory, if there is one. */
export function findMissingPage(root: TreeNode | undefined, path: Uint8Array): Page | undefined {
  let node = root;
  for (let depth = 0; node !== undefined; depth++) {
    if (node instanceof Page) {
      if (node.root === undefined) return node;
      node = node.root;
    }
    if (node instanceof Leaf) return undefined;
    const nibble = nibbleOf(path, 0, depth);
    if ((node.bitmap & (1 << nibble)) === 0) return undefined;
    node = node.children[childPlace(node.bitmap, nibble)];
  }
  return undefined;
}

/** Sorts items by path, in place. */
export function sortItems(items: Item[]): Item[] {
  items.sort((left, right) => left.order - right.order || comparePaths(left, right));
  for (let index = 1; index < items.length; index++) {
    const before = defined(items[index - 1], 'inside');
    const here = defined(items[index], 'inside');
    const isAfter = before.order < here.order || comparePaths(before, here) < 0;
    assert(isAfter, 'a key is changed twice');
  }
  return items;
}
