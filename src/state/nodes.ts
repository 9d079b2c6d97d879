import type { Bytes } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { INLINE_VALUE_BYTES_MAX } from './limits.ts';

/*
 * What is hashed lies in memory as it is hashed, in buffers shared by many nodes (a page's, or
 * those of one block's changes):
 *
 *   record of a leaf: path 32 · changedAt u64 LE · valueLength u32 LE · value · key
 *   block of a branch: bitmap u16 LE · hash 32 of each child present
 *
 * A branch that takes another's place copies its block and has the hashes of the changed children
 * put in. Gathering them from sixteen children instead cost sixteen cache misses a branch, a third
 * of the time of an update. Leaves and branches do not hold their own hashes: their parents do.
 */
const CHANGED_AT = 32;
const LENGTH_AT = 40;
const VALUE_AT = 44;
const HASHES_AT = 2;
/** What a leaf adds to its key and value when encoded in a page, at most. */
const LEAF_OVERHEAD_BYTES = 14;
/** Measured with Node.js 24: object, record header and its share of branches. */
const LEAF_MEMORY_BYTES = 225;

/** Memory that some leaves take, in bytes; an estimate, good to about a fifth. */
export function memoryOf(node: { readonly weight: number; readonly count: number }): number {
  return node.weight + LEAF_MEMORY_BYTES * node.count;
}

/** One key and its value. */
export class Leaf {
  readonly bytes: Bytes;
  readonly at: number;
  readonly keyLength: number;
  readonly valueLength: number;

  constructor(bytes: Bytes, at: number, keyLength: number, valueLength: number) {
    this.bytes = bytes;
    this.at = at;
    this.keyLength = keyLength;
    this.valueLength = valueLength;
  }

  get weight(): number {
    return this.keyLength + this.valueLength + LEAF_OVERHEAD_BYTES;
  }

  get count(): number {
    return 1;
  }
}

/** Two or more leaves below one prefix, or fewer below pages that are not in memory. */
export class Branch {
  /** Bit n: there is a child for nibble n. */
  readonly bitmap: number;
  /** The children present, by nibble. */
  readonly children: readonly TreeNode[];
  /** Whether page boundaries lie below. */
  readonly isUpper: boolean;
  readonly weight: number;
  readonly count: number;
  /** Its block begins at `at`. */
  readonly bytes: Bytes;
  readonly at: number;
  /** Bit n: the hash of `children[n]` is not in the block yet. */
  missing: number;

  constructor(fields: {
    readonly bitmap: number;
    readonly children: readonly TreeNode[];
    readonly isUpper: boolean;
    readonly weight: number;
    readonly count: number;
    readonly bytes: Bytes;
    readonly at: number;
    readonly missing: number;
  }) {
    this.bitmap = fields.bitmap;
    this.children = fields.children;
    this.isUpper = fields.isUpper;
    this.weight = fields.weight;
    this.count = fields.count;
    this.bytes = fields.bytes;
    this.at = fields.at;
    this.missing = fields.missing;
  }
}

/**
 * All leaves below a prefix, as the store keeps them. Shared by all versions of the tree that have
 * this content, so loading it once loads it for all.
 */
export class Page {
  /** One nibble a byte. */
  readonly prefix: Bytes;
  readonly weight: number;
  readonly count: number;
  readonly hash: Hash;
  /** The checkpoint that wrote it. */
  generation: number;
  isStored: boolean;
  root: Leaf | Branch | undefined;
  usedAt = 0;

  constructor(fields: {
    readonly prefix: Bytes;
    readonly generation: number;
    readonly weight: number;
    readonly count: number;
    readonly hash: Hash;
    readonly root: Leaf | Branch | undefined;
    readonly isStored: boolean;
  }) {
    this.prefix = fields.prefix;
    this.generation = fields.generation;
    this.weight = fields.weight;
    this.count = fields.count;
    this.hash = fields.hash;
    this.root = fields.root;
    this.isStored = fields.isStored;
  }
}

export type TreeNode = Leaf | Branch | Page;

const NO_BYTES: Bytes = new Uint8Array(0);

/** Whether a node is a single leaf, loaded or not: such a node takes its parent's place. */
export function isSingleLeaf(node: TreeNode): boolean {
  return node instanceof Leaf || (node instanceof Page && node.count === 1);
}

/** Hands out slices of large buffers. */
export class Arena {
  readonly #chunkBytes: number;
  #used = 0;
  bytes: Bytes = NO_BYTES;
  /** Bytes of all its buffers. */
  takenBytes = 0;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  /** Offset in `bytes` (read it right after) of `length` fresh bytes. */
  take(length: number): number {
    if (this.#used + length > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(length, this.#chunkBytes));
      this.takenBytes += this.bytes.length;
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }
}

/** Bytes that a leaf's record takes in an arena. */
export function recordLength(keyLength: number, valueLength: number): number {
  return VALUE_AT + keyLength + valueLength;
}

/** Writes a new leaf's record into an arena. */
export function makeLeaf(
  suite: HashSuite,
  arena: Arena,
  fields: {
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly changedAt: number;
  },
): Leaf {
  const { key, value, changedAt } = fields;
  const at = arena.take(recordLength(key.length, value.length));
  const { bytes } = arena;
  suite.hashInto('state-path', key, 0, key.length, bytes, at);
  writeU32(bytes, at + CHANGED_AT, changedAt >>> 0);
  writeU32(bytes, at + CHANGED_AT + 4, Math.floor(changedAt / 0x1_0000_0000));
  writeU32(bytes, at + LENGTH_AT, value.length);
  bytes.set(value, at + VALUE_AT);
  bytes.set(key, at + VALUE_AT + value.length);
  return new Leaf(bytes, at, key.length, value.length);
}

/** A branch whose hashes are all missing. */
export function makeBranch(
  arena: Arena,
  bitmap: number,
  children: readonly TreeNode[],
  isUpper: boolean,
): Branch {
  let upper = isUpper;
  let weight = 0;
  let count = 0;
  for (const child of children) {
    weight += child.weight;
    count += child.count;
    if (child instanceof Page || (child instanceof Branch && child.isUpper)) upper = true;
  }
  const at = arena.take(HASHES_AT + 32 * children.length);
  const { bytes } = arena;
  bytes[at] = bitmap & 255;
  bytes[at + 1] = bitmap >> 8;
  const missing = (1 << children.length) - 1;
  return new Branch({ bitmap, children, isUpper: upper, weight, count, bytes, at, missing });
}

/** The branch with other nodes in the place of some children (bits of `changed`). */
export function replaceChildren(
  arena: Arena,
  branch: Branch,
  next: {
    readonly children: readonly TreeNode[];
    readonly changed: number;
    readonly weight: number;
    readonly count: number;
  },
): Branch {
  const { bitmap, isUpper } = branch;
  const { children, changed, weight, count } = next;
  const length = HASHES_AT + 32 * children.length;
  const at = arena.take(length);
  const { bytes } = arena;
  bytes.set(branch.bytes.subarray(branch.at, branch.at + length), at);
  const missing = branch.missing | changed;
  return new Branch({ bitmap, children, isUpper, weight, count, bytes, at, missing });
}

/** Copies into a branch the hashes of children that it shares with another one. */
export function shareHashes(branch: Branch, other: Branch): void {
  let place = 0;
  let otherPlace = 0;
  for (let nibble = 0; nibble < 16; nibble++) {
    const isHere = (branch.bitmap & (1 << nibble)) !== 0;
    const isThere = (other.bitmap & (1 << nibble)) !== 0;
    if (isHere && isThere && branch.children[place] === other.children[otherPlace]) {
      if ((other.missing & (1 << otherPlace)) === 0) {
        const from = other.at + HASHES_AT + 32 * otherPlace;
        const to = branch.at + HASHES_AT + 32 * place;
        branch.bytes.set(other.bytes.subarray(from, from + 32), to);
        branch.missing &= ~(1 << place);
      }
    }
    if (isHere) place += 1;
    if (isThere) otherPlace += 1;
  }
}

/** The same branch with the same children in another form; its block is shared. */
export function withSameHashes(
  branch: Branch,
  children: readonly TreeNode[],
  isUpper: boolean,
): Branch {
  const { bitmap, weight, count, bytes, at, missing } = branch;
  return new Branch({ bitmap, children, isUpper, weight, count, bytes, at, missing });
}

function writeU32(bytes: Bytes, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = (value >>> 8) & 255;
  bytes[at + 2] = (value >>> 16) & 255;
  bytes[at + 3] = value >>> 24;
}

function readU32(bytes: Bytes, at: number): number {
  const low = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
  return low + (bytes[at + 3] ?? 0) * 0x100_0000;
}

/** Height of the leaf's last change. */
export function changedAtOf(leaf: Leaf): Height {
  const at = leaf.at + CHANGED_AT;
  // Written by `makeLeaf` from a height.
  return (readU32(leaf.bytes, at) + readU32(leaf.bytes, at + 4) * 0x1_0000_0000) as Height;
}

/** A copy of the leaf's value. */
export function leafValue(leaf: Leaf): Bytes {
  const at = leaf.at + VALUE_AT;
  return leaf.bytes.slice(at, at + leaf.valueLength);
}

/** A copy of the leaf's key. */
export function keyOf(leaf: Leaf): Bytes {
  const at = leaf.at + VALUE_AT + leaf.valueLength;
  return leaf.bytes.slice(at, at + leaf.keyLength);
}

/** A copy of the leaf's path, which begins its record. */
export function pathOf(leaf: Leaf): Bytes {
  return leaf.bytes.slice(leaf.at, leaf.at + 32);
}

/** A copy of the hash of child number `place` of a branch whose hashes are complete. */
export function childHash(branch: Branch, place: number): Hash {
  const at = branch.at + HASHES_AT + 32 * place;
  // 32 bytes that the `Hasher` put there.
  return branch.bytes.slice(at, at + 32) as Hash;
}

/** Nibble number `depth` of a path that begins at `at`. */
export function nibbleOf(bytes: Uint8Array, at: number, depth: number): number {
  const byte = bytes[at + (depth >> 1)] ?? 0; // A path has 64 nibbles, and `depth` is below.
  return (depth & 1) === 0 ? byte >> 4 : byte & 15;
}

/** Place among a branch's children of the one for `nibble`, which the bitmap must have. */
export function childPlace(bitmap: number, nibble: number): number {
  let bits = bitmap & ((1 << nibble) - 1);
  let place = 0;
  while (bits !== 0) {
    bits &= bits - 1;
    place += 1;
  }
  return place;
}

/** Computes the hashes that are still missing below a node. */
export class Hasher {
  readonly suite: HashSuite;
  readonly #leafScratch = new Uint8Array(VALUE_AT + 32);

  constructor(suite: HashSuite) {
    this.suite = suite;
  }

  /** Digest of a leaf: path ‖ changedAt ‖ value length ‖ value, or its digest when it is long. */
  #hashLeaf({ bytes, at, valueLength }: Leaf, target: Uint8Array, targetAt: number): void {
    const end = at + VALUE_AT + valueLength;
    if (valueLength <= INLINE_VALUE_BYTES_MAX) {
      this.suite.hashInto('state-leaf', bytes, at, end, target, targetAt);
      return;
    }
    const scratch = this.#leafScratch;
    for (let offset = 0; offset < VALUE_AT; offset++) scratch[offset] = bytes[at + offset] ?? 0;
    this.suite.hashInto('state-value', bytes, at + VALUE_AT, end, scratch, VALUE_AT);
    this.suite.hashInto('state-leaf', scratch, 0, scratch.length, target, targetAt);
  }

  /** Hash of a node; afterwards no hash below it is missing. */
  hash(node: TreeNode): Hash {
    const hash = new Uint8Array(32);
    this.#hashInto(node, hash, 0);
    return hash as Hash; // Filled with a digest.
  }

  #hashInto(node: TreeNode, target: Uint8Array, targetAt: number): void {
    if (node instanceof Leaf) this.#hashLeaf(node, target, targetAt);
    else if (node instanceof Page) target.set(node.hash, targetAt);
    else {
      if (node.missing !== 0) this.#complete(node);
      const end = node.at + HASHES_AT + 32 * node.children.length;
      this.suite.hashInto('state-branch', node.bytes, node.at, end, target, targetAt);
    }
  }

  /** Puts the hashes that are missing into a branch, and into those below. */
  #complete(branch: Branch): void {
    const { children, bytes, at } = branch;
    for (let missing = branch.missing; missing !== 0; missing &= missing - 1) {
      const place = 31 - Math.clz32(missing & -missing);
      const child = children[place] as TreeNode; // One child a bit.
      this.#hashInto(child, bytes, at + HASHES_AT + 32 * place);
    }
    branch.missing = 0;
  }
}

/** Bytes that a page's nodes take in an arena of their own. */
export function bytesOf(node: Leaf | Branch): number {
  if (node instanceof Leaf) return recordLength(node.keyLength, node.valueLength);
  let bytes = HASHES_AT + 32 * node.children.length;
  // Pages hold no pages.
  for (const child of node.children) bytes += bytesOf(child as Leaf | Branch);
  return bytes;
}

/**
 * Copies a page's nodes into a buffer of its own, hashes included, so that the buffers of the
 * blocks that made them can be freed.
 */
export function compact(node: Leaf | Branch, arena: Arena): Leaf | Branch {
  if (node instanceof Leaf) {
    const { keyLength, valueLength } = node;
    const length = recordLength(keyLength, valueLength);
    const at = arena.take(length);
    arena.bytes.set(node.bytes.subarray(node.at, node.at + length), at);
    return new Leaf(arena.bytes, at, keyLength, valueLength);
  }
  // Pages hold no pages.
  const children = node.children.map((child) => compact(child as Leaf | Branch, arena));
  const { weight, count } = node;
  return replaceChildren(arena, node, { children, changed: 0, weight, count });
}
