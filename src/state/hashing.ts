import type { Bytes } from '../base/index.ts';
import type { Hash, HashBatch, HashSuite } from '../crypto/index.ts';
import { LEAF_HASHED_FROM, LEAF_HEAD_BYTES, leafWords, valueLengthOf } from './leaf.ts';
import { INLINE_VALUE_BYTES_MAX } from './limits.ts';
import { Chunk } from './memory.ts';
import type { Ref, Table } from './nodes.ts';
import {
  BRANCH,
  BRANCH_SKEW,
  bitCount,
  bitmapOf,
  childPlace,
  hashedFrom,
  hashWord,
  kindOfChild,
  LEAF,
  NOTHING,
  PAGE,
  placeWord,
} from './nodes.ts';

const FIELDS_OF_JOB = 4;

/** Branches to hash: chunk, word; and where to: chunk, word. */
class Jobs {
  #fields = new Int32Array(64 * FIELDS_OF_JOB);
  length = 0;

  push(chunk: number, at: number, targetChunk: number, targetAt: number): void {
    if (this.length === this.#fields.length) {
      const fields = new Int32Array(2 * this.length);
      fields.set(this.#fields);
      this.#fields = fields;
    }
    this.#fields[this.length] = chunk;
    this.#fields[this.length + 1] = at;
    this.#fields[this.length + 2] = targetChunk;
    this.#fields[this.length + 3] = targetAt;
    this.length += FIELDS_OF_JOB;
  }

  field(index: number): number {
    return this.#fields[index] ?? 0;
  }
}

/**
 * Writes what is hashed of a leaf whose value is long, with the value's digest in its place.
 *
 * @returns The byte where it ends; it begins at `LEAF_HASHED_FROM`.
 */
function withDigest(suite: HashSuite, chunk: Chunk, at: number, scratch: Chunk): number {
  const from = 4 * at + LEAF_HASHED_FROM;
  const valueFrom = from + LEAF_HEAD_BYTES;
  const { bytes } = scratch;
  const middle = LEAF_HASHED_FROM + LEAF_HEAD_BYTES;
  bytes.set(chunk.bytes.subarray(from, valueFrom), LEAF_HASHED_FROM);
  const valueEnd = valueFrom + valueLengthOf(chunk, at);
  suite.hashInto('state-value', chunk.bytes, valueFrom, valueEnd, bytes, middle);
  return middle + 32;
}

const digestScratch = new Chunk(leafWords(0, 32));

/** Writes the hash of a leaf to a byte of some memory, at once. */
export function hashLeafInto(
  suite: HashSuite,
  chunk: Chunk,
  at: number,
  target: Bytes,
  targetAt: number,
): void {
  const valueLength = valueLengthOf(chunk, at);
  if (valueLength <= INLINE_VALUE_BYTES_MAX) {
    const from = 4 * at + LEAF_HASHED_FROM;
    const end = from + LEAF_HEAD_BYTES + valueLength;
    suite.hashInto('state-leaf', chunk.bytes, from, end, target, targetAt);
    return;
  }
  const end = withDigest(suite, chunk, at, digestScratch);
  suite.hashInto('state-leaf', digestScratch.bytes, LEAF_HASHED_FROM, end, target, targetAt);
}

/** As `hashLeafInto`, of a branch that has the hashes of its children. */
export function hashBranchInto(
  suite: HashSuite,
  chunk: Chunk,
  at: number,
  target: Bytes,
  targetAt: number,
): void {
  const end = 4 * hashWord(at, bitCount(bitmapOf(chunk, at)));
  suite.hashInto('state-branch', chunk.bytes, hashedFrom(at), end, target, targetAt);
}

/**
 * Hashes of new nodes. Leaves are hashed when their parent is made; branches when all are made,
 * level by level from the deepest, so that hash functions that take several inputs at once have
 * enough of them.
 */
export class Hashing {
  readonly #suite: HashSuite;
  readonly #leafScratch = new Chunk(leafWords(0, 32));
  /** By the depth of the branches. */
  readonly #jobs: Jobs[] = [];
  #leaves: HashBatch;
  #branches: HashBatch;

  constructor(suite: HashSuite) {
    this.#suite = suite;
    this.#leaves = suite.batch('state-leaf');
    this.#branches = suite.batch('state-branch', BRANCH_SKEW);
  }

  /** Forgets what was added and not completed, as when a key was missing. */
  begin(): void {
    this.#leaves = this.#suite.batch('state-leaf');
    this.#branches = this.#suite.batch('state-branch', BRANCH_SKEW);
    for (const jobs of this.#jobs) jobs.length = 0;
  }

  /** Sees to it that the hashes of changed children get into a branch. */
  addChildren(
    table: Table,
    branch: Chunk,
    id: number,
    at: number,
    what: { readonly bitmap: number; readonly changed: number; readonly depth: number },
  ): void {
    const { bitmap, depth } = what;
    const children = bitCount(bitmap);
    for (let { changed } = what; changed !== 0; changed &= changed - 1) {
      const nibble = 31 - Math.clz32(changed & -changed);
      const place = childPlace(bitmap, nibble);
      const kind = kindOfChild(branch, at, nibble);
      const word = placeWord(at, children, place);
      const childChunk = branch.words[word] ?? 0;
      const childAt = branch.words[word + 1] ?? 0;
      const target = hashWord(at, place);
      if (kind === BRANCH) {
        while (this.#jobs.length <= depth + 1) this.#jobs.push(new Jobs());
        this.#jobs[depth + 1]?.push(childChunk, childAt, id, target);
      } else if (kind === LEAF) {
        this.#hashLeaf(table.chunk(childChunk), childAt, branch, target);
      } else branch.bytes.set(table.page(childChunk).hash, 4 * target);
    }
  }

  /** Digest of a leaf: path ‖ changedAt ‖ value length ‖ value, or its digest when it is long. */
  #hashLeaf(chunk: Chunk, at: number, target: Chunk, targetWord: number): void {
    const valueLength = valueLengthOf(chunk, at);
    if (valueLength <= INLINE_VALUE_BYTES_MAX) {
      const from = 4 * at + LEAF_HASHED_FROM;
      const end = from + LEAF_HEAD_BYTES + valueLength;
      this.#leaves.addWords(chunk, from, end, target, 4 * targetWord);
      return;
    }
    const end = withDigest(this.#suite, chunk, at, this.#leafScratch);
    this.#leaves.addWords(this.#leafScratch, LEAF_HASHED_FROM, end, target, 4 * targetWord);
  }

  /** Computes the hashes of what was made since `begin`; that of the topmost node. */
  complete(table: Table, root: Ref): Hash {
    this.#leaves.flush();
    for (let depth = this.#jobs.length - 1; depth > 0; depth--) {
      const jobs = this.#jobs[depth] as Jobs; // Inside the bounds.
      for (let index = 0; index < jobs.length; index += FIELDS_OF_JOB) {
        const target = table.chunk(jobs.field(index + 2));
        this.#addBranch(
          table,
          jobs.field(index),
          jobs.field(index + 1),
          target,
          jobs.field(index + 3),
        );
      }
      jobs.length = 0;
      this.#branches.flush();
    }
    if (root.kind === NOTHING) return this.#suite.hash('state-empty');
    if (root.kind === PAGE) return table.page(root.chunk).hash;
    const hash = new Chunk(8);
    if (root.kind === LEAF) this.#hashLeaf(table.chunk(root.chunk), root.at, hash, 0);
    else this.#addBranch(table, root.chunk, root.at, hash, 0);
    this.#leaves.flush();
    this.#branches.flush();
    return hash.bytes as Hash; // Filled with a digest.
  }

  #addBranch(table: Table, id: number, at: number, target: Chunk, targetWord: number): void {
    const chunk = table.chunk(id);
    const end = 4 * hashWord(at, bitCount(bitmapOf(chunk, at)));
    this.#branches.addWords(chunk, hashedFrom(at), end, target, 4 * targetWord);
  }
}
