import type { Bytes, Result } from '../base/index.ts';
import { assert, concatBytes, equalBytes, fail, ok } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { struct, u16, u32, union, vector } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { ManifestError } from './errors.ts';
import {
  CHUNK_BYTES_MAX,
  LEAF_WEIGHT_MAX,
  LEAF_WEIGHT_MIN,
  MANIFEST_NODES_MAX,
  PATH_NIBBLES,
} from './limits.ts';
import type { Page, Ref } from './nodes.ts';
import { bitmapOf, childHash, childOf, childPlace, NOTHING, PAGE, totalsOf } from './nodes.ts';
import { encodeLayout, pagesOf, treeOfPages } from './page.ts';
import { emptyRoot } from './proof.ts';

const manifestNodeCodec = union('ManifestNode', {
  /** Bit n: a child for nibble n follows. */
  branch: struct('ManifestBranch', { bitmap: u16 }),
  /** A subtree that is fetched as one: its hash, and what weight and how many leaves it has. */
  chunk: struct('ManifestChunk', { hash: hashCodec, weight: u32, count: u32 }),
});
type ManifestNode = Infer<typeof manifestNodeCodec>;

/** Codec of {@link Manifest}: strict, at most 196,608 nodes. */
export const manifestCodec = struct('StateManifest', {
  nodes: vector(manifestNodeCodec, { max: MANIFEST_NODES_MAX }),
});

/**
 * How a state is divided into chunks: the nodes above them and they themselves, in the order in
 * which a walk from the root meets them, children of a branch by nibble. No nodes: an empty state.
 *
 * A chunk is a topmost subtree of at most `CHUNK_BYTES_MAX` weight, or a leaf: what they are
 * follows from the leaves of the state alone, so all nodes give the same manifest of a root.
 */
export type Manifest = Infer<typeof manifestCodec>;

/** A chunk as a manifest names it. Its weight and count are claims until it was verified. */
export type ChunkPlan = {
  /** One nibble a byte. */
  readonly prefix: Bytes;
  readonly hash: Hash;
  readonly weight: number;
  readonly count: number;
};

/** A chunk, with the pages of the store that it is made of, by path. */
export type ServedChunk = ChunkPlan & { readonly pages: readonly Page[] };

/**
 * Divides the state of some pages, all of one checkpoint, into chunks.
 *
 * @param chunkBytesMax The same everywhere, but for tests.
 */
export function manifestOfPages(
  suite: HashSuite,
  pages: readonly Page[],
  chunkBytesMax = CHUNK_BYTES_MAX,
): { readonly root: Hash; readonly manifest: Manifest; readonly chunks: readonly ServedChunk[] } {
  const upper = treeOfPages(suite, pages);
  assert(upper.ok, 'pages of one checkpoint');
  const { table, root, hash } = upper.value;
  const nodes: ManifestNode[] = [];
  const chunks: ServedChunk[] = [];
  const prefix: number[] = [];
  const divide = (ref: Ref, refHash: () => Hash): void => {
    const { weight, count } = totalsOf(table, ref);
    if (ref.kind === PAGE || weight <= chunkBytesMax) {
      assert(weight <= chunkBytesMax || count === 1, 'a page is no larger than a chunk');
      const chunk = { hash: refHash(), weight, count };
      nodes.push({ kind: 'chunk', ...chunk });
      chunks.push({ ...chunk, prefix: Uint8Array.from(prefix), pages: pagesOf(table, ref) });
      return;
    }
    const chunk = table.chunk(ref.chunk);
    const bitmap = bitmapOf(chunk, ref.at);
    nodes.push({ kind: 'branch', bitmap });
    for (let nibble = 0; nibble < 16; nibble++) {
      if ((bitmap & (1 << nibble)) === 0) continue;
      const place = childPlace(bitmap, nibble);
      prefix.push(nibble);
      divide(childOf(table, ref, nibble), () => childHash(chunk, ref.at, place));
      prefix.pop();
    }
  };
  if (root.kind !== NOTHING) divide(root, () => hash);
  return { root: hash, manifest: { nodes }, chunks };
}

/** Carries a refusal out of the walk; caught by `readManifest`. */
class Malformed extends Error {}

/** Computes the root of a manifest's nodes and gathers its chunks. */
class ManifestWalk {
  readonly chunks: ChunkPlan[] = [];
  readonly #suite: HashSuite;
  readonly #nodes: readonly ManifestNode[];
  readonly #chunkBytesMax: number;
  readonly #prefix: number[] = [];
  #next = 0;

  constructor(suite: HashSuite, nodes: readonly ManifestNode[], chunkBytesMax: number) {
    this.#suite = suite;
    this.#nodes = nodes;
    this.#chunkBytesMax = chunkBytesMax;
  }

  get isFinished(): boolean {
    return this.#next === this.#nodes.length;
  }

  /** The next subtree. */
  walk(): { readonly hash: Hash; readonly weight: number; readonly count: number } {
    const node = this.#nodes[this.#next++];
    if (node === undefined) throw new Malformed();
    return node.kind === 'chunk' ? this.#chunk(node) : this.#branch(node.bitmap);
  }

  #chunk(node: ManifestNode & { readonly kind: 'chunk' }): ManifestNode & { kind: 'chunk' } {
    const { hash, weight, count } = node;
    const weightMax = count === 1 ? LEAF_WEIGHT_MAX : this.#chunkBytesMax;
    if (count === 0 || weight > weightMax || weight < count * LEAF_WEIGHT_MIN) {
      throw new Malformed();
    }
    this.chunks.push({ prefix: Uint8Array.from(this.#prefix), hash, weight, count });
    return node;
  }

  #branch(bitmap: number): { hash: Hash; weight: number; count: number } {
    if (bitmap === 0 || this.#prefix.length >= PATH_NIBBLES) throw new Malformed();
    const parts: Uint8Array[] = [Uint8Array.of(bitmap & 255, bitmap >> 8)];
    let weight = 0;
    let count = 0;
    for (let nibble = 0; nibble < 16; nibble++) {
      if ((bitmap & (1 << nibble)) === 0) continue;
      this.#prefix.push(nibble);
      const child = this.walk();
      this.#prefix.pop();
      parts.push(child.hash);
      weight += child.weight;
      count += child.count;
    }
    // One form only: what fits into a chunk is one, and a leaf stands as high as it can.
    if (weight <= this.#chunkBytesMax || count === 1) throw new Malformed();
    return { hash: this.#suite.hash('state-branch', concatBytes(...parts)), weight, count };
  }
}

/**
 * The chunks of the state of a root, by path. The hashes are proven by the root; weights and counts
 * are what the manifest's giver says, until `verifyChunk` has seen each chunk. A manifest whose
 * division does not follow from the weights that it names is refused, so one that divides otherwise
 * than all honest nodes names a false weight somewhere.
 */
export function readManifest(
  suite: HashSuite,
  root: Hash,
  manifest: Manifest,
  chunkBytesMax = CHUNK_BYTES_MAX,
): Result<readonly ChunkPlan[], ManifestError> {
  const { nodes } = manifest;
  const walk = new ManifestWalk(suite, nodes, chunkBytesMax);
  let actual: Hash;
  try {
    actual = nodes.length === 0 ? emptyRoot(suite) : walk.walk().hash;
  } catch (error) {
    if (error instanceof Malformed) return fail({ code: 'manifest-malformed' });
    throw error;
  }
  if (!walk.isFinished) return fail({ code: 'manifest-malformed' });
  if (!equalBytes(actual, root)) return fail({ code: 'manifest-root-mismatch' });
  return ok(walk.chunks);
}

/**
 * The full layout of a checkpoint whose pages are the chunks of a manifest, all verified, as they
 * came over the network.
 */
export function layoutOfChunks(plans: readonly ChunkPlan[], generation: number): Bytes {
  const pages = plans.map((plan) => ({ ...plan, generation, deltaGeneration: 0 }));
  return encodeLayout({ pages, removed: [] });
}
