import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { compareBytes, defined, formatHex } from '../base/index.ts';
import {
  bytes,
  decode,
  encode,
  option,
  Reader,
  struct,
  union,
  vector,
  Writer,
} from '../codec/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec } from '../ledger/index.ts';
import { bentBytes } from '../ledger/testing/decoder-laws.ts';
import type { DeltaEntry } from './delta.ts';
import { DeltaReader, EMPTY_DELTA, mergeDeltas, wholeDelta, wholeOfDelta } from './delta.ts';
import {
  CHUNK_ENCODED_BYTES_MAX,
  DELTA_ENTRIES_MAX,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from './limits.ts';
import type { Page } from './nodes.ts';
import { decodeLayouts, deltaStoreKey, encodeLayout, mergePage, pageStoreKey } from './page.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());
const at = (height: number) => height as Height; // Test heights.
const keyOf = (n: number) => Uint8Array.of(3, n & 255, n >> 8);
const keys = Array.from({ length: 200 }, (_, n) => keyOf(n));

/** A tree of some pages, of which a later checkpoint wrote only what changed. */
function changedTree(): { tree: StateTree; store: StoredPages; pages: readonly Page[] } {
  const tree = StateTree.empty(suite, { pageBytesMax: 1500, versionsKept: 1 });
  const store = new StoredPages();
  tree.apply(
    at(1),
    keys.map((key) => ({ key, value: new Uint8Array(9).fill(1) })),
  );
  expect(store.checkpoint(tree, 1)).toBe(true);
  const changes = [3, 60, 61, 120].map((n) => ({ key: keyOf(n), value: Uint8Array.of(n) }));
  const gone = [7, 130].map((n) => ({ key: keyOf(n), value: undefined }));
  tree.apply(at(2), [...changes, ...gone]);
  const plan = store.plan(tree, 2);
  expect(store.write(tree, plan)).toBe(true);
  expect(store.deltaCount).toBeGreaterThan(2);
  tree.evict(0);
  return { tree, store, pages: plan.pages.filter(({ deltaGeneration }) => deltaGeneration !== 0) };
}

function recordsOf(store: StoredPages, page: Page): { base: Bytes; delta: Bytes } {
  const base = store.records.get(formatHex(pageStoreKey(page)));
  const delta = store.records.get(formatHex(defined(deltaStoreKey(page), 'changed')));
  return { base: defined(base, 'stored'), delta: defined(delta, 'stored') };
}

/** The form of the records, written down plainly. */
const deltaCodec = union('PageDelta', {
  changes: struct('PageChanges', {
    entries: vector(
      struct('PageDeltaEntry', {
        key: bytes({ min: 1, max: STATE_KEY_BYTES_MAX }),
        put: option(
          struct('PageDeltaLeaf', {
            changedAt: heightCodec,
            value: bytes({ max: STATE_VALUE_BYTES_MAX }),
          }),
        ),
      }),
      { max: DELTA_ENTRIES_MAX },
    ),
  }),
  whole: struct('PageWhole', { page: bytes({ min: 1, max: CHUNK_ENCODED_BYTES_MAX }) }),
});

/** As the codec reads a record, whose entries must be by key, each once. */
function decodeDelta(delta: Uint8Array): readonly DeltaEntry[] | undefined {
  const decoded = decode(deltaCodec, delta);
  if (!decoded.ok || decoded.value.kind !== 'changes') return undefined;
  const { entries } = decoded.value;
  const isRising = entries.every(({ key }, at) => {
    const before = entries[at - 1];
    return before === undefined || compareBytes(before.key, key) < 0;
  });
  return isRising ? entries : undefined;
}

/** The same as a reader walks over them. */
function readDelta(delta: Uint8Array): readonly DeltaEntry[] | undefined {
  const reader = new DeltaReader(delta);
  const entries: DeltaEntry[] = [];
  while (reader.next()) {
    const { keyFrom, keyLength, isPut, changedAtFrom, valueFrom, valueLength } = reader;
    const key = new Uint8Array(delta.subarray(keyFrom, keyFrom + keyLength));
    const value = new Uint8Array(delta.subarray(valueFrom, valueFrom + valueLength));
    const height = new Reader(delta.subarray(changedAtFrom));
    const put = isPut ? { changedAt: at(height.uint53()), value } : undefined;
    entries.push({ key, put });
  }
  return reader.isDone ? entries : undefined;
}

const entryArbitrary: fc.Arbitrary<DeltaEntry> = fc.record({
  key: fc.integer({ min: 0, max: 12 }).map(keyOf),
  put: fc.option(
    fc.record({
      changedAt: fc.nat({ max: 9 }).map(at),
      value: fc.uint8Array({ maxLength: 5 }) as fc.Arbitrary<Bytes>, // Fresh arrays.
    }),
    { nil: undefined },
  ),
});

describe('what changed in a page', () => {
  test('merges to what was said last of each key, by key, in one form', () => {
    const entries = fc.array(entryArbitrary, { maxLength: 12 });
    fc.assert(
      fc.property(entries, entries, (former, newer) => {
        const expected = new Map<string, DeltaEntry>();
        for (const entry of [...former, ...newer]) expected.set(formatHex(entry.key), entry);
        const before = defined(mergeDeltas(EMPTY_DELTA, former), 'of entries');
        const merged = defined(mergeDeltas(before, newer), 'of a record');
        const read = defined(decodeDelta(merged), 'written a moment ago');
        expect(new Map(read.map((entry) => [formatHex(entry.key), entry]))).toEqual(expected);
        expect(read.map(({ key }) => formatHex(key))).toEqual([...expected.keys()].sort());
        expect(mergeDeltas(merged, [])).toEqual(merged);
        expect(mergeDeltas(EMPTY_DELTA, read)).toEqual(merged);
        expect(readDelta(merged)).toEqual(read);
      }),
      { numRuns: 200 },
    );
    expect(decodeDelta(EMPTY_DELTA)).toEqual([]);
    expect(wholeOfDelta(EMPTY_DELTA)).toBeUndefined();
    expect(decodeDelta(wholeDelta(Uint8Array.of(1)))).toBeUndefined();
    expect(wholeOfDelta(wholeDelta(Uint8Array.of(1)))).toEqual(Uint8Array.of(1));
  });

  test('is written in the one form of its entries, however many and long they are', () => {
    const byte = (max: number) => fc.uint8Array({ minLength: max > 200 ? 1 : 0, maxLength: max });
    const arbitrary = fc.uniqueArray(
      fc.record({
        key: byte(STATE_KEY_BYTES_MAX) as fc.Arbitrary<Bytes>, // Fresh arrays.
        put: fc.option(
          fc.record({
            changedAt: fc.maxSafeNat().map(at),
            value: byte(150) as fc.Arbitrary<Bytes>, // As well.
          }),
          { nil: undefined },
        ),
      }),
      { selector: ({ key }) => formatHex(key), maxLength: 200, size: 'max' },
    );
    fc.assert(
      fc.property(arbitrary, (random) => {
        const entries = random.sort((left, right) => compareBytes(left.key, right.key));
        const form = encode(deltaCodec, { kind: 'changes', entries });
        expect(mergeDeltas(EMPTY_DELTA, entries)).toEqual(form);
        const [some, others] = [entries.filter((_, n) => n % 3 === 0), entries];
        const before = defined(mergeDeltas(EMPTY_DELTA, some), 'of entries');
        expect(mergeDeltas(before, others)).toEqual(form);
      }),
      { numRuns: 30 },
    );
    const many = Array.from({ length: 0x4001 }, (_, n) => ({ key: keyOf(n), put: undefined }));
    const sorted = many.sort((left, right) => compareBytes(left.key, right.key));
    const form = encode(deltaCodec, { kind: 'changes', entries: sorted });
    expect(mergeDeltas(EMPTY_DELTA, sorted)).toEqual(form);
    const large = new Uint8Array(STATE_VALUE_BYTES_MAX).fill(5);
    const entry = { key: keyOf(1), put: { changedAt: at(7), value: large } };
    const single = encode(deltaCodec, { kind: 'changes', entries: [entry] });
    expect(mergeDeltas(EMPTY_DELTA, [entry])).toEqual(single);
  });

  test('is a whole page in one form, or none', () => {
    for (const length of [1, 127, 128, 16_383, 16_384, CHUNK_ENCODED_BYTES_MAX]) {
      const page = new Uint8Array(length).fill(length & 255);
      const record = wholeDelta(page);
      expect(record).toEqual(encode(deltaCodec, { kind: 'whole', page }));
      expect(wholeOfDelta(record)).toEqual(page);
      expect(wholeOfDelta(record.subarray(1))).toBeUndefined();
      expect(wholeOfDelta(record.subarray(0, -1))).toBeUndefined();
      expect(wholeOfDelta(Uint8Array.of(...record.subarray(0, 99), 0))).toBeUndefined();
    }
    const sample = wholeDelta(Uint8Array.of(1, 2, 3, 4));
    fc.assert(
      fc.property(bentBytes(fc.constant(sample)), (random) => {
        const decoded = decode(deltaCodec, random);
        const isWhole = decoded.ok && decoded.value.kind === 'whole';
        expect(wholeOfDelta(random)).toEqual(isWhole ? decoded.value.page : undefined);
      }),
      { numRuns: 1000 },
    );
  });

  test('bytes of any kind are entries by key, or refused', () => {
    const sample = defined(
      mergeDeltas(
        EMPTY_DELTA,
        [1, 5, 9].map((n) => ({ key: keyOf(n), put: { changedAt: at(n), value: keyOf(n) } })),
      ),
      'of entries',
    );
    let accepted = 0;
    const bytes = fc.oneof(fc.uint8Array({ maxLength: 60 }), bentBytes(fc.constant(sample)));
    fc.assert(
      fc.property(bytes, (random) => {
        const entries = decodeDelta(random);
        expect(readDelta(random)).toEqual(entries);
        if (entries === undefined) {
          expect(mergeDeltas(random, [])).toBeUndefined();
          return;
        }
        accepted += 1;
        expect(mergeDeltas(EMPTY_DELTA, entries)).toEqual(new Uint8Array(random));
      }),
      { numRuns: 1000 },
    );
    expect(accepted).toBeGreaterThan(20);
  });

  test('is taken in with exactly the bytes beside which it was written', () => {
    const { tree, store, pages } = changedTree();
    const refusal = { ok: false, error: { code: 'page-corrupt' } };
    for (const page of pages.slice(0, 3)) {
      const { base, delta } = recordsOf(store, page);
      const insert = (leaves: Bytes, changes?: Bytes) => tree.insertPage(page, leaves, changes);
      for (let byte = 0; byte < delta.length; byte++) {
        const flipped = delta.map((each, place) => (place === byte ? each ^ 4 : each));
        expect(insert(base, flipped)).toEqual(refusal);
        expect(insert(base, delta.subarray(0, byte))).toEqual(refusal);
      }
      for (let byte = 0; byte < base.length; byte++) {
        expect(insert(base.subarray(0, byte), delta)).toEqual(refusal);
      }
      expect(insert(base)).toEqual(refusal);
      expect(insert(base, EMPTY_DELTA)).toEqual(refusal);
      const foreign = mergeDeltas(EMPTY_DELTA, [{ key: Uint8Array.of(9), put: undefined }]);
      expect(mergePage(suite, page.prefix, base, defined(foreign, 'one'))).toBeUndefined();
      expect(page.isLoaded).toBe(false);
      // Whoever has all of it as it is now may give that.
      const whole = defined(mergePage(suite, page.prefix, base, delta), 'as it was written');
      expect(insert(whole)).toEqual({ ok: true });
      expect(page.delta).toEqual(EMPTY_DELTA);
      page.forget();
      // Or it is in the record itself: then the leaves' own may be lost.
      const record = wholeDelta(whole);
      expect(insert(new Uint8Array(), record)).toEqual({ ok: true });
      expect(page.delta).toEqual(record);
      page.forget();
      for (let byte = 0; byte < record.length; byte++) {
        const flipped = record.map((each, place) => (place === byte ? each ^ 4 : each));
        expect(insert(base, flipped)).toEqual(refusal);
        expect(insert(base, record.subarray(0, byte))).toEqual(refusal);
      }
      expect(insert(base, delta)).toEqual({ ok: true });
    }
    const { tree: other, store: records } = changedTree();
    expect(records.load(other, keys)).toBe(true);
    expect(other.view().get(keyOf(7))).toBeUndefined();
    expect(other.view().get(keyOf(61))).toEqual(Uint8Array.of(61));
    expect(other.view().get(keyOf(8))).toEqual(new Uint8Array(9).fill(1));
  });

  test('grows with later checkpoints, until the page is written anew', () => {
    const { tree, store } = changedTree();
    let anew = 0;
    for (let height = 3; height < 150; height++) {
      const changed = [height * 5, height * 5 + 71].map((n) => keyOf(n % 200));
      expect(store.load(tree, changed)).toBe(true);
      tree.apply(
        at(height),
        changed.map((key) => ({ key, value: new Uint8Array(12).fill(height) })),
      );
      const plan = store.plan(tree, height);
      expect(store.write(tree, plan)).toBe(true);
      for (const page of plan.written) {
        if (page.deltaGeneration === 0) anew += 1;
        else expect(defined(page.delta, 'made').length).toBeLessThan(page.weight);
      }
      if (height % 3 === 0) tree.evict(0);
      const checkpoint = { height: at(height), root: tree.root(), layouts: store.layouts };
      expect(StateTree.restore(suite, checkpoint).ok).toBe(true);
    }
    expect(anew).toBeGreaterThan(3);
    expect(store.deltaCount).toBeGreaterThan(3 * anew);
  });
});

describe('keys that went', () => {
  test('are named beside a page until it is loaded, and written anew without them', () => {
    const pageBytesMax = 600;
    const tree = StateTree.empty(suite, { pageBytesMax, versionsKept: 1 });
    const store = new StoredPages();
    tree.apply(
      at(1),
      keys.slice(0, 5).map((key) => ({ key, value: new Uint8Array(9) })),
    );
    expect(store.checkpoint(tree, 1)).toBe(true);
    const passing = (height: number) =>
      new Uint8Array(30).fill(height & 255).fill(height >> 8, 0, 9);
    let longest = 0;
    let anew = 0;
    for (let height = 2; height < 400; height++) {
      const [key, former] = [passing(height), passing(height - 1)];
      expect(store.load(tree, [key, former])).toBe(true);
      const changes = [{ key, value: Uint8Array.of(1) }];
      const gone = height === 2 ? [] : [{ key: former, value: undefined }];
      const staged = tree.stage(at(height), [...changes, ...gone]);
      tree.evict(0); // Of the page only what changes is there when it is written.
      tree.adopt(staged);
      const plan = store.plan(tree, height);
      for (const page of plan.written) {
        if (page.deltaGeneration === 0) anew += 1;
        else longest = Math.max(longest, plan.encode(page).value.length);
      }
      expect(store.write(tree, plan)).toBe(true);
      tree.evict(0);
    }
    expect(longest).toBeLessThan(9 * pageBytesMax);
    expect(longest).toBeGreaterThan(4 * pageBytesMax);
    expect(anew).toBeGreaterThan(1);
    expect(store.load(tree, keys)).toBe(true);
    expect(tree.view().get(keyOf(3))).toEqual(new Uint8Array(9));
  });

  test('are read in any number that is written', () => {
    const head = new Writer();
    head.uleb(DELTA_ENTRIES_MAX);
    const record = new Uint8Array(4 + 3 * DELTA_ENTRIES_MAX);
    record.set(head.finish(), 1);
    expect(new DeltaReader(record).count).toBe(DELTA_ENTRIES_MAX);
  });
});

describe('layouts', () => {
  test('of pages without changes are those of earlier versions', () => {
    const page = {
      prefix: Uint8Array.of(1, 2, 3),
      generation: 258,
      hash: suite.hash('state-empty'),
      weight: 7,
      count: 1,
    };
    const bytes = encodeLayout({ pages: [{ ...page, deltaGeneration: 0 }], removed: [] });
    const front = '01030212300201000000000000';
    expect(formatHex(bytes)).toBe(`${front}${formatHex(page.hash)}070000000100000000`);
    const changed = encodeLayout({ pages: [{ ...page, deltaGeneration: 259 }], removed: [] });
    const read = decodeLayouts([changed]);
    expect(read).toMatchObject({ ok: true, value: [{ ...page, deltaGeneration: 259 }] });
    // What changed was written later than the page.
    for (const deltaGeneration of [257, 258]) {
      const layout = encodeLayout({ pages: [{ ...page, deltaGeneration }], removed: [] });
      expect(decodeLayouts([layout])).toEqual({ ok: false, error: { code: 'layout-corrupt' } });
    }
  });
});
