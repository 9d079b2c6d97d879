import { expect, test } from 'vitest';
import { timestampMs } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Height, Sequence } from '../ledger/index.ts';
import { TRACKED_TRANSACTIONS_MAX } from './limits.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import type { TrackedTransaction } from './tracker.ts';
import { TransactionTracker } from './tracker.ts';

const COUNT = 3;
const FAILURE = { code: 'insufficient-balance', actionIndex: 0 };

const heightOf = (value: number) => value as Height; // Small whole numbers are heights.

/** The id of one transaction of a block. */
function idOf(height: number, index: number): Hash {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, height);
  new DataView(id.buffer).setUint32(28, index);
  return id as Hash; // Any 32 bytes may be one.
}

const idsOf = (height: number, count = COUNT) =>
  Array.from({ length: count }, (_, index) => idOf(height, index));

/** Tells a block, whole or one transaction after the other; the last of its transactions failed. */
function tell(tracker: TransactionTracker, height: number, isWhole: boolean): void {
  const place = { height: heightOf(height), timestampMs: timestampMs(1000 * height) };
  const ids = idsOf(height);
  if (isWhole) tracker.committedBlock(place, ids, new Map([[COUNT - 1, FAILURE]]));
  else {
    ids.forEach((id, index) => {
      tracker.committed(id, { ...place, index }, index === COUNT - 1 ? FAILURE : undefined);
    });
  }
  tracker.advanced(heightOf(height), [], heightOf(0));
}

const facts = { sender: new Uint8Array(32) as Address, sequence: 0 as Sequence };

test('blocks that are told whole are what they would be, told one by one', () => {
  const clock = new VirtualClock(0);
  const [whole, single] = [new TransactionTracker(clock), new TransactionTracker(clock)];
  for (const [tracker, isWhole] of [[whole, true] as const, [single, false] as const]) {
    for (let height = 1; height <= 4; height++) tell(tracker, height, isWhole);
    // Heard of before its block, when others of that block are not.
    tracker.seen(idOf(5, 1), { ...facts, validUntil: heightOf(9) }, heightOf(4));
    expect(tracker.isFollowing()).toBe(true);
    tell(tracker, 5, isWhole);
    expect(tracker.isFollowing()).toBe(false);
    // Heard of after: it has its verdict.
    tell(tracker, 6, isWhole);
    tracker.seen(idOf(6, 0), { ...facts, validUntil: heightOf(9) }, heightOf(5));
    tracker.expired(idOf(6, 1));
    tell(tracker, 7, isWhole);
  }
  const stages = new Set<string | undefined>();
  for (let height = 1; height <= 7; height++) {
    for (const id of idsOf(height)) {
      const told = whole.get(id);
      expect(told).toEqual(single.get(id));
      stages.add(told?.stage);
    }
  }
  expect(stages).toEqual(new Set(['final', 'failed']));
  expect(whole.get(idOf(8, 0))).toBeUndefined();
});

test('who subscribed hears of a block that is told whole', () => {
  const tracker = new TransactionTracker(new VirtualClock(0));
  tell(tracker, 1, true);
  const heard: TrackedTransaction['stage'][] = [];
  tracker.subscribe(idOf(2, COUNT - 1), ({ stage }) => heard.push(stage));
  tell(tracker, 2, true);
  expect(heard).toEqual(['failed']);
});

test('of many blocks the last are remembered, as many as are tracked', () => {
  const tracker = new TransactionTracker(new VirtualClock(0));
  const perBlock = 1000;
  const blocks = TRACKED_TRANSACTIONS_MAX / perBlock + 5;
  for (let height = 1; height <= blocks; height++) {
    const place = { height: heightOf(height), timestampMs: timestampMs(1000 * height) };
    tracker.committedBlock(place, idsOf(height, perBlock), new Map());
  }
  expect(tracker.get(idOf(5, perBlock - 1))).toBeUndefined();
  expect(tracker.get(idOf(6, 0))?.stage).toBe('final');
  expect(tracker.get(idOf(blocks, perBlock - 1))?.height).toBe(blocks);
});
