import type { HashSuite } from '../../src/crypto/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import { StateTree } from '../../src/state/index.ts';
import { firstChanges, KEYS, roundsOf, WARM_UP_ROUNDS } from './workload.ts';

/** Keys of one block while the tree is built. */
const KEYS_PER_BLOCK = 50_000;

/** A tree of `KEYS` keys as a node has it in memory after a checkpoint: in pages, compacted. */
function buildTree(suite: HashSuite): StateTree {
  const tree = StateTree.empty(suite, { versionsKept: 2 });
  for (let from = 0; from < KEYS; from += KEYS_PER_BLOCK) {
    const height = (from / KEYS_PER_BLOCK) as Height; // Counts from 0.
    tree.apply(height, firstChanges(from, Math.min(KEYS, from + KEYS_PER_BLOCK)));
  }
  const plan = tree.planCheckpoint(1);
  for (const page of plan.written) plan.encode(page);
  tree.checkpointed(plan);
  return tree;
}

/** Milliseconds of each round: the updates applied, and the new root. */
export function rootUpdateMs(suite: HashSuite, rounds: number): number[] {
  const tree = buildTree(suite);
  return roundsOf(WARM_UP_ROUNDS + rounds)
    .map((changes) => {
      const startedMs = performance.now();
      tree.apply((tree.height + 1) as Height, changes); // One block a round.
      tree.root();
      return performance.now() - startedMs;
    })
    .slice(WARM_UP_ROUNDS);
}
