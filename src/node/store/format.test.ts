import { expect, test } from 'vitest';
import { defined } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { keysWritten, recordChain, stateAfter } from './chain.fixture.ts';
import { openLedgerStore } from './ledger-store.ts';
import { STORE_FORMAT } from './limits.ts';
import { FORMAT_KEY, formatRecordCodec, seal, unseal } from './records.ts';

const chain = recordChain(12);
const { ledger } = chain;

async function versionOf(store: MemoryStore): Promise<number | undefined> {
  const sealed = defined(await store.get('meta', FORMAT_KEY), 'every store has one');
  const record = decode(formatRecordCodec, unseal(ledger.suite, sealed) ?? new Uint8Array());
  return record.ok ? record.value.version : undefined;
}

async function name(store: MemoryStore, version: number): Promise<void> {
  const record = encode(formatRecordCodec, { version, chainId: ledger.chainId });
  const value = seal(ledger.suite, record);
  await store.write([{ kind: 'put', space: 'meta', key: FORMAT_KEY, value }], 'strict');
}

test('a store of the first format opens, and its next checkpoint makes it one of this', async () => {
  const store = new MemoryStore();
  const first = await openLedgerStore({ store, ledger });
  for (const request of chain.blocks.slice(0, 6)) await first.commit(request);
  await first.checkpoint();
  await first.close();
  expect(await versionOf(store)).toBe(STORE_FORMAT);
  // Its pages are all whole, as they were then.
  await name(store, 1);
  const second = await openLedgerStore({ store: store.crash(), ledger });
  expect(second.head().header.height).toBe(6);
  await second.close();
  const reopened = store.copy();
  const third = await openLedgerStore({ store: reopened, ledger });
  expect(await versionOf(reopened)).toBe(1);
  for (const request of chain.blocks.slice(6)) await third.commit(request);
  await third.checkpoint();
  await third.close();
  expect(await versionOf(reopened)).toBe(STORE_FORMAT);
  const fourth = await openLedgerStore({ store: reopened.crash(), ledger });
  expect(fourth.head().header.height).toBe(12);
  const newer = reopened.copy();
  await name(newer, STORE_FORMAT + 1);
  const later = openLedgerStore({ store: newer, ledger });
  await expect(later).rejects.toMatchObject({ code: 'store-too-new' });
});

/** Of the pages of a store: those with their hashes, and changes beside some. */
async function recordsOf(store: MemoryStore): Promise<{ images: number; changes: number }> {
  let [images, changes] = [0, 0];
  for (const { key, value } of await store.list('pages', { limit: 1_000 })) {
    if (key[8] === 255) continue; // A layout.
    // Leaves begin with their count; what changed with its tag, then a number that is not the form.
    if (value[0] === 0 && value[1] === 1 && value[3] === 0) images += 1;
    else if (value[0] === 0) changes += 1;
  }
  return { images, changes };
}

test.each([1, 2])(
  'pages of format %i, leaves alone, are read beside those with hashes',
  async (version) => {
    const store = new MemoryStore();
    const leaves = { pageBytesMax: 600, pageRecords: 'leaves', snapshotsKept: 0 } as const;
    const first = await openLedgerStore({ store, ledger, options: leaves });
    for (const request of chain.blocks.slice(0, 3)) await first.commit(request);
    await first.checkpoint();
    for (const request of chain.blocks.slice(3, 6)) {
      if (version > 1) await first.commit(request);
    }
    await first.checkpoint();
    await first.close();
    await name(store, version);
    const before = await recordsOf(store);
    expect(before.images).toBe(0);
    expect(before.changes > 0).toBe(version > 1);
    const images = { ...leaves, pageRecords: 'image' } as const;
    const continued = store.crash();
    const second = await openLedgerStore({ store: continued, ledger, options: images });
    for (const request of chain.blocks.slice(second.head().header.height)) {
      await second.commit(request);
      await second.checkpoint();
    }
    await second.close();
    expect(await versionOf(continued)).toBe(STORE_FORMAT);
    expect((await recordsOf(continued)).images).toBeGreaterThan(0);
    for (const options of [images, leaves]) {
      const third = await openLedgerStore({ store: continued.crash(), ledger, options });
      const { height, stateRoot } = third.head().header;
      expect(height).toBe(chain.blocks.length);
      expect(third.stateRootAt(height)).toEqual(stateRoot);
      const state = stateAfter(chain, height);
      for (const key of keysWritten(chain)) {
        expect(await third.withState((view) => view.get(key))).toEqual(state.get(key));
      }
      await third.close();
    }
  },
);
