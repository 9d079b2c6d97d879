import { beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { defined, formatHex } from '../base/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { deltaStoreKey, pageStoreKey } from './page.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());

const keyOf = (n: number): Bytes => Uint8Array.of(5, n & 255, n >> 8);
const filled = (n: number, length = 8): Bytes => new Uint8Array(length).fill(n);

/** A state of 300 keys that was written. */
function createWritten(versionsKept?: number) {
  const kept = versionsKept === undefined ? {} : { versionsKept };
  const tree = StateTree.empty(suite, { pageBytesMax: 700, pageRecords: 'image', ...kept });
  const store = new StoredPages();
  const leaves = Array.from({ length: 300 }, (_, n) => ({ key: keyOf(n), value: filled(n) }));
  tree.apply(1 as Height, leaves);
  expect(store.checkpoint(tree, 1)).toBe(true);
  return { tree, store };
}

describe('pages that a checkpoint has still to write', () => {
  it('are copied while what they join is in memory, however many blocks pass meanwhile', () => {
    for (let seed = 0; seed < 40; seed++) {
      const [small, large] = [12 + (seed % 60), 2 + (seed % 7)];
      const keys = Array.from({ length: small + large }, (_, n) => Uint8Array.of(5, n, seed));
      const tree = StateTree.empty(suite, { pageBytesMax: 8000, pageRecords: 'image' });
      const store = new StoredPages();
      const leaves = keys.map((key, n) => ({ key, value: filled(n, n < small ? 0 : 5000) }));
      tree.apply(1 as Height, leaves);
      store.checkpoint(tree, 1);
      store.load(tree, keys);
      // What was large becomes small, and a leaf below each child of the root is another.
      const children = new Set<number>();
      const changes = [...keys].reverse().flatMap((key, n) => {
        const child = (suite.hash('state-path', key)[0] ?? 0) >> 4;
        const isNew = !children.has(child);
        children.add(child);
        return isNew || n < large ? [{ key, value: filled(1, 0) }] : [];
      });
      tree.apply(2 as Height, changes);
      const plan = store.plan(tree, 2);
      for (let height = 3; height < 67; height++) tree.apply(height as Height, []);
      expect(store.write(tree, plan)).toBe(true);
      expect(store.load(tree, keys)).toBe(true);
      expect(store.checkpoint(tree, 3)).toBe(true);
    }
  });
});

describe('pages that come when no version has them any more', () => {
  it('leave nothing in memory', () => {
    const { tree, store } = createWritten(2);
    let [height, generation] = [1, 1];
    const block = (n: number) => {
      expect(store.load(tree, [keyOf(n)])).toBe(true);
      height += 1;
      tree.apply(height as Height, [{ key: keyOf(n), value: filled(height) }]);
    };
    const recordOf = (key: Bytes) => defined(store.records.get(formatHex(key)), 'it was written');
    const held: number[] = [];
    for (let round = 0; round < 10; round++) {
      block(1);
      store.checkpoint(tree, ++generation);
      tree.evict(0);
      // Somebody reads their records meanwhile.
      const read = tree.pagesNeeded([keyOf(1)], height).map((page) => {
        const key = deltaStoreKey(page);
        const delta = key === undefined ? undefined : recordOf(key);
        return { page, base: recordOf(pageStoreKey(page)), delta };
      });
      expect(read).not.toEqual([]);
      block(1);
      store.checkpoint(tree, ++generation);
      for (const n of [2, 3, 4]) block(n);
      tree.evict(0);
      for (const { page, base, delta } of read) {
        expect(tree.insertStored(page, base, delta).ok).toBe(true);
      }
      tree.evict(0);
      block(5);
      store.checkpoint(tree, ++generation);
      for (const n of [6, 7, 8]) block(n);
      tree.evict(0);
      held.push(tree.versionBytes());
    }
    expect(held.at(-1)).toBe(held[0]);
  });
});
