import { assert, defined, equalBytes } from '../base/index.ts';
import { MERKLE_PATH_LENGTH_MAX } from './limits.ts';
import type { Hash, HashBuffer, HashSuite } from './types.ts';

const HASH_BYTES = 32;
const WORDS = HASH_BYTES / 4;

/**
 * Pairs neighbours; an odd last node rises unpaired. Repeated, this gives the tree of RFC 9162
 * §2.1.1, whose left subtree holds the largest power of two below the count of leaves.
 */
function levelAbove(suite: HashSuite, level: readonly Hash[]): Hash[] {
  const above: Hash[] = [];
  for (let at = 0; at < level.length; at += 2) {
    const left = defined(level[at], 'inside the level');
    const right = level[at + 1];
    above.push(right === undefined ? left : suite.hash('merkle-branch', left, right));
  }
  return above;
}

/** Memory for the hashes of some leaves, 32 bytes each, in their order. */
export function leafMemory(count: number): HashBuffer {
  const buffer = new ArrayBuffer(HASH_BYTES * count);
  return { bytes: new Uint8Array(buffer), words: new Int32Array(buffer) };
}

/**
 * As {@link merkleRoot}, of hashes that stand in memory, which is written over: level by level in
 * place, so that no object is made for a node, and four branches are digested together.
 */
export function merkleRootIn(suite: HashSuite, leaves: HashBuffer, count: number): Hash {
  if (count === 0) return suite.hash('merkle-branch');
  const batch = suite.batch('merkle-branch');
  let length = count;
  while (length > 1) {
    const pairs = length >> 1;
    // What is written ends where reading went on: a branch stands before its two children.
    for (let at = 0; at < pairs; at++) {
      const from = 2 * HASH_BYTES * at;
      batch.addWords(leaves, from, from + 2 * HASH_BYTES, leaves, HASH_BYTES * at);
    }
    batch.flush();
    const isOdd = length % 2 === 1;
    // The last rises unpaired.
    if (isOdd) leaves.words.copyWithin(WORDS * pairs, WORDS * (length - 1), WORDS * length);
    length = isOdd ? pairs + 1 : pairs;
  }
  return leaves.bytes.slice(0, HASH_BYTES) as Hash; // The digest that remains.
}

/**
 * Root over leaf hashes, in their order. Leaves carry their own hash tag, so no branch passes for
 * a leaf. One leaf is its own root; none at all gives the hash of `merkle-branch` without input.
 */
export function merkleRoot(suite: HashSuite, leaves: readonly Hash[]): Hash {
  const memory = leafMemory(leaves.length);
  leaves.forEach((leaf, at) => {
    memory.bytes.set(leaf, HASH_BYTES * at);
  });
  return merkleRootIn(suite, memory, leaves.length);
}

/** The neighbours on the way from a leaf to the root, lowest first (RFC 9162 §2.1.3.1). */
export function merkleProof(suite: HashSuite, leaves: readonly Hash[], index: number): Hash[] {
  return defined(merkleProofs(suite, leaves, [index])[0], 'one for each');
}

/** As {@link merkleProof}, of several leaves: the tree above them is built once for all. */
export function merkleProofs(
  suite: HashSuite,
  leaves: readonly Hash[],
  indexes: readonly number[],
): Hash[][] {
  for (const index of indexes) {
    assert(Number.isInteger(index) && index >= 0 && index < leaves.length, 'no such leaf');
  }
  const ways = indexes.map((index) => {
    const path: Hash[] = [];
    return { at: index, path };
  });
  for (let level = leaves; level.length > 1; level = levelAbove(suite, level)) {
    for (const way of ways) {
      const neighbour = level[way.at % 2 === 0 ? way.at + 1 : way.at - 1];
      if (neighbour !== undefined) way.path.push(neighbour);
      way.at = Math.floor(way.at / 2);
    }
  }
  return ways.map(({ path }) => path);
}

/** That a leaf stands at `index` among `count` leaves under `root`. */
export type MerkleClaim = {
  readonly root: Hash;
  readonly leaf: Hash;
  readonly index: number;
  /** The root does not bind the count: a lie about it can move the index, not forge the leaf. */
  readonly count: number;
  readonly path: readonly Hash[];
};

/** Whether a path proves its claim (RFC 9162 §2.1.3.2). Any numbers and lengths may be given. */
export function verifyMerkleProof(suite: HashSuite, claim: MerkleClaim): boolean {
  const { index, count, path } = claim;
  if (!Number.isSafeInteger(index) || !Number.isSafeInteger(count)) return false;
  if (index < 0 || index >= count || path.length > MERKLE_PATH_LENGTH_MAX) return false;
  let node = claim.leaf;
  let at = index;
  let last = count - 1;
  let used = 0;
  while (last > 0) {
    if (at % 2 === 1 || at < last) {
      const neighbour = path[used++];
      if (neighbour === undefined) return false;
      node =
        at % 2 === 1
          ? suite.hash('merkle-branch', neighbour, node)
          : suite.hash('merkle-branch', node, neighbour);
    }
    at = Math.floor(at / 2);
    last = Math.floor(last / 2);
  }
  return used === path.length && equalBytes(node, claim.root);
}
