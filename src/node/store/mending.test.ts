import { describe, expect, test } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import { defined, formatHex } from '../../base/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import type { LedgerCrashPoint } from './crash-points.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';
import { SNAPSHOT_OPTIONS, takeOver } from './snapshots.fixture.ts';
import type { DamagedPage } from './types.ts';

const chain = recordChain(24);
const { ledger } = chain;
const allKeys = keysWritten(chain);

/** Somebody waits here until the gate is opened. */
function gate() {
  let open: () => void = () => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

const readAll = (store: LedgerStore) =>
  store.withState((view) => allKeys.map((key) => formatHex(view.get(key) ?? new Uint8Array())));

const expected = (height: number) => {
  const state = stateAfter(chain, height);
  return allKeys.map((key) => formatHex(state.get(key) ?? new Uint8Array()));
};

/** Keys of all pages that lie on a disk. */
async function pageKeys(store: MemoryStore): Promise<Bytes[]> {
  const records = await store.list('pages', { limit: 1_000 });
  return records.flatMap(({ key }) => (key[8] === 255 ? [] : [key]));
}

/** A store at a height whose state lies on the disk, all of it. */
async function written(height: number): Promise<MemoryStore> {
  const store = new MemoryStore();
  const ledgerStore = await openLedgerStore({ store, ledger, options: SNAPSHOT_OPTIONS });
  for (const request of chain.blocks.slice(0, height)) await ledgerStore.commit(request);
  for (let round = 0; round < 2; round++) await ledgerStore.checkpoint();
  await ledgerStore.close();
  return store.crash();
}

async function lose(store: MemoryStore): Promise<void> {
  const keys = await pageKeys(store);
  const gone = keys.map((key) => ({ kind: 'delete', space: 'pages', key }) as const);
  await store.write(gone, 'strict');
}

/** Records of pages that are no chunk of the state that was taken over, once all is swept away. */
async function strangers(
  store: MemoryStore,
  ledgerStore: LedgerStore,
  generation: number,
): Promise<string[]> {
  await ledgerStore.close();
  const high = BigInt(generation);
  const keys = await pageKeys(store);
  return keys
    .filter((key) => new DataView(key.buffer, key.byteOffset).getBigUint64(0) !== high)
    .map(formatHex);
}

describe('a page of a state that gives way to a snapshot', () => {
  /** Takes over the snapshot of 24 in a store at 9. */
  async function switchOver(ledgerStore: LedgerStore): Promise<number> {
    const from = await openLedgerStore({
      store: await written(24),
      ledger,
      options: SNAPSHOT_OPTIONS,
    });
    let generation = 0;
    const { adoptSnapshot } = ledgerStore;
    ledgerStore.adoptSnapshot = (writer) => {
      generation = writer.generation;
      return adoptSnapshot.call(ledgerStore, writer);
    };
    await takeOver(chain, ledgerStore, from, 24);
    return generation;
  }

  test('is waited for no longer, and what comes then is not written', async () => {
    const twin = await openLedgerStore({
      store: await written(9),
      ledger,
      options: SNAPSHOT_OPTIONS,
    });
    const answering = gate();
    const answered: (Bytes | undefined)[] = [];
    const mend = async (page: DamagedPage) => {
      await answering.opened;
      answered.push(await twin.subtree(page));
      return answered.at(-1);
    };
    const store = await written(9);
    await lose(store);
    const broken = await openLedgerStore({ store, ledger, options: SNAPSHOT_OPTIONS, mend });
    const reading = readAll(broken);
    const generation = await switchOver(broken);
    expect(await reading).toEqual(expected(24));
    expect(answered).toEqual([]);
    answering.open();
    // Who asked for it waits for nothing any more: some turns, until the answer is there.
    while (answered.length === 0) await Promise.resolve();
    expect(answered[0]).toBeDefined();
    expect(await strangers(store, broken, generation)).toEqual([]);
  });

  test('is not taken for damaged when it was swept away', async () => {
    const store = await written(9);
    const asked: DamagedPage[] = [];
    const mend = async (page: DamagedPage) => {
      asked.push(page);
      return undefined;
    };
    const sound = await openLedgerStore({ store, ledger, options: SNAPSHOT_OPTIONS, mend });
    const reading = gate();
    const { getMany } = store;
    store.getMany = async (space, keys) => {
      store.getMany = getMany;
      await reading.opened;
      return getMany.call(store, space, keys);
    };
    const values = readAll(sound);
    await switchOver(sound);
    await sound.discardSnapshot(); // Its turn comes after the sweep.
    reading.open();
    expect(await values).toEqual(expected(24));
    expect(asked).toEqual([]);
  });

  test('leaves no record where it was being written', async () => {
    const twin = await openLedgerStore({
      store: await written(9),
      ledger,
      options: SNAPSHOT_OPTIONS,
    });
    const begun = gate();
    const writing = gate();
    const onCrashPoint = async (name: LedgerCrashPoint) => {
      if (name !== 'page-repair-begun') return;
      begun.open();
      await writing.opened;
    };
    const store = await written(9);
    await lose(store);
    const broken = await openLedgerStore({
      store,
      ledger,
      options: SNAPSHOT_OPTIONS,
      mend: (page) => twin.subtree(page),
      onCrashPoint,
    });
    const reading = readAll(broken);
    await begun.opened;
    const generation = await switchOver(broken);
    // As long as the sweep may take that waits for nobody.
    for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
    writing.open();
    expect(await reading).toEqual(expected(24));
    expect(await strangers(store, broken, generation)).toEqual([]);
  });
});

test('a page that a checkpoint replaces while it is put back leaves no record', async () => {
  const options = { ...SNAPSHOT_OPTIONS, pageBytesMax: 65_536, snapshotsKept: 0 };
  const other = await openLedgerStore({ store: new MemoryStore(), ledger, options });
  for (const request of chain.blocks.slice(0, 18)) await other.commit(request);
  const begun = gate();
  const writing = gate();
  const onCrashPoint = async (name: LedgerCrashPoint) => {
    if (name !== 'page-repair-begun') return;
    begun.open();
    await writing.opened;
  };
  const store = new MemoryStore();
  const mend = (page: DamagedPage) => other.subtree(page);
  const broken = await openLedgerStore({ store, ledger, options, mend, onCrashPoint });
  for (const [at, request] of chain.blocks.slice(0, 18).entries()) {
    if (at === 16) for (let round = 0; round < 2; round++) await broken.checkpoint();
    await broken.commit(request);
  }
  await lose(store);
  const reading = readAll(broken);
  await begun.opened;
  const checkpoint = broken.checkpoint();
  for (let turn = 0; turn < 1_000; turn++) await Promise.resolve();
  writing.open();
  expect(await reading).toEqual(expected(18));
  await checkpoint;
  expect(broken.status().checkpointHeight).toBe(18);
  const [head, ...others] = await pageKeys(store);
  expect(others).toEqual([]);
  await broken.close();
  expect(defined(head, 'the page of the checkpoint')).toBeDefined();
});

describe('a page that is put back while a checkpoint writes what changed in it', () => {
  /**
   * A store at 18 of which a checkpoint waits before it writes what changed since 16, with nothing
   * of that in memory any more, and all that it stands on spoilt.
   */
  async function pausedInCheckpoint(onWriting: () => void) {
    const twin = await openLedgerStore({ store: new MemoryStore(), ledger });
    for (const request of chain.blocks.slice(0, 18)) await twin.commit(request);
    const options = { ...SNAPSHOT_OPTIONS, checkpointEveryBlocks: 100, snapshotsKept: 0 };
    const begun = gate();
    const writing = gate();
    let isPaused = false;
    const onCrashPoint = async (name: LedgerCrashPoint) => {
      if (!isPaused || name !== 'checkpoint-pages-begun') return;
      isPaused = false;
      begun.open();
      await writing.opened;
      onWriting();
    };
    const store = new MemoryStore();
    const asked: DamagedPage[] = [];
    const mend = (page: DamagedPage) => {
      asked.push(page);
      return twin.subtree(page);
    };
    const broken = await openLedgerStore({ store, ledger, options, mend, onCrashPoint });
    for (const request of chain.blocks.slice(0, 16)) await broken.commit(request);
    await broken.checkpoint();
    for (const request of chain.blocks.slice(16, 18)) await broken.commit(request);
    isPaused = true;
    const checkpoint = broken.checkpoint();
    await begun.opened;
    broken.setCacheBytesMax(0);
    const bases = await pageKeys(store);
    const records = await store.getMany('pages', bases);
    const spoilt = bases.map((key, at) => {
      const value = defined(records[at], 'just listed').slice();
      value[40] = (value[40] ?? 0) ^ 1;
      return { kind: 'put', space: 'pages', key, value } as const;
    });
    await store.write(spoilt, 'strict');
    const reopen = () => openLedgerStore({ store, ledger, options });
    return { broken, asked, checkpoint, writing, reopen };
  }

  /** As long as an answer and a write may take that wait for nobody. */
  async function manyTurns(): Promise<void> {
    for (let turn = 0; turn < 10_000; turn++) await Promise.resolve();
  }

  test('is not overwritten with that', async () => {
    const paused = await pausedInCheckpoint(() => undefined);
    const reading = readAll(paused.broken);
    await manyTurns();
    paused.writing.open();
    expect(await reading).toEqual(expected(18));
    await paused.checkpoint;
    expect(paused.asked.length).toBeGreaterThan(1);
    await paused.broken.close();
    // Nobody gives anything again: all of it lies on the disk.
    const after = await paused.reopen();
    expect(after.status().checkpointHeight).toBe(18);
    expect(await readAll(after)).toEqual(expected(18));
  });

  test('is put back though that checkpoint fails, and written by the next', async () => {
    const paused = await pausedInCheckpoint(() => {
      throw new Error('no room');
    });
    const failed = expect(paused.checkpoint).rejects.toThrow('no room');
    const reading = readAll(paused.broken);
    await manyTurns();
    paused.writing.open();
    expect(await reading).toEqual(expected(18));
    await failed;
    await paused.broken.checkpoint();
    await paused.broken.close();
    const after = await paused.reopen();
    expect(after.status().checkpointHeight).toBe(18);
    expect(await readAll(after)).toEqual(expected(18));
  });
});

test('pages are read where the engine cannot hand over buffers', async () => {
  const store = await written(9);
  const { transfer } = ArrayBuffer.prototype;
  Reflect.deleteProperty(ArrayBuffer.prototype, 'transfer');
  try {
    const old = await openLedgerStore({ store, ledger, options: SNAPSHOT_OPTIONS });
    expect(await readAll(old)).toEqual(expected(9));
  } finally {
    Object.defineProperty(ArrayBuffer.prototype, 'transfer', {
      value: transfer,
      writable: true,
      configurable: true,
    });
  }
});
