import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { isImage } from './image.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';
import type { CheckpointPlan } from './types.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());

const keyOf = (n: number) => Uint8Array.of(5, n & 255, n >> 8);

/** What happens to a tree; blocks may come between a plan and its completion. */
const deedArbitrary = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('block' as const),
      keys: fc.uniqueArray(fc.nat({ max: 400 }), { maxLength: 40 }),
      isDelete: fc.boolean(),
      /** Pages that go after the block was staged, before it is adopted. */
      isEvicted: fc.boolean(),
    }),
    weight: 5,
  },
  { arbitrary: fc.record({ kind: fc.constant('plan' as const) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('complete' as const) }), weight: 2 },
  { arbitrary: fc.record({ kind: fc.constant('forget' as const) }), weight: 1 },
  {
    arbitrary: fc.record({ kind: fc.constant('evict' as const), bytes: fc.nat({ max: 30_000 }) }),
    weight: 2,
  },
);

test('sums and lists that blocks keep are those that a look at every page would give', () => {
  let largest = 0;
  let deltas = 0;
  let images = 0;
  fc.assert(
    fc.property(
      fc.array(deedArbitrary, { maxLength: 40 }),
      fc.constantFrom(1, 3),
      fc.constantFrom('leaves' as const, 'image' as const),
      (deeds, versionsKept, pageRecords) => {
        const tree = StateTree.empty(suite, { pageBytesMax: 600, versionsKept, pageRecords });
        const store = new StoredPages();
        let generation = 0;
        let height = 0;
        let open: CheckpointPlan | undefined;
        const block = (keys: readonly number[], isDelete: boolean, isEvicted: boolean) => {
          expect(store.load(tree, keys.map(keyOf))).toBe(true);
          const value = isDelete ? undefined : new Uint8Array(20).fill(height);
          const changes = keys.map((key) => ({ key: keyOf(key), value }));
          const staged = tree.stage(++height as Height, changes);
          if (isEvicted) tree.evict(0);
          tree.adopt(staged);
        };
        const complete = (plan: CheckpointPlan) => {
          expect(store.write(tree, plan)).toBe(true);
          const { root, height: at } = plan;
          const restored = StateTree.restore(suite, { height: at, root, layouts: store.layouts });
          expect(restored.ok).toBe(true);
        };
        block(
          Array.from({ length: 300 }, (_, n) => n),
          false,
          false,
        );
        for (const deed of deeds) {
          if (deed.kind === 'block') block(deed.keys, deed.isDelete, deed.isEvicted);
          else if (deed.kind === 'plan') open ??= store.plan(tree, ++generation);
          else if (deed.kind === 'evict') {
            const before = tree.memoryBytes();
            tree.evict(deed.bytes);
            expect(tree.memoryBytes()).toBeLessThanOrEqual(before);
          } else {
            if (deed.kind === 'complete' && open !== undefined) complete(open);
            open = undefined;
          }
        }
        // All of the head is in pages now, so that they can be counted one by one.
        const plan = store.plan(tree, ++generation);
        largest = Math.max(largest, plan.pages.length);
        expect(new Set(plan.written)).toEqual(new Set(plan.pages.filter((page) => !page.isStored)));
        complete(plan);
        deltas += store.deltaCount;
        const bytes = plan.pages.reduce((sum, { memoryBytes }) => sum + memoryBytes, 0);
        // Older versions may have others in memory.
        if (versionsKept === 1) expect(tree.memoryBytes()).toBe(bytes);
        else expect(tree.memoryBytes()).toBeGreaterThanOrEqual(bytes);
        expect(tree.dirtyBytes()).toBe(0);
        tree.apply(++height as Height, []); // Now what was before the plan may go.
        tree.evict(0);
        // No slot of any page that is gone is left, or a slab would be there for it.
        if (versionsKept === 1) expect(tree.spareBytes()).toBe(0);
        expect(tree.memoryBytes()).toBe(0);
        for (const page of plan.pages) expect(page.isLoaded).toBe(false);
        for (const record of store.records.values()) images += isImage(record) ? 1 : 0;
        expect(
          store.load(
            tree,
            Array.from({ length: 401 }, (_, n) => keyOf(n)),
          ),
        ).toBe(true);
      },
    ),
    { numRuns: 150 },
  );
  expect(largest).toBeGreaterThan(15);
  expect(deltas).toBeGreaterThan(50);
  expect(images).toBeGreaterThan(50);
});

test('evict lets go of what was not read for longest', () => {
  const tree = StateTree.empty(suite, { pageBytesMax: 600 });
  const keys = Array.from({ length: 300 }, (_, n) => keyOf(n));
  tree.apply(
    1 as Height,
    keys.map((key) => ({ key, value: new Uint8Array(20) })),
  );
  const plan = tree.planCheckpoint(1);
  for (const page of plan.written) plan.encode(page);
  tree.checkpointed(plan);
  const read = keys.slice(0, 3);
  tree.apply(2 as Height, []); // Time passes.
  for (const key of read) tree.view().get(key);
  const others = tree.versionBytes() + tree.layoutBytes() + 8192;
  tree.evict(Math.floor(tree.memoryBytes() / 2 + others));
  expect(tree.pagesNeeded(read)).toEqual([]);
  expect(tree.pagesNeeded(keys).length).toBeGreaterThan(5);
});

test('what stays of pages that went is let go of last: leaves that are read again and again', () => {
  const tree = StateTree.empty(suite, { pageBytesMax: 3000, versionsKept: 1 });
  const store = new StoredPages();
  const keys = Array.from({ length: 2000 }, (_, n) => keyOf(n));
  const value = new Uint8Array(20);
  tree.apply(
    1 as Height,
    keys.map((key) => ({ key, value })),
  );
  expect(store.checkpoint(tree, 1)).toBe(true);
  const all = tree.memoryBytes();
  const often = keys.slice(0, 4);
  const read = (some: typeof keys) => {
    expect(store.load(tree, some)).toBe(true);
    for (const key of some) tree.view().get(key);
  };
  for (const height of [2, 3]) {
    read(often);
    tree.apply(height as Height, []); // Time passes.
  }
  tree.evict(0);
  // Then all others are read, once each, in memory for a third of them.
  let loads = 0;
  for (let height = 4; height < 84; height++) {
    if (height % 20 === 4) {
      loads += tree.pagesNeeded(often).length;
      read(often);
    }
    const once = keys.slice(25 * (height - 4), 25 * (height - 3));
    read(once);
    tree.apply(height as Height, []);
    tree.evict(all / 3);
    expect(tree.memoryBytes() + tree.versionBytes()).toBeLessThanOrEqual(all / 3);
  }
  // Once after everything had gone.
  expect(loads).toBeLessThanOrEqual(often.length);
  expect(tree.pagesNeeded(often)).toEqual([]);
  expect(tree.pagesNeeded(keys).length).toBeGreaterThan(10);
});

test('evict lets go of old versions when they hold too much, but never of the newest four', () => {
  const keys = Array.from({ length: 300 }, (_, n) => keyOf(n));
  const tree = StateTree.empty(suite);
  for (let height = 1; height <= 20; height++) {
    const value = new Uint8Array(6000).fill(height);
    tree.apply(
      height as Height,
      keys.map((key) => ({ key, value })),
    );
    tree.checkpointed(tree.planCheckpoint(2 * height));
  }
  const all = tree.versionBytes();
  expect(all).toBeGreaterThan(19 * 300 * 6000);
  // A quarter of what the cache may hold is theirs.
  tree.evict(4 * all);
  expect(tree.heights()).toHaveLength(20);
  tree.evict(2 * all);
  expect(tree.heights().length).toBeGreaterThan(8);
  expect(tree.heights().length).toBeLessThan(12);
  expect(tree.versionBytes()).toBeLessThanOrEqual(all / 2);
  tree.evict(0); // Some megabytes are always theirs.
  expect(tree.heights()).toEqual([17, 18, 19, 20]);
  // Nothing is held beside the head when nothing is beside it.
  const last = StateTree.empty(suite, { versionsKept: 1 });
  for (let height = 1; height <= 3; height++) {
    last.apply(height as Height, [{ key: keyOf(1), value: new Uint8Array(height) }]);
    last.checkpointed(last.planCheckpoint(2 * height));
    expect(last.versionBytes()).toBe(0);
  }
});
