import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import { NATIVE_ASSET, readBalance } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { MemoryStore } from '../storage/index.ts';
import type { TabellionNode } from './index.ts';
import { MEND_WAIT_MS } from './limits.ts';
import { pageAnswerCodec } from './proof-messages.ts';
import type { Answers } from './testing/liar.ts';
import { altering, impostor, isolate } from './testing/liar.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;
const WATCHER = 'watcher';

/** Enough accounts for several pages. */
const BALANCES = [
  ...FUNDED.balances,
  ...Array.from({ length: 1_500 }, (_, at) => ({
    address: person(`settler ${at}`).address,
    amount: BigInt(at + 1),
  })),
];

let village: Village;
beforeEach(async () => {
  village = await Village.running(3, { balances: BALANCES });
});
afterEach(() => village.end());

const tracesOf = (name: string, event: string) =>
  village.traces.filter((trace) => trace.node === name && trace.event === event);

async function balanceOf(node: TabellionNode, who: typeof ada): Promise<bigint> {
  const read = node.parts.chain.read((view) => ({
    value: readBalance(view, who.address, NATIVE_ASSET),
  }));
  return (await village.clock.run(read)).value;
}

/** Pages of the state that lie on a disk are lost, or have one bit changed. */
async function damage(
  store: MemoryStore,
  kind: 'lost' | 'changed',
  count = Number.POSITIVE_INFINITY,
): Promise<number> {
  const entries = await store.list('pages', { limit: 1_000 });
  const pages = entries.filter(({ key }) => key[8] !== 255).slice(0, count);
  for (const { key, value } of pages) {
    const spoilt = value.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
    const put = { kind: 'put', space: 'pages', key, value: new Uint8Array(spoilt) } as const;
    await store.write([kind === 'lost' ? { kind: 'delete', space: 'pages', key } : put], 'strict');
  }
  return pages.length;
}

/** A node that follows, has written a checkpoint, and holds nothing of it in memory. */
async function watcher() {
  const { node, store } = await village.start(WATCHER, { options: { cacheBytesMax: 0 } });
  await village.reach(heightOf(village.node(FIRST)), [WATCHER]);
  for (let round = 0; round < 2; round++) {
    await village.clock.run(node.parts.store.checkpoint());
  }
  node.configure({ cacheBytesMax: 0 });
  return { node, store };
}

/** The same, stopped after blocks that no checkpoint holds. */
async function stoppedWatcher(kind: 'lost' | 'changed'): Promise<MemoryStore> {
  await watcher();
  await village.decideAll(2);
  await village.reach(heightOf(village.node(FIRST)), [WATCHER]);
  const store = (await village.stop(WATCHER)).crash();
  expect(await damage(store, kind)).toBeGreaterThan(1);
  return store;
}

const expected = (who: typeof ada) => balanceOf(village.node(FIRST), who);

/** Gives pages with one bit changed, or no page at all. */
const lying = (change: (page: Bytes) => Bytes | undefined): Answers => ({
  page: altering(pageAnswerCodec, ({ page }) => ({ page: page && change(page) })),
});
const spoil = (page: Bytes): Bytes =>
  new Uint8Array(page.map((byte, at) => (at === 9 ? byte ^ 1 : byte)));

describe('a page of the state that is damaged', () => {
  it.each(['lost', 'changed'] as const)('while the node runs (%s) is put back', async (kind) => {
    const { node, store } = await watcher();
    expect(await damage(store, kind)).toBeGreaterThan(1);
    expect(await balanceOf(node, bob)).toBe(await expected(bob));
    expect(tracesOf(WATCHER, 'page-mended').length).toBeGreaterThan(0);
    expect(node.status().storage).toMatchObject({ kind: 'repaired', code: 'page-mended' });
    // Blocks are executed on it as if nothing had been.
    await village.decideAll(2);
    await village.reach(heightOf(village.node(FIRST)), [WATCHER]);
    for (const who of [ada, bob, person('settler 7')]) {
      expect(await balanceOf(node, who)).toBe(await expected(who));
    }
    expect(node.status()).toMatchObject({ stage: 'following', error: undefined });
    expect(village.hub.penalties).toEqual([]);
  });

  it.each(['lost', 'changed'] as const)('when the node starts (%s) is put back', async (kind) => {
    const store = await stoppedWatcher(kind);
    await village.decideAll(1);
    const { node } = await village.start(WATCHER, { store, options: { cacheBytesMax: 0 } });
    await village.reach(heightOf(village.node(FIRST)), [WATCHER]);
    expect(node.status()).toMatchObject({
      error: undefined,
      storage: { kind: 'repaired', code: 'page-mended' },
    });
    expect(node.parts.store.earliestHeight()).toBe(0);
    for (const who of [ada, bob, person('settler 7')]) {
      expect(await balanceOf(node, who)).toBe(await expected(who));
    }
    // It lies on the disk again: with nobody to ask, the node starts as well.
    const kept = (await village.stop(WATCHER)).crash();
    isolate(village, WATCHER, []);
    const again = await village.start(WATCHER, { store: kept });
    expect(await balanceOf(again.node, bob)).toBe(await expected(bob));
  });

  it.each([
    ['another page', spoil],
    ['a piece of it', (page: Bytes) => page.slice(0, -5)],
    ['nothing', () => undefined],
  ] as const)('does not come from a liar who gives %s', async (what, change) => {
    const store = await stoppedWatcher('lost');
    impostor(village, { name: 'liar', honest: FIRST, answers: lying(change) });
    impostor(village, { name: 'honest', honest: FIRST });
    isolate(village, WATCHER, ['liar', 'honest']);
    const { node } = await village.start(WATCHER, { store });
    expect(await balanceOf(node, bob)).toBe(await expected(bob));
    expect(tracesOf(WATCHER, 'page-mended').length).toBeGreaterThan(0);
    const blamed = new Set(
      village.hub.penalties.map(({ peerId, reason }) => `${peerId}: ${reason}`),
    );
    expect([...blamed]).toEqual(what === 'nothing' ? [] : ['liar: false-answer']);
  });

  it('stays what it is, and is named, where liars alone are there', async () => {
    const store = await stoppedWatcher('changed');
    impostor(village, { name: 'liar', honest: FIRST, answers: lying(spoil) });
    isolate(village, WATCHER, ['liar']);
    const { node } = village.create(WATCHER, { store });
    const started = node.start();
    await expect(village.clock.run(started)).rejects.toMatchObject({ code: 'page-corrupt' });
    expect(node.status()).toMatchObject({ stage: 'failed', error: { code: 'page-corrupt' } });
    expect(tracesOf(WATCHER, 'page-mended')).toEqual([]);
  });

  it('ends a start in bounded time where nobody is', async () => {
    const store = await stoppedWatcher('lost');
    isolate(village, WATCHER, []);
    const { node } = village.create(WATCHER, { store });
    const from = village.clock.now();
    await expect(village.clock.run(node.start(), 60_000)).rejects.toMatchObject({
      code: 'page-corrupt',
    });
    expect(village.clock.now() - from).toBeLessThan(9_000);
    const [told] = tracesOf(WATCHER, 'page-not-mended');
    expect(told?.facts).toMatchObject({ lacking: 0 });
  });

  it('that no peer keeps any more is counted, and a reset brings the state again', async () => {
    const { node, store } = await watcher();
    await damage(store, 'lost');
    const lacking = ['cyd', 'dan'];
    village.hub.delivers = ({ kind, from, to }) =>
      kind !== 'request-page' || lacking.includes(from) || lacking.includes(to);
    const page = () => encode(pageAnswerCodec, { page: undefined });
    for (const name of lacking) impostor(village, { name, honest: FIRST, answers: { page } });
    await village.clock.pass(15_000);
    await expect(balanceOf(node, bob)).rejects.toMatchObject({ code: 'page-corrupt' });
    const told = tracesOf(WATCHER, 'page-not-mended').at(-1);
    expect(told?.facts).toMatchObject({ lacking: 2 });
    // A block needed it meanwhile.
    expect(node.status()).toMatchObject({ stage: 'failed', error: { code: 'page-corrupt' } });
    await village.clock.run(node.reset(), 60_000);
    await village.reach(heightOf(village.node(FIRST)), [WATCHER]);
    expect(node.status().error).toBeUndefined();
    for (const who of [ada, bob, person('settler 7')]) {
      expect(await balanceOf(node, who)).toBe(await expected(who));
    }
  });

  it.each([6, 15])(
    'comes from those who have it, behind %s quick ones who have not',
    async (count) => {
      const { node, store } = await watcher();
      for (let at = 0; at < count; at++) {
        impostor(village, { name: `quick ${at}`, honest: FIRST, answers: lying(() => undefined) });
      }
      village.hub.latencyMs = (peerId) => (peerId.startsWith('quick') ? 5 : 60);
      await village.clock.pass(15_000);
      await damage(store, 'lost');
      expect(await balanceOf(node, bob)).toBe(await expected(bob));
      expect(tracesOf(WATCHER, 'page-mended').length).toBeGreaterThan(0);
      expect(tracesOf(WATCHER, 'page-not-mended')).toEqual([]);
    },
  );

  it('does not hold up others longer than it may, where nobody says a word', async () => {
    const { node, store } = await watcher();
    await damage(store, 'lost');
    village.hub.latencyMs = () => 5;
    village.hub.delivers = ({ kind }) => kind !== 'request-page';
    const from = village.clock.now();
    await expect(balanceOf(node, bob)).rejects.toMatchObject({ code: 'page-corrupt' });
    expect(village.clock.now() - from).toBeLessThanOrEqual(MEND_WAIT_MS);
  });

  it('keeps nobody waiting who stops a node that starts', async () => {
    const store = await stoppedWatcher('lost');
    isolate(village, WATCHER, []);
    const { node } = village.create(WATCHER, { store });
    const started = node.start().catch((error: unknown) => error);
    await village.clock.pass(100);
    const from = village.clock.now();
    await village.stop(WATCHER);
    expect(village.clock.now() - from).toBeLessThan(1_000);
    expect(await started).toMatchObject({ code: 'page-corrupt' });
  });

  it('while the node runs, and nobody has it, fails whoever needs it, and them alone', async () => {
    const { node, store } = await watcher();
    await damage(store, 'lost');
    village.hub.delivers = ({ kind }) => kind !== 'request-page';
    const from = village.clock.now();
    await expect(balanceOf(node, bob)).rejects.toMatchObject({ code: 'page-corrupt' });
    expect(village.clock.now() - from).toBeLessThan(60_000);
    expect(node.status().error).toBeUndefined();
    // Who asks again soon is not kept waiting for it.
    const again = village.clock.now();
    await expect(balanceOf(node, bob)).rejects.toMatchObject({ code: 'page-corrupt' });
    expect(village.clock.now() - again).toBeLessThan(100);
    // Later somebody may have it.
    village.hub.delivers = () => true;
    await village.clock.pass(61_000);
    expect(await balanceOf(node, bob)).toBe(await expected(bob));
  });

  it('holds up those alone who need it, and nobody is told a figure that is not so', async () => {
    const { node, store } = await watcher();
    expect(await damage(store, 'changed', 1)).toBe(1);
    let isHeldBack = true;
    village.hub.delivers = ({ kind }) => !isHeldBack || kind !== 'request-page';
    const told = new Map<number, bigint>();
    const reading = Array.from({ length: 40 }, async (_, at) => {
      const who = person(`settler ${at}`);
      const { value } = await node.parts.chain.read((view) => ({
        value: readBalance(view, who.address, NATIVE_ASSET),
      }));
      told.set(at, value);
    });
    await village.clock.pass(100);
    const early = told.size;
    expect(early).toBeGreaterThan(0);
    expect(early).toBeLessThan(40);
    expect(node.status()).toMatchObject({ stage: 'following', error: undefined });
    isHeldBack = false;
    await village.clock.run(Promise.all(reading));
    for (const [at, value] of told) expect(value).toBe(BigInt(at + 1));
    expect(tracesOf(WATCHER, 'page-mended')).toHaveLength(1);
  });

  it('keeps nobody waiting who stops the node', async () => {
    const { node, store } = await watcher();
    await damage(store, 'lost');
    village.hub.delivers = ({ kind }) => kind !== 'request-page';
    const read = balanceOf(node, bob).catch((error: unknown) => error);
    await village.clock.settle();
    const from = village.clock.now();
    await village.stop(WATCHER);
    expect(village.clock.now() - from).toBeLessThan(1_000);
    expect(await read).toMatchObject({ code: 'page-corrupt' });
  });
});
