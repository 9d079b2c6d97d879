import { BranchMPTNode, ExtensionMPTNode, LeafMPTNode, MerklePatriciaTrie } from '@ethereumjs/mpt';
import { firstChanges, roundsOf, WARM_UP_ROUNDS } from './workload.ts';

// `@ethereumjs/mpt` with the same keys and values, as EthereumJS keeps accounts: keys hashed, nodes
// in the database in memory that it comes with.

type Entry = { readonly nibbles: readonly number[]; readonly value: Uint8Array };
type Operations = Parameters<MerklePatriciaTrie['_formatNode']>[2];
type Reference = Uint8Array | ReturnType<LeafMPTNode['raw']>;

/** Keys put into the trie at once. */
const KEYS_PER_STEP = 50_000;

/**
 * A trie filled from the leaves up, since putting a million keys one by one takes minutes: with the
 * library's own nodes, encoding and hash. `checkPrefilled` holds it against the library's own way.
 */
class PrefilledTrie extends MerklePatriciaTrie {
  #operations: Operations = [];

  async fill(keys: number): Promise<void> {
    const entries: Entry[] = [];
    for (let from = 0; from < keys; from += KEYS_PER_STEP) {
      for (const { key, value } of firstChanges(from, Math.min(keys, from + KEYS_PER_STEP))) {
        const nibbles: number[] = [];
        for (const byte of this.appliedKey(key)) nibbles.push(byte >> 4, byte & 15);
        entries.push({ nibbles, value });
      }
    }
    const root = await this.#place(entries, 0, true);
    await this.#write();
    this.root(root as Uint8Array); // The topmost node is always hashed.
  }

  async #place(entries: readonly Entry[], depth: number, isTop: boolean): Promise<Reference> {
    const [first] = entries;
    if (first === undefined) throw new RangeError('no entries');
    const format = (node: BranchMPTNode | ExtensionMPTNode | LeafMPTNode): Reference =>
      this._formatNode(node, isTop, this.#operations) as Reference;
    if (entries.length === 1) {
      return format(new LeafMPTNode(first.nibbles.slice(depth), first.value));
    }
    let shared = depth;
    while (entries.every(({ nibbles }) => nibbles[shared] === first.nibbles[shared])) shared += 1;
    if (shared > depth) {
      const below = (await this.#place(entries, shared, false)) as Uint8Array; // A branch is long.
      return format(new ExtensionMPTNode(first.nibbles.slice(depth, shared), below));
    }
    const groups: Entry[][] = Array.from({ length: 16 }, () => []);
    for (const entry of entries) groups[entry.nibbles[depth] ?? 0]?.push(entry);
    const branch = new BranchMPTNode();
    for (const [nibble, group] of groups.entries()) {
      if (group.length > 0) branch.setBranch(nibble, await this.#place(group, depth + 1, false));
    }
    if (this.#operations.length > KEYS_PER_STEP) await this.#write();
    return format(branch);
  }

  async #write(): Promise<void> {
    const operations = this.#operations;
    this.#operations = [];
    await this._db.batch(operations);
  }
}

/** Throws when a small prefilled trie has another root than one filled by the library. */
async function checkPrefilled(): Promise<void> {
  const keys = 3000;
  const ours = new PrefilledTrie({ useKeyHashing: true });
  await ours.fill(keys);
  const theirs = new MerklePatriciaTrie({ useKeyHashing: true });
  await theirs.batch(firstChanges(0, keys).map((change) => ({ type: 'put', ...change })));
  const [left, right] = [ours.root().join(), theirs.root().join()];
  if (left !== right) throw new Error('the prefilled trie is not the same trie');
}

/** Milliseconds of each round: the updates applied, and the new root. */
export async function referenceUpdateMs(keys: number, rounds: number): Promise<number[]> {
  await checkPrefilled();
  const trie = new PrefilledTrie({ useKeyHashing: true });
  await trie.fill(keys);
  const samples: number[] = [];
  for (const changes of roundsOf(WARM_UP_ROUNDS + rounds, keys)) {
    const startedMs = performance.now();
    await trie.batch(changes.map((change) => ({ type: 'put', ...change })));
    trie.root();
    samples.push(performance.now() - startedMs);
  }
  return samples.slice(WARM_UP_ROUNDS);
}
