import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import { assert, defined, formatHex, TabellionError } from '../../base/index.ts';
import { decode } from '../../codec/index.ts';
import type { Height } from '../../ledger/index.ts';
import { manifestCodec, readManifest } from '../../state/index.ts';
import type { Space } from '../../storage/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import { SNAPSHOT_OPTIONS, takeOver } from './snapshots.fixture.ts';
import { TornRecords } from './torn-records.fixture.ts';
import type { DamagedPage } from './types.ts';
import { wipeLedger } from './wipe.ts';

const chain = recordChain(24);
const { ledger } = chain;
const allKeys = keysWritten(chain);
const options = SNAPSHOT_OPTIONS;

const readAll = (store: LedgerStore) =>
  store.withState((view) => allKeys.map((key) => formatHex(view.get(key) ?? new Uint8Array())));

const expected = (height: number) => {
  const state = stateAfter(chain, height);
  return allKeys.map((key) => formatHex(state.get(key) ?? new Uint8Array()));
};

async function written(height: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const ledgerStore = await openLedgerStore({ store, ledger, options });
  for (const request of chain.blocks.slice(0, height)) await ledgerStore.commit(request);
  // The first may have been begun before the last block.
  for (let round = 0; round < 2; round++) await ledgerStore.checkpoint();
  await ledgerStore.close();
  return store.crash();
}

/** Keys of pages of the head, which are read when everything is. */
async function pagesRead(store: MemoryStore): Promise<Uint8Array[]> {
  const read: Uint8Array[] = [];
  const copy = store.copy();
  const { getMany } = copy;
  copy.getMany = (space, keys) => {
    if (space === 'pages') read.push(...keys.filter((key) => key[8] !== 255));
    return getMany.call(copy, space, keys);
  };
  await readAll(await openLedgerStore({ store: copy, ledger, options }));
  return read;
}

describe('a damaged page', () => {
  test.each(['lost', 'changed', 'cut'] as const)(
    'that is %s is named, and put back by whoever has it',
    async (damage) => {
      const whole = await written(20);
      const keys = await pagesRead(whole);
      expect(keys.length).toBeGreaterThan(3);
      const other = await openLedgerStore({ store: whole.copy(), ledger, options });
      let harmless = 0;
      for (const key of keys) {
        const store = whole.copy();
        const value = defined(await store.get('pages', key), 'read a moment ago');
        const spoilt = value.map((byte, at) => (at === value.length - 3 ? byte ^ 1 : byte));
        const put = damage === 'cut' ? value.slice(0, -1) : spoilt;
        const operation =
          damage === 'lost'
            ? ({ kind: 'delete', space: 'pages', key } as const)
            : ({ kind: 'put', space: 'pages', key, value: put } as const);
        await store.write([operation], 'strict');
        if (damage === 'changed') {
          // A leaf may be spoilt of which a later record has what it became.
          const read = await readAll(
            await openLedgerStore({ store: store.copy(), ledger, options }),
          ).catch(() => undefined);
          if (read !== undefined) {
            expect(read).toEqual(expected(20));
            harmless += 1;
            continue;
          }
        }
        let reached: string[] = [];
        const onCrashPoint = (name: string) => {
          reached.push(name);
        };
        /** What others say, one after the other. */
        let told: (Bytes | undefined)[] = [undefined, spoilt];
        const asked: DamagedPage[] = [];
        const mend = async (page: DamagedPage) => {
          asked.push(page);
          return told.shift();
        };
        const dependencies = { store, ledger, options, onCrashPoint, mend };
        const broken = await openLedgerStore(dependencies);
        reached = [];
        for (let answers = told.length; answers > 0; answers--) {
          await expect(readAll(broken)).rejects.toMatchObject({
            code: 'page-corrupt',
            facts: { isLost: damage === 'lost' },
          });
        }
        expect(reached).toEqual([]);
        // Whoever reads meanwhile waits for the same answer.
        told = [await other.subtree(defined(asked[0], 'asked for'))];
        const read = await Promise.all([readAll(broken), readAll(broken)]);
        expect(read).toEqual([expected(20), expected(20)]);
        expect(reached).toEqual(['page-repair-begun', 'page-repair-done']);
        const [page, ...others] = new Set(asked.map(({ prefix }) => prefix.join()));
        expect([page, others, asked.length]).toEqual([expect.any(String), [], 3]);
        await broken.close();
        const again = await openLedgerStore({ store: store.crash(), ledger, options });
        expect(await readAll(again)).toEqual(expected(20));
      }
      expect(harmless).toBeLessThan(keys.length / 2);
    },
  );

  test('is given by another store, whatever that was asked before and however it is paged', async () => {
    const asked: DamagedPage[] = [];
    const whole = await written(20);
    // One that went on, one that takes its pages apart otherwise.
    const others = await Promise.all([
      openLedgerStore({ store: await written(24), ledger, options }),
      openLedgerStore({
        store: whole.copy(),
        ledger,
        options: { ...options, pageBytesMax: 65_536 },
      }),
    ]);
    const given = others.map(() => 0);
    for (const key of await pagesRead(whole)) {
      const store = whole.copy();
      await store.write([{ kind: 'delete', space: 'pages', key }], 'strict');
      const mend = async (page: DamagedPage) => {
        asked.push(page);
        for (const [at, other] of others.entries()) {
          const bytes = await other.subtree(page);
          if (bytes !== undefined) given[at] = (given[at] ?? 0) + 1;
          if (bytes !== undefined) return bytes;
        }
        return undefined;
      };
      const broken = await openLedgerStore({ store, ledger, options, mend });
      expect(await readAll(broken)).toEqual(expected(20));
      await broken.close();
    }
    expect(asked.length).toBeGreaterThan(3);
    // The first has the subtrees that no later block changed.
    for (const count of given) expect(count).toBeGreaterThan(0);
  });

  test('that peers gave harms no kept snapshot that stands on the same record', async () => {
    const whole = await written(20);
    const other = await openLedgerStore({ store: whole.copy(), ledger, options });
    const mend = (page: DamagedPage) => other.subtree(page);
    let mended = 0;
    for (const key of await pagesRead(whole)) {
      const store = whole.copy();
      const traces: string[] = [];
      const tracer = { trace: (_: string, name: string) => void traces.push(name) };
      const broken = await openLedgerStore({ store, ledger, options, mend, tracer });
      const chunksOf = async () => {
        const chunks: (Bytes | undefined)[] = [];
        for (const { stateRoot } of broken.snapshots()) {
          const encoded = defined(await broken.snapshotManifest(stateRoot), 'kept');
          const manifest = decode(manifestCodec, encoded);
          assert(manifest.ok, 'its own manifest');
          const plans = readManifest(ledger.suite, stateRoot, manifest.value);
          assert(plans.ok, 'of its own state');
          for (const { prefix } of plans.value) {
            chunks.push(await broken.snapshotChunk(stateRoot, prefix));
          }
        }
        return chunks;
      };
      // From now on they count as looked at.
      const before = await chunksOf();
      expect(before.every((chunk) => chunk !== undefined)).toBe(true);
      await store.write([{ kind: 'delete', space: 'pages', key }], 'strict');
      expect(await readAll(broken)).toEqual(expected(20));
      if (traces.includes('page-mended')) mended += 1;
      const after = await chunksOf();
      for (const [at, chunk] of after.entries()) {
        if (chunk !== undefined) expect(chunk).toEqual(before[at]);
      }
      // What changes from here on is written beside nothing that may be spoilt.
      for (const request of chain.blocks.slice(20)) await broken.commit(request);
      for (let round = 0; round < 2; round++) await broken.checkpoint();
      await broken.close();
      const again = await openLedgerStore({ store: store.crash(), ledger, options });
      expect(await readAll(again)).toEqual(expected(24));
    }
    expect(mended).toBeGreaterThan(3);
  });

  test('that opening needs is asked for before the store is open', async () => {
    const store = new MemoryStore();
    const ledgerStore = await openLedgerStore({ store, ledger, options });
    for (const request of chain.blocks.slice(0, 16)) await ledgerStore.commit(request);
    for (let round = 0; round < 2; round++) await ledgerStore.checkpoint();
    const { checkpointHeight } = ledgerStore.status();
    const before = store.copy();
    for (const request of chain.blocks.slice(16, 19)) await ledgerStore.commit(request);
    await ledgerStore.close();
    expect(ledgerStore.status().checkpointHeight).toBe(checkpointHeight);
    const keys = (await before.list('pages', { limit: 1_000 })).flatMap(({ key }) =>
      key[8] === 255 ? [] : [key],
    );
    const crashed = store.copy();
    for (const key of keys)
      await crashed.write([{ kind: 'delete', space: 'pages', key }], 'strict');
    const opening = openLedgerStore({ store: crashed.copy(), ledger, options });
    await expect(opening).rejects.toMatchObject({ code: 'page-corrupt' });
    // Another one that is at the same block, and remembers the states before.
    const mend = (page: DamagedPage) => ledgerStore.subtree(page);
    const mended = await openLedgerStore({ store: crashed, ledger, options, mend });
    expect(await readAll(mended)).toEqual(expected(19));
  });

  test('that a checkpoint replaces before anybody gave it leaves no record behind', async () => {
    const other = await openLedgerStore({ store: new MemoryStore(), ledger, options });
    for (const request of chain.blocks.slice(0, 18)) await other.commit(request);
    const store = new MemoryStore();
    const recordKeys = async () => {
      const records = await store.list('pages', { limit: 1_000 });
      return records.flatMap(({ key }) => (key[8] === 255 ? [] : [key]));
    };
    const mend = async (page: DamagedPage) => {
      const answer = await other.subtree(page);
      await broken.checkpoint();
      return answer;
    };
    // All keys in one page, of which only what blocks change is in memory.
    const onePage = { ...options, pageBytesMax: 65_536, snapshotsKept: 0 };
    const broken = await openLedgerStore({ store, ledger, options: onePage, mend });
    for (const [at, request] of chain.blocks.slice(0, 18).entries()) {
      if (at === 16) for (let round = 0; round < 2; round++) await broken.checkpoint();
      await broken.commit(request);
    }
    const before = await recordKeys();
    expect(before).toHaveLength(2); // Its leaves, and what changed since.
    for (const key of before)
      await store.write([{ kind: 'delete', space: 'pages', key }], 'strict');
    expect(await readAll(broken)).toEqual(expected(18));
    expect(broken.status().checkpointHeight).toBe(18);
    // Peers gave what is there now; of the record that was asked for first nothing is.
    expect(await recordKeys()).toHaveLength(1);
    await broken.close();
  });

  test('is no hindrance to taking over a snapshot, which replaces it', async () => {
    const from = await openLedgerStore({ store: await written(24), ledger, options });
    const store = await written(9);
    for (const key of await pagesRead(store)) {
      await store.write([{ kind: 'delete', space: 'pages', key }], 'strict');
    }
    const broken = await openLedgerStore({ store, ledger, options });
    await expect(readAll(broken)).rejects.toMatchObject({ code: 'page-corrupt' });
    await takeOver(chain, broken, from, 24);
    expect(await readAll(broken)).toEqual(expected(24));
  });
});

describe('a store of which a part is gone', () => {
  async function emptied(store: MemoryStore, ...spaces: Space[]): Promise<MemoryStore> {
    const from = Uint8Array.of(0);
    const to = new Uint8Array(64).fill(255);
    for (const space of spaces) {
      await store.write([{ kind: 'delete-range', space, from, to }], 'strict');
    }
    return store;
  }

  test.each<{ gone: Space[]; space: Space }>([
    { gone: ['meta'], space: 'meta' },
    { gone: ['meta', 'journal'], space: 'meta' },
    { gone: ['pages'], space: 'pages' },
    { gone: ['pages', 'journal'], space: 'pages' },
    { gone: ['blocks', 'journal'], space: 'blocks' },
  ])('is recognised: $gone', async ({ gone, space }) => {
    const store = await emptied(await written(18), ...gone);
    await expect(openLedgerStore({ store, ledger, options })).rejects.toMatchObject({
      code: 'store-vanished',
      facts: { space },
    });
    // Cleared, it begins again, and takes the chain over from its peers.
    await wipeLedger(store);
    const again = await openLedgerStore({ store, ledger, options });
    expect(again.head().header.height).toBe(0);
    const from = await openLedgerStore({ store: await written(24), ledger, options });
    await takeOver(chain, again, from, 24);
    expect(await readAll(again)).toEqual(expected(24));
  });

  test('keeps votes, marks, evidence, identity and peers when the ledger is wiped', async () => {
    const store = await written(18);
    const own = [
      ['wal', 'a vote'],
      ['meta', 'validator-signed'],
      ['meta', 'evidence/1'],
      ['meta', 'peer-key'],
      ['peers', 'somebody'],
    ] as const;
    const key = (text: string) => new TextEncoder().encode(text);
    for (const [space, text] of own) {
      await store.write([{ kind: 'put', space, key: key(text), value: key(text) }], 'strict');
    }
    await wipeLedger(store);
    for (const [space, text] of own) expect(await store.get(space, key(text))).toEqual(key(text));
    const usage = await store.usage();
    const left = usage.filter(({ count }) => count > 0).map(({ space, count }) => [space, count]);
    expect(left).toEqual([
      ['meta', 3],
      ['wal', 1],
      ['peers', 1],
    ]);
  });

  test('a wipe that was broken off is found as one, and can be ended', async () => {
    for (let writes = 1; ; writes++) {
      const store = await written(18);
      const { write } = store;
      let left = writes;
      store.write = (operations, durability) => {
        if (left-- === 0) return Promise.reject(new TabellionError('store-closed'));
        return write.call(store, operations, durability);
      };
      const isDone = await wipeLedger(store).then(
        () => true,
        () => false,
      );
      const survivor = store.copy();
      const opening = openLedgerStore({ store: survivor, ledger, options });
      if (isDone) {
        expect((await opening).head().header.height).toBe(0);
        expect(writes).toBeGreaterThan(4);
        return;
      }
      // Everything may be gone but for the last, empty look.
      const code = await opening.then(
        () => 'fresh',
        (error: TabellionError) => error.code,
      );
      expect(['store-vanished', 'fresh']).toContain(code);
      await wipeLedger(survivor);
      const again = await openLedgerStore({ store: survivor.copy(), ledger, options });
      expect(again.head().header.height as Height).toBe(0);
    }
  });
});

describe('a record of a store with snapshots, cut or changed', () => {
  test('is recovered from or refused by name', async () => {
    const torn = await TornRecords.record();
    const seen = new Set<string>();
    const kinds = new Set<string>();
    for (const record of torn.records) {
      kinds.add(record.space);
      const { value } = record;
      for (const byte of [value.length >> 1, value.length - 1]) {
        const flipped = value.map((each, at) => (at === byte ? each ^ 4 : each));
        seen.add(await torn.judge(record, flipped));
        seen.add(await torn.judge(record, value.slice(0, byte)));
      }
    }
    expect([...kinds].sort()).toEqual(['blocks', 'index', 'journal', 'meta', 'pages']);
    expect(seen).toContain('recovered');
    expect(seen).toContain('page-corrupt');
    expect(seen).toContain('store-corrupt');
  }, 60_000);
});
