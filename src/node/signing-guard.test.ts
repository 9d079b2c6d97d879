import { describe, expect, it } from 'vitest';
import { encodeUtf8 } from '../base/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height } from '../ledger/index.ts';
import { createTestLedger } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import { SigningGuard } from './signing-guard.ts';
import { WalStore } from './wal-store.ts';

const ledger = createTestLedger();
const { walEntry } = consensusCodecsOf(ledger.codecs.block);
const at = (height: number) => height as Height; // The numbers of these tests are heights.

const markOf = (isSet: boolean) => ({ isSet: async () => isSet, set: async () => undefined });

async function load(store: MemoryStore, headHeight: number, mark?: boolean) {
  let next = headHeight + 1;
  const guard = await SigningGuard.load({
    store,
    marker: mark === undefined ? undefined : markOf(mark),
    headHeight: at(headHeight),
    nextHeight: () => at(next),
  });
  const signs = (height: number) => {
    next = height;
    return guard.admits(at(height));
  };
  return { guard, signs };
}

/** The lowest of some heights that a released guard lets sign. */
async function lowest(store: MemoryStore, headHeight: number, mark?: boolean) {
  const { guard, signs } = await load(store, headHeight, mark);
  guard.release();
  for (let height = headHeight + 1; height < headHeight + 9; height++) {
    if (await signs(height)) return height;
  }
  return undefined;
}

/** A store whose validator signed at a height; its log is there, or was forgotten. */
async function signedAt(height: number, log: 'kept' | 'forgotten'): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { guard } = await load(store, height - 1);
  const wal = new WalStore(store, ledger.suite, walEntry);
  const entry = { kind: 'work-available', height: at(height) } as const;
  await wal.append(at(height), [entry], guard.recordOf(at(height)));
  if (log === 'forgotten') await wal.prune(at(height + 1));
  return store.crash({ unsyncedKept: log === 'forgotten' ? 1_000 : 0 });
}

describe('a guard', () => {
  it('goes on at the height it signed only with the log of that height', async () => {
    expect(await lowest(await signedAt(5, 'kept'), 4)).toBe(5);
    expect(await lowest(await signedAt(5, 'kept'), 5)).toBe(6);
    expect(await lowest(await signedAt(5, 'forgotten'), 4)).toBe(6);
    expect(await lowest(await signedAt(5, 'kept'), 2)).toBe(6);
  });

  it('writes the height once, with the first entry of its log', async () => {
    const store = await signedAt(5, 'kept');
    const { guard } = await load(store, 4);
    expect(guard.recordOf(at(5))).toEqual([]);
    expect(guard.recordOf(at(6))).toHaveLength(1);
    expect(guard.recordOf(at(6))).toEqual([]);
  });

  it('signs from genesis on in a new home, also after a stop before the first signature', async () => {
    const store = new MemoryStore();
    expect(await lowest(store, 0, false)).toBe(1);
    expect(await lowest(store.crash({ unsyncedKept: 0 }), 0, true)).toBe(1);
    expect(await lowest(new MemoryStore(), 0)).toBe(1);
  });

  it('signs two heights above what it copied where data was lost or nothing tells', async () => {
    expect(await lowest(new MemoryStore(), 0, true)).toBe(2);
    expect(await lowest(new MemoryStore(), 7, true)).toBe(9);
    expect(await lowest(new MemoryStore(), 7)).toBe(9);
    const { guard, signs } = await load(new MemoryStore(), 0, true);
    guard.imported(at(1));
    guard.release();
    expect([await signs(2), await signs(3)]).toEqual([false, true]);
  });

  it('is released by time unless data was lost', async () => {
    const isReleased = async (mark: boolean) => {
      const { guard, signs } = await load(new MemoryStore(), 0, mark);
      expect(guard.isDataLost).toBe(mark);
      guard.holdElapsed();
      const asked = signs(3).then(() => true);
      // Whoever is not released by now is released by nothing but a comparison.
      const later = new Promise<boolean>((resolve) => setImmediate(() => resolve(false)));
      return Promise.race([asked, later]);
    };
    expect([await isReleased(false), await isReleased(true)]).toEqual([true, false]);
  });

  it('reads a record of early stores, which tells no height', async () => {
    const store = new MemoryStore();
    const key = encodeUtf8('validator-signed');
    await store.write([{ kind: 'put', space: 'meta', key, value: Uint8Array.of(1) }], 'strict');
    expect(await lowest(store, 7, true)).toBe(8);
  });
});
