import { expect, test } from 'vitest';
import { formatHex, TabellionError } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import { cutLedger } from './cut.ts';
import { openLedgerStore } from './ledger-store.ts';
import { wipeLedger } from './wipe.ts';

const chain = recordChain(20);
const { ledger } = chain;
const allKeys = keysWritten(chain);

/** A store of so many blocks, whose state was written back at a height. */
async function written(checkpointAt: number | undefined): Promise<MemoryStore> {
  const store = new MemoryStore();
  const ledgerStore = await openLedgerStore({ store, ledger });
  for (const [at, request] of chain.blocks.entries()) {
    await ledgerStore.commit(request);
    if (at + 1 === checkpointAt) await ledgerStore.checkpoint();
  }
  await ledgerStore.close();
  return store.crash();
}

async function everything(store: MemoryStore): Promise<string[]> {
  const all = [];
  for (const space of ['meta', 'journal', 'blocks', 'pages', 'index'] as const) {
    for (const { key, value } of await store.list(space, { limit: 10_000 })) {
      all.push(`${space} ${formatHex(key)} ${formatHex(value)}`);
    }
  }
  return all;
}

test.each([
  [undefined, 0],
  [undefined, 12],
  [8, 8],
  [8, 12],
  [8, 20],
] as const)('a store written back at %s is taken back to %s, and goes on', async (at, head) => {
  const store = await written(at);
  expect(await cutLedger(store, ledger, head as Height)).toBe(true);
  const found = await openLedgerStore({ store, ledger });
  expect(found.head().header.height).toBe(head);
  const state = stateAfter(chain, head);
  const read = await found.withState((view) => allKeys.map((key) => view.get(key)));
  expect(read).toEqual(allKeys.map((key) => state.get(key)));
  expect(await found.block((head + 1) as Height)).toBeUndefined();
  expect(await found.membershipAt((head + 2) as Height)).toBeUndefined();
  for (const request of chain.blocks.slice(head)) await found.commit(request);
  await found.checkpoint();
  await found.close();
  const again = await openLedgerStore({ store: store.crash(), ledger });
  expect(again.head().header.height).toBe(20);
  const last = stateAfter(chain, 20);
  const whole = await again.withState((view) => allKeys.map((key) => view.get(key)));
  expect(whole).toEqual(allKeys.map((key) => last.get(key)));
});

test.each([
  ['below the state that was written back', 16, 12],
  ['above the newest block', 8, 21],
] as const)('nothing is changed where the height is %s', async (_, at, head) => {
  const store = await written(at);
  const before = await everything(store);
  expect(await cutLedger(store, ledger, head as Height)).toBe(false);
  expect(await everything(store)).toEqual(before);
});

test('a wipe that was broken off is not taken for a store that was never written back', async () => {
  const store = await written(16);
  const { write } = store;
  let left = 1;
  store.write = (operations, durability) => {
    if (left-- === 0) return Promise.reject(new TabellionError('store-closed'));
    return write.call(store, operations, durability);
  };
  await expect(wipeLedger(store)).rejects.toMatchObject({ code: 'store-closed' });
  const survivor = store.crash();
  const before = await everything(survivor);
  expect(await cutLedger(survivor, ledger, 18 as Height)).toBe(false);
  expect(await everything(survivor)).toEqual(before);
});
