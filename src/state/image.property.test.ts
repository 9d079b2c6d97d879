import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { defined, formatHex } from '../base/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { joinPages } from './chunk.ts';
import { checksumOf, imageWords, isImage, leavesOfImage, readImage } from './image.ts';
import { Chunk } from './memory.ts';
import { pageStoreKey } from './page.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';
import type { PageRecordForm } from './types.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());

const keyOf = (n: number) => Uint8Array.of(4, n & 255, n >> 8, ...new Uint8Array(n % 5));
const refusal = { ok: false, error: { code: 'page-corrupt' } };

/** A stored tree of which nothing is in memory; values of all lengths, some kept by digest. */
function storedTree(count: number, pageRecords: PageRecordForm, pageBytesMax = 900) {
  const tree = StateTree.empty(suite, { pageBytesMax, versionsKept: 1, pageRecords });
  const changes = Array.from({ length: count }, (_, n) => ({
    key: keyOf(n),
    value: new Uint8Array(n % 11 === 0 ? 60 + n : n % 7).fill(n),
  }));
  tree.apply(1 as Height, changes);
  const store = new StoredPages();
  expect(store.checkpoint(tree, 1)).toBe(true);
  tree.evict(0);
  return { tree, store, changes, keys: changes.map(({ key }) => key) };
}

/** The same record with a true checksum. */
function sealed(record: Uint8Array): Uint8Array {
  const bytes = record.slice();
  const words = imageWords(bytes);
  if (words < 0) return bytes;
  const nodes = new Int32Array(bytes.slice(4, 4 + 4 * words).buffer);
  bytes.set(checksumOf(nodes, words, bytes[2] ?? 0), 4 + 4 * words);
  return bytes;
}

describe('images of pages', () => {
  test('hold the leaves that records of leaves hold, and are joined to the same chunk', () => {
    const sizes = fc.integer({ min: 1, max: 150 });
    fc.assert(
      fc.property(sizes, fc.integer({ min: 200, max: 3000 }), (count, pageBytesMax) => {
        const images = storedTree(count, 'image', pageBytesMax);
        const leaves = storedTree(count, 'leaves', pageBytesMax);
        expect(images.tree.root()).toEqual(leaves.tree.root());
        expect(images.store.records.size).toBe(leaves.store.records.size);
        for (const [key, image] of images.store.records) {
          const record = defined(leaves.store.records.get(key), 'the same pages');
          expect(isImage(image)).toBe(true);
          expect(isImage(record)).toBe(false);
          expect(leavesOfImage(image)).toEqual(record);
          expect(joinPages([image])).toEqual(joinPages([record]));
        }
        expect(images.store.load(images.tree, images.keys)).toBe(true);
        const view = images.tree.view();
        for (const { key, value } of images.changes) expect(view.get(key)).toEqual(value);
        expect(images.tree.prove(1, [keyOf(0), keyOf(999)])).toEqual(
          leaves.store.load(leaves.tree, [keyOf(0), keyOf(999)])
            ? leaves.tree.prove(1, [keyOf(0), keyOf(999)])
            : undefined,
        );
      }),
      { numRuns: 40 },
    );
  });

  test('are taken from the own disk alone: whoever else gives one may have made its hashes up', () => {
    const { tree, store, keys } = storedTree(100, 'image');
    for (const page of tree.pagesNeeded(keys)) {
      const image = defined(store.records.get(formatHex(pageStoreKey(page))), 'stored');
      expect(tree.insertPage(page, image)).toEqual(refusal);
      expect(page.isLoaded).toBe(false);
      const leaves = defined(leavesOfImage(image), 'written');
      expect(tree.insertPage(page, leaves)).toEqual({ ok: true });
      page.forget();
      // A false leaf under true hashes.
      const other = image.slice();
      other[image.length - 17] = (other[image.length - 17] ?? 0) ^ 1;
      expect(tree.insertStored(page, other)).toEqual(refusal);
      expect(tree.insertPage(page, sealed(other))).toEqual(refusal);
    }
  });

  test('of another page, or with changes that are not theirs, are refused', () => {
    const { tree, store, keys } = storedTree(100, 'image');
    const [first, second] = tree.pagesNeeded(keys);
    if (first === undefined || second === undefined) throw new Error('several pages');
    const image = defined(store.records.get(formatHex(pageStoreKey(second))), 'stored');
    expect(tree.insertStored(first, image)).toEqual(refusal);
    expect(tree.insertStored(second, image)).toEqual({ ok: true });
  });

  test('whose checksum is true are nodes one after the other, or refused', () => {
    const { tree, store, keys } = storedTree(60, 'image');
    const pages = tree.pagesNeeded(keys);
    const images = pages.map((page) =>
      defined(store.records.get(formatHex(pageStoreKey(page))), 'stored'),
    );
    let accepted = 0;
    const bend = fc.record({
      page: fc.nat({ max: images.length - 1 }),
      word: fc.nat({ max: 4000 }),
      byte: fc.nat({ max: 3 }),
      value: fc.nat({ max: 255 }),
      cut: fc.oneof(fc.constant(0), fc.nat({ max: 80 })),
    });
    fc.assert(
      fc.property(bend, ({ page, word, byte, value, cut }) => {
        const image = defined(images[page], 'one of them');
        const bent = image.slice(0, image.length - cut);
        bent[(4 * word + byte) % Math.max(1, bent.length - 16)] = value;
        const record = sealed(bent);
        const words = imageWords(record);
        const kind = words < 0 ? undefined : readImage(record, new Chunk(words));
        const leaves = leavesOfImage(record);
        expect(leaves === undefined).toBe(kind === undefined);
        if (leaves === undefined) return;
        accepted += 1;
        // Whatever it says, it can be read to its end.
        const asked = defined(pages[page], 'one of them');
        if (tree.insertStored(asked, record).ok) {
          for (const key of keys) {
            if (!tree.pagesNeeded([key]).includes(asked)) tree.pagesNeeded([key]);
          }
          asked.forget();
        }
      }),
      { numRuns: 3000 },
    );
    expect(accepted).toBeGreaterThan(500);
  });

  test('of any bytes are refused without a throw', () => {
    const bytes = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(bytes, fc.constantFrom(1, 2), (random, kind) => {
        const record = sealed(Uint8Array.of(0, 1, kind, 0, ...random, ...new Uint8Array(16)));
        expect(leavesOfImage(record)).toBeUndefined();
      }),
      { numRuns: 500 },
    );
  });

  test('and records of leaves are read beside each other, and written as the tree is told', () => {
    const { tree, store, keys } = storedTree(120, 'leaves');
    const checkpoint = { height: 1 as Height, root: tree.root(), layouts: store.layouts };
    const restored = StateTree.restore(suite, checkpoint, {
      pageBytesMax: 900,
      versionsKept: 1,
      pageRecords: 'image',
    });
    if (!restored.ok) throw new Error('its own layout');
    const next = restored.value;
    for (let height = 2; height < 40; height++) {
      const changed = keys.filter((_, n) => n % 6 === height % 6);
      expect(store.load(next, changed)).toBe(true);
      next.apply(
        height as Height,
        changed.map((key) => ({ key, value: new Uint8Array(9).fill(height) })),
      );
      expect(store.checkpoint(next, height)).toBe(true);
      if (height % 4 === 0) next.evict(0);
    }
    const whole = [...store.records.values()].filter(isImage);
    expect(whole.length).toBeGreaterThan(3);
    next.evict(0);
    expect(store.load(next, keys)).toBe(true);
    for (const key of keys) expect(next.view().get(key)).toHaveLength(9);
  });
});
