import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { equalBytes, formatHex } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height, StateChange } from '../ledger/index.ts';
import { MissingKey } from '../ledger/index.ts';
import type { ModelLeaf } from './model.ts';
import { rootOfEntries } from './model.ts';
import { pageStoreKey } from './page.ts';
import { stateProofCodec, verifyProof } from './proof.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
// The model hashes one input at a time, the tree four where that is fast: each holds the other.
beforeAll(() => loadFastHashing());
const height = (value: number) => value as Height; // Test heights.

/** Few keys, so that updates and deletes hit; values short and long (inline and by digest). */
const keyArbitrary = fc.integer({ min: 0, max: 200 }).map((n) => Uint8Array.of(7, n, n * 3));
const valueArbitrary = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.integer({ min: 60, max: 300 }).map((length) => new Uint8Array(length).fill(length)),
) as fc.Arbitrary<Bytes>; // Fresh arrays on plain buffers.
const changesArbitrary: fc.Arbitrary<StateChange[]> = fc.uniqueArray(
  fc.record({ key: keyArbitrary, value: fc.option(valueArbitrary, { nil: undefined, freq: 3 }) }),
  { maxLength: 60, selector: ({ key }) => formatHex(key) },
);
const blocksArbitrary = fc.array(changesArbitrary, { minLength: 1, maxLength: 8 });

type Model = Map<string, ModelLeaf>;

function applyToModel(model: Model, at: number, changes: readonly StateChange[]): Model {
  const next = new Map(model);
  for (const { key, value } of changes) {
    if (value === undefined) next.delete(formatHex(key));
    else next.set(formatHex(key), { key, value, changedAt: at });
  }
  return next;
}

const allKeys = Array.from({ length: 201 }, (_, n) => Uint8Array.of(7, n, n * 3));

function expectEqualToModel(tree: StateTree, model: Model): void {
  const view = tree.view();
  for (const key of allKeys) {
    const expected = model.get(formatHex(key))?.value;
    const actual = view.get(key);
    expect(actual === undefined ? undefined : formatHex(actual)).toBe(
      expected === undefined ? undefined : formatHex(expected),
    );
  }
}

describe('StateTree', () => {
  test('has the root of the definition, version by version, and gives what was put', () => {
    fc.assert(
      fc.property(blocksArbitrary, (blocks) => {
        const tree = StateTree.empty(suite);
        let model: Model = new Map();
        const roots: string[] = [];
        blocks.forEach((changes, at) => {
          tree.apply(height(at), changes);
          model = applyToModel(model, at, changes);
          const expected = formatHex(rootOfEntries(suite, [...model.values()]));
          expect(formatHex(tree.root())).toBe(expected);
          roots.push(expected);
        });
        roots.forEach((root, at) => {
          expect(formatHex(tree.rootAt(at) ?? new Uint8Array())).toBe(root);
        });
        expectEqualToModel(tree, model);
      }),
      { numRuns: 60 },
    );
  });

  test('is the same through checkpoints, eviction, loading and restoring, at any page size', () => {
    let deltas = 0;
    fc.assert(
      fc.property(
        blocksArbitrary,
        fc.integer({ min: 40, max: 3000 }),
        fc.array(fc.constantFrom('checkpoint', 'evict', 'restore', 'nothing'), {
          minLength: 8,
          maxLength: 8,
        }),
        (blocks, pageBytesMax, deeds) => {
          const pageRecords = pageBytesMax % 2 === 0 ? 'image' : 'leaves';
          const options = { pageBytesMax, versionsKept: 4, pageRecords } as const;
          let tree = StateTree.empty(suite, options);
          const pages = new StoredPages();
          let model: Model = new Map();
          let generation = 0;
          blocks.forEach((changes, at) => {
            const keys = changes.map(({ key }) => key);
            expect(pages.load(tree, keys)).toBe(true);
            tree.apply(height(at), changes);
            model = applyToModel(model, at, changes);
            const deed = deeds[at] ?? 'nothing';
            if (deed !== 'nothing') expect(pages.checkpoint(tree, ++generation)).toBe(true);
            if (deed === 'evict') {
              tree.evict(0);
              expect(tree.memoryBytes()).toBe(0);
            }
            if (deed === 'restore') {
              const checkpoint = { height: height(at), root: tree.root(), layouts: pages.layouts };
              const restored = StateTree.restore(suite, checkpoint, options);
              if (!restored.ok) throw new Error(restored.error.code);
              tree = restored.value;
            }
            expect(formatHex(tree.root())).toBe(
              formatHex(rootOfEntries(suite, [...model.values()])),
            );
          });
          expect(pages.load(tree, allKeys)).toBe(true);
          deltas += pages.deltaCount;
          expectEqualToModel(tree, model);
        },
      ),
      { numRuns: 150 },
    );
    expect(deltas).toBeGreaterThan(100);
  });

  test('proves present and absent keys at every kept version, also after loading pages', () => {
    let proven = 0;
    let lost = 0;
    fc.assert(
      fc.property(blocksArbitrary, fc.integer({ min: 40, max: 2000 }), (blocks, pageBytesMax) => {
        const pageRecords = pageBytesMax % 2 === 0 ? 'image' : 'leaves';
        const tree = StateTree.empty(suite, { pageBytesMax, versionsKept: 3, pageRecords });
        const pages = new StoredPages();
        const models: Model[] = [];
        blocks.forEach((changes, at) => {
          const changed = changes.map(({ key }) => key);
          expect(pages.load(tree, changed)).toBe(true);
          tree.apply(height(at), changes);
          models.push(applyToModel(models.at(-1) ?? new Map(), at, changes));
          expect(pages.checkpoint(tree, at + 1)).toBe(true);
          tree.evict(0);
        });
        const kept = tree.heights();
        expect(kept).toEqual(models.map((_, at) => at).slice(-3));
        const keys = allKeys.filter((_, at) => at % 3 === 0);
        for (const at of kept) {
          if (!pages.load(tree, keys, at)) {
            expect(at).toBeLessThan(tree.height);
            lost += 1;
            continue;
          }
          proven += 1;
          const proof = tree.prove(at, keys);
          if (proof === undefined) throw new Error('kept');
          const root = rootOfEntries(suite, [...(models[at] ?? new Map()).values()]);
          const wire = decode(stateProofCodec, encode(stateProofCodec, proof));
          if (!wire.ok) throw new Error(wire.error.code);
          const entries = verifyProof(suite, root, keys, wire.value);
          if (!entries.ok) throw new Error(entries.error.code);
          entries.value.forEach((entry, index) => {
            const expected = models[at]?.get(formatHex(keys[index] ?? new Uint8Array()));
            expect(entry.changedAt).toBe(expected?.changedAt);
            expect(entry.value === undefined ? '' : formatHex(entry.value)).toBe(
              expected === undefined ? '' : formatHex(expected.value),
            );
          });
        }
      }),
      { numRuns: 40 },
    );
    // Of pages that a checkpoint wrote anew, and that were not in memory any more.
    expect(lost).toBeLessThan(proven / 4);
  });
});

describe('proofs under attack', () => {
  const leaves = Array.from({ length: 300 }, (_, n) => ({
    key: Uint8Array.of(1, n & 255, n >> 8),
    value: new Uint8Array(n % 90).fill(n),
  }));
  const tree = StateTree.empty(suite);
  tree.apply(height(5), leaves);
  const keys = [0, 3, 77, 299].map((n) => Uint8Array.of(1, n & 255, n >> 8));
  keys.push(Uint8Array.of(9), Uint8Array.of(9, 9));
  const proof = tree.prove(5, keys);
  if (proof === undefined) throw new Error('kept');
  const bytes = encode(stateProofCodec, proof);

  test('every proof with one byte changed is refused', () => {
    for (let at = 0; at < bytes.length; at++) {
      for (const flip of [1, 0x80]) {
        const mutated = bytes.slice();
        mutated[at] = (mutated[at] ?? 0) ^ flip;
        const decoded = decode(stateProofCodec, mutated);
        if (decoded.ok) expect(verifyProof(suite, tree.root(), keys, decoded.value).ok).toBe(false);
      }
    }
  });

  test('nodes removed, doubled or swapped are refused', () => {
    const { nodes } = proof;
    nodes.forEach((node, at) => {
      const without = nodes.toSpliced(at, 1);
      expect(verifyProof(suite, tree.root(), keys, { nodes: without }).ok).toBe(false);
      const doubled = nodes.toSpliced(at, 0, node);
      expect(verifyProof(suite, tree.root(), keys, { nodes: doubled }).ok).toBe(false);
    });
    expect(verifyProof(suite, tree.root(), keys, { nodes: [] }).ok).toBe(false);
  });

  test('random bytes never throw and never prove', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (random) => {
        const decoded = decode(stateProofCodec, random);
        if (!decoded.ok) return;
        expect(equalBytes(encode(stateProofCodec, decoded.value), random)).toBe(true);
        expect(verifyProof(suite, tree.root(), keys, decoded.value).ok).toBe(false);
      }),
    );
  });

  test('a present key cannot be shown absent by calling its leaf another one', () => {
    const [key] = keys;
    if (key === undefined) throw new Error('keys');
    const own = tree.prove(5, [key]);
    const lie = own?.nodes.map((node) =>
      node.kind === 'leaf'
        ? {
            kind: 'other' as const,
            path: suite.hash('state-path', key) as Bytes,
            changedAt: node.changedAt,
            valueLength: node.value.length,
            content: node.value,
          }
        : node,
    );
    expect(verifyProof(suite, tree.root(), [key], { nodes: lie ?? [] })).toEqual({
      ok: false,
      error: { code: 'proof-malformed' },
    });
  });
});

describe('pages under attack', () => {
  test.each(['leaves', 'image'] as const)(
    'a page of %s with any byte changed or cut is refused as page-corrupt',
    (pageRecords) => {
      const tree = StateTree.empty(suite, { pageBytesMax: 300, pageRecords });
      const changes = Array.from({ length: 40 }, (_, n) => ({
        key: Uint8Array.of(2, n),
        value: Uint8Array.of(n, n),
      }));
      tree.apply(height(1), changes);
      const pages = new StoredPages();
      expect(pages.checkpoint(tree, 1)).toBe(true);
      tree.evict(0);
      const keys = changes.map(({ key }) => key);
      expect(() => tree.view().get(keys[0] ?? new Uint8Array())).toThrow(MissingKey);
      for (const page of tree.pagesNeeded(keys).slice(0, 4)) {
        const encoded = pages.records.get(formatHex(pageStoreKey(page)));
        if (encoded === undefined) throw new Error('stored');
        for (let at = 0; at < encoded.length; at++) {
          const flipped = encoded.slice();
          flipped[at] = (flipped[at] ?? 0) ^ 4;
          const refusal = { ok: false, error: { code: 'page-corrupt' } };
          expect(tree.insertStored(page, flipped)).toEqual(refusal);
          expect(tree.insertStored(page, encoded.subarray(0, at))).toEqual(refusal);
        }
        expect(tree.insertStored(page, encoded)).toEqual({ ok: true });
      }
    },
  );
});
