import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatHex } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import { blocksResponseCodec, peerStatusCodec } from './messages.ts';
import { snapshotsAnswerCodec } from './snapshot-messages.ts';
import { altering, divideSlowly, impostor, isolate } from './testing/liar.ts';
import { SettledVillage } from './testing/settled-village.ts';
import type { StartOptions } from './testing/village.ts';
import { heightOf, VALIDATORS } from './testing/village.ts';
import { contradictions } from './testing/votes.ts';

const bob = person('bob');
const [FIRST] = VALIDATORS;
const BLOCKS = 14;

let village: SettledVillage;
beforeEach(async () => {
  village = await SettledVillage.found({ settlers: 1_500, blocks: BLOCKS });
});
afterEach(() => village.end());

const pay = (value: number, names?: readonly string[]) => village.decide(value, names);

const tracesOf = (name: string, event: string) => village.factsOf(name, event);

async function arrives(name: string, options: StartOptions = {}) {
  const { node, store } = await village.start(name, options);
  await village.arrived(node);
  return { node, store };
}

describe('a full node that begins', () => {
  it('proves the block whose state it took over to others, as if it had it', async () => {
    const { node } = await arrives('late');
    const height = node.parts.store.anchor()?.header.height ?? (0 as Height);
    expect(height).toBeGreaterThan(5);
    const from = 0 as Height; // Genesis.
    const ours = await node.lightAnswer({ from, heights: [height] });
    const theirs = await village.node(FIRST).lightAnswer({ from, heights: [height] });
    expect(ours.blocks.map(({ header }) => header)).toEqual(
      theirs.blocks.map(({ header }) => header),
    );
    expect(ours.blocks.at(-1)?.certificate.height).toBe(height);
  });

  it('takes over a state instead of executing old blocks, and follows', async () => {
    const { node } = await arrives('late');
    expect(tracesOf('late', 'snapshot-adopted')).toHaveLength(1);
    expect(node.parts.store.earliestHeight()).toBeGreaterThan(5);
    await village.clock.until('validated', () => node.source().trust() === 'validated');
    expect(node.source().kind).toBe('chain');
    const paid = (BLOCKS * (BLOCKS + 1)) / 2;
    expect(await village.balanceOf(node)).toBe(BigInt(paid));
    expect(await village.balanceOf(node, person('settler 700'))).toBe(701n);
    await pay(100, ['late', ...VALIDATORS]);
    const height = heightOf(node) as Height;
    const [own, others] = [node, village.node(FIRST)].map(({ parts }) => parts.store);
    expect(formatHex((await own?.header(height))?.stateRoot as never)).toBe(
      formatHex((await others?.header(height))?.stateRoot as never),
    );
    expect(node.status().snapshot).toBeUndefined();
  });

  it('shows old blocks and histories that its own store lacks, as peers prove them', async () => {
    const { node } = await arrives('late');
    const source = node.source();
    const old = await village.clock.run(source.block(2 as Height));
    const real = await village.node(FIRST).parts.store.block(2 as Height);
    expect(old?.hash).toEqual(real?.hash);
    expect(old?.receipts).toEqual(real?.receipts);
    const history = await village.clock.run(source.history(bob.address, { limit: 50 }));
    expect(history.entries).toHaveLength(BLOCKS);
    expect(history.completeFrom).toBeGreaterThan(5);
    expect(history.origin).toBe('peers');
  });

  it('says where its own index of an account ends while nobody tells of the time before', async () => {
    const { node } = await arrives('late');
    for (let value = 1; value <= 2; value++) await pay(value, ['late', ...VALIDATORS]);
    village.hub.delivers = ({ kind }) => !['request-entries', 'request-history'].includes(kind);
    const source = node.source();
    const read = (before?: { readonly height: Height; readonly index: number }) =>
      village.clock.run(
        source.history(bob.address, { limit: 50, ...(before === undefined ? {} : { before }) }),
      );
    const own = await read();
    const { completeFrom = 0, next } = own;
    expect(own.entries.length).toBeGreaterThan(0);
    expect(own.entries.every(({ height }) => height >= completeFrom)).toBe(true);
    expect(next).toEqual({ height: completeFrom, index: 0 });
    await expect(read(next)).rejects.toMatchObject({ code: 'proof-unavailable' });
    village.hub.delivers = () => true;
    const older = await read(next);
    expect(older).toMatchObject({ origin: 'peers', next: undefined });
    expect(own.entries.length + older.entries.length).toBe(BLOCKS + 2);
  });

  it('executes all blocks as an archive', async () => {
    const { node } = await arrives('late', { options: { mode: 'archive' } });
    expect(tracesOf('late', 'snapshot-begun')).toEqual([]);
    expect(node.parts.store.earliestHeight()).toBe(0);
    expect(node.parts.store.historyCompleteFrom()).toBe(0);
  });

  it('executes all blocks where nobody offers a snapshot', async () => {
    village.hub.delivers = ({ kind }) => kind !== 'request-snapshots';
    const { node } = await arrives('late');
    expect(node.parts.store.earliestHeight()).toBe(0);
  });

  it('looks again and again where nobody has the blocks that it would need else', async () => {
    let isReady = false;
    const status = altering(peerStatusCodec, (honest) => {
      return { ...honest, earliestHeight: 9 as Height };
    });
    const snapshots = () => (isReady ? undefined : encode(snapshotsAnswerCodec, { offers: [] }));
    for (const name of ['young', 'younger']) {
      impostor(village, { name, honest: FIRST, answers: { status, snapshots } });
    }
    isolate(village, 'late', ['young', 'younger']);
    const { node } = await village.start('late');
    await village.clock.pass(30_000);
    expect(heightOf(node)).toBe(0);
    isReady = true;
    const head = heightOf(village.node(FIRST));
    await village.clock.until('follows', () => heightOf(node) >= head, 30_000);
  });

  it('begins as soon as a head is proven, however late', async () => {
    let isSlow = true;
    village.hub.delivers = ({ from, to, kind }) =>
      !isSlow || kind !== 'request-light' || ![from, to].includes('late');
    for (const name of VALIDATORS.slice(1)) village.hub.cut('late', name);
    const noBlocks = () => encode(blocksResponseCodec, { blocks: [] });
    impostor(village, { name: 'idle', honest: FIRST, answers: { blocks: noBlocks } });
    isolate(village, 'late', ['idle']);
    const { node } = await village.start('late');
    await village.clock.pass(9_000);
    expect(heightOf(node)).toBe(0);
    isSlow = false;
    const head = heightOf(village.node(FIRST));
    await village.clock.until('adopted', () => tracesOf('late', 'snapshot-adopted').length > 0);
    village.hub.heal();
    await village.clock.until('follows', () => heightOf(node) >= head, 60_000);
  });

  it('takes over a state above the head that its former life proved, once that is proven', async () => {
    village.hub.delivers = ({ kind }) => !['request-snapshots', 'request-blocks'].includes(kind);
    const first = await village.start('late');
    const { light } = first.node.parts.following;
    await village.clock.until('proven', () => light.head().header.height === BLOCKS, 30_000);
    expect(heightOf(first.node)).toBe(0);
    const store = (await village.stop('late')).crash();
    village.hub.delivers = () => true;
    // Peers keep two states: none is left that is not above that head.
    for (let value = 1; value <= 12; value++) await pay(value);
    // They tell what they offer before they prove their head, and blocks do not come at once.
    const ends = () => tracesOf('late', 'snapshot-ended').slice(1);
    const { node } = village.create('late', { store });
    const isProven = () => node.parts.following.light.head().header.height > BLOCKS;
    village.hub.delivers = ({ kind, from }) => {
      if (from === 'late' && kind === 'request-light') return ends().length > 0;
      return kind !== 'request-blocks' || isProven();
    };
    await village.clock.run(node.start());
    await village.arrived(node);
    expect(ends()).toEqual([{ outcome: 'nothing' }, { outcome: 'adopted' }]);
    expect(node.parts.store.anchor()?.header.height).toBeGreaterThan(BLOCKS);
  });

  it('goes on where it stopped', async () => {
    divideSlowly(village, 'late');
    const store = new MemoryStore();
    const { node } = await village.start('late', { store });
    await village.clock.pass(3_000);
    const begun = node.parts.store.snapshotBegun();
    expect(begun?.chunksDone).toBe(3);
    expect(begun?.chunksTotal).toBeGreaterThan(5);
    expect(node.status().snapshot?.chunksDone).toBe(3);
    // Meanwhile it answers, with proofs.
    expect(node.source().trust()).toBe('proven');
    expect(await village.balanceOf(node)).toBe(BigInt((BLOCKS * (BLOCKS + 1)) / 2));
    const survivor = village.kill('late', { unsyncedKept: 1_000_000 });
    village.hub.heal();
    await arrives('late', { store: survivor });
    const [, again] = tracesOf('late', 'snapshot-begun');
    expect(again).toMatchObject({ resumed: 3 });
    expect(tracesOf('late', 'snapshot-adopted')).toHaveLength(1);
  });

  it('serves the state that it took over to the next one', async () => {
    await arrives('late');
    for (let value = 1; value <= 6; value++) await pay(value, ['late', ...VALIDATORS]);
    await village.clock.pass(2_000);
    for (const name of VALIDATORS) village.hub.cut('next', name);
    const { node } = await village.start('next');
    await village.clock.until('from a single peer', () => heightOf(node) > BLOCKS, 120_000);
    expect(tracesOf('next', 'snapshot-adopted')).toHaveLength(1);
  });

  it('that decides with others takes over a state too, and signs above it only', async () => {
    const [, , , last] = VALIDATORS;
    await village.stop(last);
    for (let value = 1; value <= 8; value++) await pay(value, VALIDATORS.slice(0, 3));
    const before = village.hub.published.length;
    const { node } = await arrives(last);
    expect(tracesOf(last, 'snapshot-adopted')).toHaveLength(1);
    for (let value = 1; value <= 4; value++) await pay(value);
    const { vote: codec } = consensusCodecsOf(node.ledger.codecs.block);
    const index = VALIDATORS.indexOf(last);
    const heights = village.hub.published.slice(before).flatMap(({ topic, bytes }) => {
      const decoded = topic === 'votes' ? decode(codec, bytes) : undefined;
      return decoded?.ok && decoded.value.vote.validatorIndex === index
        ? [decoded.value.vote.height]
        : [];
    });
    expect(heights.length).toBeGreaterThan(0);
    const anchor = node.parts.store.anchor()?.header.height ?? 0;
    expect(Math.min(...heights)).toBeGreaterThan(anchor + 1);
    expect(contradictions(village)).toEqual([]);
  });

  it('prunes blocks that are too old, where its operator says so', async () => {
    const options = { keepBlocks: 4 };
    const { node } = await arrives('small', { options });
    for (let value = 1; value <= 12; value++) await pay(value, ['small', ...VALIDATORS]);
    await village.clock.pass(2_000);
    const { store } = node.parts;
    expect(store.earliestHeight()).toBeGreaterThan(BLOCKS);
    const old = await village.clock.run(node.source().block(1 as Height));
    expect(old?.block.header.height).toBe(1);
  });
});
