import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { defined, formatHex } from '../base/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height, StateView } from '../ledger/index.ts';
import { MissingKey } from '../ledger/index.ts';
import { compact } from './compact.ts';
import { encodeImage } from './image.ts';
import { SHARED_WORDS_MAX } from './memory.ts';
import type { Page } from './nodes.ts';
import { buildPage, deltaStoreKey, pageStoreKey } from './page.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';
import type { PageRecordForm } from './types.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());

const KEYS = 90;
const keyOf = (n: number) => Uint8Array.of(5, n, ...new Uint8Array(n % 3));
const keys = Array.from({ length: KEYS }, (_, n) => keyOf(n));

/** What becomes of a key: a value of a length, so that most take the place of one as long. */
type Change = { readonly n: number; readonly length: number | undefined; readonly fill: number };
const changeArbitrary: fc.Arbitrary<Change> = fc.record({
  n: fc.nat({ max: KEYS + 4 }),
  length: fc.oneof(
    { weight: 12, arbitrary: fc.constant<number | undefined>(8) },
    // The same words as eight bytes, or not.
    { weight: 3, arbitrary: fc.constantFrom<number | undefined>(7, 9, 70, 0) },
    { weight: 1, arbitrary: fc.constant(undefined) },
  ),
  fill: fc.nat({ max: 255 }),
});
const blockArbitrary = fc.uniqueArray(changeArbitrary, { selector: ({ n }) => n, maxLength: 6 });

function changesOf(block: readonly Change[]) {
  return block.map(({ n, length, fill }) => {
    return {
      key: keyOf(n),
      value: length === undefined ? undefined : new Uint8Array(length).fill(fill),
    };
  });
}

/** How a page lies in memory that was made of its leaves alone. */
function asBuilt(page: Page, leaves: Bytes): Bytes {
  const built = defined(buildPage(page.prefix, { base: leaves, isOwn: false }, suite), 'leaves');
  expect(built.hash).toEqual(page.hash);
  return encodeImage(compact(built.table, built.root, page.prefix));
}

function changedTree(pageRecords: PageRecordForm, versionsKept: number) {
  const tree = StateTree.empty(suite, { pageBytesMax: 700, versionsKept, pageRecords });
  const value = new Uint8Array(8).fill(1);
  tree.apply(
    1 as Height,
    keys.map((key, n) => ({ key, value: n % 9 === 0 ? new Uint8Array(70).fill(n) : value })),
  );
  const store = new StoredPages();
  expect(store.checkpoint(tree, 1)).toBe(true);
  return { tree, store };
}

function textOf(value: Bytes | undefined): string {
  return value === undefined ? 'nothing' : formatHex(value);
}

/** What a view shows of a key; `missing` when its page has to be loaded. */
function shown(view: StateView, key: Bytes): string {
  try {
    return textOf(view.get(key));
  } catch (error) {
    if (error instanceof MissingKey) return 'missing';
    throw error;
  }
}

describe('changes that are put in place', () => {
  test('make of an image and a record what leaves make', () => {
    let inPlace = 0;
    fc.assert(
      fc.property(fc.array(blockArbitrary, { minLength: 1, maxLength: 4 }), (blocks) => {
        const { tree, store } = changedTree('image', 1);
        for (const [at, block] of blocks.entries()) {
          tree.apply((2 + at) as Height, changesOf(block));
        }
        const plan = store.plan(tree, 2);
        expect(store.write(tree, plan)).toBe(true);
        tree.evict(0);
        for (const page of plan.pages) {
          if (page.deltaGeneration === 0) continue;
          page.forget();
          expect(store.insert(tree, [page])).toBe(true);
          const built = asBuilt(page, store.whole(suite, page));
          const image = encodeImage(defined(page.root, 'a moment ago'));
          expect(formatHex(image)).toBe(formatHex(built));
          inPlace += 1;
        }
      }),
      { numRuns: 25 },
    );
    expect(inPlace).toBeGreaterThan(15);
  });

  test('whose records are spoilt are refused', () => {
    const { tree, store } = changedTree('image', 1);
    tree.apply(2 as Height, changesOf([3, 20, 50, 77].map((n) => ({ n, length: 8, fill: n }))));
    const plan = store.plan(tree, 2);
    expect(store.write(tree, plan)).toBe(true);
    tree.evict(0);
    const refusal = { ok: false, error: { code: 'page-corrupt' } };
    const changed = plan.pages.filter(({ deltaGeneration }) => deltaGeneration !== 0);
    expect(changed.length).toBeGreaterThan(1);
    for (const page of changed) {
      page.forget();
      const base = defined(store.records.get(formatHex(pageStoreKey(page))), 'stored');
      const key = defined(deltaStoreKey(page), 'changed');
      const delta = defined(store.records.get(formatHex(key)), 'stored');
      for (let byte = 0; byte < delta.length; byte++) {
        const flipped = delta.map((each, place) => (place === byte ? each ^ 1 : each));
        expect(tree.insertStored(page, base, flipped)).toEqual(refusal);
        expect(tree.insertStored(page, base, delta.subarray(0, byte))).toEqual(refusal);
      }
      for (let byte = 0; byte < base.length; byte += 7) {
        const flipped = base.map((each, place) => (place === byte ? each ^ 1 : each));
        expect(tree.insertStored(page, flipped, delta)).toEqual(refusal);
      }
      expect(tree.insertStored(page, base)).toEqual(refusal);
      expect(page.isLoaded).toBe(false);
      expect(tree.insertStored(page, base, delta)).toEqual({ ok: true });
    }
  });

  test('leave pages as leaves make them, and what was read before as it was', () => {
    const step = fc.record({
      block: blockArbitrary,
      isCheckpoint: fc.boolean(),
      evict: fc.constantFrom<number | undefined>(undefined, 0, 6000, 15_000),
      /** Whether what is written is let go of before the checkpoint is complete. */
      isEarly: fc.boolean(),
    });
    const counts = { whole: 0, unwritten: 0, old: 0 };
    const steps = fc.array(step, { minLength: 4, maxLength: 10 });
    fc.assert(
      fc.property(steps, fc.constantFrom<PageRecordForm>('image', 'leaves'), (all, form) => {
        const { tree, store } = changedTree(form, 4);
        const model = new Map<string, Bytes>();
        expect(store.load(tree, keys)).toBe(true);
        for (const key of keys) {
          model.set(formatHex(key), defined(tree.view().get(key), 'put at first'));
        }
        const kept: { view: StateView; model: Map<string, Bytes>; values: Map<Bytes, string> }[] =
          [];
        for (const [at, { block, isCheckpoint, evict, isEarly }] of all.entries()) {
          const changes = changesOf(block);
          expect(
            store.load(
              tree,
              changes.map(({ key }) => key),
            ),
          ).toBe(true);
          tree.apply((2 + at) as Height, changes);
          for (const { key, value } of changes) {
            if (value === undefined) model.delete(formatHex(key));
            else model.set(formatHex(key), value);
          }
          const values = new Map<Bytes, string>();
          const view = tree.view();
          for (const key of keys) {
            const value = tree.pagesNeeded([key]).length > 0 ? undefined : view.get(key);
            if (value !== undefined) values.set(value, formatHex(value));
          }
          kept.push({ view, model: new Map(model), values });
          if (isCheckpoint) {
            const plan = store.plan(tree, 2 + at);
            for (const page of isEarly ? plan.written : []) plan.encode(page);
            if (isEarly) tree.evict(evict ?? 0);
            counts.unwritten += plan.written.filter(({ isLoaded }) => !isLoaded).length;
            expect(store.load(tree, keys)).toBe(true);
            expect(store.write(tree, plan)).toBe(true);
            for (const page of plan.pages) {
              if (page.root?.isWhole !== true) continue;
              const built = asBuilt(page, store.whole(suite, page));
              expect(formatHex(encodeImage(page.root))).toBe(formatHex(built));
              counts.whole += 1;
            }
          }
          if (evict !== undefined) tree.evict(evict);
        }
        for (const { view, model: then, values } of kept) {
          for (const key of keys) {
            const now = shown(view, key);
            const value = then.get(formatHex(key));
            if (now === 'missing') continue;
            if (now !== textOf(value)) expect.unreachable(`${formatHex(key)} was ${now}`);
            counts.old += 1;
          }
          // Nobody's values are written over.
          const changed = [...values].filter(([value, text]) => formatHex(value) !== text);
          expect(changed).toEqual([]);
        }
        expect(store.load(tree, keys)).toBe(true);
        const found = keys.map((key) => shown(tree.view(), key));
        expect(found).toEqual(keys.map((key) => textOf(model.get(formatHex(key)))));
      }),
      { numRuns: 25 },
    );
    expect(counts.whole).toBeGreaterThan(100);
    expect(counts.unwritten).toBeGreaterThan(5);
    expect(counts.old).toBeGreaterThan(500);
  });

  test('leave pages alone that have a slab of their own: values in them are handed out', () => {
    const tree = StateTree.empty(suite, { versionsKept: 2, pageRecords: 'image' });
    const store = new StoredPages();
    const large = (fill: number) => new Uint8Array(600).fill(fill);
    const changed = keys.slice(0, 3);
    tree.apply(
      1 as Height,
      keys.map((key, n) => ({ key, value: large(n) })),
    );
    const { pages } = store.plan(tree, 1);
    expect(pages).toHaveLength(1);
    expect(store.checkpoint(tree, 1)).toBe(true);
    const root = defined(pages[0]?.root, 'there');
    expect(root.length).toBeGreaterThan(SHARED_WORDS_MAX);
    const view = tree.view();
    const values = changed.map((key) => defined(view.get(key), 'put'));
    for (let height = 2; height < 5; height++) {
      tree.apply(
        height as Height,
        changed.map((key) => ({ key, value: large(100 + height) })),
      );
      expect(store.checkpoint(tree, height)).toBe(true);
      expect(values).toEqual(changed.map((_, n) => large(n)));
      expect(changed.map((key) => tree.view().get(key))).toEqual(
        changed.map(() => large(100 + height)),
      );
      for (const [n, key] of changed.entries()) {
        expect(['missing', textOf(large(n))]).toContain(shown(view, key));
      }
      tree.evict(0);
      expect(store.load(tree, keys)).toBe(true);
    }
    expect(values).toEqual(changed.map((_, n) => large(n)));
  });
});
