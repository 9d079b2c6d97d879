import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encodeUtf8, errorToData } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { Checkpoint } from '../light/index.ts';
import { MemoryStore } from '../storage/index.ts';
import type { ReplayRecord } from './checkpoint-record.ts';
import { firstReplayRecordCodec, NO_REPLAY, replayRecordCodec } from './checkpoint-record.ts';
import type { TabellionNode } from './index.ts';
import { seal } from './store/index.ts';
import type { CountingVerifier } from './testing/counting-verifier.ts';
import { countingVerifier } from './testing/counting-verifier.ts';
import { blocksUpTo, impostor, isolate, toldHeight } from './testing/liar.ts';
import { showLies, startLiars } from './testing/perjurers.ts';
import { FUNDED, heightOf, paidIn, VALIDATORS, Village } from './testing/village.ts';

// Replay that leaves signatures of transactions to a checkpoint: what it saves, what it must never
// let through, and what it calls the result.

const ada = person('ada');
const thief = person('thief');
const [FIRST] = VALIDATORS;
const PAYMENTS = 6;

let village: Village;
/** Of the node that replays. */
let verifier: CountingVerifier;
beforeEach(async () => {
  verifier = countingVerifier(ada);
  village = await Village.running(PAYMENTS);
});
afterEach(() => village.end());

/** A node that hears of no block before it was given the checkpoint. */
async function startReplay(
  checkpoint: Checkpoint,
  options: { readonly replayTrusting?: boolean; readonly store?: MemoryStore } = {},
) {
  const { replayTrusting = true, store = new MemoryStore() } = options;
  village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
  const { node } = await village.start('archive', {
    store,
    change: { verifier },
    options: { mode: 'archive', checkpoint, replayTrusting },
  });
  const { checkpoints } = node.parts;
  await village.clock.until('given', () => checkpoints.status().given !== undefined, 30_000);
  village.hub.delivers = () => true;
  return node;
}

describe('replay below a checkpoint', () => {
  it('checks no signature of a payment when that was asked for, and executes all the same', async () => {
    const told = village.newest();
    const node = await startReplay(told);
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    expect(verifier.count()).toBe(0);
    const honest = village.node(FIRST);
    expect(node.status().head?.hash).toEqual(honest.status().head?.hash);
    expect(await village.balanceOf(node)).toBe(paidIn(PAYMENTS));
    await village.clock.until('validated', () => node.source().trust() === 'validated', 30_000);
    expect(node.parts.checkpoints.status()).toMatchObject({
      isReplayTrusting: true,
      isLinked: true,
      unsigned: [{ to: told.height }],
    });
    // Beyond the checkpoint everything is checked again.
    await village.decide(7);
    await village.clock.until('followed', () => heightOf(node) > told.height);
    expect(verifier.count()).toBeGreaterThan(0);
  });

  it('checks all of them unless somebody asked', async () => {
    const told = village.newest();
    const node = await startReplay(told, { replayTrusting: false });
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    expect(verifier.count()).toBeGreaterThanOrEqual(PAYMENTS);
    expect(node.parts.checkpoints.status()).toMatchObject({ unsigned: [] });
  });

  it('speaks for nothing before it reached the checkpoint, and remembers what was not checked', async () => {
    const told = village.newest();
    const store = new MemoryStore();
    const half = told.height - 2;
    const answers = { blocks: blocksUpTo(half) };
    impostor(village, { name: 'half', honest: FIRST, answers });
    const node = await startReplay(told, { store });
    isolate(village, 'archive', ['half']);
    const seen: string[] = [];
    node.events.on('head', () => seen.push(node.source().kind));
    await village.clock.until('half of it', () => heightOf(node) >= half, 60_000);
    expect(heightOf(node)).toBe(half);
    // Nor does it tell peers what may turn out to be a lie.
    expect(await toldHeight(village, 'archive')).toBe(0);
    expect(new Set(seen)).toEqual(new Set(['light']));
    // Nor does it when nobody is there to prove anything.
    village.hub.cut('archive', 'half');
    await village.clock.pass(1_000);
    expect(node.source()).toMatchObject({ kind: 'light' });
    expect(node.source().trust()).toBe('cached');
    village.kill('archive');
    const { node: again } = await village.start('archive', {
      store: store.crash(),
      change: { verifier },
      options: { mode: 'archive' },
    });
    expect(heightOf(again)).toBe(half);
    expect(await toldHeight(village, 'archive')).toBe(0);
    village.hub.heal();
    await village.clock.until('replayed', () => heightOf(again) >= told.height, 60_000);
    expect(again.parts.checkpoints.status()).toMatchObject({
      isReplayTrusting: true,
      isLinked: true,
    });
    expect(await toldHeight(village, 'archive')).toBeGreaterThanOrEqual(told.height);
    expect(again.parts.checkpoints.isUnsigned(told.height)).toBe(true);
    expect(again.parts.checkpoints.isUnsigned(told.height + 1)).toBe(false);
    expect(verifier.count()).toBe(0);
  });

  it('is not for those who decide', async () => {
    await village.stop(FIRST);
    const { node } = village.create(FIRST, { options: { replayTrusting: true } });
    const start = village.clock.run(node.start()).catch((error: unknown) => errorToData(error));
    expect(await start).toMatchObject({ code: 'not-permitted' });
    await village.stop(FIRST);
  });
});

describe('a chain of members who certified what nobody signed', () => {
  let liars: Village;
  let told: Checkpoint;
  beforeEach(async () => {
    told = village.newest();
    liars = await startLiars(told.height + 3);
  });
  afterEach(() => liars.stopAll());

  /** It was given the true checkpoint, and hears of the liars once the network is healed. */
  function startBesideLiars(replayTrusting = true): Promise<TabellionNode> {
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    return startReplay(told, { replayTrusting });
  }

  it('is read below a checkpoint, shown to nobody, and read again when it does not lead there', async () => {
    const stolen = () => village.balanceOf(liars.node(FIRST), thief);
    expect(await stolen()).toBeGreaterThan(0n);
    const node = await startBesideLiars();
    village.hub.heal();
    isolate(village, 'archive', ['liar']);
    const seen: string[] = [];
    let top = 0;
    const note = () => {
      top = Math.max(top, heightOf(node));
      if (heightOf(node) === 0) return;
      seen.push(`${node.source().kind} ${node.source().trust()}`);
    };
    for (const event of ['head', 'light', 'status'] as const) node.events.on(event, note);
    const has = (event: string) => village.traces.some((each) => each.event === event);
    await village.clock.until('read again', () => has('ledger-read-again'), 120_000);
    // It had taken all of it but the last block.
    expect(top).toBe(told.height - 1);
    expect(has('checkpoint-conflicts')).toBe(true);
    expect(village.hub.penalties).toMatchObject([{ peerId: 'liar', reason: 'bad-block' }]);
    expect(seen.length).toBeGreaterThan(0);
    expect(seen.filter((each) => !each.startsWith('light'))).toEqual([]);
    expect(heightOf(node)).toBe(0);
    expect(node.parts.checkpoints.status()).toMatchObject({
      given: told,
      isReplayTrusting: false,
      hasFailed: true,
      unsigned: [],
    });
    village.hub.heal();
    village.hub.cut('archive', 'liar');
    await village.clock.until('the true chain', () => heightOf(node) >= told.height, 120_000);
    expect(verifier.count()).toBeGreaterThanOrEqual(PAYMENTS);
    expect(await village.balanceOf(node, thief)).toBe(0n);
    expect(await village.balanceOf(node)).toBe(paidIn(PAYMENTS));
  });

  it('is read again as soon as a true block does not follow it, and nobody honest is blamed', async () => {
    const few = 3;
    await liars.stopAll();
    liars = await startLiars(few);
    const node = await startBesideLiars();
    village.hub.heal();
    isolate(village, 'archive', ['liar']);
    await village.clock.until('misled', () => heightOf(node) >= few, 120_000);
    village.hub.heal();
    await village.clock.until('the true chain', () => heightOf(node) >= told.height, 120_000);
    expect(village.traces.some(({ event }) => event === 'ledger-read-again')).toBe(true);
    expect(node.status().error).toBeUndefined();
    expect(verifier.count()).toBeGreaterThanOrEqual(PAYMENTS);
    expect(await village.balanceOf(node, thief)).toBe(0n);
    const blamed = village.hub.penalties.map(({ peerId }) => peerId);
    expect(blamed.filter((name) => name !== 'liar')).toEqual([]);
  });

  it('is read again when its members did not give a certificate, and another block is proven', async () => {
    const few = 3;
    await liars.stopAll();
    liars = await startLiars(few);
    const node = await startBesideLiars();
    village.hub.delivers = ({ kind, from, to }) =>
      kind !== 'request-blocks' || from === 'liar' || to === 'liar';
    village.hub.heal();
    await village.clock.until('misled', () => heightOf(node) >= few, 120_000);
    village.hub.cut('archive', 'liar');
    const next = (few + 1) as Height;
    const served = await village.node(FIRST).parts.store.servedBlock(next);
    if (served === undefined) throw new Error('the honest have it');
    const { chain } = node.parts;
    const verified = await village.clock.run(chain.verifyBlock(served.block));
    if (!verified.ok) throw new Error(verified.error.code);
    const { certificate } = served;
    const lacking = { ...certificate, signatures: certificate.signatures.slice(0, 1) };
    const importing = chain.importBlock(verified.value, lacking);
    expect(await village.clock.run(importing)).toEqual({ ok: true, value: 'known' });
    const isReadAgain = () => village.traces.some(({ event }) => event === 'ledger-read-again');
    await village.clock.until('read again', isReadAgain, 60_000);
    expect(node.status().error).toBeUndefined();
  });

  it('is refused when the checkpoint ceases to vouch for blocks that were looked at before', async () => {
    const node = await startBesideLiars();
    village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
    const { chain, checkpoints } = node.parts;
    const served = await liars.node(FIRST).parts.store.servedBlock(1 as Height);
    if (served === undefined) throw new Error('there is a first block');
    const { block, certificate } = served;
    const verified = await village.clock.run(chain.verifyBlock(block, certificate));
    if (!verified.ok) throw new Error(verified.error.code);
    await village.clock.run(checkpoints.setReplayTrusting(false));
    const imported = await village.clock.run(chain.importBlock(verified.value, certificate));
    expect(imported).toMatchObject({ ok: false, error: { code: 'signature-invalid' } });
    expect(heightOf(node)).toBe(0);
  });

  it('is deleted at the next start, wherever the first one was killed', async () => {
    const store = new MemoryStore();
    const node = await startReplay(told, { store });
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    await village.stop('archive');
    const key = encodeUtf8('replay-trust');
    const put = (value: Bytes) =>
      store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
    const { suite } = village.world.ledger;
    const unsigned = { from: 1 as Height, to: told.height };
    const meant = { ...NO_REPLAY, isOn: true, mustReadAgain: true, hasFailed: true };
    const former = encode(firstReplayRecordCodec, { ...meant, unsigned });
    village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
    // Nobody can say any more which blocks were checked, or the first life had decided it.
    const now = encode(replayRecordCodec, { ...meant, unsigned: [unsigned] });
    for (const value of [Uint8Array.of(1, 2, 3), seal(suite, now), seal(suite, former)]) {
      await put(value);
      const options = { mode: 'archive', replayTrusting: true } as const;
      const { node: again } = await village.start('archive', { store, options });
      expect(heightOf(again)).toBe(0);
      const status = again.parts.checkpoints.status();
      expect(status).toMatchObject({ isReplayTrusting: false, hasFailed: true, given: told });
      await village.stop('archive');
    }
  });

  it.each([
    ['keeps what was below it, where that led to a checkpoint before', 3],
    ['takes what was below it along, where that was only checked', 2],
  ])('%s', async (_, unsignedTo) => {
    const store = new MemoryStore();
    const node = await startReplay(told, { store });
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    const linked = 3 as Height;
    const below = await node.parts.store.header(linked);
    await village.stop('archive');
    const record: ReplayRecord = {
      ...{ ...NO_REPLAY, isOn: true, mustReadAgain: true, hasFailed: true },
      unsigned: [
        { from: 1 as Height, to: unsignedTo as Height },
        { from: 4 as Height, to: told.height },
      ],
      unlinked: { from: 4 as Height, to: told.height, below },
    };
    const value = seal(village.world.ledger.suite, encode(replayRecordCodec, record));
    const key = encodeUtf8('replay-trust');
    await store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
    village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
    const { node: again } = await village.start('archive', { store, change: { verifier } });
    const isKept = unsignedTo === linked;
    expect(heightOf(again)).toBe(isKept ? linked : 0);
    const { checkpoints } = again.parts;
    expect(checkpoints.status()).toMatchObject({
      hasFailed: true,
      unsigned: isKept ? [{ from: 1, to: linked }] : [],
    });
    expect(checkpoints.isChainHidden()).toBe(false);
    village.hub.delivers = () => true;
    await village.clock.until('the true chain', () => heightOf(again) >= told.height, 60_000);
    expect(again.status().head?.hash).toEqual(village.node(FIRST).status().head?.hash);
    expect(await village.balanceOf(again)).toBe(paidIn(PAYMENTS));
  });

  it('tells each range of blocks that it left unchecked, as far as its chain goes', async () => {
    const store = new MemoryStore();
    await startReplay(told, { replayTrusting: false, store });
    await village.clock.until(
      'replayed',
      () => heightOf(village.node('archive')) >= told.height,
      60_000,
    );
    await village.stop('archive');
    const heights = (from: number, to: number) => ({ from, to }) as { from: Height; to: Height };
    const unsigned = [heights(1, 2), heights(4, told.height), heights(1_000, 1_009)];
    const value = seal(
      village.world.ledger.suite,
      encode(replayRecordCodec, { ...NO_REPLAY, unsigned }),
    );
    const key = encodeUtf8('replay-trust');
    await store.write([{ kind: 'put', space: 'meta', key, value }], 'strict');
    const { node } = await village.start('archive', { store });
    expect(node.parts.checkpoints.status().unsigned).toEqual(unsigned.slice(0, 2));
  });

  it('takes the blocks of its own that were checked along, when it is read again', async () => {
    // They certified a second chain, and everybody signed in it.
    await liars.stopAll();
    liars = new Village(FUNDED);
    await liars.clock.pass(5);
    await liars.startAll(...VALIDATORS);
    await liars.decideAll(2);
    const checked = heightOf(liars.node(FIRST));
    const store = new MemoryStore();
    // Members that met two certified chains could not go on.
    const fence = () => isolate(village, 'liar', ['archive']);
    fence();
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay(told, { replayTrusting: false, store });
    village.hub.heal();
    fence();
    isolate(village, 'archive', ['liar']);
    await village.clock.until('checked', () => heightOf(node) >= checked, 120_000);
    await village.clock.run(node.parts.checkpoints.setReplayTrusting(true));
    while (heightOf(liars.node(FIRST)) < told.height + 3) {
      const pay = liars.pay(ada, thief.address, 1);
      await liars.settled(await liars.submit(liars.node(FIRST), pay), VALIDATORS);
    }
    const isReadAgain = () => village.traces.some(({ event }) => event === 'ledger-read-again');
    await village.clock.until('read again', isReadAgain, 120_000);
    const survivor = village.kill('archive');
    village.hub.heal();
    fence();
    village.hub.cut('archive', 'liar');
    const { node: again } = await village.start('archive', {
      store: survivor,
      change: { verifier },
    });
    await village.clock.until('the true chain', () => heightOf(again) >= told.height, 120_000);
    expect(again.status().error).toBeUndefined();
    expect(await village.balanceOf(again)).toBe(paidIn(PAYMENTS));
  });

  it('is refused at its first block by whoever checks signatures', async () => {
    const node = await startBesideLiars(false);
    village.hub.heal();
    isolate(village, 'archive', ['liar']);
    await village.clock.until('blame', () => village.hub.penalties.length > 0, 120_000);
    expect(village.hub.penalties).toMatchObject([{ peerId: 'liar', reason: 'bad-block' }]);
    expect(heightOf(node)).toBe(0);
  });
});
