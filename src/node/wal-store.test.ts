import { describe, expect, it } from 'vitest';
import type { WalEntry } from '../consensus/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height, Round } from '../ledger/index.ts';
import { createTestLedger } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import { WalStore } from './wal-store.ts';

const ledger = createTestLedger();
const { walEntry } = consensusCodecsOf(ledger.codecs.block);
const H = 7 as Height;
const open = (store: MemoryStore) => new WalStore(store, ledger.suite, walEntry);

const entry = (round: number, height = H): WalEntry => ({
  kind: 'timeout-elapsed',
  height,
  round: round as Round,
  timeout: 'propose',
});

describe('the log of a height', () => {
  it('comes back in order and whole, however long the height stood still', async () => {
    const store = new MemoryStore();
    const wal = open(store);
    expect(await wal.load(H)).toEqual([]);
    const entries = Array.from({ length: 2_500 }, (_, at) => entry(at));
    for (let at = 0; at < entries.length; at += 500) {
      await wal.append(H, entries.slice(at, at + 500));
    }
    const again = open(store.crash({ unsyncedKept: 0 }));
    expect(await again.load(H)).toEqual(entries);
    await again.append(H, [entry(9_999)]);
    expect((await again.load(H)).at(-1)).toEqual(entry(9_999));
  });

  it('is forgotten below a height, and only there', async () => {
    const store = new MemoryStore();
    const wal = open(store);
    await wal.append(H, [entry(1)]);
    const next = (H + 1) as Height;
    await wal.append(next, [entry(2, next)]);
    await wal.prune(next);
    expect(await open(store).load(H)).toEqual([]);
    expect(await open(store).load(next)).toEqual([entry(2, next)]);
  });

  it('with any record changed, missing or of another place is refused', async () => {
    const damages = [
      (value: Uint8Array) => value.map((byte, at) => (at === 0 ? byte ^ 1 : byte)),
      (value: Uint8Array) => value.map((byte, at) => (at === value.length - 1 ? byte ^ 1 : byte)),
      (value: Uint8Array) => value.subarray(1),
      () => undefined,
    ];
    for (const damage of damages) {
      const store = new MemoryStore();
      await open(store).append(H, [entry(1), entry(2), entry(3)]);
      const records = await store.list('wal', { limit: 10 });
      const middle = records[1];
      if (middle === undefined) throw new Error('three were written');
      const value = damage(middle.value);
      const { key } = middle;
      await store.write(
        [
          value === undefined
            ? { kind: 'delete', space: 'wal', key }
            : { kind: 'put', space: 'wal', key, value },
        ],
        'strict',
      );
      await expect(open(store).load(H)).rejects.toMatchObject({ code: 'wal-corrupt' });
    }
  });

  it('rejects with the code of a store that is full', async () => {
    const wal = open(new MemoryStore({ fullAtWrite: 1 }));
    await expect(wal.append(H, [entry(1)])).rejects.toMatchObject({ code: 'store-full' });
  });
});
