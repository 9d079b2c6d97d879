import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { signEd25519 } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { accountStateKeys } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { LightBlock } from '../light/index.ts';
import { lightAnswerCodec, lightRequestCodec } from '../light/index.ts';
import type { RequestKind } from '../network/index.ts';
import type { MemoryStore } from '../storage/index.ts';
import { blocksResponseCodec } from './messages.ts';
import {
  historyAnswerCodec,
  locateAnswerCodec,
  receiptsAnswerCodec,
  stateAnswerCodec,
  stateRequestCodec,
} from './proof-messages.ts';
import type { Answers } from './testing/liar.ts';
import { altering, impostor, isolate, statusMessage } from './testing/liar.ts';
import { heightOf, paidIn, VALIDATORS, Village } from './testing/village.ts';
import { hashOf } from './testing/votes.ts';

const ada = person('ada');
const [FIRST] = VALIDATORS;
const BLOCKS = 8;
const PAID = paidIn(BLOCKS);
const LIGHT = { options: { mode: 'light' } } as const;

/** One network for all: nobody in it is harmed by what newcomers meet. */
let village: Village;
beforeAll(async () => {
  village = await Village.running(BLOCKS);
});
afterAll(() => village.end());

let count = 0;

/** A light node that knows a liar and whoever else is named. */
async function meet(answers: Answers, others: readonly string[] = [FIRST]) {
  count += 1;
  const [liar, newcomer] = [`liar ${count}`, `newcomer ${count}`];
  village.hub.heal();
  impostor(village, { name: liar, honest: FIRST, answers });
  isolate(village, newcomer, [liar, ...others]);
  const { node } = await village.start(newcomer, LIGHT);
  const blames = () =>
    village.hub.penalties.filter((each) => each.by === newcomer && each.peerId === liar);
  const reasons = () => new Set(blames().map(({ reason }) => reason));
  const isPeer = () => node.peers().some(({ peerId }) => peerId === liar);
  return { node, liar, newcomer, reasons, isPeer };
}

async function leave(liar: string, newcomer: string) {
  await village.stop(newcomer);
  await village.hub.find(liar)?.stop();
  await village.hub.find(`${liar}'s mirror`)?.stop();
}

const NOISE = () => Uint8Array.of(9, 9, 9);
const cutShort = async (_: Bytes, honestly: () => Promise<Bytes>) =>
  (await honestly()).slice(0, -3);

/** What an honest node answers to another question. */
function instead(kind: RequestKind, question: (request: Bytes) => Bytes) {
  return (request: Bytes) => {
    const asker = village.hub.find('asker') ?? village.stranger('asker');
    return asker.request(FIRST, kind, question(request));
  };
}

const otherKeys = (change: (keys: readonly Bytes[]) => readonly Bytes[]) =>
  instead('state', (request) => {
    const decoded = decode(stateRequestCodec, request);
    if (!decoded.ok) throw new Error('our own question is good');
    const { height, keys } = decoded.value;
    return encode(stateRequestCodec, { height, keys: change(keys) });
  });

const ADAS_KEY = accountStateKeys(ada.address).nativeBalance;
const FOREIGN_KEY = new Uint8Array(20).fill(7);

const STATE_LIES: readonly (readonly [string, string, Answers['state']])[] = [
  ['no proof at all', 'malformed-answer', NOISE],
  ['a proof that is cut short', 'malformed-answer', cutShort],
  [
    'a proof of an older state',
    'false-proof',
    instead('state', (request) => {
      const decoded = decode(stateRequestCodec, request);
      if (!decoded.ok) throw new Error('our own question is good');
      const { height, keys } = decoded.value;
      return encode(stateRequestCodec, { height: (height - 3) as Height, keys });
    }),
  ],
  ['a proof with a key more', 'false-proof', otherKeys((keys) => [...keys, ADAS_KEY])],
  ['a proof of another key', 'false-proof', otherKeys(() => [FOREIGN_KEY])],
  [
    'another value',
    'false-proof',
    altering(stateAnswerCodec, ({ proof }) => ({
      proof: proof && {
        nodes: proof.nodes.map((node) =>
          node.kind === 'leaf'
            ? { ...node, value: node.value.map((byte) => byte ^ 1) as Bytes }
            : node,
        ),
      },
    })),
  ],
  [
    'another time of change',
    'false-proof',
    altering(stateAnswerCodec, ({ proof }) => ({
      proof: proof && {
        nodes: proof.nodes.map((node) =>
          node.kind === 'leaf' ? { ...node, changedAt: 1 as Height } : node,
        ),
      },
    })),
  ],
  [
    'a leaf that is not there',
    'false-proof',
    altering(stateAnswerCodec, ({ proof }) => ({
      proof: proof && { nodes: proof.nodes.filter(({ kind }) => kind !== 'leaf') },
    })),
  ],
  ['an empty state', 'false-proof', () => encode(stateAnswerCodec, { proof: { nodes: [] } })],
];

describe('a peer that proves by', () => {
  it.each(STATE_LIES)('%s is banned for it, and the figure is right', async (_, fault, state) => {
    const { node, liar, newcomer, reasons, isPeer } = await meet({ state: state as never }, []);
    const source = () => node.source();
    await village.clock.until('a head', () => source().head().header.height >= BLOCKS);
    await expect(village.balanceOf(node)).rejects.toMatchObject({ code: 'proof-unavailable' });
    expect(reasons()).toEqual(new Set([fault]));
    if (fault === 'false-proof') expect(isPeer()).toBe(false);
    village.hub.heal();
    village.hub.cut(newcomer, liar);
    await village.clock.until('proven', () => source().trust() === 'proven');
    expect(await village.balanceOf(node)).toBe(PAID);
    await leave(liar, newcomer);
  });

  it('nothing, for ever, costs a moment: another one is asked beside it', async () => {
    const { node, liar, newcomer } = await meet({ state: () => new Promise<Bytes>(() => {}) });
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    const beforeMs = village.clock.now();
    expect(await village.balanceOf(node)).toBe(PAID);
    expect(village.clock.now() - beforeMs).toBeLessThan(2_000);
    await leave(liar, newcomer);
  });
});

const mapBlocks = (change: (block: LightBlock) => LightBlock) =>
  altering(lightAnswerCodec, ({ blocks }) => ({ blocks: blocks.map(change) }));

const LIGHT_LIES: readonly (readonly [string, string, Answers['light']])[] = [
  ['no headers at all', 'malformed-answer', NOISE],
  [
    'signatures of nobody',
    'bad-block',
    mapBlocks((block) => ({
      ...block,
      certificate: {
        ...block.certificate,
        signatures: block.certificate.signatures.map((each) => ({
          ...each,
          signature: new Uint8Array(64).fill(1),
        })),
      },
    })),
  ],
  [
    'too few signatures',
    'bad-block',
    mapBlocks((block) => ({
      ...block,
      certificate: {
        ...block.certificate,
        signatures: block.certificate.signatures.slice(0, 2),
      },
    })),
  ],
  [
    'members of its own',
    'bad-block',
    mapBlocks((block) => ({
      ...block,
      membership: {
        validators: block.membership.validators.map((each) => ({ ...each, power: 5n })),
      },
    })),
  ],
  [
    'another state',
    'bad-block',
    mapBlocks((block) => ({ ...block, header: { ...block.header, stateRoot: hashOf(3) } })),
  ],
];

describe('a peer that shows headers with', () => {
  it.each(LIGHT_LIES)('%s is believed in nothing', async (_, fault, light) => {
    const { node, liar, newcomer, reasons } = await meet({ light: light as never }, []);
    await village.clock.until('blamed', () => reasons().has(fault));
    expect(node.status().light?.head.header.height).toBe(0);
    expect(['cached', 'reported']).toContain(node.source().trust());
    village.hub.heal();
    village.hub.cut(newcomer, liar);
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    expect(await village.balanceOf(node)).toBe(PAID);
    await leave(liar, newcomer);
  });
});

describe('a node whose peers all lie', () => {
  it('never says that a figure is proven, whatever they forge', async () => {
    const claims = statusMessage(village, { headHeight: 1_000 as Height });
    village.hub.heal();
    const liars = LIGHT_LIES.map(([, , light], at) => {
      const name = `eclipse ${at}`;
      const answers: Answers = { status: () => claims, light: light as never };
      impostor(village, { name, honest: FIRST, answers });
      return name;
    });
    isolate(village, 'eclipsed', liars);
    const { node } = await village.start('eclipsed', LIGHT);
    const trusts = new Set<string>();
    for (let tick = 0; tick < 60; tick++) {
      await village.clock.pass(500);
      trusts.add(node.source().trust());
      expect(node.source().head().header.height).toBe(0);
    }
    expect(trusts).not.toContain('proven');
    expect(trusts).not.toContain('validated');
    expect(node.alarms()).toEqual([]);
    await village.stop('eclipsed');
    for (const name of liars) {
      await village.hub.find(name)?.stop();
      await village.hub.find(`${name}'s mirror`)?.stop();
    }
  });

  it('holds back newer blocks: what is shown is proven, and of the block that it names', async () => {
    const { store } = village.node(FIRST).parts;
    const old = 4 as Height;
    const header = await store.header(old);
    if (header === undefined) throw new Error('the block is there');
    const told = statusMessage(village, {
      headHeight: old,
      headHash: village.world.ledger.blockHash(header),
    });
    village.hub.heal();
    for (const name of ['stale 1', 'stale 2']) {
      impostor(village, { name, honest: FIRST, answers: { status: () => told } });
    }
    isolate(village, 'held back', ['stale 1', 'stale 2']);
    const { node } = await village.start('held back', LIGHT);
    await village.clock.until('its head', () => node.source().head().header.height === old);
    expect(await village.balanceOf(node)).toBe(BigInt((4 * 5) / 2));
    expect(node.source().head().header.height).toBe(old);
    await village.stop('held back');
  });
});

/** Another block of the same height, certified by three of four members who broke their word. */
function twinOf(block: LightBlock): LightBlock {
  const { ledger } = village.world;
  const header = { ...block.header, stateRoot: hashOf(9) };
  const blockHash = ledger.blockHash(header);
  const { height, round } = block.certificate;
  const signatures = [0, 1, 2].map((validatorIndex) => {
    const vote = { kind: 'precommit', height, round, blockHash, validatorIndex } as const;
    const name = block.membership.validators[validatorIndex]?.name ?? '';
    const { secretKey } = person(name).pair;
    return { validatorIndex, signature: signEd25519(secretKey, ledger.voteSigningBytes(vote)) };
  });
  return { ...block, header, certificate: { ...block.certificate, blockHash, signatures } };
}

describe('a node that is shown two certified blocks of one height', () => {
  it('raises an alarm with the evidence, and believes neither as proven', async () => {
    const height = heightOf(village.node(FIRST)) as Height;
    const { blocks } = await village
      .node(FIRST)
      .lightAnswer({ from: 0 as Height, heights: [height] });
    const [real] = blocks;
    if (real === undefined) throw new Error('the head can be proven');
    const twin = twinOf(real);
    const told = statusMessage(village, {
      headHeight: height,
      headHash: twin.certificate.blockHash,
    });
    const light = () => encode(lightAnswerCodec, { blocks: [twin] });
    const { node, liar, newcomer } = await meet({ status: () => told, light });
    await village.clock.until('the alarm', () => node.alarms().length > 0);
    expect(node.status().light?.alarm?.height).toBe(height);
    expect(node.source().trust()).not.toBe('proven');
    expect(node.source().trust()).not.toBe('validated');
    const [evidence] = node.alarms();
    const hashes = [evidence?.trusted.hash, evidence?.other.certificate.blockHash];
    expect(new Set(hashes.map((hash) => formatHex(hash as never))).size).toBe(2);
    // A new life does not forget it; a person who looked ends it, for all lives.
    const again = async (store: MemoryStore) => {
      const { node: next } = await village.start(newcomer, { ...LIGHT, store });
      await village.clock.pass(3_000);
      return next;
    };
    const second = await again(await village.stop(newcomer));
    expect(second.alarms()).toEqual([evidence]);
    expect(second.parts.following.light.isAlarmed()).toBe(true);
    expect(second.source().trust()).not.toBe('proven');
    isolate(village, newcomer, [FIRST]);
    second.clearAlarm();
    const third = await again(await village.stop(newcomer));
    expect(third.alarms()).toEqual([]);
    expect(third.parts.following.light.isAlarmed()).toBe(false);
    await leave(liar, newcomer);
  });
});

describe('a peer that serves', () => {
  async function lightly(answers: Answers) {
    const met = await meet(answers);
    const { node } = met;
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    return met;
  }

  it('another block than the proven one is banned, and the block comes from others', async () => {
    const blocks = async (request: Bytes, honestly: () => Promise<Bytes>) => {
      const decoded = decode(blocksResponseCodec, await honestly());
      if (!decoded.ok) return undefined;
      const spoilt = decoded.value.blocks.map(({ block, certificate }) => ({
        certificate,
        block: block.map((byte, at) => (at === 60 ? byte ^ 1 : byte)) as Bytes,
      }));
      return encode(blocksResponseCodec, { blocks: request.length > 0 ? spoilt : [] });
    };
    const { node, liar, newcomer } = await lightly({ blocks });
    for (let height = 1; height <= BLOCKS; height++) {
      const block = await village.clock.run(node.source().block(height as Height));
      const real = await village.node(FIRST).parts.store.block(height as Height);
      expect(block?.hash).toEqual(real?.hash);
      expect(block?.blockBytes).toEqual(real?.blockBytes);
    }
    await leave(liar, newcomer);
  });

  it('other receipts is banned', async () => {
    const receipts = altering(receiptsAnswerCodec, (answer) => ({
      receipts: answer.receipts?.map((each) => ({ ...each, gasUsed: 1 as never })),
    }));
    const { node, liar, newcomer, reasons } = await lightly({ receipts });
    for (let height = 1; height <= BLOCKS; height++) {
      const block = await village.clock.run(node.source().block(height as Height));
      const real = await village.node(FIRST).parts.store.block(height as Height);
      expect(block?.receipts).toEqual(real?.receipts);
    }
    expect([...reasons()].every((reason) => reason === 'false-answer')).toBe(true);
    await leave(liar, newcomer);
  });

  it('false places of a transaction or an account is banned, and what is true is found', async () => {
    const place = { height: 2 as Height, index: 0 };
    const answers = {
      locate: () => encode(locateAnswerCodec, { place }),
      history: () =>
        encode(historyAnswerCodec, {
          places: [place, { height: 3 as Height, index: 0 }],
          completeFrom: 0 as Height,
        }),
    };
    const { node, liar, newcomer, reasons } = await lightly(answers);
    const real = await village.node(FIRST).parts.store.history(ada.address, { limit: 50 });
    const [newest] = real;
    if (newest === undefined) throw new Error('ada paid');
    const id = newest.receipt.transactionId;
    const found = await village.clock.run(node.source().transaction(id));
    expect(found?.height).toBe(newest.height);
    const history = await village.clock.run(node.source().history(ada.address, { limit: 50 }));
    expect(history.entries.map(({ height }) => height)).toEqual(real.map(({ height }) => height));
    expect([...reasons()].every((reason) => reason === 'false-answer')).toBe(true);
    await leave(liar, newcomer);
  });
});

describe('a question that is none', () => {
  it.each<readonly [RequestKind, Bytes]>([
    ['state', encode(stateRequestCodec, { height: 1 as Height, keys: [FOREIGN_KEY, FOREIGN_KEY] })],
    ['state', Uint8Array.of(1)],
    ['light', encode(lightRequestCodec, { from: 5 as Height, heights: [5 as Height] })],
    ['light', Uint8Array.of(0, 0)],
    ['receipts', Uint8Array.of(1)],
    ['history', Uint8Array.of(1)],
    ['locate', Uint8Array.of(7)],
    ['page', Uint8Array.of(7)],
    ['entries', Uint8Array.of(7)],
    ['page', Uint8Array.of(1, 16, ...new Uint8Array(32))],
    ['manifest', Uint8Array.of(7)],
    ['chunks', Uint8Array.of(7)],
  ])('of kind %s costs its asker', async (kind, body) => {
    count += 1;
    const name = `asker ${count}`;
    village.hub.heal();
    const asker = village.stranger(name);
    await village.clock.pass(5);
    await expect(village.clock.run(asker.request(FIRST, kind, body))).rejects.toMatchObject({
      code: 'request-refused',
    });
    const blamed = village.hub.penalties.filter(
      (each) => each.by === FIRST && each.peerId === name,
    );
    expect(blamed.map(({ reason }) => reason)).toEqual(['malformed-request']);
    await asker.stop();
    expect(heightOf(village.node(FIRST))).toBeGreaterThanOrEqual(BLOCKS);
  });
});
