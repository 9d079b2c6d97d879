import type { Bytes } from '../base/index.ts';
import { assert, defined } from '../base/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { PATH_NIBBLES } from './limits.ts';
import type { TreeNode } from './nodes.ts';
import { Branch, childPlace, isSingleLeaf, Leaf, nibbleOf, Page, pathAt } from './nodes.ts';

/** What shall stand at a path: a leaf, an untouched page of one leaf, or nothing. */
export type Item = {
  readonly path: Bytes;
  readonly pathAt: number;
  readonly node: Leaf | Page | undefined;
  /** Named when the page that holds it must be loaded first. */
  readonly key: Bytes;
  /** The leaf that stood there before; set by `update`. */
  previous: Leaf | undefined;
};

const NO_KEY: Bytes = new Uint8Array(0);

/**
 * The tree with some items put in place. Nodes are never changed: whatever is touched is made
 * anew, the rest is shared with the tree before. `items[low..high)` are sorted by path, distinct,
 * and share the first `depth` nibbles. Throws `MissingKey` when a page must be loaded first.
 */
export function update(
  node: TreeNode | undefined,
  items: readonly Item[],
  range: { readonly low: number; readonly high: number; readonly depth: number },
): TreeNode | undefined {
  const { low, high, depth } = range;
  if (low === high) return node;
  if (node === undefined) return build(items, low, high, depth);
  if (node instanceof Branch) return updateBranch(node, items, low, high, depth);
  if (node instanceof Leaf) return updateLeaf(node, items, low, high, depth);
  const inside = items
    .slice(low, high)
    .find((item) => isBelow(item.path, item.pathAt, node.prefix));
  if (inside === undefined) return mergeOne(pageItem(node), items, low, high, depth);
  if (node.root === undefined) throw new MissingKey(inside.key);
  const updated = update(node.root, items, range);
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
  return { path, pathAt: 0, node: page, key: NO_KEY, previous: undefined };
}

function updateLeaf(
  leaf: Leaf,
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
): TreeNode | undefined {
  const at = pathAt(leaf);
  for (let index = low; index < high; index++) {
    const item = items[index] as Item; // Inside the bounds.
    if (comparePaths(item, { path: leaf.bytes, pathAt: at }) === 0) {
      item.previous = leaf;
      return build(items, low, high, depth);
    }
  }
  return mergeOne(
    { path: leaf.bytes, pathAt: at, node: leaf, key: NO_KEY, previous: undefined },
    items,
    low,
    high,
    depth,
  );
}

/** Orders items by path. */
export function comparePaths(
  left: Pick<Item, 'path' | 'pathAt'>,
  right: Pick<Item, 'path' | 'pathAt'>,
): number {
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
  return build(merged, 0, merged.length, depth);
}

/** A tree of items alone. */
export function build(
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
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
  const slots: (TreeNode | undefined)[] = new Array(16).fill(undefined);
  for (let start = low; start < high; ) {
    const [nibble, end] = group(items, start, high, depth);
    slots[nibble] = build(items, start, end, depth + 1);
    start = end;
  }
  return assemble(slots, false);
}

/** The nibble of `items[start]` and the end of the run that shares it. */
function group(
  items: readonly Item[],
  start: number,
  high: number,
  depth: number,
): readonly [number, number] {
  const first = items[start] as Item; // The callers' loops stay inside the bounds.
  const nibble = nibbleOf(first.path, first.pathAt, depth);
  let end = start + 1;
  for (; end < high; end++) {
    const item = items[end] as Item;
    if (nibbleOf(item.path, item.pathAt, depth) !== nibble) break;
  }
  return [nibble, end];
}

function updateBranch(
  branch: Branch,
  items: readonly Item[],
  low: number,
  high: number,
  depth: number,
): TreeNode | undefined {
  let slots: (TreeNode | undefined)[] | undefined;
  for (let start = low; start < high; ) {
    const [nibble, end] = group(items, start, high, depth);
    const child =
      (branch.bitmap & (1 << nibble)) === 0
        ? undefined
        : branch.children[childPlace(branch.bitmap, nibble)];
    const updated = update(child, items, { low: start, high: end, depth: depth + 1 });
    if (updated !== child) {
      slots ??= slotsOf(branch);
      slots[nibble] = updated;
    }
    start = end;
  }
  return slots === undefined ? branch : assemble(slots, branch.isUpper);
}

/** A branch's children by nibble. */
export function slotsOf(branch: Branch): (TreeNode | undefined)[] {
  const slots: (TreeNode | undefined)[] = new Array(16).fill(undefined);
  let place = 0;
  for (let nibble = 0; nibble < 16; nibble++) {
    if ((branch.bitmap & (1 << nibble)) !== 0) slots[nibble] = branch.children[place++];
  }
  return slots;
}

/** The node of some children: nothing, the only leaf, or a branch. */
export function assemble(
  slots: readonly (TreeNode | undefined)[],
  isUpper: boolean,
): TreeNode | undefined {
  let bitmap = 0;
  const children: TreeNode[] = [];
  for (let nibble = 0; nibble < 16; nibble++) {
    const child = slots[nibble];
    if (child === undefined) continue;
    bitmap |= 1 << nibble;
    children.push(child);
  }
  const [first] = children;
  if (first === undefined) return undefined;
  if (children.length === 1 && isSingleLeaf(first)) return first;
  return new Branch(bitmap, children, isUpper);
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
      const other = { path: node.bytes, pathAt: pathAt(node) };
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

/** Sorts items by path; by the first six bytes as one number, which nearly always decides. */
export function sortItems(items: Item[]): Item[] {
  const keyed = items.map((item) => ({ item, order: leadingNumber(item) }));
  keyed.sort((left, right) => left.order - right.order || comparePaths(left.item, right.item));
  const sorted = keyed.map(({ item }) => item);
  for (let index = 1; index < sorted.length; index++) {
    const before = defined(sorted[index - 1], 'inside');
    const here = defined(sorted[index], 'inside');
    assert(comparePaths(before, here) < 0, 'a key is changed twice');
  }
  return sorted;
}

function leadingNumber({ path, pathAt: at }: Item): number {
  let number = 0;
  for (let offset = 0; offset < 6; offset++) number = number * 256 + (path[at + offset] ?? 0);
  return number;
}
