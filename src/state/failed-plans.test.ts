import { beforeAll, describe, expect, it } from 'vitest';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';
import type { CheckpointPlan } from './types.ts';

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

    /** All pages stored and let go of; then a block changes one leaf of each, so that all wait. */
    function planned() {
      const tree = StateTree.empty(suite, { pageBytesMax: 4000, versionsKept: 1, pageRecords });
      const store = new StoredPages();
      const value = new Uint8Array(20);
      tree.apply(
        1 as Height,
        keys.map((key) => ({ key, value })),
      );
      expect(store.checkpoint(tree, 1)).toBe(true);
      tree.evict(0);
      const planAt = (height: number, some: readonly Uint8Array<ArrayBuffer>[]) => {
        const next = value.slice().fill(height);
        tree.apply(
          height as Height,
          some.map((key) => ({ key, value: next })),
        );
        return store.plan(tree, height);
      };
      const read = () => {
        expect(store.load(tree, keys)).toBe(true);
        for (const key of keys) tree.view().get(key);
      };
      return { tree, store, planAt, read };
    }
    const some = keys.filter((_, n) => n % 7 === 0);
    const deltaBytesOf = ({ pages }: CheckpointPlan) =>
      pages.reduce((sum, { deltaMemoryBytes }) => sum + deltaMemoryBytes, 0);

    it('let pages go that are read again, as often as they are; what must stay is counted', () => {
      const { tree, store, planAt, read } = planned();
      read();
      let plan = planAt(2, some);
      for (let height = 2; height < 5; height++) {
        for (const page of plan.written) plan.encode(page); // And the disk is full.
        const deltas = deltaBytesOf(plan);
        expect(deltas).toBeGreaterThan(28 * some.length);
        for (let time = 0; time < 3; time++) {
          read();
          expect(tree.memoryBytes()).toBeGreaterThan(4 * deltas);
          tree.evict(0);
          // No nodes, but the records that are nowhere else.
          expect(plan.pages.every(({ isLoaded }) => !isLoaded)).toBe(true);
          expect(tree.memoryBytes()).toBe(deltas);
        }
        read();
        plan = planAt(height + 1, some);
      }
      // The first that succeeds lets all go, also of pages that are not in memory.
      for (const page of plan.written) plan.encode(page);
      tree.evict(0);
      expect(tree.memoryBytes()).toBe(deltaBytesOf(plan));
      expect(store.write(tree, plan)).toBe(true);
      expect(tree.memoryBytes()).toBe(0);
      read();
    });

    it('let pages go whose nodes came to them after they were passed over', () => {
      const { tree, planAt, read } = planned();
      read();
      tree.apply(2 as Height, []); // Time passes.
      read();
      const all = tree.memoryBytes();
      const plan = planAt(3, some);
      tree.evict(0.7 * all); // Pages that were read come to their turn once more.
      expect(tree.memoryBytes()).toBeGreaterThan(0);
      for (const page of plan.written) plan.encode(page);
      expect(plan.written.some(({ root }) => root?.isWhole === true)).toBe(true);
      tree.evict(0);
      expect(tree.memoryBytes()).toBe(deltaBytesOf(plan));
    });

    it('keep what changed of pages that went, when a rival that changed them is not adopted', () => {
      const { tree, store, planAt, read } = planned();
      read();
      const plan = planAt(2, some);
      for (const page of plan.written) plan.encode(page);
      read();
      tree.stage(
        3 as Height,
        some.map((key) => ({ key, value: undefined })),
      );
      tree.evict(0);
      tree.apply(3 as Height, []);
      expect(store.write(tree, plan)).toBe(true);
      read();
    });
  },
);
