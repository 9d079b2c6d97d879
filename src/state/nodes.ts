import type { Bytes } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { INLINE_VALUE_BYTES_MAX } from './limits.ts';

/*
 * A leaf's record, in one buffer shared by many leaves (a page's, or that of one block's changes):
 *
 *   hash 32 · path 32 · changedAt u64 LE · valueLength u32 LE · value · key
 *
 * A leaf of separate `Uint8Array`s would cost about 1 KB of engine overhead; this one costs 72
 * bytes beside its record.
 */
const PATH_AT = 32;
const CHANGED_AT = 64;
const LENGTH_AT = 72;
const VALUE_AT = 76;
/** What a leaf adds to its key and value when encoded in a page, at most. */
const LEAF_OVERHEAD_BYTES = 14;
/** Measured with Node.js 24: object, record header and its share of branches. */
const LEAF_MEMORY_BYTES = 190;

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
  isHashed = false;

  constructor(bytes: Bytes, at: number, lengths: { readonly key: number; readonly value: number }) {
    this.bytes = bytes;
    this.at = at;
    this.keyLength = lengths.key;
    this.valueLength = lengths.value;
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
  bytes: Bytes = NO_BYTES;
  /** -1 until the hash was asked for. */
  at = -1;

  constructor(bitmap: number, children: readonly TreeNode[], isUpper: boolean) {
    let upper = isUpper;
    let weight = 0;
    let count = 0;
    for (const child of children) {
      weight += child.weight;
      count += child.count;
      if (child instanceof Page || (child instanceof Branch && child.isUpper)) upper = true;
    }
    this.bitmap = bitmap;
    this.children = children;
    this.isUpper = upper;
    this.weight = weight;
    this.count = count;
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
  readonly bytes: Bytes;
  readonly at: number;
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
    readonly hash: Bytes;
    readonly hashAt: number;
    readonly root: Leaf | Branch | undefined;
    readonly isStored: boolean;
  }) {
    this.prefix = fields.prefix;
    this.generation = fields.generation;
    this.weight = fields.weight;
    this.count = fields.count;
    this.bytes = fields.hash;
    this.at = fields.hashAt;
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

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
  }

  /** Offset in `bytes` (read it right after) of `length` fresh bytes. */
  take(length: number): number {
    if (this.#used + length > this.bytes.length) {
      this.bytes = new Uint8Array(Math.max(length, this.#chunkBytes));
      this.#used = 0;
    }
    const at = this.#used;
    this.#used += length;
    return at;
  }
}

/** Bytes that a leaf's record takes in an arena. */
export function recordLength(lengths: { readonly key: number; readonly value: number }): number {
  return VALUE_AT + lengths.key + lengths.value;
}

/** Writes a new leaf's record into an arena. */
export function makeLeaf(
  arena: Arena,
  fields: {
    readonly path: Uint8Array;
    readonly key: Uint8Array;
    readonly value: Uint8Array;
    readonly changedAt: number;
  },
): Leaf {
  const lengths = { key: fields.key.length, value: fields.value.length };
  const at = arena.take(recordLength(lengths));
  const { bytes } = arena;
  bytes.set(fields.path, at + PATH_AT);
  writeU32(bytes, at + CHANGED_AT, fields.changedAt >>> 0);
  writeU32(bytes, at + CHANGED_AT + 4, Math.floor(fields.changedAt / 0x1_0000_0000));
  writeU32(bytes, at + LENGTH_AT, fields.value.length);
  bytes.set(fields.value, at + VALUE_AT);
  bytes.set(fields.key, at + VALUE_AT + lengths.value);
  return new Leaf(bytes, at, lengths);
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

/** A copy of the leaf's path. */
export function pathOf(leaf: Leaf): Bytes {
  return leaf.bytes.slice(leaf.at + PATH_AT, leaf.at + PATH_AT + 32);
}

/** Offset of the leaf's path in its buffer. */
export function pathAt(leaf: Leaf): number {
  return leaf.at + PATH_AT;
}

/** A copy of a node's hash; the node must have been hashed. */
export function hashOf(node: TreeNode): Hash {
  // 32 bytes that `hashNode`, or a decoder that checked them, put there.
  return node.bytes.slice(node.at, node.at + 32) as Hash;
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
  readonly #arena = new Arena(64 * 1024);
  readonly #scratch = new Uint8Array(2 + 16 * 32);
  readonly #leafScratch = new Uint8Array(44 + 32);

  constructor(suite: HashSuite) {
    this.suite = suite;
  }

  /** Digest of a leaf: path ‖ changedAt ‖ value length ‖ value, or its digest when it is long. */
  #hashLeaf(leaf: Leaf): void {
    const { bytes, at, valueLength } = leaf;
    const inputAt = at + PATH_AT;
    let input = bytes.subarray(inputAt, at + VALUE_AT + valueLength);
    if (valueLength > INLINE_VALUE_BYTES_MAX) {
      this.#leafScratch.set(bytes.subarray(inputAt, at + VALUE_AT));
      const value = bytes.subarray(at + VALUE_AT, at + VALUE_AT + valueLength);
      this.#leafScratch.set(this.suite.hash('state-value', value), 44);
      input = this.#leafScratch;
    }
    bytes.set(this.suite.hash('state-leaf', input), at);
    leaf.isHashed = true;
  }

  /** Afterwards `bytes` and `at` of the node give its hash. */
  hash(node: TreeNode, arena: Arena = this.#arena): void {
    if (node instanceof Leaf) {
      if (!node.isHashed) this.#hashLeaf(node);
      return;
    }
    if (node instanceof Page || node.at >= 0) return;
    for (const child of node.children) this.hash(child, arena);
    const scratch = this.#scratch; // Filled only after the children are done with it.
    scratch[0] = node.bitmap & 255;
    scratch[1] = node.bitmap >> 8;
    let end = 2;
    for (const child of node.children) {
      const { bytes, at } = child;
      for (let offset = 0; offset < 32; offset++) scratch[end + offset] = bytes[at + offset] ?? 0;
      end += 32;
    }
    const digest = this.suite.hash('state-branch', scratch.subarray(0, end));
    const at = arena.take(32);
    arena.bytes.set(digest, at);
    node.bytes = arena.bytes;
    node.at = at;
  }
}

/** Bytes that a page's nodes take in an arena of their own. */
export function bytesOf(node: Leaf | Branch): number {
  if (node instanceof Leaf) {
    return recordLength({ key: node.keyLength, value: node.valueLength });
  }
  let bytes = 32;
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
    const lengths = { key: node.keyLength, value: node.valueLength };
    const length = recordLength(lengths);
    const at = arena.take(length);
    arena.bytes.set(node.bytes.subarray(node.at, node.at + length), at);
    const copy = new Leaf(arena.bytes, at, lengths);
    copy.isHashed = node.isHashed;
    return copy;
  }
  // Pages hold no pages.
  const children = node.children.map((child) => compact(child as Leaf | Branch, arena));
  const copy = new Branch(node.bitmap, children, false);
  const at = arena.take(32);
  arena.bytes.set(node.bytes.subarray(node.at, node.at + 32), at);
  copy.bytes = arena.bytes;
  copy.at = at;
  return copy;
}
