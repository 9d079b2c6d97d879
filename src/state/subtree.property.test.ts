import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height, StateChange } from '../ledger/index.ts';
import { verifyChunk } from './chunk.ts';
import type { Page } from './nodes.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import type { FoundSubtree, WantedSubtree } from './subtree.ts';
import { subtreeOfChunk } from './subtree.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());
const height = (value: number) => value as Height; // Test heights.

const blocksArbitrary: fc.Arbitrary<StateChange[][]> = fc.array(
  fc.uniqueArray(
    fc.record({
      key: fc.integer({ min: 0, max: 200 }).map((n) => Uint8Array.of(7, n, n * 3)),
      value: fc.option(
        fc.uint8Array({ maxLength: 40 }) as fc.Arbitrary<Bytes>, // Fresh arrays.
        { nil: undefined, freq: 4 },
      ),
    }),
    { minLength: 1, maxLength: 80, selector: ({ key }) => formatHex(key) },
  ),
  { minLength: 1, maxLength: 6 },
);

/** A tree after some blocks, with a checkpoint after each, and the bytes of all of its pages. */
function grown(blocks: readonly (readonly StateChange[])[], pageBytesMax: number) {
  const tree = StateTree.empty(suite, { pageBytesMax });
  const disk = new StoredPages({ keepsAll: true });
  const pages = new Map<number, readonly Page[]>();
  blocks.forEach((changes, at) => {
    const keys = changes.map(({ key }) => key);
    expect(disk.load(tree, keys)).toBe(true);
    tree.apply(height(at), changes);
    const plan = disk.plan(tree, at + 1);
    expect(disk.write(tree, plan)).toBe(true);
    pages.set(at, plan.pages);
    tree.evict(0);
  });
  /** Finds a subtree, loading what it takes. */
  const find = (at: number, wanted: WantedSubtree): FoundSubtree => {
    for (;;) {
      const found = tree.subtree(at, wanted);
      if (found.kind !== 'unloaded') return found;
      expect(disk.insert(tree, found.pages)).toBe(true);
    }
  };
  return { pages, find };
}

const flipped = (hash: Hash): Hash => hash.map((byte, at) => (at === 0 ? byte ^ 1 : byte)) as Hash;

describe('a subtree', () => {
  test('of any version is found however that tree is divided, and nothing else is', () => {
    const sizes = fc.constantFrom(120, 400, 4_000, 64 * 1024);
    fc.assert(
      fc.property(blocksArbitrary, sizes, sizes, (blocks, askedBytes, servedBytes) => {
        const asker = grown(blocks, askedBytes);
        const server = grown(blocks, servedBytes);
        for (const [at, pages] of asker.pages) {
          for (const page of pages) {
            const found = server.find(at, page);
            expect(found.kind).toBe('found');
            if (found.kind !== 'found') continue;
            expect(verifyChunk(suite, page, found.bytes)).toMatchObject({ ok: true });
            const { prefix, hash } = page;
            expect(server.find(at, { prefix, hash: flipped(hash) })).toEqual({ kind: 'other' });
            expect(server.find(blocks.length, page)).toEqual({ kind: 'other' });
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test('is cut out of a chunk above it', () => {
    fc.assert(
      fc.property(blocksArbitrary, (blocks) => {
        const asker = grown(blocks, 200);
        const at = blocks.length - 1;
        const whole = grown(blocks, 64 * 1024);
        const [chunk, ...others] = whole.pages.get(at) ?? [];
        expect(others).toEqual([]);
        if (chunk === undefined) return;
        const bytes = whole.find(at, chunk);
        if (bytes.kind !== 'found') throw new Error('the whole state');
        const above = { prefix: chunk.prefix, bytes: bytes.bytes };
        for (const page of asker.pages.get(at) ?? []) {
          const cut = subtreeOfChunk(suite, above, page);
          expect(cut !== undefined && verifyChunk(suite, page, cut).ok).toBe(true);
          const { prefix, hash } = page;
          expect(subtreeOfChunk(suite, above, { prefix, hash: flipped(hash) })).toBeUndefined();
        }
        const spoilt = { ...above, bytes: above.bytes.subarray(1) };
        expect(subtreeOfChunk(suite, spoilt, chunk)).toBeUndefined();
      }),
      { numRuns: 40 },
    );
  });
});
