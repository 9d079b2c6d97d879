import { expect, test } from 'vitest';
import { compareBytes } from '../../base/index.ts';
import type { WriteOperation } from '../../storage/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import { recordChain } from './chain.fixture.ts';
import { openLedgerStore } from './ledger-store.ts';
import { parseOrderedKey } from './records.ts';

/** Depth in the key of a layout, which no page has. */
const LAYOUT_DEPTH = 255;

test('records are written in the order of their keys, those of changes beyond whole pages', async () => {
  const chain = recordChain(60);
  const store = new MemoryStore();
  let written: { readonly generation: number; readonly key: Uint8Array }[] = [];
  const write = store.write.bind(store);
  const note = (operation: WriteOperation): void => {
    if (operation.kind !== 'put' || operation.space !== 'pages') return;
    const { key } = operation;
    if (key[8] === LAYOUT_DEPTH) return;
    written.push({ generation: parseOrderedKey(key.subarray(0, 8)) ?? -1, key });
  };
  store.write = (operations, durability) => {
    operations.forEach(note);
    return write(operations, durability);
  };
  // Pages of a few leaves, of several depths.
  const options = { pageBytesMax: 512, checkpointEveryBlocks: 1_000_000 };
  const ledgerStore = await openLedgerStore({ store, ledger: chain.ledger, options });
  const found: { whole: number; changes: number }[] = [];
  let last = 0;
  for (const [at, block] of chain.blocks.entries()) {
    await ledgerStore.commit(block);
    if (at % 12 !== 11) continue;
    written = [];
    await ledgerStore.checkpoint();
    const keys = written.map(({ key }) => key);
    expect(keys).toEqual(keys.toSorted(compareBytes));
    const generations = [...new Set(written.map(({ generation }) => generation))];
    // Nothing is written where something may stand: neither whole pages nor changes.
    for (const generation of generations) expect(generation).toBeGreaterThan(last);
    expect(generations.length).toBeLessThanOrEqual(2);
    last = Math.max(...generations);
    const whole = written.filter(({ generation }) => generation < last).length;
    found.push({ whole, changes: written.length - whole });
  }
  // Some checkpoint wrote both.
  expect(found.some(({ whole, changes }) => whole > 0 && changes > 0)).toBe(true);
  await ledgerStore.close();
});
