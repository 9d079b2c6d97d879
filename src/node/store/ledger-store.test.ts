import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import { assert, defined, equalBytes, formatHex } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import { verifyProof } from '../../state/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { LevelDbStore } from '../../storage/level-db-store.ts';
import { keysWritten, recordChain, stateAfter, storesOf } from './chain.fixture.ts';
import { LEDGER_CRASH_POINTS } from './crash-points.ts';
import { accountsOf } from './index-block.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import { orderedKey } from './records.ts';

const chain = recordChain(48);
const { ledger } = chain;
const allKeys = keysWritten(chain);
const at = (height: number) => height as Height; // Test heights.

/** Small pages and frequent checkpoints, so that everything happens within 48 blocks. */
const options = { pageBytesMax: 600, checkpointEveryBlocks: 5, versionsKept: 8, cacheBytesMax: 0 };

const { open, commitFrom } = storesOf(chain, options);

/** The store has exactly the chain's state and blocks up to its head. */
async function expectWhole(ledgerStore: LedgerStore): Promise<number> {
  const { header, hash } = ledgerStore.head();
  const { height } = header;
  if (height > 0) {
    const last = chain.blocks[height - 1];
    assert(last !== undefined, 'no head beyond the chain');
    expect(formatHex(hash)).toBe(formatHex(last.block.hash));
  }
  const state = stateAfter(chain, height);
  const values = await ledgerStore.withState((view) => allKeys.map((key) => view.get(key)));
  allKeys.forEach((key, index) => {
    const expected = state.get(key);
    const actual = values[index];
    expect(actual === undefined ? '' : formatHex(actual)).toBe(
      expected === undefined ? '' : formatHex(expected),
    );
  });
  for (let each = 0; each <= height; each++) {
    const stored = await ledgerStore.block(at(each));
    expect(stored?.block.header.height).toBe(each);
    if (each === 0) continue;
    const wanted = chain.blocks[each - 1];
    assert(wanted !== undefined && stored !== undefined, 'inside');
    expect(equalBytes(stored.blockBytes, wanted.blockBytes)).toBe(true);
    expect(stored.receipts).toEqual(wanted.receipts);
    expect(stored.certificate).toEqual(wanted.certificate);
  }
  return height;
}

/** Blocks are read once for all who ask meanwhile, and a summary tells what the block does. */
async function expectShared(ledgerStore: LedgerStore, store: MemoryStore): Promise<void> {
  const { height } = ledgerStore.head().header;
  const heights = Array.from({ length: height + 1 }, (_, each) => each as Height); // Committed.
  const summaries = await Promise.all(heights.map((each) => ledgerStore.summary(each)));
  const get = vi.spyOn(store, 'get');
  const ids = chain.blocks
    .slice(0, height)
    .flatMap(({ block }) => block.transactions.map(({ id }) => id));
  const asked = Array.from({ length: 20 }, () => ledgerStore.transactions([...ids, ...ids]));
  const all = await Promise.all(asked);
  expect(get.mock.calls.filter(([space]) => space !== 'index').length).toBeLessThan(3 * height);
  get.mockRestore();
  for (const found of all) {
    const told = found.map((each) => each && formatHex(each.receipt.transactionId));
    expect(told).toEqual([...ids, ...ids].map(formatHex));
  }
  for (const each of heights) {
    const stored = defined(await ledgerStore.block(each), 'committed');
    const { header, transactions } = stored.block;
    const { certificate, hash, blockBytes } = stored;
    const transactionCount = transactions.length;
    const sizeBytes = blockBytes.length;
    const expected = { header, certificate, hash, transactionCount, sizeBytes };
    expect([summaries[each], await ledgerStore.summary(each)]).toEqual([expected, expected]);
  }
  const cancelled = ledgerStore.transactions(ids, AbortSignal.abort(new Error('gone')));
  await expect(cancelled).rejects.toThrow('gone');
}

async function expectFindable(ledgerStore: LedgerStore): Promise<void> {
  const { height } = ledgerStore.head().header;
  for (const { block } of chain.blocks.slice(0, height)) {
    expect(await ledgerStore.heightOf(block.hash)).toBe(block.block.header.height);
    for (const [index, { id }] of block.transactions.entries()) {
      expect(await ledgerStore.transaction(id)).toMatchObject({
        height: block.block.header.height,
        index,
      });
    }
  }
  const [ada] = chain.people;
  assert(ada !== undefined, 'there is one');
  const expected = chain.blocks
    .slice(0, height)
    .flatMap(({ block, receipts }) =>
      block.block.transactions.flatMap((transaction, index) =>
        accountsOf(transaction, receipts[index]).some((each) => equalBytes(each, ada.address))
          ? [{ height: block.block.header.height, index }]
          : [],
      ),
    )
    .reverse();
  expect(await ledgerStore.history(ada.address, { limit: 1000 })).toMatchObject(expected);
  const [, , third, fourth] = expected;
  if (third === undefined || fourth === undefined) return;
  expect(await ledgerStore.history(ada.address, { before: third, limit: 1 })).toMatchObject([
    fourth,
  ]);
}

describe('LedgerStore', () => {
  test('writes genesis once, and finds it again', async () => {
    const store = new MemoryStore();
    const first = await open(store);
    expect(first.head().header.height).toBe(0);
    expect(await expectWhole(first)).toBe(0);
    const again = await open(store.crash());
    expect(formatHex(again.head().hash)).toBe(formatHex(first.head().hash));
    expect(again.membership()).toEqual(ledger.genesis.membership);
    expect(await again.servedBlock(at(0))).toBeUndefined();
  });

  test('gives back blocks, state and history, with and without checkpoints and restarts', async () => {
    let store = new MemoryStore();
    let ledgerStore = await open(store);
    for (const stop of [1, 4, 11, 12, 30, 48]) {
      await commitFrom(ledgerStore, ledgerStore.head().header.height + 1, stop);
      expect(await expectWhole(ledgerStore)).toBe(stop);
      await expectFindable(ledgerStore);
      await ledgerStore.close();
      expect(ledgerStore.status().checkpointHeight ?? 0).toBeGreaterThanOrEqual(stop > 11 ? 5 : 0);
      store = store.crash();
      ledgerStore = await open(store);
      await expectShared(ledgerStore, store);
      expect(await expectWhole(ledgerStore)).toBe(stop);
      await expectFindable(ledgerStore);
    }
    await ledgerStore.checkpoint();
    expect(ledgerStore.status()).toMatchObject({ journalBytes: 0, dirtyBytes: 0, cacheBytes: 0 });
    expect(await store.list('journal', { limit: 1 })).toEqual([]);
    const served = await ledgerStore.servedBlock(at(7));
    expect(served?.block).toEqual(chain.blocks[6]?.blockBytes);
    expect(await ledgerStore.servedBlock(at(49))).toBeUndefined();
    expect(await ledgerStore.transaction(new Uint8Array(32) as Hash)).toBeUndefined();
    expect(await ledgerStore.heightOf(new Uint8Array(32) as Hash)).toBeUndefined();
  });

  test('leaves nothing behind: pages, runs and layouts are those of the last checkpoint', async () => {
    const store = new MemoryStore();
    // Pages are joined where all of them are in memory.
    const roomy = { ...options, cacheBytesMax: 1_000_000 };
    const ledgerStore = await open(store, { options: roomy });
    for (let height = 1; height <= 48; height++) {
      await commitFrom(ledgerStore, height, height);
      if (height % 3 === 0) await ledgerStore.checkpoint();
    }
    await ledgerStore.close();
    await ledgerStore.checkpoint();
    const pages = await store.list('pages', { limit: 10_000 });
    const fresh = new MemoryStore();
    const once = await open(fresh, { options: { ...roomy, checkpointEveryBlocks: 1000 } });
    await commitFrom(once, 1, 48);
    await once.checkpoint();
    const layouts = pages.filter(({ key }) => key[8] === 255);
    const freshPages = await fresh.list('pages', { limit: 10_000 });
    // Of each page its leaves, and of some what changed since these were written.
    const prefixes = pages
      .filter(({ key }) => key[8] !== 255)
      .map(({ key }) => key.slice(8).join());
    expect(new Set(prefixes).size).toBe(freshPages.length - 1);
    expect(pages.length - layouts.length).toBeLessThanOrEqual(2 * (freshPages.length - 1));
    expect(prefixes.every((prefix) => prefixes.filter((each) => each === prefix).length <= 2)).toBe(
      true,
    );
    // 16 segments of one level each were merged twice.
    const runs = await store.list('index', { limit: 10_000 });
    expect(runs.length).toBeLessThan(8);
  });

  test('proves present and absent keys at kept heights, and refuses others', async () => {
    const ledgerStore = await open(new MemoryStore());
    await commitFrom(ledgerStore, 1, 20);
    await ledgerStore.checkpoint();
    const keys = [...allKeys.slice(0, 12), Uint8Array.of(250, 1, 2)];
    for (const height of [20, 17, 13]) {
      const proof = await ledgerStore.prove(at(height), keys);
      const root = chain.blocks[height - 1]?.block.block.header.stateRoot;
      assert(root !== undefined, 'inside');
      const proven = verifyProof(ledger.suite, root, keys, proof);
      assert(proven.ok, 'the proof holds');
      const state = stateAfter(chain, height);
      proven.value.forEach(({ key, value }) => {
        expect(value === undefined ? '' : formatHex(value)).toBe(
          formatHex(state.get(key) ?? new Uint8Array()),
        );
      });
    }
    await expect(ledgerStore.prove(at(3), keys)).rejects.toMatchObject({
      code: 'version-unavailable',
    });
  });

  test('takes a block once, and refuses one that does not follow', async () => {
    const store = new MemoryStore();
    const ledgerStore = await open(store);
    const [first, second, third] = chain.blocks;
    assert(first !== undefined && second !== undefined && third !== undefined, 'inside');
    await expect(ledgerStore.commit(second)).rejects.toMatchObject({ code: 'commit-conflict' });
    await ledgerStore.commit(first);
    await ledgerStore.commit(second);
    const writes = store.writeCount;
    await ledgerStore.commit(first);
    await ledgerStore.commit(second);
    expect(store.writeCount).toBe(writes);
    const hash = new Uint8Array(32) as Hash;
    const other = { ...second, block: { ...second.block, hash } };
    await expect(ledgerStore.commit(other)).rejects.toMatchObject({ code: 'commit-conflict' });
    const wrong = { ...third, changes: third.changes.slice(1) };
    await expect(ledgerStore.commit(wrong)).rejects.toMatchObject({ code: 'state-root-mismatch' });
    await ledgerStore.commit(third);
    expect(await expectWhole(ledgerStore)).toBe(3);
  });

  test('commits what was staged, also when a checkpoint came between', async () => {
    const ledgerStore = await open(new MemoryStore());
    for (const request of chain.blocks.slice(0, 12)) {
      const { header } = request.block.block;
      const staged = await ledgerStore.stage(header.height, request.changes);
      expect(ledgerStore.isOnHead(staged)).toBe(true);
      expect(formatHex(staged.root())).toBe(formatHex(header.stateRoot));
      if (header.height % 2 === 0) await ledgerStore.checkpoint();
      await ledgerStore.commit({ ...request, staged });
      expect(ledgerStore.isOnHead(staged)).toBe(false);
    }
    expect(await expectWhole(ledgerStore)).toBe(12);
  });

  test('keeps a chain whose headers bind the state before them', async () => {
    const event = recordChain(7, { execution: 'event' });
    const store = new MemoryStore();
    const first = await openLedgerStore({ store, ledger: event.ledger, options });
    for (const request of event.blocks) await first.commit(request);
    await first.close();
    const again = await openLedgerStore({ store: store.crash(), ledger: event.ledger, options });
    expect(again.head().header.height).toBe(7);
  });

  test('works on LevelDB, over restarts', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tabellion-ledger-'));
    try {
      for (const stop of [10, 23, 48]) {
        const store = await LevelDbStore.open(folder);
        const ledgerStore = await open(store);
        await commitFrom(ledgerStore, ledgerStore.head().header.height + 1, stop);
        expect(await expectWhole(ledgerStore)).toBe(stop);
        await expectFindable(ledgerStore);
        await ledgerStore.close();
        await store.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe('a kill', () => {
  class Killed extends Error {}

  /** Commits 1 to 24 with checkpoints; killed at the n-th reaching of a crash point. */
  async function runUntilKilled(point: string, occurrence: number, unsyncedKept?: number) {
    let reached = 0;
    const store = new MemoryStore();
    let survivor: MemoryStore | undefined;
    const onCrashPoint = (name: string): void => {
      if (name !== point || ++reached !== occurrence) return;
      survivor = store.crash(unsyncedKept === undefined ? {} : { unsyncedKept });
      throw new Killed();
    };
    let acknowledged = 0;
    try {
      const manual = {
        ...options,
        checkpointEveryBlocks: 1_000,
        commitDurability: 'strict',
      } as const;
      const ledgerStore = await open(store, { onCrashPoint, options: manual });
      for (const height of Array.from({ length: 24 }, (_, index) => index + 1)) {
        await commitFrom(ledgerStore, height, height);
        acknowledged = height;
        if (height % 9 === 0) await ledgerStore.checkpoint();
      }
    } catch (error) {
      // A checkpoint in the background may have been what was killed: the next write then fails.
      if (survivor === undefined) throw error;
    }
    return { survivor, acknowledged };
  }

  // `snapshots.test.ts` kills at the others.
  const recurring = LEDGER_CRASH_POINTS.filter((name) => /^(genesis|commit|checkpoint)/.test(name));
  test.each(recurring)('at %s leaves the old head or the new one', async (point) => {
    let kills = 0;
    for (const occurrence of point.startsWith('commit') ? [1, 22] : [1, 2, 4]) {
      for (const unsyncedKept of [undefined, 0]) {
        const { survivor, acknowledged } = await runUntilKilled(point, occurrence, unsyncedKept);
        if (survivor === undefined) continue;
        kills += 1;
        const ledgerStore = await open(survivor);
        const height = await expectWhole(ledgerStore);
        expect(height).toBeGreaterThanOrEqual(acknowledged);
        expect(height).toBeLessThanOrEqual(acknowledged + 1);
        await expectFindable(ledgerStore);
        await commitFrom(ledgerStore, height + 1, 30);
        await ledgerStore.checkpoint();
        await ledgerStore.close();
        expect(await expectWhole(await open(survivor.crash()))).toBe(30);
      }
    }
    expect(kills).toBeGreaterThanOrEqual(2);
  });

  test('with relaxed commits loses at most blocks at the end', async () => {
    const store = new MemoryStore();
    const manual = { ...options, checkpointEveryBlocks: 1_000 };
    const ledgerStore = await open(store, { options: manual });
    await commitFrom(ledgerStore, 1, 9);
    await ledgerStore.checkpoint();
    await commitFrom(ledgerStore, 10, 15);
    const kept = 4 + (store.unsyncedCount - 6);
    expect(await expectWhole(await open(store.crash({ unsyncedKept: kept })))).toBe(13);
  });
});

describe('a full disk', () => {
  test('at any write keeps the old head, and goes on when there is room', async () => {
    for (let fullAtWrite = 2; fullAtWrite < 40; fullAtWrite += 3) {
      const store = new MemoryStore({ fullAtWrite });
      const ledgerStore = await open(store);
      let failure: unknown;
      let height = 0;
      try {
        for (height = 1; height <= 30; height++) await commitFrom(ledgerStore, height, height);
      } catch (error) {
        failure = error;
      }
      expect(failure).toMatchObject({ code: 'store-full' });
      expect(ledgerStore.head().header.height).toBe(height - 1);
      expect(await expectWhole(ledgerStore)).toBe(height - 1);
      await ledgerStore.close();
      const again = await open(store.crash());
      expect(await expectWhole(again)).toBe(height - 1);
      await commitFrom(again, height, 30);
      expect(await expectWhole(again)).toBe(30);
    }
  });
});

describe('spoilt data', () => {
  async function committed(count: number, checkpointAt?: number): Promise<MemoryStore> {
    const store = new MemoryStore();
    const manual = { ...options, checkpointEveryBlocks: 1_000 };
    const ledgerStore = await open(store, { options: manual });
    await commitFrom(ledgerStore, 1, checkpointAt ?? 0);
    if (checkpointAt !== undefined) await ledgerStore.checkpoint();
    await commitFrom(ledgerStore, (checkpointAt ?? 0) + 1, count);
    return store;
  }

  async function replace(store: MemoryStore, key: Bytes, value: Uint8Array): Promise<void> {
    await store.write([{ kind: 'put', space: 'journal', key, value }], 'strict');
  }

  test('the last journal record cut or changed at any byte: the head before it', async () => {
    const store = await committed(4, 2);
    const record = await store.get('journal', orderedKey(4));
    assert(record !== undefined, 'written');
    for (let byte = 0; byte < record.length; byte += 7) {
      const flipped = record.slice();
      flipped[byte] = (flipped[byte] ?? 0) ^ 0x10;
      for (const spoilt of [flipped, record.subarray(0, byte)]) {
        await replace(store, orderedKey(4), spoilt);
        const ledgerStore = await open(store);
        expect(ledgerStore.head().header.height).toBe(3);
        expect(await store.get('journal', orderedKey(4))).toBeUndefined();
      }
    }
    const ledgerStore = await open(store);
    await commitFrom(ledgerStore, 4, 6);
    expect(await expectWhole(ledgerStore)).toBe(6);
  });

  test('a record in the middle of the journal: refused by name, nothing deleted', async () => {
    const store = await committed(6, 2);
    const record = await store.get('journal', orderedKey(4));
    assert(record !== undefined, 'written');
    await replace(store, orderedKey(4), record.subarray(0, 100));
    await expect(open(store)).rejects.toMatchObject({
      code: 'journal-corrupt',
      facts: { height: 4 },
    });
    await store.write([{ kind: 'delete', space: 'journal', key: orderedKey(4) }], 'strict');
    await expect(open(store)).rejects.toMatchObject({ code: 'journal-corrupt' });
    await replace(store, orderedKey(4), record);
    expect(await expectWhole(await open(store))).toBe(6);
  });

  test('genesis cut: written again; format, checkpoint, layout, page lost: refused', async () => {
    const fresh = await committed(0);
    await replace(fresh, orderedKey(0), new Uint8Array(10));
    expect(await expectWhole(await open(fresh))).toBe(0);
    const store = await committed(8, 5);
    for (const space of ['meta', 'pages'] as const) {
      for (const { key, value } of await store.list(space, { limit: 1000 })) {
        if (formatHex(key) === formatHex(new TextEncoder().encode('garbage'))) continue;
        const spoilt = value.slice();
        spoilt[20] = (spoilt[20] ?? 0) ^ 1;
        await store.write([{ kind: 'put', space, key, value: spoilt }], 'strict');
        const code = await open(store).then(
          (ledgerStore) =>
            ledgerStore
              .withState((view) => allKeys.map((each) => view.get(each)))
              .then(
                () => 'nothing',
                (error: { code: string }) => error.code,
              ),
          (error: { code: string }) => error.code,
        );
        expect(['store-corrupt', 'page-corrupt', 'store-of-another-network']).toContain(code);
        await store.write([{ kind: 'put', space, key, value }], 'strict');
      }
    }
    expect(await expectWhole(await open(store))).toBe(8);
  });

  test('data of another network and of a later version are refused', async () => {
    const store = await committed(2);
    const other = recordChain(0, { execution: 'event' });
    await expect(openLedgerStore({ store, ledger: other.ledger })).rejects.toMatchObject({
      code: 'store-of-another-network',
    });
    const format = await store.get('meta', new TextEncoder().encode('format'));
    assert(format !== undefined, 'written');
    const payload = format.slice(0, -32);
    payload[0] = 99;
    const key = new TextEncoder().encode('format');
    const { seal } = await import('./records.ts');
    const value = seal(ledger.suite, payload);
    await store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
    await expect(open(store)).rejects.toMatchObject({ code: 'store-too-new' });
    await store.write([{ kind: 'delete', space: 'meta', key }], 'strict');
    await expect(open(store)).rejects.toMatchObject({ code: 'store-vanished' });
  });
});
