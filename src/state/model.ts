import type { Bytes } from '../base/index.ts';
import { compareBytes, concatBytes } from '../base/index.ts';
import { encode, u32, uint53 } from '../codec/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';

/** A leaf of the definition. */
export type ModelLeaf = {
  readonly key: Bytes;
  readonly value: Bytes;
  readonly changedAt: number;
};

/**
 * The root by its definition, without any cleverness: the oracle of the tests, and the answer for
 * a few entries that nobody keeps a tree of. Keys must be distinct.
 */
export function rootOfEntries(suite: HashSuite, leaves: readonly ModelLeaf[]): Hash {
  const placed = leaves
    .map((leaf) => ({ ...leaf, path: suite.hash('state-path', leaf.key) }))
    .sort((left, right) => compareBytes(left.path, right.path));
  const rootOf = (members: typeof placed, depth: number): Hash | undefined => {
    const [first] = members;
    if (first === undefined) return undefined;
    if (members.length === 1) {
      const { path, changedAt, value } = first;
      const content = value.length <= 64 ? value : suite.hash('state-value', value);
      return suite.hash(
        'state-leaf',
        concatBytes(path, encode(uint53, changedAt), encode(u32, value.length), content),
      );
    }
    let bitmap = 0;
    const children: Hash[] = [];
    for (let nibble = 0; nibble < 16; nibble++) {
      const below = members.filter(({ path }) => {
        const byte = path[depth >> 1] ?? 0;
        return (depth % 2 === 0 ? byte >> 4 : byte & 15) === nibble;
      });
      const child = rootOf(below, depth + 1);
      if (child === undefined) continue;
      bitmap |= 1 << nibble;
      children.push(child);
    }
    const bits = Uint8Array.of(bitmap & 255, bitmap >> 8);
    return suite.hash('state-branch', concatBytes(bits, ...children));
  };
  return rootOf(placed, 0) ?? suite.hash('state-empty');
}
