import { expect, test } from 'vitest';
import { formatHex } from '../base/index.ts';
import { FinishedIds } from './finished.ts';
import type { MempoolEffect, MempoolEvent, MempoolLimits, PendingTransaction } from './index.ts';
import {
  createMempool,
  firstFreeSequence,
  getPending,
  isKnown,
  listPending,
  mempoolSize,
  pendingOf,
  selectForBlock,
  step,
} from './index.ts';
import type { Draft } from './testing/draft.ts';
import { addressOf, amount, draft, gas, height, sequence } from './testing/draft.ts';

/** A pool with shorthands that keep each test to its law. */
function setUp(limits: Partial<MempoolLimits> = {}) {
  const state = createMempool<string>(height(10), limits);
  const send = (event: MempoolEvent<string>) => step(state, event).effects;
  return {
    state,
    send,
    add: (wish: Draft, accountSequence = 0) =>
      send({
        kind: 'transaction-verified',
        transaction: draft(wish),
        accountSequence: sequence(accountSequence),
      }),
    commit: (at: number, included: PendingTransaction<string>[], next: [string, number][] = []) =>
      send({
        kind: 'block-committed',
        height: height(at),
        transactionIds: included.map(({ id }) => id),
        accountSequences: next.map(([name, value]) => ({
          address: addressOf(name),
          sequence: sequence(value),
        })),
      }),
    select: (limits: { transactionsMax?: number; bytesMax?: number; gasMax?: number } = {}) =>
      selectForBlock(state, {
        height: height(state.height + 1),
        transactionsMax: 1000,
        bytesMax: 1_000_000,
        gasMax: 1_000_000,
        ...limits,
      }).map(({ payload }) => payload),
    names: () => listPending(state, 1000).map(({ payload }) => payload),
  };
}

const kinds = (effects: readonly MempoolEffect<string>[]) => effects.map(({ kind }) => kind);
const code = (effects: readonly MempoolEffect<string>[]) => {
  const [first] = effects;
  return first?.kind === 'transaction-refused' ? first.error.code : undefined;
};

test('a verified transaction is admitted once, and then known', () => {
  const { state, add } = setUp();
  expect(kinds(add({ from: 'anna', sequence: 0 }))).toEqual(['transaction-admitted']);
  expect(code(add({ from: 'anna', sequence: 0 }))).toBe('duplicate');
  const { id } = draft({ from: 'anna', sequence: 0 });
  expect(isKnown(state, id)).toBe(true);
  expect(getPending(state, id)?.payload).toBe('anna/0');
  expect(mempoolSize(state)).toEqual({ count: 1, bytes: 100, senders: 1 });
});

test('what no coming block can hold is refused by name', () => {
  const { add } = setUp();
  expect(code(add({ from: 'anna', sequence: 0, validUntil: 10 }))).toBe('expired');
  expect(code(add({ from: 'anna', sequence: 0, validUntil: 11 }))).toBeUndefined();
  expect(code(add({ from: 'bert', sequence: 0, validFrom: 76 }))).toBe('not-yet-valid');
  expect(code(add({ from: 'bert', sequence: 0, validFrom: 75 }))).toBeUndefined();
  expect(code(add({ from: 'cleo', sequence: 4 }, 5))).toBe('sequence-used');
  expect(code(add({ from: 'cleo', sequence: 22 }, 5))).toBe('sequence-gap');
  expect(code(add({ from: 'cleo', sequence: 21 }, 5))).toBeUndefined();
});

test('a gap is counted from the first sequence missing, not from the account', () => {
  const { add, state } = setUp({ sequenceGapMax: 1 });
  expect(code(add({ from: 'anna', sequence: 0 }))).toBeUndefined();
  expect(code(add({ from: 'anna', sequence: 2 }))).toBeUndefined();
  expect(code(add({ from: 'anna', sequence: 4 }))).toBe('sequence-gap');
  expect(firstFreeSequence(state, addressOf('anna'), sequence(0))).toBe(1);
  expect(code(add({ from: 'anna', sequence: 1 }))).toBeUndefined();
  expect(firstFreeSequence(state, addressOf('anna'), sequence(0))).toBe(3);
  expect(code(add({ from: 'anna', sequence: 4 }))).toBeUndefined();
});

test('a replacement pays a tenth more, in total and per gas', () => {
  const { add, names } = setUp();
  add({ from: 'anna', sequence: 0, fee: 100 });
  const poor = add({ from: 'anna', sequence: 0, fee: 109, name: 'poor' });
  expect(poor).toMatchObject([
    { error: { code: 'replacement-fee-too-low', needed: 110n, offered: 109n } },
  ]);
  const slow = add({ from: 'anna', sequence: 0, fee: 110, gas: 2000, name: 'slow' });
  expect(slow).toMatchObject([{ error: { code: 'replacement-fee-too-low', needed: 200n } }]);
  const good = add({ from: 'anna', sequence: 0, fee: 110, name: 'good' });
  expect(good).toMatchObject([
    { kind: 'transaction-dropped', reason: 'replaced' },
    { kind: 'transaction-admitted' },
  ]);
  expect(names()).toEqual(['good']);
  // It may come back, but pays as any other would.
  expect(code(add({ from: 'anna', sequence: 0, fee: 100 }))).toBe('replacement-fee-too-low');
});

test('one sender holds no more than its share', () => {
  const { add, state } = setUp({ perSenderMax: 3 });
  for (const at of [0, 1, 2]) add({ from: 'anna', sequence: at });
  expect(code(add({ from: 'anna', sequence: 3 }))).toBe('sender-quota-exceeded');
  expect(kinds(add({ from: 'anna', sequence: 1, fee: 500, name: 'better' }))).toEqual([
    'transaction-dropped',
    'transaction-admitted',
  ]);
  expect(pendingOf(state, addressOf('anna')).map(({ payload }) => payload)).toEqual([
    'anna/0',
    'better',
    'anna/2',
  ]);
});

test('one peer fills no more than its share; our own are not counted', () => {
  const { add } = setUp({ perPeerMax: 2, perPeerBytesMax: 250 });
  add({ from: 'anna', sequence: 0, peer: 'p' });
  expect(code(add({ from: 'bert', sequence: 0, peer: 'p', size: 151 }))).toBe(
    'peer-quota-exceeded',
  );
  add({ from: 'bert', sequence: 0, peer: 'p' });
  expect(code(add({ from: 'cleo', sequence: 0, peer: 'p' }))).toBe('peer-quota-exceeded');
  expect(code(add({ from: 'cleo', sequence: 0, peer: 'q' }))).toBeUndefined();
  expect(code(add({ from: 'dora', sequence: 0 }))).toBeUndefined();
});

test('a full pool evicts what is worth least per byte, and only for what is worth more', () => {
  const { add, names } = setUp({ transactionsMax: 3 });
  add({ from: 'anna', sequence: 0, fee: 30 });
  add({ from: 'bert', sequence: 0, fee: 10 });
  add({ from: 'cleo', sequence: 0, fee: 20 });
  expect(code(add({ from: 'dora', sequence: 0, fee: 10 }))).toBe('mempool-full');
  expect(add({ from: 'dora', sequence: 0, fee: 11 })).toMatchObject([
    { kind: 'transaction-dropped', reason: 'evicted' },
    { kind: 'transaction-admitted' },
  ]);
  expect(names()).toEqual(['anna/0', 'cleo/0', 'dora/0']);
  // An evicted transaction may come back when it is worth it again.
  expect(code(add({ from: 'bert', sequence: 0, fee: 10 }))).toBe('mempool-full');
});

test('among equals the one that came last goes first', () => {
  const { add, names } = setUp({ transactionsMax: 3 });
  for (const from of ['anna', 'bert', 'cleo']) add({ from, sequence: 0, fee: 10 });
  add({ from: 'dora', sequence: 0, fee: 20 });
  expect(names()).toEqual(['anna/0', 'bert/0', 'dora/0']);
});

test('eviction takes a sender from its end, and many of one sender before the first of another', () => {
  const { add, names } = setUp({ transactionsMax: 4 });
  for (const at of [0, 1, 2]) add({ from: 'flood', sequence: at, fee: 100 });
  add({ from: 'anna', sequence: 0, fee: 50 });
  // The flood's third counts as paying 33.
  expect(code(add({ from: 'bert', sequence: 0, fee: 40 }))).toBeUndefined();
  expect(names()).toEqual(['flood/0', 'flood/1', 'anna/0', 'bert/0']);
  // It cannot push itself back in, and never opens a gap in its own queue.
  expect(code(add({ from: 'flood', sequence: 2, fee: 119 }))).toBe('mempool-full');
});

test('room by bytes is made whole or not at all', () => {
  const { add, names } = setUp({ bytesMax: 300 });
  add({ from: 'anna', sequence: 0, fee: 10 });
  add({ from: 'bert', sequence: 0, fee: 20 });
  add({ from: 'cleo', sequence: 0, fee: 90 });
  expect(code(add({ from: 'dora', sequence: 0, fee: 240, size: 300 }))).toBe('mempool-full');
  expect(names()).toEqual(['anna/0', 'bert/0', 'cleo/0']);
  expect(kinds(add({ from: 'dora', sequence: 0, fee: 50, size: 200 }))).toEqual([
    'transaction-dropped',
    'transaction-dropped',
    'transaction-admitted',
  ]);
  expect(names()).toEqual(['cleo/0', 'dora/0']);
});

test('a block takes senders by price per gas, and each sender in sequence', () => {
  const { add, select } = setUp();
  add({ from: 'anna', sequence: 1, fee: 900 });
  add({ from: 'anna', sequence: 0, fee: 10 });
  add({ from: 'bert', sequence: 0, fee: 50, gas: 500 });
  add({ from: 'cleo', sequence: 0, fee: 100 });
  add({ from: 'dora', sequence: 1, fee: 999 });
  expect(select()).toEqual(['bert/0', 'cleo/0', 'anna/0', 'anna/1']);
  expect(select({ transactionsMax: 2 })).toEqual(['bert/0', 'cleo/0']);
  expect(select({ bytesMax: 399, gasMax: 1499 })).toEqual(['bert/0']);
  expect(select({ bytesMax: 99 })).toEqual([]);
});

test('what does not fit, or comes too early, holds back its sender only', () => {
  const { add, select } = setUp();
  add({ from: 'anna', sequence: 0, fee: 9000, gas: 5000 });
  add({ from: 'anna', sequence: 1, fee: 900 });
  add({ from: 'bert', sequence: 0, fee: 800, validFrom: 12 });
  add({ from: 'bert', sequence: 1, fee: 800 });
  add({ from: 'cleo', sequence: 0, fee: 1 });
  expect(select({ gasMax: 4000 })).toEqual(['cleo/0']);
});

test('a block takes its transactions out, and what can never follow', () => {
  const { state, add, commit, select, names } = setUp();
  for (const at of [0, 1, 2]) add({ from: 'anna', sequence: at });
  const other = draft({ from: 'anna', sequence: 1, name: 'from elsewhere' });
  const effects = commit(11, [draft({ from: 'anna', sequence: 0 }), other], [['anna', 2]]);
  expect(effects).toMatchObject([{ kind: 'transaction-dropped', reason: 'sequence-used' }]);
  expect(names()).toEqual(['anna/2']);
  expect(select()).toEqual(['anna/2']);
  expect(isKnown(state, other.id)).toBe(true);
  expect(code(add({ from: 'anna', sequence: 0, name: 'again' }))).toBe('sequence-used');
  expect(commit(12, [draft({ from: 'anna', sequence: 2 })], [['anna', 3]])).toEqual([]);
  expect(mempoolSize(state)).toEqual({ count: 0, bytes: 0, senders: 0 });
});

test('a gap that a block closes makes ready what stood behind it', () => {
  const { add, commit, select } = setUp();
  add({ from: 'anna', sequence: 2 });
  expect(select()).toEqual([]);
  expect(commit(11, [], [['anna', 2]])).toEqual([]);
  expect(select()).toEqual(['anna/2']);
});

test('each transaction is dropped once its last height has passed', () => {
  const { send, add, commit, names } = setUp();
  add({ from: 'anna', sequence: 0, validUntil: 12 });
  add({ from: 'bert', sequence: 0, validUntil: 13 });
  add({ from: 'cleo', sequence: 0, validUntil: 5000 });
  expect(commit(11, [])).toEqual([]);
  expect(commit(12, [])).toMatchObject([{ reason: 'expired' }]);
  expect(names()).toEqual(['bert/0', 'cleo/0']);
  expect(send({ kind: 'height-advanced', height: height(1_000_000) })).toHaveLength(2);
  expect(send({ kind: 'height-advanced', height: height(3) })).toEqual([]);
});

test('an invalidated transaction leaves, and may come back once the cause is gone', () => {
  const { send, add, select } = setUp();
  add({ from: 'anna', sequence: 0 });
  add({ from: 'anna', sequence: 1 });
  const { id } = draft({ from: 'anna', sequence: 0 });
  expect(send({ kind: 'transaction-invalidated', id })).toMatchObject([{ reason: 'invalid' }]);
  expect(send({ kind: 'transaction-invalidated', id })).toEqual([]);
  expect(select()).toEqual([]);
  expect(code(add({ from: 'anna', sequence: 0 }))).toBeUndefined();
  expect(select()).toEqual(['anna/0', 'anna/1']);
});

test('a peer whose transactions are refused again and again is reported, at each height anew', () => {
  const { add, commit } = setUp({ refusalsPerPeerMax: 3 });
  const useless = () => kinds(add({ from: 'anna', sequence: 0, validUntil: 1, peer: 'p' }));
  expect([useless(), useless()].flat()).not.toContain('report-peer');
  commit(11, []);
  expect([useless(), useless()].flat()).not.toContain('report-peer');
  expect(useless()).toEqual(['transaction-refused', 'report-peer']);
  expect(useless()).toEqual(['transaction-refused']);
});

test('memory of peers and of finished transactions is bounded', () => {
  const { state, add, commit } = setUp({ peersCountedMax: 5, finishedMax: 7 });
  for (let at = 0; at < 50; at++) {
    add({ from: 'anna', sequence: 0, validUntil: 1, peer: `peer ${at}` });
    commit(10, [draft({ from: `sender ${at}`, sequence: 0 })]);
    add({ from: 'anna', sequence: 0, validUntil: 1, peer: `peer ${at}` });
  }
  expect(state.refusals.size).toBeLessThanOrEqual(5);
  expect(state.finished.size).toBe(7);
});

test('ids of blocks are remembered as those that are added one by one', () => {
  const ids = Array.from({ length: 30 }, (_, at) => draft({ from: 'anna', sequence: at }).id);
  const [blocks, single] = [new FinishedIds(7), new FinishedIds(7)];
  const [first, rest] = [ids.slice(0, 4), ids.slice(4)];
  for (const id of first) for (const each of [blocks, single]) each.add(formatHex(id));
  for (let at = 0; at < rest.length; at += 3) blocks.addBlock(rest.slice(at, at + 3));
  for (const id of rest) single.add(formatHex(id));
  const isKept = (finished: FinishedIds) => ids.map((id) => finished.has(formatHex(id)));
  expect(isKept(blocks)).toEqual(isKept(single));
  expect(isKept(blocks).filter((kept) => kept)).toHaveLength(7);
  // Later ones push out what was added before.
  blocks.addBlock(first);
  expect(isKept(blocks).slice(0, 4)).toEqual([true, true, true, true]);
  expect(blocks.size).toBe(7);
});

test('amounts beyond 2^53 are compared exactly', () => {
  const { state, select } = setUp();
  const big = 2n ** 63n;
  const add = (from: string, fee: bigint) =>
    step(state, {
      kind: 'transaction-verified',
      transaction: { ...draft({ from, sequence: 0 }), feeMax: amount(fee), gasLimit: gas(7) },
      accountSequence: sequence(0),
    });
  add('anna', big);
  add('bert', big + 1n);
  expect(select()).toEqual(['bert/0', 'anna/0']);
});
