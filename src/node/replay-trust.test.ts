import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encodeUtf8, equalBytes, errorToData } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { SignatureClaim } from '../crypto/index.ts';
import { verifySignature } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { NATIVE_ASSET, readBalance } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { Checkpoint } from '../light/index.ts';
import { MemoryStore } from '../storage/index.ts';
import { firstReplayRecordCodec, NO_REPLAY, replayRecordCodec } from './checkpoint-record.ts';
import type { TabellionNode } from './index.ts';
import { blocksResponseCodec, peerStatusCodec } from './messages.ts';
import { seal } from './store/index.ts';
import { impostor, isolate } from './testing/liar.ts';
import { showLies, startLiars } from './testing/perjurers.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';

// Replay that leaves signatures of transactions to a checkpoint: what it saves, what it must never
// let through, and what it calls the result.

const ada = person('ada');
const bob = person('bob');
const thief = person('thief');
const [FIRST] = VALIDATORS;
const PAYMENTS = 6;
const BALANCES = { balances: [{ address: ada.address, amount: 1_000_000_000n }] };

let village: Village;
/** Claims of ada's payments that somebody asked a verifier about. */
let checked: SignatureClaim[];
beforeEach(async () => {
  checked = [];
  village = new Village(BALANCES);
  await village.startAll(...VALIDATORS);
  for (let value = 1; value <= PAYMENTS; value++) await pay(value);
});
afterEach(async () => {
  await village.stopAll();
  await village.clock.pass(60_000);
  expect(village.clock.timerCount).toBe(0);
});

async function pay(value: number) {
  const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, value));
  expect(await village.settled(id, VALIDATORS)).toEqual(['final']);
}

function newest(): Checkpoint {
  const { header, hash } = village.node(FIRST).source().head();
  return { height: header.height, hash };
}

const verifier = {
  verify: async (claims: readonly SignatureClaim[]) => {
    checked.push(...claims.filter((each) => equalBytes(each.publicKey, ada.pair.publicKey)));
    return claims.map(verifySignature);
  },
  stop: async () => undefined,
};

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

async function balanceOf(node: TabellionNode, who = bob): Promise<bigint> {
  const reading = node
    .source()
    .read((view) => ({ value: readBalance(view, who.address, NATIVE_ASSET) }));
  return (await village.clock.run(reading)).value;
}

const paid = BigInt((PAYMENTS * (PAYMENTS + 1)) / 2);

describe('replay below a checkpoint', () => {
  it('checks no signature of a payment when that was asked for, and executes all the same', async () => {
    const told = newest();
    const node = await startReplay(told);
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    expect(checked).toEqual([]);
    const honest = village.node(FIRST);
    expect(node.status().head?.hash).toEqual(honest.status().head?.hash);
    expect(await balanceOf(node)).toBe(paid);
    await village.clock.until('validated', () => node.source().trust() === 'validated', 30_000);
    expect(node.parts.checkpoints.status()).toMatchObject({
      isReplayTrusting: true,
      isLinked: true,
      unsigned: { to: told.height },
    });
    // Beyond the checkpoint everything is checked again.
    await pay(7);
    await village.clock.until('followed', () => heightOf(node) > told.height);
    expect(checked.length).toBeGreaterThan(0);
  });

  it('checks all of them unless somebody asked', async () => {
    const told = newest();
    const node = await startReplay(told, { replayTrusting: false });
    await village.clock.until('replayed', () => heightOf(node) >= told.height, 60_000);
    expect(checked.length).toBeGreaterThanOrEqual(PAYMENTS);
    expect(node.parts.checkpoints.status()).toMatchObject({ unsigned: undefined });
  });

  it('speaks for nothing before it reached the checkpoint, and remembers what was not checked', async () => {
    const told = newest();
    const store = new MemoryStore();
    const half = told.height - 2;
    const blocks = async (_: Bytes, honestly: () => Promise<Bytes>) => {
      const answer = decode(blocksResponseCodec, await honestly());
      if (!answer.ok) throw new Error('honest answers decode');
      const below = answer.value.blocks.filter(({ certificate }) => certificate.height <= half);
      return encode(blocksResponseCodec, { blocks: below });
    };
    impostor(village, { name: 'half', honest: FIRST, answers: { blocks } });
    const node = await startReplay(told, { store });
    isolate(village, 'archive', ['half']);
    const seen: string[] = [];
    node.events.on('head', () => seen.push(node.source().kind));
    await village.clock.until('half of it', () => heightOf(node) >= half, 60_000);
    expect(heightOf(node)).toBe(half);
    // Nor does it tell peers what may turn out to be a lie.
    const asker = village.stranger('asker');
    const toldHeight = async () => {
      const answer = await village.clock.run(
        asker.request('archive', 'status', new Uint8Array(0) as Bytes),
      );
      const decoded = decode(peerStatusCodec, answer);
      return decoded.ok ? decoded.value.headHeight : undefined;
    };
    expect(await toldHeight()).toBe(0);
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
    expect(await toldHeight()).toBe(0);
    village.hub.heal();
    await village.clock.until('replayed', () => heightOf(again) >= told.height, 60_000);
    expect(again.parts.checkpoints.status()).toMatchObject({
      isReplayTrusting: true,
      isLinked: true,
    });
    expect(await toldHeight()).toBeGreaterThanOrEqual(told.height);
    expect(again.parts.checkpoints.isUnsigned(told.height)).toBe(true);
    expect(again.parts.checkpoints.isUnsigned(told.height + 1)).toBe(false);
    expect(checked).toEqual([]);
  });

  it('is not for those who decide', async () => {
    await village.stop(FIRST);
    const { node } = village.create(FIRST, { options: { replayTrusting: true } });
    const start = village.clock.run(node.start()).catch((error: unknown) => errorToData(error));
    expect(await start).toMatchObject({ code: 'not-permitted' });
  });
});

describe('a chain of members who certified what nobody signed', () => {
  let liars: Village;
  let told: Checkpoint;
  beforeEach(async () => {
    told = newest();
    liars = await startLiars(BALANCES, told.height + 3);
  });
  afterEach(() => liars.stopAll());

  it('is read below a checkpoint, shown to nobody, and read again when it does not lead there', async () => {
    const stolen = () => balanceOf(liars.node(FIRST), thief);
    expect(await stolen()).toBeGreaterThan(0n);
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay(told);
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
      unsigned: undefined,
    });
    village.hub.heal();
    village.hub.cut('archive', 'liar');
    await village.clock.until('the true chain', () => heightOf(node) >= told.height, 120_000);
    expect(checked.length).toBeGreaterThanOrEqual(PAYMENTS);
    expect(await balanceOf(node, thief)).toBe(0n);
    expect(await balanceOf(node)).toBe(paid);
  });

  it('is read again as soon as a true block does not follow it, and nobody honest is blamed', async () => {
    await liars.stopAll();
    const few = 3;
    liars = await startLiars(BALANCES, few);
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay(told);
    village.hub.heal();
    isolate(village, 'archive', ['liar']);
    await village.clock.until('misled', () => heightOf(node) >= few, 120_000);
    village.hub.heal();
    await village.clock.until('the true chain', () => heightOf(node) >= told.height, 120_000);
    expect(village.traces.some(({ event }) => event === 'ledger-read-again')).toBe(true);
    expect(node.status().error).toBeUndefined();
    expect(checked.length).toBeGreaterThanOrEqual(PAYMENTS);
    expect(await balanceOf(node, thief)).toBe(0n);
    const blamed = village.hub.penalties.map(({ peerId }) => peerId);
    expect(blamed.filter((name) => name !== 'liar')).toEqual([]);
  });

  it('is read again when its members did not give a certificate, and another block is proven', async () => {
    await liars.stopAll();
    const few = 3;
    liars = await startLiars(BALANCES, few);
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay(told);
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
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay(told);
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
    const kept = { isOn: true, unsigned: { from: 1 as Height, to: told.height } };
    const meant = { ...NO_REPLAY, ...kept, mustReadAgain: true, hasFailed: true };
    const former = encode(firstReplayRecordCodec, meant);
    village.hub.delivers = ({ kind }) => kind !== 'request-blocks';
    // Nobody can say any more which blocks were checked, or the first life had decided it.
    const now = encode(replayRecordCodec, meant);
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

  it('is refused at its first block by whoever checks signatures', async () => {
    showLies(village, liars, 'liar');
    village.hub.cut('archive', 'liar');
    const node = await startReplay(told, { replayTrusting: false });
    village.hub.heal();
    isolate(village, 'archive', ['liar']);
    await village.clock.until('blame', () => village.hub.penalties.length > 0, 120_000);
    expect(village.hub.penalties).toMatchObject([{ peerId: 'liar', reason: 'bad-block' }]);
    expect(heightOf(node)).toBe(0);
  });
});
