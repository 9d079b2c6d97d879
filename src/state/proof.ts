import type { Bytes, Result } from '../base/index.ts';
import { assert, concatBytes, equalBytes, fail, ok } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import {
  bytes,
  encode,
  fixedBytes,
  struct,
  u16,
  u32,
  uint53,
  union,
  vector,
} from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { hashCodec } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec, MissingKey } from '../ledger/index.ts';
import type { ProofError } from './errors.ts';
import { nodeInside } from './inside.ts';
import { changedAtOf, comparePaths, leafValue, nibbleOf, pathOf } from './leaf.ts';
import {
  INLINE_VALUE_BYTES_MAX,
  PATH_NIBBLES,
  PROOF_KEYS_MAX,
  PROOF_NODES_MAX,
  STATE_VALUE_BYTES_MAX,
} from './limits.ts';
import type { Page, Ref, Table } from './nodes.ts';
import { BRANCH, bitmapOf, childHash, childOf, INSIDE, NOTHING, PAGE } from './nodes.ts';

/**
 * One node of a proof. The nodes stand in the order in which a walk from the root meets them,
 * children of a branch by nibble.
 */
const proofNodeCodec = union('ProofNode', {
  /** Bit n: a child for nibble n follows. */
  branch: struct('ProofBranch', { bitmap: u16 }),
  /** A subtree that holds none of the keys. */
  digest: struct('ProofDigest', { hash: hashCodec }),
  /** The leaf of key number `index`. */
  leaf: struct('ProofLeaf', {
    index: u16,
    changedAt: heightCodec,
    value: bytes({ max: STATE_VALUE_BYTES_MAX }),
  }),
  /** A leaf where a key would be, of another key: its value, or the digest of a long one. */
  other: struct('ProofOther', {
    path: fixedBytes(32),
    changedAt: heightCodec,
    valueLength: u32,
    content: bytes({ max: INLINE_VALUE_BYTES_MAX }),
  }),
});
type ProofNode = Infer<typeof proofNodeCodec>;

/** Codec of {@link StateProof}: strict, at most 65,536 nodes. */
export const stateProofCodec = struct('StateProof', {
  nodes: vector(proofNodeCodec, { max: PROOF_NODES_MAX }),
});

/** Proves what a state holds under some keys, absence included. No nodes: the state is empty. */
export type StateProof = Infer<typeof stateProofCodec>;

/** What is proven of one key; absent values are proven to be absent. */
export type ProvenEntry = {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
  /** Height of the value's last change; absent with the value. */
  readonly changedAt: Height | undefined;
};

/** A key's path and its place among the keys asked for. */
type Query = { readonly path: Bytes; readonly index: number };

function queriesOf(suite: HashSuite, keys: readonly Bytes[]): Query[] {
  assert(keys.length >= 1 && keys.length <= PROOF_KEYS_MAX, `a proof of ${keys.length} keys`);
  const queries = keys.map((key, index) => ({
    path: suite.hash('state-path', key),
    index,
  }));
  queries.sort((left, right) => comparePaths(left.path, 0, right.path, 0));
  for (let at = 1; at < queries.length; at++) {
    const [before, here] = [queries[at - 1], queries[at]];
    assert(
      before !== undefined && here !== undefined && comparePaths(before.path, 0, here.path, 0) < 0,
      'a key is asked for twice',
    );
  }
  return queries;
}

/** The end of the run of queries from `low` that share the nibble at `depth`. */
function runEnd(
  queries: readonly Query[],
  range: { readonly low: number; readonly high: number; readonly depth: number },
  nibble: number,
): number {
  let end = range.low;
  for (; end < range.high; end++) {
    const query = queries[end] as Query; // Inside the bounds.
    if (nibbleOf(query.path, 0, range.depth) !== nibble) break;
  }
  return end;
}

/**
 * Proves some distinct keys, 1 to 512, in a hashed tree. Throws `MissingKey` when a page must be
 * loaded first.
 */
export function prove(
  suite: HashSuite,
  tree: { readonly table: Table; readonly root: Ref },
  keys: readonly Bytes[],
): StateProof {
  const queries = queriesOf(suite, keys);
  const nodes: ProofNode[] = [];
  const { table: outer } = tree;
  const walk = (
    table: Table,
    node: Ref,
    low: number,
    high: number,
    depth: number,
    inPage?: Page,
  ): void => {
    if (node.kind === PAGE || node.kind === INSIDE) {
      const page = node.chunk < 0 ? outer.page(node.chunk) : inPage;
      const { index, path } = queries[low] as Query; // The run is not empty.
      const inside = page && nodeInside(page, node, path, depth);
      if (inside === undefined) throw new MissingKey(keys[index] as Bytes);
      walk(inside.table, inside.ref, low, high, depth, page);
      return;
    }
    const chunk = table.chunk(node.chunk);
    if (node.kind === BRANCH) {
      const bitmap = bitmapOf(chunk, node.at);
      nodes.push({ kind: 'branch', bitmap });
      let start = low;
      let place = 0;
      for (let nibble = 0; nibble < 16; nibble++) {
        const end = runEnd(queries, { low: start, high, depth }, nibble);
        if ((bitmap & (1 << nibble)) !== 0) {
          if (start === end) {
            nodes.push({ kind: 'digest', hash: childHash(chunk, node.at, place) });
          } else walk(table, childOf(table, node, nibble), start, end, depth + 1, inPage);
          place += 1;
        }
        start = end;
      }
    } else {
      const path = pathOf(chunk, node.at);
      const own = queries.slice(low, high).find((query) => equalBytes(query.path, path));
      const changedAt = changedAtOf(chunk, node.at);
      const value = leafValue(chunk, node.at);
      if (own !== undefined) nodes.push({ kind: 'leaf', index: own.index, changedAt, value });
      else {
        const content = contentOf(suite, value);
        nodes.push({ kind: 'other', path, changedAt, valueLength: value.length, content });
      }
    }
  };
  if (tree.root.kind !== NOTHING) walk(tree.table, tree.root, 0, queries.length, 0);
  return { nodes };
}

function contentOf(suite: HashSuite, value: Bytes): Bytes {
  return value.length <= INLINE_VALUE_BYTES_MAX ? value : suite.hash('state-value', value);
}

/** Hash of a leaf: path 32 ‖ changedAt u64 LE ‖ value length u32 LE ‖ value or its digest. */
function leafHash(
  suite: HashSuite,
  leaf: {
    readonly path: Bytes;
    readonly changedAt: number;
    readonly valueLength: number;
    readonly content: Bytes;
  },
): Hash {
  return suite.hash(
    'state-leaf',
    concatBytes(
      leaf.path,
      encode(uint53, leaf.changedAt),
      encode(u32, leaf.valueLength),
      leaf.content,
    ),
  );
}

/** Carries a refusal out of the walk; caught by `verifyProof`. */
class Malformed extends Error {}

class Verification {
  readonly #suite: HashSuite;
  readonly #queries: readonly Query[];
  readonly #nodes: readonly ProofNode[];
  readonly found = new Map<number, { readonly value: Bytes; readonly changedAt: Height }>();
  #next = 0;

  constructor(suite: HashSuite, queries: readonly Query[], nodes: readonly ProofNode[]) {
    this.#suite = suite;
    this.#queries = queries;
    this.#nodes = nodes;
  }

  get isFinished(): boolean {
    return this.#next === this.#nodes.length;
  }

  /** Hash of the next subtree, which holds the queries [low, high). */
  walk(low: number, high: number, depth: number): Hash {
    const node = this.#nodes[this.#next++];
    if (node === undefined) throw new Malformed();
    // One form only: a subtree without queries is a digest, one with queries never is.
    if ((low === high) !== (node.kind === 'digest')) throw new Malformed();
    switch (node.kind) {
      case 'digest':
        return node.hash;
      case 'branch':
        return this.#branch(node.bitmap, { low, high, depth });
      case 'leaf':
        return this.#leaf(node, low, high);
      case 'other':
        return this.#other(node, { low, high, depth });
    }
  }

  #branch(
    bitmap: number,
    range: { readonly low: number; readonly high: number; readonly depth: number },
  ): Hash {
    if (bitmap === 0 || range.depth >= PATH_NIBBLES) throw new Malformed();
    const parts: Uint8Array[] = [Uint8Array.of(bitmap & 255, bitmap >> 8)];
    let { low } = range;
    for (let nibble = 0; nibble < 16; nibble++) {
      const end = runEnd(this.#queries, { ...range, low }, nibble);
      if ((bitmap & (1 << nibble)) !== 0) parts.push(this.walk(low, end, range.depth + 1));
      low = end;
    }
    return this.#suite.hash('state-branch', concatBytes(...parts));
  }

  #leaf(node: ProofNode & { readonly kind: 'leaf' }, low: number, high: number): Hash {
    const query = this.#queries.slice(low, high).find(({ index }) => index === node.index);
    if (query === undefined) throw new Malformed();
    const { value, changedAt } = node;
    this.found.set(node.index, { value, changedAt });
    return leafHash(this.#suite, {
      path: query.path,
      changedAt,
      valueLength: value.length,
      content: contentOf(this.#suite, value),
    });
  }

  #other(
    node: ProofNode & { readonly kind: 'other' },
    range: { readonly low: number; readonly high: number; readonly depth: number },
  ): Hash {
    const { path, valueLength, content } = node;
    if (content.length !== (valueLength <= INLINE_VALUE_BYTES_MAX ? valueLength : 32)) {
      throw new Malformed();
    }
    for (const query of this.#queries.slice(range.low, range.high)) {
      // The very leaf of a key must not pass for another one, which would prove its absence.
      if (equalBytes(query.path, path)) throw new Malformed();
      for (let depth = 0; depth < range.depth; depth++) {
        if (nibbleOf(path, 0, depth) !== nibbleOf(query.path, 0, depth)) throw new Malformed();
      }
    }
    return leafHash(this.#suite, node);
  }
}

/**
 * What a proof proves under a state root, in the order of the keys (distinct, 1 to 512). Exactly
 * one proof exists for given keys and state: any other bytes are refused.
 */
export function verifyProof(
  suite: HashSuite,
  root: Hash,
  keys: readonly Bytes[],
  proof: StateProof,
): Result<ProvenEntry[], ProofError> {
  const queries = queriesOf(suite, keys);
  const verification = new Verification(suite, queries, proof.nodes);
  let actual: Hash;
  try {
    actual = proof.nodes.length === 0 ? emptyRoot(suite) : verification.walk(0, queries.length, 0);
  } catch (error) {
    if (error instanceof Malformed) return fail({ code: 'proof-malformed' });
    throw error;
  }
  if (!verification.isFinished) return fail({ code: 'proof-malformed' });
  if (!equalBytes(actual, root)) return fail({ code: 'proof-root-mismatch' });
  return ok(
    keys.map((key, index) => {
      const entry = verification.found.get(index);
      return { key, value: entry?.value, changedAt: entry?.changedAt };
    }),
  );
}

/** Root of a state without keys. */
export function emptyRoot(suite: HashSuite): Hash {
  return suite.hash('state-empty');
}
