import { describe, expect, it } from 'vitest';
import { encodeUtf8, timestampMs } from '../base/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height, Round } from '../ledger/index.ts';
import { createTestLedger } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import { CLOCK_AHEAD_MS_MAX } from './limits.ts';
import { SigningGuard } from './signing-guard.ts';
import type { SigningMark } from './types.ts';
import { WalStore } from './wal-store.ts';

const ledger = createTestLedger();
const { walEntry } = consensusCodecsOf(ledger.codecs.block);
const STARTED_AT_MS = 1_000_000;
const at = (height: number) => height as Height; // The numbers of these tests are heights.

const markOf = (isSet: boolean) => ({ isSet: async () => isSet, set: async () => undefined });

async function load(
  store: MemoryStore,
  headHeight: number,
  mark?: boolean,
  kept?: SigningMark | 'spoilt',
) {
  let next = headHeight + 1;
  const guard = await SigningGuard.load({
    store,
    marker: mark === undefined ? undefined : markOf(mark),
    marks: { load: async () => kept, store: async () => undefined },
    onCrashPoint: undefined,
    headHeight: at(headHeight),
    startedAtMs: timestampMs(STARTED_AT_MS),
    nextHeight: () => at(next),
  });
  const signs = (height: number) => {
    next = height;
    return guard.admits(at(height));
  };
  return { guard, signs };
}

/** The lowest of some heights that a released guard lets sign. */
async function lowest(
  store: MemoryStore,
  headHeight: number,
  mark?: boolean,
  kept?: SigningMark | 'spoilt',
) {
  const { guard, signs } = await load(store, headHeight, mark, kept);
  guard.release();
  for (let height = headHeight + 1; height < headHeight + 9; height++) {
    if (await signs(height)) return height;
  }
  return undefined;
}

const entriesOf = (height: number) =>
  (['propose', 'prevote', 'precommit'] as const).map((timeout) => ({
    kind: 'timeout-elapsed' as const,
    height: at(height),
    round: 0 as Round,
    timeout,
  }));

/** A store whose validator signed at a height; its log is there, or was forgotten. */
async function signedAt(height: number, log: 'kept' | 'forgotten'): Promise<MemoryStore> {
  const store = new MemoryStore();
  const { guard } = await load(store, 0); // Then it may sign at once.
  const wal = new WalStore(store, ledger.suite, walEntry);
  await wal.append(at(height), entriesOf(height), (mark) => guard.recordsOf(mark));
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

  it('signs above a height whose log lost its end, however often it is started', async () => {
    const store = await signedAt(5, 'kept');
    const records = await store.list('wal', { limit: 10 });
    expect(records).toHaveLength(3);
    for (const { key } of records.slice(1)) {
      await store.write([{ kind: 'delete', space: 'wal', key }], 'strict');
    }
    for (let life = 0; life < 3; life++) {
      const { guard } = await load(store, 4);
      expect(guard.isLogShort).toBe(true);
      expect(await lowest(store, 4)).toBe(6);
      const wal = new WalStore(store, ledger.suite, walEntry);
      await wal.load(at(5));
      await wal.append(at(5), entriesOf(5), (mark) => guard.recordsOf(mark));
    }
    expect(await lowest(store, 5)).toBe(6);
  });

  it('believes the mark outside of a store that was put back', async () => {
    const store = await signedAt(5, 'kept');
    const mark = (height: number, entries: number, byte = 7): SigningMark => ({
      height: at(height),
      entries,
      digest: new Uint8Array(32).fill(byte),
    });
    expect(await lowest(store, 4, true, mark(4, 9))).toBe(5);
    expect(await lowest(store, 4, true, mark(5, 4))).toBe(6);
    expect(await lowest(store, 4, true, mark(5, 3))).toBe(6);
    expect(await lowest(store, 4, true, mark(8, 1))).toBe(9);
    expect(await lowest(store, 4, true, 'spoilt')).toBe(6);
    const wal = new WalStore(store, ledger.suite, walEntry);
    await wal.load(at(5));
    const whole = await wal.append(at(5), entriesOf(5));
    expect(await lowest(store, 4, true, whole)).toBe(5);
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

  it('signs above no block that is older than this life where data was lost', async () => {
    const time = (afterMs: number) => timestampMs(STARTED_AT_MS + afterMs);
    for (const isLost of [true, false]) {
      const { guard, signs } = await load(new MemoryStore(), 0, isLost);
      guard.release();
      guard.committed(at(1), time(-60_000));
      expect(await signs(2)).toBe(!isLost);
      // A member's clock may be ahead so far, so it may have been made before.
      guard.committed(at(2), time(CLOCK_AHEAD_MS_MAX));
      expect(await signs(3)).toBe(!isLost);
      guard.committed(at(3), time(CLOCK_AHEAD_MS_MAX + 1));
      expect(await signs(4)).toBe(true);
    }
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

  it('takes a record that it did not write for lost data', async () => {
    const key = encodeUtf8('validator-signed');
    for (const value of [Uint8Array.of(), Uint8Array.of(1), new Uint8Array(43)]) {
      const store = new MemoryStore();
      await store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
      const { guard } = await load(store, 7, true);
      expect(guard.isDataLost).toBe(true);
      expect(await lowest(store, 7, true)).toBe(9);
    }
  });
});
