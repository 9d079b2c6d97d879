import { expect, test } from 'vitest';
import { formatHex } from '../../base/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import { openLedgerStore } from './ledger-store.ts';

const chain = recordChain(12);
const { ledger } = chain;
const allKeys = keysWritten(chain);
const state = stateAfter(chain, chain.blocks.length);

/** A store that was just opened, with none of its pages in memory, and how often it reads them. */
async function opened() {
  const store = new MemoryStore();
  // Pages of a few leaves each.
  const options = { cacheBytesMax: 1_000_000, pageBytesMax: 512 };
  const before = await openLedgerStore({ store, ledger, options });
  for (const block of chain.blocks) await before.commit(block);
  await before.checkpoint();
  await before.close();
  const reads = { count: 0, pages: 0 };
  const after = store.crash();
  const getMany = after.getMany.bind(after);
  after.getMany = (space, keys) => {
    if (space === 'pages') {
      reads.count += 1;
      reads.pages += keys.length;
    }
    return getMany(space, keys);
  };
  const reopened = await openLedgerStore({ store: after, ledger, options });
  reads.count = 0; // Opening reads layouts.
  return { store: reopened, reads };
}

test('what is expected is loaded before it is read, and all at once', async () => {
  const { store, reads } = await opened();
  const [first] = allKeys;
  if (first === undefined) throw new Error('the chain has keys');
  await store.withState((view) => view.get(first)); // Now it is known that memory is short.
  reads.count = 0;
  await store.expect(() => allKeys);
  expect(reads.count).toBe(1);
  const values = await store.withState((view) => allKeys.map((key) => view.get(key)));
  expect(reads.count).toBe(1);
  for (const [at, key] of allKeys.entries()) {
    const [found, wanted] = [values[at], state.get(key)].map((value) => value && formatHex(value));
    expect(found).toBe(wanted);
  }
  // All of it is there: nothing is read again.
  await store.expect(() => allKeys);
  expect(reads.count).toBe(1);
  await store.close();
});

test('however much is expected, no more is loaded than there is room for, and not all at once', async () => {
  const { store, reads } = await opened();
  const [first] = allKeys;
  if (first === undefined) throw new Error('the chain has keys');
  const load = async (cacheBytesMax: number) => {
    store.setCacheBytesMax(0);
    store.setCacheBytesMax(cacheBytesMax);
    await store.withState((view) => view.get(first));
    Object.assign(reads, { count: 0, pages: 0 });
    await store.expect(() => allKeys);
    return { ...reads, bytes: store.status().cacheBytes };
  };
  const all = await load(1_000_000);
  expect(all.pages).toBeGreaterThan(10);
  const some = await load(Math.floor(all.bytes * 0.7));
  expect(some.pages).toBeGreaterThan(all.pages / 5);
  expect(some.pages).toBeLessThan(all.pages * 0.8);
  expect(some.count).toBeGreaterThan(1);
  await store.close();
});

test('nobody is asked for keys as long as readings miss nothing', async () => {
  const { store, reads } = await opened();
  let asked = 0;
  const keysOf = () => {
    asked += 1;
    return allKeys;
  };
  await store.expect(keysOf);
  expect([asked, reads.count]).toEqual([0, 0]);
  await store.withState((view) => allKeys.map((key) => view.get(key)));
  await store.expect(keysOf);
  expect(asked).toBe(1);
  await store.close();
});
