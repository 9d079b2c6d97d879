import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { defined, equalBytes } from '../base/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Chunk } from './memory.ts';
import { copyOf, packed, Slabs, Slot, unpacked } from './memory.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';
import type { CheckpointPlan, StagedState } from './types.ts';

const suite = hashSuite('sha2-256');

const NONE = new Uint8Array();

/** Bytes that tell which slot they were put into, and where they stand in it. */
function contentOf(name: number, length: number): Bytes {
  return Uint8Array.from({ length }, (_, at) => (name * 31 + at * 7) & 255);
}

const deedArbitrary = fc.oneof(
  {
    arbitrary: fc.record({
      kind: fc.constant('put' as const),
      // Some go into a slab of their own.
      length: fc.oneof(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 9000 })),
      count: fc.integer({ min: 1, max: 40 }),
    }),
    weight: 6,
  },
  {
    arbitrary: fc.record({ kind: fc.constant('free' as const), at: fc.nat(), count: fc.nat(60) }),
    weight: 3,
  },
  { arbitrary: fc.record({ kind: fc.constant('look' as const), at: fc.nat() }), weight: 4 },
  { arbitrary: fc.record({ kind: fc.constant('settle' as const) }), weight: 1 },
);

test('a slot holds what was put, and a view of it shows that until memory is settled', () => {
  fc.assert(
    fc.property(fc.array(deedArbitrary, { minLength: 40, maxLength: 120 }), (deeds) => {
      const slabs = new Slabs();
      const held: { slot: Slot; content: Uint8Array }[] = [];
      let seen: { view: Chunk; content: Uint8Array }[] = [];
      let named = 0;
      for (const deed of deeds) {
        if (deed.kind === 'put') {
          for (let count = 0; count < deed.count; count++) {
            const slot = new Slot();
            const content = contentOf(++named, Math.max(1, deed.length - count));
            slabs.put(slot, content);
            held.push({ slot, content });
          }
        } else if (deed.kind === 'free') {
          const from = held.length === 0 ? 0 : deed.at % held.length;
          // Some between others stay.
          const found = held.splice(from, deed.count);
          const going = found.filter((_, at) => at % 3 !== 0);
          held.push(...found.filter((_, at) => at % 3 === 0));
          for (const { slot } of going) slabs.free(slot);
          for (const { slot } of going.slice(0, 1)) expect(() => slot.chunk).toThrow();
        } else if (deed.kind === 'look') {
          const entry = held[deed.at % Math.max(1, held.length)];
          if (entry !== undefined) seen.push({ view: entry.slot.chunk, content: entry.content });
        } else {
          slabs.settle();
          seen = [];
          const bytes = held.reduce((sum, { content }) => sum + 4 * ((content.length + 3) >> 2), 0);
          // The last slab may have been made when there was twice as much.
          expect(slabs.spareBytes).toBeLessThanOrEqual(slabs.spareBytesMax + bytes / 4 + 4096);
          if (held.length === 0) expect(slabs.spareBytes).toBe(0);
        }
        for (const { view, content } of seen) {
          expect(equalBytes(view.bytes.subarray(0, content.length), content)).toBe(true);
          expect(view.words.length).toBe((content.length + 3) >> 2);
        }
      }
      for (const { slot, content } of held) expect(equalBytes(copyOf(slot), content)).toBe(true);
    }),
    { numRuns: 25 },
  );
});

test('memory that is used for long in changing sizes stays within its bound', () => {
  const slabs = new Slabs();
  const held: Slot[] = [];
  const contents = new Map<Slot, Bytes>();
  let bytes = 0;
  let highest = 0;
  let moved = 0;
  for (let round = 0; round < 200; round++) {
    for (let count = 0; count < 50; count++) {
      const slot = new Slot();
      // Pages become larger and smaller, as the state does.
      const length = 100 + ((round * 50 + count * 37) % 900) + (round > 100 ? 900 : 0);
      const content = contentOf(round, length);
      slabs.put(slot, content);
      contents.set(slot, content);
      bytes += 4 * ((length + 3) >> 2);
      held.push(slot);
    }
    // Mostly the oldest go, but not all of them.
    while (bytes > 1_000_000) {
      const [slot] = held.splice(held.length % 7 === 0 ? held.length >> 1 : held.length % 3, 1);
      const going = defined(slot, 'there are many');
      bytes -= 4 * ((going.byteLength + 3) >> 2);
      slabs.free(going);
    }
    const places = held.map(({ at }) => at);
    slabs.settle();
    moved += held.filter(({ at }, place) => at !== places[place]).length;
    if (round > 50) highest = Math.max(highest, slabs.spareBytes);
    expect(slabs.spareBytes).toBeLessThanOrEqual(slabs.spareBytesMax);
  }
  expect(highest).toBeLessThan(250_000);
  // Few, for most slabs become empty by themselves.
  expect(moved).toBeGreaterThan(50);
  expect(moved).toBeLessThan(5_000);
  for (const slot of held) expect(equalBytes(copyOf(slot), contents.get(slot) ?? NONE)).toBe(true);
  for (const slot of held) slabs.free(slot);
  slabs.settle();
  expect(slabs.spareBytes).toBe(0);
});

test('bytes that are kept as a text are what they were', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      expect(unpacked(packed(bytes))).toEqual(bytes);
    }),
  );
});

/** So many that there are many pages, which share slabs. */
const KEYS = 2500;
const keyOf = (n: number) => Uint8Array.of(3, n & 255, n >> 8);
/** A value tells its key and height. */
const valueAt = (n: number, height: number) => contentOf(n * 64 + height, 20 + (n % 50));

test('nothing that was handed out changes, whatever is evicted, loaded, staged and written', () => {
  const stepArbitrary = fc.record({
    keys: fc.uniqueArray(fc.nat({ max: KEYS - 1 }), { minLength: 20, maxLength: 200 }),
    read: fc.array(fc.nat({ max: KEYS - 1 }), { maxLength: 200 }),
    evictTo: fc.constantFrom(0, 100_000, 200_000, 300_000),
    plans: fc.boolean(),
    /** How many pages of an open plan are written now; the rest goes on beside the next blocks. */
    writes: fc.nat({ max: 1000 }),
    /** A rival on which nothing is built, and a child of what will be adopted. */
    rivals: fc.boolean(),
  });
  fc.assert(
    fc.property(
      fc.array(stepArbitrary, { minLength: 10, maxLength: 20, size: 'max' }),
      fc.constantFrom(1, 3, 8),
      fc.constantFrom('leaves' as const, 'image' as const),
      (steps, versionsKept, pageRecords) => {
        const tree = StateTree.empty(suite, { pageBytesMax: 150, versionsKept, pageRecords });
        const store = new StoredPages({ keepsAll: true });
        const now = new Map<number, Uint8Array>();
        const handedOut: { readonly value: Uint8Array; readonly copy: Uint8Array }[] = [];
        const note = (value: Uint8Array | undefined) => {
          if (value !== undefined) handedOut.push({ value, copy: value.slice() });
        };
        const changesOf = (keys: readonly number[], height: number) =>
          keys.map((n) => ({ key: keyOf(n), value: valueAt(n, height) }));
        const stage = (keys: readonly number[], height: number, onto?: StagedState) => {
          const staged = tree.stage(height as Height, changesOf(keys, height), onto);
          for (const { previous } of staged.undo()) note(previous?.value);
          return staged;
        };
        let open: { readonly plan: CheckpointPlan; written: number } | undefined;
        let generation = 0;
        const all = Array.from({ length: KEYS }, (_, n) => n);
        tree.adopt(stage(all, 1));
        for (const n of all) now.set(n, valueAt(n, 1));
        let child: StagedState | undefined;
        for (const [at, step] of steps.entries()) {
          const height = at + 2;
          const { keys, read } = step;
          expect(store.load(tree, [...keys, ...read].map(keyOf))).toBe(true);
          for (const n of read) {
            const value = defined(tree.view().get(keyOf(n)), 'loaded');
            expect(equalBytes(value, defined(now.get(n), 'put'))).toBe(true);
            note(value);
          }
          if (step.plans && open === undefined) {
            store.insert(tree, tree.pagesToPlan());
            open = { plan: tree.planCheckpoint(2 * ++generation), written: 0 };
            child = undefined; // What was staged before does not stand on the head any more.
            expect(store.load(tree, keys.map(keyOf))).toBe(true);
          }
          const isReady = child !== undefined && tree.isOnHead(child);
          const staged = isReady && child !== undefined ? child : stage(keys, height);
          const changed = isReady ? [0, 1] : keys;
          child = undefined;
          if (step.rivals) {
            const rival = stage(keys, height);
            tree.evict(step.evictTo);
            expect(rival.root()).toBeDefined();
            expect(store.load(tree, [0, 1].map(keyOf))).toBe(true);
            const loaded = tree.pagesNeeded([0, 1].map(keyOf)).length === 0;
            if (loaded) child = stage([0, 1], height + 1, staged);
          }
          tree.evict(step.evictTo);
          tree.adopt(staged);
          for (const n of changed) now.set(n, valueAt(n, height));
          tree.evict(step.evictTo);
          for (let count = 0; open !== undefined && count < step.writes; count++) {
            const page = open.plan.written[open.written];
            if (page === undefined) {
              expect(store.write(tree, open.plan)).toBe(true);
              open = undefined;
            } else {
              open.written += 1;
              const { value } = open.plan.encode(page);
              note(value);
            }
          }
          tree.evict(step.evictTo);
          const isSame = handedOut.every(({ value, copy }) => equalBytes(value, copy));
          expect(isSame).toBe(true);
        }
        if (open !== undefined) expect(store.write(tree, open.plan)).toBe(true);
        expect(store.load(tree, all.map(keyOf))).toBe(true);
        for (const n of all) note(tree.view().get(keyOf(n)));
        const isAll = all.every((n) =>
          equalBytes(handedOut.at(n - KEYS)?.copy ?? NONE, now.get(n) ?? NONE),
        );
        expect(isAll).toBe(true);
        expect(handedOut.every(({ value, copy }) => equalBytes(value, copy))).toBe(true);
      },
    ),
    { numRuns: 4, endOnFailure: true },
  );
});
