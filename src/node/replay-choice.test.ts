import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  encodeUtf8,
  equalBytes,
  errorToData,
  isJsonObject,
  TabellionError,
} from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { Checkpoint } from '../light/index.ts';
import { MemoryStore } from '../storage/index.ts';
import type { TabellionNode } from './index.ts';
import type { CountingVerifier } from './testing/counting-verifier.ts';
import { countingVerifier } from './testing/counting-verifier.ts';
import { blocksUpTo, impostor, isolate, toldHeight } from './testing/liar.ts';
import { SettledVillage } from './testing/settled-village.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';

// What becomes of the wish to leave signatures to a checkpoint: changed in haste, on a full disk,
// halfway, by a higher checkpoint, by a snapshot, by a reset.

const ada = person('ada');
const [FIRST] = VALIDATORS;

let village: Village;
/** Of the node that replays. */
let verifier: CountingVerifier;

const trusting = (node: TabellionNode, isOn: boolean) =>
  node.parts.checkpoints.setReplayTrusting(isOn);
const statusOf = (node: TabellionNode) => node.parts.checkpoints.status();
const codeOf = (deed: Promise<unknown>) =>
  village.clock.run(
    deed.then(
      () => 'done',
      (error: unknown) => errorToData(error).code,
    ),
  );

/** A store that refuses to write a record while `isFull` says so. */
function fullFor(record: string, isFull: () => boolean): MemoryStore {
  const store = new MemoryStore();
  const write = store.write.bind(store);
  const key = encodeUtf8(record);
  store.write = async (operations, durability) => {
    const isIt = operations.some((each) => 'key' in each && equalBytes(each.key, key));
    if (isIt && isFull()) throw new TabellionError('store-full');
    return write(operations, durability);
  };
  return store;
}

describe('the wish to leave signatures to a checkpoint', () => {
  beforeEach(async () => {
    verifier = countingVerifier(ada);
    village = await Village.running(6);
  });
  afterEach(() => village.end());

  /** A node that hears of no block before it was given the checkpoint. */
  async function startReplay(
    checkpoint: Checkpoint,
    { replayTrusting = true, store = new MemoryStore() } = {},
  ) {
    village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
    const { node } = await village.start('archive', {
      store,
      change: { verifier },
      options: { mode: 'archive', checkpoint, replayTrusting },
    });
    await village.clock.until('given', () => statusOf(node).given !== undefined, 30_000);
    return node;
  }

  /** Only blocks up to a height come to it for now. */
  function showHalf(half: number): void {
    const answers = { blocks: blocksUpTo(half) };
    impostor(village, { name: 'half', honest: FIRST, answers });
    village.hub.delivers = () => true;
    isolate(village, 'archive', ['half']);
  }

  it('is the last one that was said, however soon after the other', async () => {
    const node = await startReplay(village.newest(), { replayTrusting: false });
    await village.clock.run(Promise.all([trusting(node, true), trusting(node, false)]));
    expect(statusOf(node).isReplayTrusting).toBe(false);
    expect(node.parts.checkpoints.vouches(1)).toBe(false);
    await village.clock.run(Promise.all([trusting(node, false), trusting(node, true)]));
    expect(statusOf(node).isReplayTrusting).toBe(true);
    expect(node.parts.checkpoints.vouches(1)).toBe(true);
  });

  it('is taken back at once, and for good as soon as a full disk has room again', async () => {
    let isFull = false;
    const store = fullFor('replay-trust', () => isFull);
    const node = await startReplay(village.newest(), { store });
    isFull = true;
    expect(await codeOf(trusting(node, false))).toBe('store-full');
    expect(node.parts.checkpoints.vouches(1)).toBe(false);
    // What the next start would do.
    expect(statusOf(node).isReplayTrusting).toBe(true);
    isFull = false;
    expect(await codeOf(trusting(node, false))).toBe('done');
    await village.stop('archive');
    const { node: again } = await village.start('archive', { store });
    expect(statusOf(again).isReplayTrusting).toBe(false);
  });

  it('claims of no block that it was not checked when it was', async () => {
    const told = village.newest();
    const node = await startReplay(told);
    showHalf(2);
    await village.clock.until('half', () => heightOf(node) >= 2, 60_000);
    await village.clock.run(trusting(node, false));
    expect(statusOf(node).unsigned).toEqual([{ from: 1, to: 2 }]);
    // It speaks for nothing all the same.
    expect(node.parts.checkpoints.isChainHidden()).toBe(true);
    village.hub.heal();
    await village.clock.until('almost', () => heightOf(node) >= 3, 60_000);
    await village.clock.until('all', () => heightOf(node) >= told.height, 60_000);
    expect(verifier.count()).toBeGreaterThan(0);
    expect(statusOf(node).unsigned).toEqual([{ from: 1, to: 2 }]);
    expect(node.parts.checkpoints.isChainHidden()).toBe(false);
  });

  it('does not hide again what led to its checkpoint when a higher one is given', async () => {
    const told = village.newest();
    const store = new MemoryStore();
    const node = await startReplay(told, { store });
    village.hub.delivers = () => true;
    await village.clock.until('linked', () => heightOf(node) >= told.height, 60_000);
    await village.decide(7);
    await village.clock.until('followed', () => heightOf(node) > told.height, 60_000);
    const linked = heightOf(node);
    await village.stop('archive');
    for (let value = 8; value <= 12; value++) await village.decide(value);
    village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
    const { node: again } = await village.start('archive', { store, options: { mode: 'archive' } });
    await village.clock.until('proven', () => again.source().trust() === 'proven', 60_000);
    await village.clock.run(again.parts.checkpoints.give(village.newest()));
    expect(again.parts.checkpoints.isChainHidden()).toBe(false);
    expect(await toldHeight(village, 'archive')).toBe(linked);
    showHalf(linked + 2);
    await village.clock.until('on its way', () => heightOf(again) >= linked + 2, 60_000);
    expect(again.parts.checkpoints.isChainHidden()).toBe(true);
    expect(await toldHeight(village, 'archive')).toBe(linked);
    // What a higher checkpoint is given for meanwhile has to lead to that one.
    village.hub.heal();
    const { height } = village.newest();
    await village.clock.until('linked again', () => heightOf(again) >= height, 60_000);
    expect(await toldHeight(village, 'archive')).toBe(heightOf(again));
    // What came between both replays was checked, and counts so.
    const { checkpoints } = again.parts;
    const heights = [told.height, told.height + 1, linked, linked + 1, height];
    expect(heights.map((at) => checkpoints.isUnsigned(at))).toEqual([
      ...[true, false, false, true, true],
    ]);
  });

  it('is kept over a reset, with the checkpoint, for the replay that follows', async () => {
    const told = village.newest();
    const node = await startReplay(told);
    village.hub.delivers = () => true;
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    await village.clock.run(node.reset());
    expect(statusOf(node)).toMatchObject({ given: told, isReplayTrusting: true });
    await village.clock.until('once more', () => heightOf(node) >= told.height, 60_000);
    expect(verifier.count()).toBe(0);
  });

  it('waits a while for the checkpoint that the settings name, and no longer', async () => {
    const checkpoint = village.newest();
    const options = { mode: 'archive', checkpoint, replayTrusting: true } as const;
    const { node } = await village.start('early', { change: { verifier }, options });
    const isThere = (each: TabellionNode) => heightOf(each) >= checkpoint.height;
    await village.clock.until('replayed', () => isThere(node), 60_000);
    expect(verifier.count()).toBe(0);
    // Nobody will ever show this one.
    const far = { ...checkpoint, height: 1_000_000 as Height };
    const { node: late } = await village.start('late', {
      options: { ...options, checkpoint: far },
    });
    await village.clock.pass(20_000);
    expect(heightOf(late)).toBe(0);
    await village.clock.until('goes on', () => isThere(late), 60_000);
  });

  it('does not outlive a reset with a checkpoint that was contradicted', async () => {
    const told = village.newest();
    const store = new MemoryStore();
    const node = await startReplay(told, { store });
    node.parts.checkpoints.contradicted();
    await village.stop('archive');
    const { node: again } = await village.start('archive', { store, options: { mode: 'archive' } });
    // Over a restart nothing of it is shown as before.
    expect(again.parts.checkpoints.isChainHidden()).toBe(true);
    await village.clock.run(again.reset());
    expect(statusOf(again)).toMatchObject({ given: undefined, isReplayTrusting: false });
  });

  it('is looked for again when the disk was full as the checkpoint was found', async () => {
    let isFull = true;
    const store = fullFor('checkpoint-given', () => isFull);
    const checkpoint = village.newest();
    const options = { mode: 'light', checkpoint } as const;
    const { node } = await village.start('lamp', { store, options });
    await village.clock.pass(10_000);
    expect(node.status().error).toBeUndefined();
    expect(statusOf(node)).toMatchObject({ given: undefined, wanted: checkpoint });
    isFull = false;
    await village.clock.until('given', () => statusOf(node).given !== undefined, 90_000);
  });
});

describe('a snapshot below the checkpoint', () => {
  let settled: SettledVillage;
  beforeEach(async () => {
    settled = await SettledVillage.found({ settlers: 1_500, blocks: 14 });
    village = settled;
  });
  afterEach(() => settled.end());

  it('stands for what is below it: only blocks above were not checked', async () => {
    const { node } = await settled.start('late', { options: { mode: 'light' } });
    await settled.clock.until('proven', () => node.source().trust() === 'proven');
    const told = village.newest();
    await settled.clock.run(node.parts.checkpoints.give(told));
    await settled.clock.run(trusting(node, true));
    await settled.clock.run(node.setMode('full'));
    node.promote();
    await settled.arrived(node, 200_000);
    const [adopted] = settled.factsOf('late', 'snapshot-adopted');
    const from = 1 + Number(isJsonObject(adopted) ? adopted.height : undefined);
    expect(from).toBeGreaterThan(1);
    expect(statusOf(node).unsigned).toEqual([{ from, to: told.height }]);
  });
});
