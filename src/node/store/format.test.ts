import { expect, test } from 'vitest';
import { defined } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { recordChain } from './chain.fixture.ts';
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
