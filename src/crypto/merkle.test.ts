import { describe, expect, test } from 'vitest';
import type { Hash, HashSuiteName } from './index.ts';
import { hashSuite, leafMemory, loadFastHashing, merkleRoot, merkleRootIn } from './index.ts';

/** RFC 9162 §2.1.1 as it is written: the left subtree holds the largest power of two below. */
function rootAsDefined(name: HashSuiteName, leaves: readonly Hash[]): Hash {
  const suite = hashSuite(name);
  const [only] = leaves;
  if (only === undefined) return suite.hash('merkle-branch');
  if (leaves.length === 1) return only;
  let split = 1;
  while (2 * split < leaves.length) split *= 2;
  const left = rootAsDefined(name, leaves.slice(0, split));
  return suite.hash('merkle-branch', left, rootAsDefined(name, leaves.slice(split)));
}

const leaves = Array.from({ length: 70 }, (_, number) =>
  hashSuite('sha2-256').hash('receipt-leaf', Uint8Array.of(number)),
);

describe.each(['blake3-256', 'sha2-256'] as const)('roots by %s', (name) => {
  // The second time four branches are digested together, in place.
  test.each(['plain', 'fast'])('are those of the definition, %s', async (kind) => {
    if (kind === 'fast') await loadFastHashing();
    const suite = hashSuite(name);
    for (let count = 0; count <= leaves.length; count++) {
      const some = leaves.slice(0, count);
      const expected = rootAsDefined(name, some);
      expect(merkleRoot(suite, some)).toEqual(expected);
      // Whatever stands behind the leaves says nothing.
      const memory = leafMemory(count + 3);
      memory.bytes.fill(7);
      some.forEach((leaf, at) => {
        memory.bytes.set(leaf, 32 * at);
      });
      expect(merkleRootIn(suite, memory, count)).toEqual(expected);
    }
  });
});
