import fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { assert, compareBytes, formatHex, ok } from '../base/index.ts';
import { encode, Writer } from '../codec/index.ts';
import { hashSuite, loadFastHashing } from '../crypto/index.ts';
import type { Height, StateChange } from '../ledger/index.ts';
import { joinPages, recordOfChunk, verifyChunk } from './chunk.ts';
import { isImage } from './image.ts';
import type { ChunkPlan, Manifest } from './manifest.ts';
import { layoutOfChunks, manifestCodec, manifestOfPages, readManifest } from './manifest.ts';
import type { ModelLeaf } from './model.ts';
import { rootOfEntries } from './model.ts';
import type { Page } from './nodes.ts';
import { pageStoreKey } from './page.ts';
import { StoredPages } from './stored-pages.fixture.ts';
import { StateTree } from './tree.ts';

const suite = hashSuite('blake3-256');
beforeAll(() => loadFastHashing());
const height = (value: number) => value as Height; // Test heights.

/** Chunks of a dozen leaves, so that small states have many. */
const CHUNK_MAX = 400;

/** Few keys, so that updates and deletes hit; some leaves heavier than a chunk. */
const keyArbitrary = fc.integer({ min: 0, max: 150 }).map((n) => Uint8Array.of(7, n, n * 3));
const valueArbitrary = fc.oneof(
  { arbitrary: fc.uint8Array({ maxLength: 40 }), weight: 9 },
  {
    arbitrary: fc.integer({ min: 60, max: 600 }).map((length) => new Uint8Array(length).fill(9)),
    weight: 1,
  },
) as fc.Arbitrary<Bytes>; // Fresh arrays on plain buffers.
const blocksArbitrary: fc.Arbitrary<StateChange[][]> = fc.array(
  fc.uniqueArray(
    fc.record({ key: keyArbitrary, value: fc.option(valueArbitrary, { nil: undefined, freq: 3 }) }),
    { maxLength: 70, selector: ({ key }) => formatHex(key) },
  ),
  { minLength: 1, maxLength: 8 },
);

/** The last change of each key, deletes apart, by height. */
function leavesOf(blocks: readonly (readonly StateChange[])[]): Map<string, ModelLeaf> {
  const leaves = new Map<string, ModelLeaf>();
  blocks.forEach((changes, changedAt) => {
    for (const { key, value } of changes) {
      if (value === undefined) leaves.delete(formatHex(key));
      else leaves.set(formatHex(key), { key, value, changedAt });
    }
  });
  return leaves;
}

/** A state and the bytes of its pages, as a store has them. */
type Stored = { readonly pages: readonly Page[]; readonly store: StoredPages };

/** Applies blocks with a checkpoint and an eviction after each of some heights, and at the end. */
function storedBy(
  blocks: readonly (readonly StateChange[])[],
  options: { readonly pageBytesMax: number; readonly checkpointAt: ReadonlySet<number> },
): Stored {
  const { pageBytesMax } = options;
  const pageRecords = pageBytesMax % 2 === 0 ? 'image' : 'leaves';
  const tree = StateTree.empty(suite, { pageBytesMax, pageRecords });
  const store = new StoredPages();
  let generation = 0;
  let pages: readonly Page[] = [];
  const checkpoint = () => {
    const plan = store.plan(tree, ++generation);
    expect(store.write(tree, plan)).toBe(true);
    pages = plan.pages;
  };
  blocks.forEach((changes, at) => {
    const keys = changes.map(({ key }) => key);
    expect(store.load(tree, keys)).toBe(true);
    tree.apply(height(at), changes);
    if (!options.checkpointAt.has(at)) return;
    checkpoint();
    tree.evict(0);
  });
  checkpoint();
  return { pages, store };
}

function serve({ pages, store }: Stored, chunkMax = CHUNK_MAX) {
  const { root, manifest, chunks } = manifestOfPages(suite, pages, chunkMax);
  const joined = chunks.map((chunk) => {
    const encoded = joinPages(chunk.pages.map((page) => store.whole(suite, page)));
    if (encoded === undefined) throw new Error('its own pages');
    return encoded;
  });
  return { root, manifest, chunks, joined, encoded: encode(manifestCodec, manifest) };
}

function expectSame(left: ReturnType<typeof serve>, right: ReturnType<typeof serve>): void {
  expect(formatHex(left.encoded)).toBe(formatHex(right.encoded));
  expect(left.joined.map(formatHex)).toEqual(right.joined.map(formatHex));
}

const divisionArbitrary = fc.record({
  pageBytesMax: fc.integer({ min: 40, max: CHUNK_MAX }),
  checkpointAt: fc.uniqueArray(fc.nat({ max: 7 })).map((heights) => new Set(heights)),
});

describe('manifests and chunks', () => {
  test('are the same for all states with one root, whatever their pages and their past', () => {
    let chunksMost = 0;
    fc.assert(
      fc.property(blocksArbitrary, divisionArbitrary, divisionArbitrary, (blocks, first, other) => {
        const served = serve(storedBy(blocks, first));
        expectSame(served, serve(storedBy(blocks, other)));
        const leaves = leavesOf(blocks);
        // The same leaves without those that were overwritten or deleted.
        const lasting = blocks.map((changes, at) =>
          changes.filter(({ key }) => leaves.get(formatHex(key))?.changedAt === at),
        );
        expectSame(served, serve(storedBy(lasting, other)));
        expect(served.root).toEqual(rootOfEntries(suite, [...leaves.values()]));
        chunksMost = Math.max(chunksMost, served.chunks.length);
      }),
      { numRuns: 60 },
    );
    expect(chunksMost).toBeGreaterThan(10);
  });

  test('are read back, verified, and make the checkpoint of a store without execution', () => {
    fc.assert(
      fc.property(blocksArbitrary, divisionArbitrary, (blocks, division) => {
        const served = serve(storedBy(blocks, division));
        const read = readManifest(suite, served.root, served.manifest, CHUNK_MAX);
        if (!read.ok) throw new Error(read.error.code);
        expect(read.value).toEqual(served.chunks.map(({ pages: _, ...plan }) => plan));
        const bytesOf = new Map<string, Bytes>();
        read.value.forEach((plan, index) => {
          const bytes = served.joined[index] ?? new Uint8Array();
          const { weight, count } = plan;
          const verified = verifyChunk(suite, plan, bytes, CHUNK_MAX);
          expect(verified).toEqual({ ok: true, value: { weight, count } });
          bytesOf.set(formatHex(pageStoreKey({ ...plan, generation: 5 })), bytes);
        });
        const layouts = [layoutOfChunks(read.value, 5)];
        const checkpoint = { height: height(9), root: served.root, layouts };
        const restored = StateTree.restore(suite, checkpoint, { pageBytesMax: CHUNK_MAX });
        if (!restored.ok) throw new Error(restored.error.code);
        const tree = restored.value;
        const leaves = [...leavesOf(blocks).values()];
        const store = new StoredPages();
        for (const [key, bytes] of bytesOf) store.records.set(key, bytes);
        const pages = tree.pagesNeeded(leaves.map(({ key }) => key));
        expect(store.insert(tree, pages)).toBe(true);
        const view = tree.view();
        for (const { key, value } of leaves) expect(view.get(key)).toEqual(value);
        // And what was taken in is given on as it came.
        expectSame(served, serve({ pages, store }));
      }),
      { numRuns: 40 },
    );
  });

  test('a chunk is at most as heavy as the bound, a single leaf excepted, and its parent heavier', () => {
    fc.assert(
      fc.property(blocksArbitrary, divisionArbitrary, (blocks, division) => {
        const { chunks } = serve(storedBy(blocks, division));
        const totals = new Map<string, number>();
        for (const { prefix, weight, count } of chunks) {
          expect(count === 1 || weight <= CHUNK_MAX).toBe(true);
          for (let depth = 0; depth < prefix.length; depth++) {
            const above = formatHex(prefix.subarray(0, depth));
            totals.set(above, (totals.get(above) ?? 0) + weight);
          }
        }
        for (const weight of totals.values()) expect(weight).toBeGreaterThan(CHUNK_MAX);
      }),
      { numRuns: 40 },
    );
  });
});

type Leaf = { readonly key: Bytes; readonly changedAt: number; readonly value: Bytes };

function encodeLeaves(leaves: readonly Leaf[]): Bytes {
  const writer = new Writer();
  writer.uleb(leaves.length);
  for (const { key, changedAt, value } of leaves) {
    writer.uleb(key.length);
    writer.bytes(key);
    writer.uint53(changedAt);
    writer.uleb(value.length);
    writer.bytes(value);
  }
  return writer.finish();
}

const nibbles = (key: Bytes): string => formatHex(suite.hash('state-path', key));

/** A hundred leaves, divided; and the leaves of one chunk of several. */
function fixture() {
  const leaves: Leaf[] = Array.from({ length: 100 }, (_, n) => ({
    key: Uint8Array.of(2, n),
    changedAt: 3,
    value: new Uint8Array(20).fill(n),
  }));
  const blocks: StateChange[][] = [[], [], [], leaves.map(({ key, value }) => ({ key, value }))];
  const division = { pageBytesMax: CHUNK_MAX, checkpointAt: new Set<number>() };
  const served = serve(storedBy(blocks, division));
  const index = served.chunks.findIndex(({ count }) => count > 3);
  const plan = served.chunks[index];
  const bytes = served.joined[index];
  if (plan === undefined || bytes === undefined) throw new Error('one chunk has several leaves');
  const prefix = [...plan.prefix].map((nibble) => nibble.toString(16)).join('');
  const sorted = leaves.toSorted((left, right) =>
    compareBytes(suite.hash('state-path', left.key), suite.hash('state-path', right.key)),
  );
  const inside = sorted.filter(({ key }) => nibbles(key).startsWith(prefix));
  const outside = sorted.filter(({ key }) => !nibbles(key).startsWith(prefix));
  return { served, index, plan, bytes, inside, outside };
}

describe('verifyChunk', () => {
  const codeOf = (plan: ChunkPlan, bytes: Uint8Array): string => {
    const verified = verifyChunk(suite, plan, bytes, CHUNK_MAX);
    return verified.ok ? 'ok' : verified.error.code;
  };

  test('accepts the one encoding of the leaves below its prefix, and nothing else', () => {
    const { plan, bytes, inside, outside, served, index } = fixture();
    expect(encodeLeaves(inside)).toEqual(bytes);
    expect(codeOf(plan, bytes)).toBe('ok');
    const [first, second] = inside;
    const [alien] = outside;
    if (first === undefined || second === undefined || alien === undefined) throw new Error('few');
    const rest = inside.slice(1);
    const last = inside.at(-1) ?? first;
    const cases: readonly (readonly [string, readonly Leaf[], string])[] = [
      ['a missing key', rest, 'chunk-mismatch'],
      ['a missing last key', inside.slice(0, -1), 'chunk-mismatch'],
      [
        'another value',
        [{ ...first, value: new Uint8Array(20).fill(255) }, ...rest],
        'chunk-mismatch',
      ],
      [
        'a shorter value',
        [{ ...first, value: first.value.subarray(1) }, ...rest],
        'chunk-mismatch',
      ],
      ['another height', [{ ...first, changedAt: 4 }, ...rest], 'chunk-mismatch'],
      ['an unsorted pair', [second, first, ...inside.slice(2)], 'chunk-malformed'],
      ['a key twice', [first, ...inside], 'chunk-malformed'],
      ['a last key twice', [...inside, last], 'chunk-malformed'],
      ['a key of another prefix before', [alien, ...inside], 'chunk-malformed'],
      ['a key of another prefix after', [...inside, alien], 'chunk-malformed'],
      ['no leaf', [], 'chunk-malformed'],
      ['an empty key', [{ ...first, key: new Uint8Array() }, ...rest], 'chunk-malformed'],
      ['a long key', [{ ...first, key: new Uint8Array(257) }, ...rest], 'chunk-malformed'],
    ];
    for (const [name, leaves, code] of cases) {
      expect([name, codeOf(plan, encodeLeaves(leaves))]).toEqual([name, code]);
    }
    const neighbour = served.chunks[index === 0 ? 1 : index - 1];
    if (neighbour === undefined) throw new Error('there are several');
    expect(codeOf(neighbour, bytes)).toBe('chunk-malformed');
    // An extra key that belongs below the prefix.
    for (let n = 0; ; n++) {
      const key = Uint8Array.of(3, n & 255, n >> 8);
      const prefix = nibbles(first.key).slice(0, plan.prefix.length);
      if (!nibbles(key).startsWith(prefix)) continue;
      const extra = [...inside, { key, changedAt: 3, value: new Uint8Array(1) }].toSorted(
        (left, right) => (nibbles(left.key) < nibbles(right.key) ? -1 : 1),
      );
      expect(codeOf(plan, encodeLeaves(extra))).toBe('chunk-mismatch');
      break;
    }
  });

  test('refuses every flipped bit, every cut and every addition; nothing throws', () => {
    const { plan, bytes } = fixture();
    for (let at = 0; at < bytes.length; at++) {
      for (const bit of [1, 16, 128]) {
        const bent = bytes.slice();
        bent[at] = (bent[at] ?? 0) ^ bit;
        expect(codeOf(plan, bent)).toMatch(/^chunk-(malformed|mismatch)$/);
      }
      expect(codeOf(plan, bytes.subarray(0, at))).toBe('chunk-malformed');
    }
    expect(codeOf(plan, Uint8Array.of(...bytes, 0))).toBe('chunk-malformed');
    expect(codeOf(plan, new Uint8Array(600_000))).toBe('chunk-malformed');
    // Lengths in more bytes than they need, and counts without leaves.
    expect(codeOf(plan, Uint8Array.of(0x80 | (bytes[0] ?? 0), 0, ...bytes.subarray(1)))).toBe(
      'chunk-malformed',
    );
    expect(codeOf(plan, Uint8Array.of(0xff, 0xff, 0x03))).toBe('chunk-malformed');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (random) => {
        expect(codeOf(plan, random)).toMatch(/^chunk-(malformed|mismatch)$/);
      }),
      { numRuns: 300 },
    );
  });

  test('tells a false plan from a bad chunk: the leaves are right, weight or count are not', () => {
    const { plan, bytes } = fixture();
    const truth = { weight: plan.weight, count: plan.count };
    for (const lie of [{ weight: plan.weight + 1 }, { count: plan.count - 1 }]) {
      const verified = verifyChunk(suite, { ...plan, ...lie }, bytes, CHUNK_MAX);
      expect(verified).toEqual({ ok: false, error: { code: 'chunk-plan-false', ...truth } });
    }
    // True, but too heavy for a chunk: not what honest nodes divide into.
    const verified = verifyChunk(suite, plan, bytes, plan.weight - 1);
    expect(verified).toEqual({ ok: false, error: { code: 'chunk-plan-false', ...truth } });
  });
});

describe('readManifest', () => {
  const { served } = fixture();
  const codeOf = (nodes: Manifest['nodes'], root = served.root): string => {
    const read = readManifest(suite, root, { nodes }, CHUNK_MAX);
    return read.ok ? 'ok' : read.error.code;
  };

  test('refuses a stale root, and nodes that are not the tree', () => {
    const { nodes } = served.manifest;
    expect(codeOf(nodes)).toBe('ok');
    expect(codeOf(nodes, suite.hash('state-empty'))).toBe('manifest-root-mismatch');
    expect(codeOf([])).toBe('manifest-root-mismatch');
    expect(codeOf([], suite.hash('state-empty'))).toBe('ok');
    nodes.forEach((node, at) => {
      expect(codeOf(nodes.toSpliced(at, 1))).not.toBe('ok');
      expect(codeOf(nodes.toSpliced(at, 0, node))).not.toBe('ok');
      expect(codeOf(nodes.slice(0, at))).not.toBe('ok');
      if (node.kind === 'chunk') {
        const hash = suite.hash('state-empty');
        expect(codeOf(nodes.with(at, { ...node, hash }))).toBe('manifest-root-mismatch');
        expect(codeOf(nodes.with(at, { ...node, count: 0 }))).toBe('manifest-malformed');
        const heavy = { ...node, count: 2, weight: CHUNK_MAX + 1 };
        expect(codeOf(nodes.with(at, heavy))).toBe('manifest-malformed');
        // So many leaves weigh more.
        expect(codeOf(nodes.with(at, { ...node, count: 99 }))).toBe('manifest-malformed');
      } else {
        expect(codeOf(nodes.with(at, { ...node, bitmap: 0 }))).toBe('manifest-malformed');
      }
    });
    const deep = Array.from({ length: 70 }, () => ({ kind: 'branch', bitmap: 1 }) as const);
    expect(codeOf(deep)).toBe('manifest-malformed');
  });

  test('who divides otherwise must name a false weight, which its chunk then shows', () => {
    const { nodes } = served.manifest;
    // A branch above chunks alone becomes one chunk.
    const at = nodes.findLastIndex(({ kind }) => kind === 'branch');
    const branch = nodes[at];
    if (branch?.kind !== 'branch') throw new Error('there are branches');
    const children = nodes.slice(at + 1, at + 1 + bits(branch.bitmap));
    const from = nodes.slice(0, at).filter(({ kind }) => kind === 'chunk').length;
    const own = served.chunks.slice(from, from + children.length);
    const prefix = own[0]?.prefix.subarray(0, -1) ?? new Uint8Array();
    const joined = joinPages(served.joined.slice(from, from + children.length)) ?? new Uint8Array();
    const whole = children.reduce(
      (sum, child) =>
        child.kind === 'chunk'
          ? { weight: sum.weight + child.weight, count: sum.count + child.count }
          : sum,
      { weight: 0, count: 0 },
    );
    const hash = suite.hash(
      'state-branch',
      Uint8Array.of(
        branch.bitmap & 255,
        branch.bitmap >> 8,
        ...children.flatMap((child) => (child.kind === 'chunk' ? [...child.hash] : [])),
      ),
    );
    const coarse = (weight: number) =>
      nodes.toSpliced(at, 1 + children.length, { kind: 'chunk', hash, ...whole, weight });
    expect(codeOf(coarse(whole.weight))).toBe('manifest-malformed');
    const lie = coarse(CHUNK_MAX - 1);
    expect(codeOf(lie)).toBe('ok');
    const plan = { prefix: Uint8Array.from(prefix), hash, ...whole, weight: CHUNK_MAX - 1 };
    expect(verifyChunk(suite, plan, joined, CHUNK_MAX)).toEqual({
      ok: false,
      error: { code: 'chunk-plan-false', ...whole },
    });
  });
});

function bits(bitmap: number): number {
  return bitmap.toString(2).replaceAll('0', '').length;
}

describe('recordOfChunk', () => {
  test('is the chunk, or its image, of a chunk that is verified; others are refused alike', () => {
    const { plan, bytes } = fixture();
    expect(recordOfChunk(suite, plan, bytes, 'leaves')).toEqual(ok(bytes));
    const image = recordOfChunk(suite, plan, bytes, 'image');
    assert(image.ok, 'it is the chunk');
    expect(isImage(image.value)).toBe(true);
    expect(joinPages([image.value])).toEqual(bytes);
    for (const other of [bytes.slice(1), bytes.map((byte) => byte ^ 1), image.value]) {
      const verified = verifyChunk(suite, plan, other);
      expect(verified.ok).toBe(false);
      for (const form of ['leaves', 'image'] as const) {
        expect(recordOfChunk(suite, plan, other, form)).toEqual(verified);
      }
    }
    const lie = { ...plan, weight: plan.weight + 1 };
    expect(recordOfChunk(suite, lie, bytes, 'image')).toMatchObject({
      ok: false,
      error: { code: 'chunk-plan-false' },
    });
  });
});
