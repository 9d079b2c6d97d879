import { describe, expect, test } from 'vitest';
import { assert, defined, equalBytes, formatHex } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { Height } from '../../ledger/index.ts';
import { decodeLayouts, manifestCodec, pageStoreKeys } from '../../state/index.ts';
import type { Entry, KeyValueStore } from '../../storage/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter, storesOf } from './chain.fixture.ts';
import { LEDGER_CRASH_POINTS } from './crash-points.ts';
import type { LedgerStore } from './ledger-store.ts';
import { fetchChunks, SNAPSHOT_OPTIONS, snapshotRequest, takeOver } from './snapshots.fixture.ts';
import type { LedgerStoreDependencies } from './types.ts';

const chain = recordChain(48);
const { ledger } = chain;
const allKeys = keysWritten(chain);
const at = (height: number) => height as Height; // Test heights.

const options = SNAPSHOT_OPTIONS;

const { open, commitFrom } = storesOf(chain, options);

/** A store that executed the chain up to a height. */
async function served(height: number, more: Partial<LedgerStoreDependencies> = {}) {
  const store = new MemoryStore();
  const ledgerStore = await open(store, more);
  await commitFrom(ledgerStore, 1, height);
  await ledgerStore.checkpoint();
  return { store, ledgerStore };
}

/** The state, the blocks from the earliest on, and nothing below. */
async function expectWhole(ledgerStore: LedgerStore): Promise<number> {
  const { header, hash } = ledgerStore.head();
  const { height } = header;
  if (height > 0) expect(formatHex(hash)).toBe(formatHex(blockAt(height).block.hash));
  const state = stateAfter(chain, height);
  const values = await ledgerStore.withState((view) => allKeys.map((key) => view.get(key)));
  allKeys.forEach((key, index) => {
    expect(formatHex(values[index] ?? new Uint8Array())).toBe(
      formatHex(state.get(key) ?? new Uint8Array()),
    );
  });
  expect(ledgerStore.earliestHeight()).toBeLessThanOrEqual(height + 1);
  for (let each = 1; each <= height; each++) {
    const { hash: wanted } = blockAt(each).block;
    const before = ledgerStore.earliestHeight();
    const stored = await ledgerStore.block(at(each));
    const found = await ledgerStore.heightOf(wanted);
    const isAnchor = each === ledgerStore.anchor()?.header.height;
    // It may go while it is read, when blocks are pruned.
    if (each >= ledgerStore.earliestHeight()) {
      expect(stored && formatHex(stored.hash)).toBe(formatHex(wanted));
      expect(found).toBe(each);
    }
    if (each >= before) continue;
    expect(stored).toBeUndefined();
    expect(found).toBe(isAnchor ? each : undefined);
  }
  return height;
}

function blockAt(height: number) {
  return defined(chain.blocks[height - 1], 'a height of the chain');
}

const requestOf = (from: LedgerStore, height: number) => snapshotRequest(chain, from, height);
const take = (to: LedgerStore, from: LedgerStore, height: number) =>
  takeOver(chain, to, from, height);

async function pageKeys(store: KeyValueStore): Promise<Set<string>> {
  const entries = await store.list('pages', { limit: 10_000 });
  return new Set(entries.map(({ key }) => formatHex(key)));
}

describe('kept snapshots', () => {
  test('are of the same heights and roots on every node, and are there after a restart', async () => {
    const often = { ...options, checkpointEveryBlocks: 2, pageBytesMax: 4000 };
    const nodes = [await served(43), await served(41, { options: often })];
    const manifests: string[] = [];
    for (const { store, ledgerStore } of nodes) {
      const offers = ledgerStore.snapshots();
      expect(offers.map(({ height }) => height)).toEqual([40, 32]);
      await ledgerStore.close();
      const again = await open(store.crash());
      expect(again.snapshots()).toEqual(offers);
      for (const { height, blockHash, stateRoot, chunkCount } of offers) {
        const { header } = blockAt(height).block.block;
        expect(formatHex(stateRoot)).toBe(formatHex(header.stateRoot));
        expect(formatHex(blockHash)).toBe(formatHex(blockAt(height).block.hash));
        const manifest = defined(await again.snapshotManifest(stateRoot), 'kept');
        manifests.push(`${height} ${chunkCount} ${formatHex(manifest)}`);
      }
      expect(
        await again.snapshotManifest(blockAt(24).block.block.header.stateRoot),
      ).toBeUndefined();
      expect(await again.snapshotChunk(blockAt(40).block.hash, Uint8Array.of(1))).toBeUndefined();
      expect(
        await again.snapshotChunk(blockAt(40).block.block.header.stateRoot, Uint8Array.of(99)),
      ).toBeUndefined();
    }
    const [first, second, third, fourth] = manifests;
    expect([first, second]).toEqual([third, fourth]);
  });

  test('leave no page behind: what is stored belongs to the head or to one of them', async () => {
    const { store, ledgerStore } = await served(48);
    const pages = (await pageKeys(store)).size;
    const kept = await served(48, { options: { ...options, snapshotsKept: 1 } });
    const none = await served(48, { options: { ...options, snapshotsKept: 0 } });
    expect(kept.ledgerStore.snapshots()).toHaveLength(1);
    expect(none.ledgerStore.snapshots()).toHaveLength(0);
    const fewer = await pageKeys(kept.store);
    expect(pages).toBeGreaterThan(fewer.size);
    // The newest snapshot is of the head: its layout names all that there is.
    const [layout, ...others] = await layouts(kept.store);
    expect(others).toEqual([]);
    const { key, value } = defined(layout, 'of the snapshot');
    const named = decodeLayouts([value.subarray(0, -32)]);
    if (!named.ok) throw new Error(named.error.code);
    const records = [...named.value.flatMap(pageStoreKeys), key].map((each) => formatHex(each));
    expect(new Set(records)).toEqual(fewer);
    // What changed since a page was written lies beside it.
    expect(records.length).toBeGreaterThan(named.value.length + 1);
    expect(await layouts(none.store)).not.toEqual([]);
    const other = await served(48);
    expect([...(await pageKeys(other.store))]).toEqual([...(await pageKeys(store))]);
    await ledgerStore.close();
  });

  async function layouts(store: KeyValueStore): Promise<Entry[]> {
    const entries = await store.list('pages', { limit: 10_000 });
    return entries.filter(({ key }) => key[8] === 255);
  }
});

describe('a snapshot taken over', () => {
  test('is the state and the head; the blocks above follow, and it is offered in turn', async () => {
    const { ledgerStore: from } = await served(45);
    let store = new MemoryStore();
    let to = await open(store);
    await commitFrom(to, 1, 3);
    await take(to, from, 40);
    const { block, certificate } = blockAt(40);
    expect(to.head().hash).toEqual(block.hash);
    // Pages were written as this store writes them: images begin with a zero. (255 is a layout.)
    const records = await store.list('pages', { limit: 10_000 });
    const pages = records.filter(({ key }) => key[8] !== 255);
    expect(pages.length).toBeGreaterThan(0);
    expect(pages.filter(({ value }) => value[0] !== 0)).toEqual([]);
    expect([to.earliestHeight(), to.historyCompleteFrom()]).toEqual([41, 41]);
    expect(to.anchor()).toMatchObject({ certificate, hash: block.hash });
    expect(await to.header(at(40))).toEqual(block.block.header);
    expect(await to.header(at(39))).toEqual(blockAt(39).block.block.header);
    expect(await to.header(at(38))).toBeUndefined();
    expect(await to.heightOf(block.hash)).toBe(40);
    expect(await to.membershipAt(at(40))).toEqual(ledger.genesis.membership);
    expect(await to.membershipAt(at(41))).toEqual(ledger.genesis.membership);
    expect(await to.membershipAt(at(39))).toBeUndefined();
    expect(await to.membershipAt(at(42))).toBeUndefined();
    expect(await expectWhole(to)).toBe(40);
    for (const [start, stop] of [
      [40, 40],
      [40, 43],
      [43, 48],
    ] as const) {
      await to.close();
      store = store.crash();
      to = await open(store);
      expect(await expectWhole(to)).toBe(start);
      await commitFrom(to, start + 1, stop);
      expect(await expectWhole(to)).toBe(stop);
    }
    expect(to.snapshots().map(({ height }) => height)).toEqual([48, 40]);
    const third = await open(new MemoryStore());
    await take(third, to, 40);
    expect(await expectWhole(third)).toBe(40);
    const journal = await store.list('journal', { to: new Uint8Array(8), limit: 1 });
    expect(journal).toEqual([]);
    await to.close();
    // Of the three blocks before nothing is left.
    const first = await store.list('blocks', { limit: 1 });
    expect(first[0]?.key[7] ?? 41).toBe(41);
  });

  test('goes on after a restart, and keeps what another root has in common with it', async () => {
    const options2 = { ...options, snapshotsKept: 4 };
    const { ledgerStore: from } = await served(40, { options: options2 });
    let store = new MemoryStore();
    const first = await open(store);
    const writer = await first.beginSnapshot(await requestOf(from, 32));
    const half = writer.plans.length >> 1;
    await fetchChunks(writer, from, half);
    await expect(writer.finish()).rejects.toMatchObject({ code: 'snapshot-incomplete' });
    await first.checkpoint();
    store = store.crash();
    const again = await open(store);
    expect(again.snapshotBegun()).toMatchObject({ chunksDone: half });
    const resumed = await again.beginSnapshot(await requestOf(from, 32));
    expect(resumed.have().size).toBe(half);
    // A newer one of which other chunks are the same.
    const newer = await again.beginSnapshot(await requestOf(from, 40));
    const shared = newer.plans.filter(
      ({ prefix, hash }, _, plans) =>
        resumed.plans.some(
          (plan, index) =>
            index < half && equalBytes(plan.prefix, prefix) && equalBytes(plan.hash, hash),
        ) && plans.length > 0,
    );
    expect(newer.have().size).toBe(shared.length);
    await fetchChunks(newer, from);
    await newer.finish();
    await again.adoptSnapshot(newer);
    expect(await expectWhole(again)).toBe(40);
    await again.close();
    const pages = await pageKeys(store);
    expect(pages.size).toBe(newer.plans.length + 1);
  });

  test('keeps no chunk whose weight another manifest of the same root names otherwise', async () => {
    const { ledgerStore: from } = await served(40);
    const to = await open(new MemoryStore());
    const request = await requestOf(from, 32);
    const honest = await to.beginSnapshot(request);
    await fetchChunks(honest, from);
    const { length } = honest.plans;
    expect(honest.have().size).toBe(length);
    const manifest = decode(manifestCodec, request.manifest);
    assert(manifest.ok, 'a manifest');
    let lies = 0;
    const nodes = manifest.value.nodes.map((node) =>
      node.kind === 'chunk' && lies++ === 0 ? { ...node, weight: node.weight - 1 } : node,
    );
    const lie = await to.beginSnapshot({ ...request, manifest: encode(manifestCodec, { nodes }) });
    expect(lie.have().size).toBe(length - 1);
    const again = await to.beginSnapshot(request);
    expect(again.have().size).toBe(length - 1);
    await fetchChunks(again, from);
    await again.finish();
    await to.adoptSnapshot(again);
    expect(await expectWhole(to)).toBe(32);
  });

  test('is refused when its manifest is of another state, and when it is behind', async () => {
    const { ledgerStore: from } = await served(40);
    const to = await open(new MemoryStore());
    const [older, newer] = [await requestOf(from, 32), await requestOf(from, 40)];
    await expect(to.beginSnapshot({ ...newer, manifest: older.manifest })).rejects.toMatchObject({
      code: 'snapshot-manifest-refused',
    });
    await expect(
      to.beginSnapshot({ ...newer, manifest: newer.manifest.slice(1) }),
    ).rejects.toMatchObject({ code: 'snapshot-manifest-refused' });
    const writer = await to.beginSnapshot(older);
    await expect(to.adoptSnapshot(writer)).rejects.toMatchObject({ code: 'snapshot-incomplete' });
    await fetchChunks(writer, from);
    await commitFrom(to, 1, 32);
    await expect(to.adoptSnapshot(writer)).rejects.toMatchObject({ code: 'snapshot-behind' });
    await to.discardSnapshot();
    expect(to.snapshotBegun()).toBeUndefined();
    expect(await expectWhole(to)).toBe(32);
  });

  test('survives reading beside it: whoever reads gets the old state or the new', async () => {
    const { ledgerStore: from } = await served(40);
    const to = await open(new MemoryStore());
    await commitFrom(to, 1, 12);
    await to.checkpoint();
    const writer = await to.beginSnapshot(await requestOf(from, 40));
    await fetchChunks(writer, from);
    const adopting = to.adoptSnapshot(writer);
    for (let round = 0; round < 40; round++) {
      to.setCacheBytesMax(0);
      const height = await to.withState((view) => {
        const heights = [12, 40].filter((each) => {
          const state = stateAfter(chain, each);
          return allKeys.every((key) => {
            const [left, right] = [view.get(key), state.get(key)];
            return left === undefined || right === undefined
              ? left === right
              : equalBytes(left, right);
          });
        });
        return heights[0];
      });
      expect([12, 40]).toContain(height);
    }
    await adopting;
    expect(await expectWhole(to)).toBe(40);
  });
});

describe('a kill while a snapshot is taken over', () => {
  class Killed extends Error {}
  const points = LEDGER_CRASH_POINTS.filter((name) => name.startsWith('snapshot'));

  test.each(points)('at %s leaves the old chain or the new one', async (point) => {
    const { ledgerStore: from } = await served(40);
    let kills = 0;
    for (const occurrence of [1, 2, 3]) {
      for (const unsyncedKept of [undefined, 0]) {
        let reached = 0;
        let survivor: MemoryStore | undefined;
        const store = new MemoryStore();
        const onCrashPoint = (name: string): void => {
          if (name !== point || ++reached !== occurrence) return;
          survivor = store.crash(unsyncedKept === undefined ? {} : { unsyncedKept });
          throw new Killed();
        };
        const to = await open(store, {
          onCrashPoint,
          options: { ...options, commitDurability: 'strict' },
        });
        await commitFrom(to, 1, 7);
        const run = async () => {
          await fetchChunks(await to.beginSnapshot(await requestOf(from, 32)), from, 3);
          await take(to, from, 40);
        };
        await run().catch((error: unknown) => {
          if (survivor === undefined) throw error;
        });
        await to.close();
        if (survivor === undefined) continue;
        kills += 1;
        const again = await open(survivor);
        const height = await expectWhole(again);
        expect([7, 40]).toContain(height);
        if (height === 7) await take(again, from, 40);
        await commitFrom(again, 41, 46);
        await again.checkpoint();
        await again.close();
        const last = await open(survivor.crash());
        expect(await expectWhole(last)).toBe(46);
        await last.close();
      }
    }
    expect(kills).toBeGreaterThanOrEqual(2);
  });
});

describe('retention', () => {
  test('keeps the newest blocks and those since the oldest snapshot, found until they go', async () => {
    const store = new MemoryStore();
    const ledgerStore = await open(store, { options: { ...options, snapshotsKept: 1 } });
    ledgerStore.setRetention({ kind: 'recent', blocks: 4 });
    for (let height = 1; height <= 48; height++) {
      await commitFrom(ledgerStore, height, height);
      if (height % 7 === 0) expect(await expectWhole(ledgerStore)).toBe(height);
    }
    await ledgerStore.checkpoint();
    await ledgerStore.close();
    // The checkpoint of 48 is a snapshot: its block and the one below stay.
    expect(ledgerStore.earliestHeight()).toBe(45);
    const again = await open(store.crash());
    expect(await expectWhole(again)).toBe(48);
    expect(again.earliestHeight()).toBe(45);
    const entries = await store.crash().list('blocks', { limit: 100 });
    expect(entries.length).toBeLessThanOrEqual(4);
    const [ada] = chain.people;
    assert(ada !== undefined, 'there is one');
    const history = await again.history(ada.address, { limit: 100 });
    expect(history.length).toBeGreaterThan(0);
    expect(history.every(({ height }) => height >= again.historyCompleteFrom())).toBe(true);
  });

  test('a commit waits for one write of it at most', async () => {
    let prunes = 0;
    let begun = 0;
    const waits: number[] = [];
    const onCrashPoint = (name: string): void => {
      if (name === 'prune-done') prunes += 1;
      if (name === 'commit-begun') begun = prunes;
      if (name === 'commit-done') waits.push(prunes - begun);
    };
    const store = new MemoryStore();
    const none = { ...options, snapshotsKept: 0 };
    const ledgerStore = await open(store, { onCrashPoint, options: none });
    await commitFrom(ledgerStore, 1, 30);
    await ledgerStore.checkpoint();
    waits.length = 0;
    ledgerStore.setRetention({ kind: 'recent', blocks: 2 });
    await commitFrom(ledgerStore, 31, 48);
    await ledgerStore.close();
    expect(prunes).toBeGreaterThanOrEqual(3);
    expect(waits).toHaveLength(18);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1);
  });

  test('a kill between two steps loses nothing that is kept', async () => {
    for (const point of ['prune-begun', 'prune-done']) {
      let survivor: MemoryStore | undefined;
      let reached = 0;
      const store = new MemoryStore();
      const onCrashPoint = (name: string): void => {
        if (name !== point || survivor !== undefined || ++reached < 3) return;
        survivor = store.crash();
        throw new Error('killed');
      };
      const ledgerStore = await open(store, { onCrashPoint });
      ledgerStore.setRetention({ kind: 'recent', blocks: 2 });
      await commitFrom(ledgerStore, 1, 48).catch(() => undefined); // Killed on the way.
      await ledgerStore.close();
      assert(survivor !== undefined, 'it was killed');
      const again = await open(survivor);
      const height = await expectWhole(again);
      again.setRetention({ kind: 'recent', blocks: 2 });
      await commitFrom(again, height + 1, 48);
      expect(await expectWhole(again)).toBe(48);
      await again.close();
    }
  });
});

test('a damaged page is served to nobody', async () => {
  const { store, ledgerStore } = await served(16);
  const [offer] = ledgerStore.snapshots();
  assert(offer !== undefined, 'a snapshot is kept');
  const target = await open(new MemoryStore());
  const writer = await target.beginSnapshot(await snapshotRequest(chain, ledgerStore, 16));
  expect(writer.plans.length).toBeGreaterThan(0);
  for (const { key, value } of await store.list('pages', { limit: 10_000 })) {
    // The last byte of a page is one of a value: it still decodes.
    const spoilt = value.map((byte, index) => (index === value.length - 1 ? byte ^ 1 : byte));
    await store.write([{ kind: 'put', space: 'pages', key, value: spoilt }], 'strict');
  }
  for (const { prefix } of writer.plans) {
    expect(await ledgerStore.snapshotChunk(offer.stateRoot, prefix)).toBeUndefined();
  }
});
