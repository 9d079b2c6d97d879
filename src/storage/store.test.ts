import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LevelDbStore } from './level-db-store.ts';
import { MemoryStore } from './memory-store.ts';
import { runStoreConformance } from './store.conformance.ts';
import type { KeyValueStore } from './types.ts';

let folder = '';
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-store-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const byte = (value: number) => Uint8Array.of(value);
const put = (value: number) =>
  ({ kind: 'put', space: 'meta', key: byte(value), value: byte(value) }) as const;

describe('every store obeys the same laws', () => {
  test('MemoryStore', async () => {
    const outcomes = await runStoreConformance({ create: async () => new MemoryStore() });
    expect(outcomes.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(outcomes.length).toBeGreaterThanOrEqual(12);
  });

  test('LevelDbStore', async () => {
    const locations = new Map<KeyValueStore, string>();
    const outcomes = await runStoreConformance({
      create: async () => {
        const location = join(folder, `store-${count++}`);
        const store = await LevelDbStore.open(location);
        locations.set(store, location);
        return store;
      },
      reopen: (closed) => LevelDbStore.open(locations.get(closed) ?? ''),
    });
    expect(outcomes.filter(({ failure }) => failure !== undefined)).toEqual([]);
  });
});

describe('LevelDbStore', () => {
  test('a second writer is refused with store-in-use', async () => {
    const location = join(folder, 'locked');
    const store = await LevelDbStore.open(location);
    await expect(LevelDbStore.open(location)).rejects.toMatchObject({ code: 'store-in-use' });
    await store.close();
    await (await LevelDbStore.open(location)).close();
  });

  test('a store of a later version is refused with store-too-new', async () => {
    const { ClassicLevel } = await import('classic-level');
    const location = join(folder, 'later');
    const database = new ClassicLevel<Uint8Array, Uint8Array>(location, {
      keyEncoding: 'view',
      valueEncoding: 'view',
    });
    await database.put(byte(0), byte(200));
    await database.close();
    await expect(LevelDbStore.open(location)).rejects.toMatchObject({ code: 'store-too-new' });
  });
});

describe('MemoryStore as a faulty disk', () => {
  test('a kill keeps relaxed writes; a loss of power keeps those before the last strict one', async () => {
    const store = new MemoryStore();
    await store.write([put(1)], 'relaxed');
    await store.write([put(2)], 'strict');
    await store.write([put(3)], 'relaxed');
    await store.write([put(4)], 'relaxed');
    expect(store.unsyncedCount).toBe(2);
    const lost = store.crash({ unsyncedKept: 1 });
    await expect(store.get('meta', byte(1))).rejects.toMatchObject({ code: 'store-closed' });
    expect((await lost.list('meta', { limit: 9 })).map(({ key }) => key[0])).toEqual([1, 2, 3]);
    await lost.write([put(5)], 'relaxed');
    const killed = lost.crash();
    expect((await killed.list('meta', { limit: 9 })).map(({ key }) => key[0])).toEqual([
      1, 2, 3, 5,
    ]);
    const nothing = killed.crash({ unsyncedKept: 0 });
    expect(await nothing.list('meta', { limit: 9 })).toHaveLength(4);
  });

  test('a full disk refuses the n-th write whole', async () => {
    const store = new MemoryStore({ fullAtWrite: 2 });
    await store.write([put(1)], 'strict');
    await expect(store.write([put(2), put(3)], 'strict')).rejects.toMatchObject({
      code: 'store-full',
    });
    expect(await store.list('meta', { limit: 9 })).toHaveLength(1);
  });

  test('a throw at a crash point stops the write before or after it happened', async () => {
    for (const name of ['store-write-begun', 'store-write-done'] as const) {
      const store = new MemoryStore({
        onCrashPoint: (reached) => {
          if (reached === name) throw new Error('killed');
        },
      });
      await expect(store.write([put(1)], 'strict')).rejects.toThrow('killed');
      const survivor = store.crash();
      expect(await survivor.list('meta', { limit: 9 })).toHaveLength(
        name === 'store-write-done' ? 1 : 0,
      );
    }
  });
});
