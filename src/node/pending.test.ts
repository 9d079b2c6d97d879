import { afterEach, describe, expect, it } from 'vitest';
import type { Height, Sequence } from '../ledger/index.ts';
import { amount, gas, height, person } from '../ledger/testing/world.ts';
import { TRACKED_TRANSACTIONS_MAX } from './limits.ts';
import { heightOf, transferTo, VALIDATORS, Village } from './testing/village.ts';
import { VirtualClock } from './testing/virtual-clock.ts';
import { hashOf } from './testing/votes.ts';
import { TransactionTracker } from './tracker.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST, SECOND] = VALIDATORS;

let village = new Village();
afterEach(() => village.stopAll());

async function begin(): Promise<void> {
  village = new Village({
    balances: [ada, bob].map(({ address }) => ({ address, amount: 1_000_000n })),
  });
  await village.startAll(...VALIDATORS);
  await village.reach(1);
}

const GENESIS = 0 as Height; // Before all blocks.

const stageOf = (name: string, id: Uint8Array) => village.node(name).parts.tracker.get(id as never);

const sequence = (value: number) => ({ sequence: value as Sequence });

describe('a pending transaction', () => {
  it('goes from seen over included to final, each step once and in order', async () => {
    await begin();
    const bytes = village.pay(ada, bob.address, 1);
    const prepared = village.world.ledger.prepareTransaction(bytes);
    if (!prepared.ok) throw new Error(prepared.error.code);
    const steps: string[] = [];
    const { tracker } = village.node(SECOND).parts;
    const stop = tracker.subscribe(prepared.value.id, ({ stage }) => steps.push(stage));
    const id = await village.submit(village.node(FIRST), bytes);
    await village.settled(id);
    expect(steps).toEqual(['seen', 'included', 'final']);
    stop();
    stop();
  });

  it('is replaced by one that pays more', async () => {
    await begin();
    const node = village.node(FIRST);
    const gap = sequence(1); // Waits for its predecessor, so both stay in the pool.
    const first = await village.submit(node, village.pay(ada, bob.address, 1, gap));
    const dearer = { ...gap, feeMax: amount(200_000) };
    const second = await village.submit(node, village.pay(ada, bob.address, 2, dearer));
    // Whoever heard of the first may still propose it: no verdict until one of them is committed.
    expect(stageOf(FIRST, first)).toMatchObject({ stage: 'seen', code: 'replaced' });
    await village.submit(node, village.pay(ada, bob.address, 3));
    expect(await village.settled(second)).toEqual(['final']);
    expect(stageOf(FIRST, first)).toMatchObject({ stage: 'failed', code: 'sequence-used' });
    const cheap = await node.submit(
      village.pay(ada, bob.address, 4, { ...gap, feeMax: amount(1) }),
    );
    expect(cheap.ok).toBe(false);
  });

  it('that no block took is expired after its last height, on every node that saw it', async () => {
    await begin();
    const validUntil = height(heightOf(village.node(FIRST)) + 2);
    const late = { ...sequence(3), validUntil };
    const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 1, late));
    await village.clock.pass(100);
    expect(stageOf(SECOND, id)?.stage).toBe('seen');
    for (const value of [1, 2, 3]) {
      await village.settled(
        await village.submit(village.node(FIRST), village.pay(bob, ada.address, value)),
      );
    }
    for (const name of VALIDATORS) {
      expect(stageOf(name, id)).toMatchObject({ stage: 'expired', code: 'expired' });
    }
    expect(village.node(FIRST).parts.mempool.size().count).toBe(0);
  });

  it('that an earlier one made unpayable has no verdict before its last height', async () => {
    await begin();
    const node = village.node(FIRST);
    const validUntil = height(heightOf(node) + 4);
    const all = village.sign(ada, { actions: [transferTo(bob.address, 899_000)] });
    const more = village.pay(ada, bob.address, 1, { ...sequence(1), validUntil });
    // Both are admitted: at the head, either could be paid for.
    const [first, second] = await Promise.all([node.submit(all), node.submit(more)]);
    if (!first.ok || !second.ok) throw new Error('not admitted');
    expect(await village.settled(first.value)).toEqual(['final']);
    await village.clock.until(
      'it was let go',
      () => stageOf(FIRST, second.value)?.code !== undefined,
    );
    expect(stageOf(FIRST, second.value)).toMatchObject({
      stage: 'seen',
      code: 'insufficient-balance',
    });
    // Blocks go on, and what is refused at the door is told at once.
    const refused = await village.clock.run(node.submit(more));
    expect(refused).toMatchObject({ ok: false, error: { code: 'insufficient-balance' } });
    await village.reach(validUntil);
    // The others had the block first, and refused it at their doors.
    const stage = () => stageOf(FIRST, second.value)?.stage;
    await village.clock.until('a verdict', () => stage() !== 'seen');
    expect(stage()).toBe('expired');
  });

  it('that was let go may be executed once the cause is gone, and is told as final', async () => {
    await begin();
    const node = village.node(FIRST);
    const all = village.sign(ada, { actions: [transferTo(bob.address, 899_000)] });
    const more = village.pay(ada, bob.address, 1, sequence(1));
    const [first, second] = await Promise.all([node.submit(all), node.submit(more)]);
    if (!first.ok || !second.ok) throw new Error('not admitted');
    await village.clock.until(
      'it was let go',
      () => stageOf(FIRST, second.value)?.code !== undefined,
    );
    const help = await village.submit(node, village.pay(bob, ada.address, 500_000));
    expect(await village.settled(help)).toEqual(['final']);
    // Anybody who kept the bytes, and any node: the same bytes are no duplicate.
    for (const name of [FIRST, SECOND]) {
      expect(await village.clock.run(village.node(name).submit(more))).toMatchObject({ ok: true });
    }
    expect(await village.settled(second.value)).toEqual(['final']);
  });
});

describe('a candidate that no block can hold any more', () => {
  it('is let go with the reason, and makes no block', async () => {
    village = new Village({
      balances: [ada, bob].map(({ address }) => ({ address, amount: 1_000_000_000n })),
      authorities: [bob.address],
    });
    await village.startAll(...VALIDATORS);
    const node = village.node(FIRST);
    const change = { ...sequence(1), gasLimit: gas(5_000_000), feeMax: amount(20_000_000) };
    const large = await village.submit(node, village.pay(ada, bob.address, 1, change));
    const changes = [{ kind: 'block-gas-max', gas: gas(1_000_000) }];
    const lower = village.sign(bob, { actions: [{ kind: 'parameters.set', changes }] });
    expect(await village.settled(await village.submit(node, lower))).toEqual(['final']);
    // What stood before it comes, and it is next.
    const before = await village.submit(node, village.pay(ada, bob.address, 1));
    expect(await village.settled(before)).toEqual(['final']);
    const at = heightOf(node);
    await village.clock.pass(10_000); // Less than a heartbeat.
    expect(VALIDATORS.map((name) => stageOf(name, large)?.stage)).toEqual(Array(4).fill('seen'));
    expect(VALIDATORS.some((name) => stageOf(name, large)?.code === 'gas-limit-too-high')).toBe(
      true,
    );
    expect(heightOf(node)).toBeLessThanOrEqual(at + VALIDATORS.length);
  });
});

describe('the tracker', () => {
  const at = (value: number, index = 0) => ({
    height: value as Height,
    index,
    timestampMs: new VirtualClock(0).now(),
  });
  const create = () => new TransactionTracker(new VirtualClock(0));
  const facts = (validUntil: number, at = 0) => ({
    sender: ada.address,
    sequence: at as Sequence,
    validUntil: validUntil as Height,
  });
  const idOf = (value: number) => {
    const id = hashOf(0);
    new DataView(id.buffer).setUint32(0, value);
    return id;
  };

  it('gives a verdict once', () => {
    const tracker = create();
    const id = hashOf(1);
    const stages: string[] = [];
    tracker.subscribe(id, ({ stage }) => stages.push(stage));
    tracker.seen(id, facts(9), GENESIS);
    tracker.committed(id, at(3), undefined);
    tracker.committed(id, at(4), undefined);
    tracker.dropped(id, 'replaced');
    tracker.seen(id, facts(9), GENESIS);
    tracker.included(id, at(5), facts(9));
    tracker.advanced(9 as Height, [], GENESIS);
    expect(stages).toEqual(['seen', 'final']);
    expect(tracker.get(id)).toMatchObject({ stage: 'final', height: 3 });
  });

  it('lets what was dropped come back, and a block have the last word', () => {
    const tracker = create();
    const id = hashOf(1);
    tracker.seen(id, facts(9), GENESIS);
    tracker.dropped(id, 'invalid');
    expect(tracker.get(id)).toMatchObject({ stage: 'seen', code: 'invalid' });
    tracker.seen(id, facts(9), GENESIS);
    expect(tracker.get(id)).toMatchObject({ stage: 'seen', code: undefined });
    tracker.dropped(id, 'invalid');
    tracker.committed(id, at(8), { code: 'insufficient-balance', actionIndex: 0 });
    expect(tracker.get(id)).toMatchObject({ stage: 'failed', height: 8 });
  });

  it('calls failed what has a sequence that a block used for another, and nothing else', () => {
    const tracker = create();
    for (const value of [0, 1, 2]) tracker.seen(idOf(value), facts(9, value), GENESIS);
    tracker.seen(idOf(7), { ...facts(9, 0), sender: bob.address }, GENESIS);
    tracker.dropped(idOf(1), 'insufficient-balance');
    tracker.committed(idOf(0), at(3), undefined);
    tracker.advanced(3 as Height, [{ address: ada.address, sequence: 2 as Sequence }], GENESIS);
    const stages = [0, 1, 2, 7].map((value) => tracker.get(idOf(value))?.stage);
    expect(stages).toEqual(['final', 'failed', 'seen', 'seen']);
    expect(tracker.get(idOf(1))?.code).toBe('sequence-used');
    tracker.advanced(9 as Height, [], GENESIS);
    expect(tracker.get(idOf(2))?.stage).toBe('expired');
    expect(tracker.get(idOf(1))?.stage).toBe('failed');
  });

  it('says nothing of what may be in a block that nobody told of', () => {
    const tracker = create();
    const ids = [0, 1].map(idOf);
    for (const [value, id] of ids.entries()) tracker.seen(id, facts(6, value), 2 as Height);
    const used = [{ address: ada.address, sequence: 1 as Sequence }];
    // Nobody told of the blocks 3 and 4.
    tracker.advanced(5 as Height, used, 4 as Height);
    tracker.advanced(6 as Height, [], 4 as Height);
    expect(ids.map((id) => tracker.get(id)?.stage)).toEqual(['seen', 'seen']);
    tracker.committed(ids[1] ?? hashOf(1), at(3, 1), undefined);
    tracker.advanced(3 as Height, used, GENESIS);
    expect(ids.map((id) => tracker.get(id)?.stage)).toEqual(['failed', 'final']);
  });

  it('gives a verdict on what it met in a proposal alone, without the place it had there', () => {
    const tracker = create();
    for (const value of [0, 1, 2]) tracker.included(idOf(value), at(3, value), facts(5, value));
    expect(tracker.get(idOf(0))).toMatchObject({ stage: 'included', height: 3, validUntil: 5 });
    // Another block was decided, with another transaction of the first sequence.
    tracker.advanced(3 as Height, [{ address: ada.address, sequence: 1 as Sequence }], GENESIS);
    const nowhere = { height: undefined, index: undefined, includedAtMs: undefined };
    expect(tracker.get(idOf(0))).toMatchObject({ stage: 'failed', code: 'sequence-used' });
    expect(tracker.get(idOf(0))).toMatchObject(nowhere);
    expect(tracker.get(idOf(1))).toMatchObject({ stage: 'seen', ...nowhere });
    tracker.included(idOf(1), at(4), facts(5, 1));
    tracker.committed(idOf(1), at(4), undefined);
    tracker.advanced(5 as Height, [], GENESIS);
    expect(tracker.get(idOf(1))).toMatchObject({ stage: 'final', height: 4 });
    expect(tracker.get(idOf(2))).toMatchObject({ stage: 'expired', ...nowhere });
  });

  it('expires at its last height, not before', () => {
    const tracker = create();
    tracker.seen(hashOf(1), facts(5), GENESIS);
    tracker.advanced(4 as Height, [], GENESIS);
    expect(tracker.get(hashOf(1))?.stage).toBe('seen');
    tracker.advanced(5 as Height, [], GENESIS);
    expect(tracker.get(hashOf(1))?.stage).toBe('expired');
  });

  it('remembers only so many, the newest', () => {
    const tracker = create();
    for (let value = 0; value <= TRACKED_TRANSACTIONS_MAX; value++) {
      tracker.seen(idOf(value), facts(5), GENESIS);
    }
    expect(tracker.get(idOf(0))).toBeUndefined();
    expect(tracker.get(idOf(TRACKED_TRANSACTIONS_MAX))).toBeDefined();
    tracker.advanced(5 as Height, [], GENESIS); // Of the forgotten one nothing is told.
    expect(tracker.get(idOf(0))).toBeUndefined();
  });

  it('an ended subscription does not end another', () => {
    const tracker = create();
    const stop = tracker.subscribe(hashOf(1), () => undefined);
    stop();
    const stages: string[] = [];
    tracker.subscribe(hashOf(1), ({ stage }) => stages.push(stage));
    stop();
    tracker.seen(hashOf(1), facts(5), GENESIS);
    expect(stages).toEqual(['seen']);
  });
});
