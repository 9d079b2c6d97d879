import { expect, test } from 'vitest';
import { assert, defined, formatHex, timestampMs } from '../../base/index.ts';
import { loadFastHashing } from '../../crypto/index.ts';
import type { CommitCertificate, Height, Round } from '../../ledger/index.ts';
import { createTestLedger } from '../../ledger/testing/world.ts';
import { MemoryStore } from '../../storage/index.ts';
import type { LedgerStore } from './ledger-store.ts';
import { openLedgerStore } from './ledger-store.ts';

// Headers that bind the state before their block: so blocks need no state root worked out here.
const ledger = createTestLedger({ execution: 'event' });
const CACHE_BYTES = 1_000_000;
const VALUE_BYTES = 900;
const KEYS = 50_000;
const KEYS_PER_FILLING = 10_000;
const KEYS_PER_BLOCK = 20;

const keyOf = (number: number) =>
  Uint8Array.of(201, number >> 16, (number >> 8) & 255, number & 255);

function valueFor(number: number, height: number): Uint8Array<ArrayBuffer> {
  const value = new Uint8Array(VALUE_BYTES).fill(number & 255);
  new DataView(value.buffer).setUint32(0, number);
  new DataView(value.buffer).setUint32(4, height);
  return value;
}

/** A block without transactions that changes some keys. */
async function change(store: LedgerStore, numbers: readonly number[]): Promise<void> {
  const { header: parent, hash } = store.head();
  const height = (parent.height + 1) as Height; // One above a height.
  const header = {
    ...parent,
    height,
    parentHash: hash,
    timestampMs: timestampMs(parent.timestampMs + 1),
  };
  const block = ledger.assembleBlock(header, []);
  const certificate: CommitCertificate = {
    height,
    round: 0 as Round, // The first.
    blockHash: block.hash,
    signatures: [],
  };
  await store.commit({
    block,
    blockBytes: ledger.encodeBlock(block),
    certificate,
    receipts: [],
    changes: numbers.map((number) => ({ key: keyOf(number), value: valueFor(number, height) })),
    nextMembership: store.membership(),
  });
}

test('a state fifty times the cache: random keys are read and changed, memory stays bounded', async () => {
  await loadFastHashing();
  const store = new MemoryStore();
  const options = { cacheBytesMax: CACHE_BYTES, checkpointEveryBlocks: 64 };
  let ledgerStore = await openLedgerStore({ store, ledger, options });
  const changedAt = new Map<number, number>();
  const write = async (numbers: readonly number[]) => {
    await change(ledgerStore, numbers);
    for (const number of numbers) changedAt.set(number, ledgerStore.head().header.height);
  };
  for (let from = 0; from < KEYS; from += KEYS_PER_FILLING) {
    await write(Array.from({ length: KEYS_PER_FILLING }, (_, at) => from + at));
    // Filling at once is more than the cache: what waits for the disk cannot be let go of.
    await ledgerStore.checkpoint();
  }
  const usage = await store.usage();
  const pages = defined(
    usage.find(({ space }) => space === 'pages'),
    'every space is listed',
  );
  expect(pages.bytes).toBeGreaterThan(45 * CACHE_BYTES);
  let seed = 7;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * KEYS);
  };
  let highest = 0;
  for (let block = 0; block < 24; block++) {
    const numbers = [...new Set(Array.from({ length: KEYS_PER_BLOCK }, random))];
    const keys = numbers.map(keyOf);
    const values = await ledgerStore.withState((view) => keys.map((key) => view.get(key)), keys);
    for (const [at, number] of numbers.entries()) {
      const value = values[at];
      assert(value !== undefined, 'written before');
      const expected = valueFor(number, defined(changedAt.get(number), 'written before'));
      expect(formatHex(value)).toBe(formatHex(expected));
    }
    await write(numbers);
    const { cacheBytes, dirtyBytes } = ledgerStore.status();
    // What waits for a checkpoint is bounded by when one is due, the rest by the cache; beside it
    // is what a checkpoint made since the last block.
    expect(cacheBytes).toBeLessThanOrEqual(1.1 * Math.max(CACHE_BYTES, dirtyBytes));
    highest = Math.max(highest, cacheBytes);
    if (block % 8 === 7) await ledgerStore.checkpoint();
    if (block % 8 === 7) expect(ledgerStore.status().cacheBytes).toBeLessThanOrEqual(CACHE_BYTES);
  }
  // Eight blocks of 20 pages of 64 KB, and not the 50 MB of the state.
  expect(highest).toBeLessThan(20 * CACHE_BYTES);
  await ledgerStore.close();
  ledgerStore = await openLedgerStore({ store: store.crash(), ledger, options });
  // Nor between commits: peers choose what is proved to them, and no block may come for long.
  await ledgerStore.checkpoint();
  for (let question = 0; question < 12; question++) {
    const keys = new Map(Array.from({ length: 32 }, random).map((key) => [key, keyOf(key)]));
    await ledgerStore.prove(ledgerStore.head().header.height, [...keys.values()]);
    const { cacheBytes, dirtyBytes } = ledgerStore.status();
    expect(dirtyBytes).toBe(0);
    expect(cacheBytes).toBeLessThanOrEqual(3 * CACHE_BYTES);
  }
  ledgerStore.setCacheBytesMax(0);
  expect(ledgerStore.status().cacheBytes).toBe(ledgerStore.status().dirtyBytes);
  const root = ledgerStore.stateRootAt(ledgerStore.head().header.height);
  expect(root).toBeDefined();
}, 60_000);
