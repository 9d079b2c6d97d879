import { beforeAll, describe, expect, it } from 'vitest';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());

const KEYS = 1000;
const CACHE_BYTES = 100_000;
const keyOf = (n: number) => Uint8Array.of(9, n & 255, n >> 8);
const keys = Array.from({ length: KEYS }, (_, n) => keyOf(n));

describe.each(['leaves', 'image'] as const)(
  'plans that are not carried out (%s)',
  (pageRecords) => {
    it('leave nothing in memory, and none of what is needed is let go of', () => {
      const tree = StateTree.empty(suite, { pageBytesMax: 2000, versionsKept: 5, pageRecords });
      const store = new StoredPages();
      const values = new Map(keys.map((key) => [key, new Uint8Array(20)]));
      tree.apply(
        1 as Height,
        keys.map((key) => ({ key, value: values.get(key) })),
      );
      expect(store.checkpoint(tree, 1)).toBe(true);
      let height = 1;
      const held: number[] = [];
      for (let round = 0; round < 40; round++) {
        for (let block = 0; block < 8; block++) {
          height += 1;
          const changed = Array.from({ length: 40 }, (_, n) => (height * 67 + n * 61) % KEYS);
          const distinct = [...new Set(changed)].map((n) => keys[n] ?? keyOf(n));
          expect(store.load(tree, distinct)).toBe(true);
          for (const key of distinct) values.set(key, new Uint8Array(20).fill(height));
          tree.apply(
            height as Height,
            distinct.map((key) => ({ key, value: values.get(key) })),
          );
          tree.evict(CACHE_BYTES);
        }
        const plan = store.plan(tree, 2);
        for (const page of plan.written) plan.encode(page); // And the disk is full.
        held.push(tree.versionBytes());
      }
      expect(Math.max(...held.slice(20))).toBeLessThan(1.5 * Math.max(...held.slice(0, 20)));
      // The first that succeeds writes all.
      expect(store.checkpoint(tree, 2)).toBe(true);
      tree.evict(0);
      expect(store.load(tree, keys)).toBe(true);
      for (const key of keys) expect(tree.view().get(key)).toEqual(values.get(key));
    });
  },
);
