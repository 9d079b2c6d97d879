import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Json } from '../../base/index.ts';
import { defined, formatHex, isJsonObject, TabellionError } from '../../base/index.ts';
import { decode, encode } from '../../codec/index.ts';
import { verifyMerkleProof } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import { certifies, formatAddress, transactionLeaf } from '../../ledger/index.ts';
import { amount, gas, person } from '../../ledger/testing/world.ts';
import type { LightBlock } from '../../light/index.ts';
import { judgeLightBlock, lightAnswerCodec, lightBlockCodec } from '../../light/index.ts';
import type { TabellionNode } from '../../node/index.ts';
import { impostor, isolate, statusMessage } from '../../node/testing/liar.ts';
import { FUNDED, heightOf, transferTo, VALIDATORS, Village } from '../../node/testing/village.ts';
import { signVote } from '../../node/testing/votes.ts';
import { stateProofCodec, verifyProof } from '../../state/index.ts';
import { builtinMethods } from '../builtin.ts';
import type { RpcHandlers } from '../handlers.ts';
import { STRANGERS_QUESTIONS_BURST } from '../limits.ts';
import type { MethodName } from '../methods.ts';
import type { ConnectionOptions, RpcConnection } from '../server.ts';
import { createRpcServer } from '../server.ts';
import { createNodeHandlers } from './index.ts';
import { askJson as askJsonOf, askValues } from './questions.fixture.ts';

// A node that executed nothing answers every question, from what peers prove to it.

const [FIRST] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');
const BLOCKS = 6;
const methods = builtinMethods();
const LIGHT = { options: { mode: 'light' } } as const;

let village: Village;
let lamp: TabellionNode;
let payment: Uint8Array;
let connection: RpcConnection;
let pushed: Map<Json | undefined, Json[]>;

/** What the other person holds by now. */
let paid = 0n;
beforeAll(async () => {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
  for (let value = 1; value <= BLOCKS; value++) payment = await pay(value);
});
beforeEach(async () => {
  ({ node: lamp } = await village.start('lamp', LIGHT));
  await village.clock.until('proven', () => lamp.source().trust() === 'proven');
  connection = connect(lamp);
});
afterEach(async () => {
  village.hub.heal();
  await village.stop('lamp');
});
afterAll(() => village.stopAll());

const handlersOf = new WeakMap<TabellionNode, RpcHandlers>();
function connect(
  node: TabellionNode,
  access: ConnectionOptions['access'] = 'operator',
): RpcConnection {
  const { clock } = village;
  const handlers = handlersOf.get(node) ?? createNodeHandlers(node);
  handlersOf.set(node, handlers);
  pushed = new Map();
  return createRpcServer({ handlers, methods, clock }).connect({
    transport: 'port',
    access,
    send: async (message) => {
      // Shape of every event; the schemas have tests of their own.
      const { params } = message as { params: { subscription: Json; event: Json } };
      pushed.set(params.subscription, [...(pushed.get(params.subscription) ?? []), params.event]);
    },
  });
}

async function pay(value: number) {
  const id = await village.decide(value);
  paid += BigInt(value);
  return id;
}

const askJson = (method: string, params: Json) =>
  askJsonOf(village, connection, { method, params });
const ask = <Name extends MethodName>(
  method: Name,
  params: { readonly [name: string]: unknown } = {},
) => askValues(village, connection, { method, params });

const head = () => heightOf(village.node(FIRST));
/** What a node says that executed everything; each holds the signatures that it saw itself. */
async function honest<Name extends MethodName>(name: Name, params: { [name: string]: unknown }) {
  const before = connection;
  connection = connect(village.node(FIRST));
  const answer = await ask(name, params);
  connection = before;
  return { ...answer, certificate: undefined, trust: 'proven' };
}

function without<Value extends { certificate: unknown }>({ certificate: _, ...rest }: Value) {
  return rest;
}

describe('a light node answers', () => {
  it('accounts, assets, parameters and validators as proven at its head', async () => {
    const proven = { trust: 'proven', height: head() };
    const account = await ask('account.get', { address: bob.address });
    expect(account).toMatchObject({ ...proven, balances: [{ amount: paid }] });
    const asset = account.balances[0]?.asset;
    expect(await ask('asset.get', { asset })).toMatchObject({ ...proven, decimals: 6 });
    expect(await ask('asset.list')).toMatchObject(proven);
    expect(await ask('parameters.get')).toMatchObject(proven);
    const found = await ask('account.findByCredential', { credentialId: Uint8Array.of(1) });
    expect(found).toMatchObject({ ...proven, accounts: [] });
    for (const height of [undefined, 0, 1, 3, head() + 1]) {
      const answer = await ask('validators.get', { height });
      expect(answer).toMatchObject({ height: height ?? head() + 1, trust: 'proven' });
      expect(answer.validators).toHaveLength(VALIDATORS.length);
    }
    await expect(ask('validators.get', { height: head() + 2 })).rejects.toMatchObject({
      code: 'height-unknown',
    });
  });

  it('blocks and transactions as whoever executed them', async () => {
    for (const isHeaderOnly of [true, false]) {
      for (const question of [{ height: 3 }, { height: 0 }, {}]) {
        const asked = { ...question, isHeaderOnly };
        const { certificate, ...block } = await ask('block.get', asked);
        expect(block).toMatchObject(without(await honest('block.get', asked)));
        const { hash, header } = block;
        const { height } = header;
        expect(certificate === undefined ? height : height - certificate.height).toBe(0);
        if (certificate !== undefined) expect(certificate.blockHash).toEqual(hash);
      }
    }
    const { hash } = await ask('block.get', { height: 2 });
    expect((await ask('block.get', { hash })).header.height).toBe(2);
    const list = await ask('block.list', { limit: 100 });
    expect(list).toMatchObject(without(await honest('block.list', { limit: 100 })));
    expect(list.blocks.at(-1)?.height).toBe(0);
    expect(await ask('transaction.get', { id: payment })).toMatchObject({
      trust: 'proven',
      status: { stage: 'final', trust: 'proven' },
      receipt: { outcome: { kind: 'succeeded' } },
    });
    const status = { stage: 'final', trust: 'proven' };
    const unknown = new Uint8Array(32).fill(7);
    expect(await ask('transaction.statuses', { ids: [payment, unknown] })).toMatchObject({
      statuses: [status, { stage: 'unknown' }],
    });
    await expect(ask('transaction.get', { id: unknown })).rejects.toMatchObject({
      code: 'not-found',
    });
    await expect(ask('block.get', { height: head() + 5 })).rejects.toMatchObject({
      code: 'height-unknown',
    });
  });

  it('proofs that whoever asks can check', async () => {
    const { suite } = lamp.ledger;
    const account = await ask('account.proof', { address: bob.address });
    const proof = decode(stateProofCodec, account.proof);
    if (!proof.ok) throw new Error(proof.error.code);
    const { header, hash, certificate } = account;
    expect(verifyProof(suite, header.stateRoot, account.keys, proof.value).ok).toBe(true);
    expect(certificate && certifies(certificate, { hash, height: header.height })).toBe(true);
    const { index, count, siblings, ...rest } = await ask('transaction.proof', { id: payment });
    const leaf = transactionLeaf(suite, rest);
    const root = rest.header.transactionsRoot;
    expect(verifyMerkleProof(suite, { root, leaf, index, count, path: siblings })).toBe(true);
  });

  it('the history of an account, and does not say that it is complete', async () => {
    const page = await ask('account.history', { address: bob.address, limit: 4 });
    expect(page).toMatchObject({ source: 'peers', completeFrom: undefined, trust: 'proven' });
    expect(page.entries).toHaveLength(4);
    const before = page.next;
    const rest = await ask('account.history', { address: bob.address, limit: 4, before });
    expect(rest.entries).toHaveLength(BLOCKS - 4);
    expect(rest.next).toBeUndefined();
  });

  it('up to which height those who agree on a history would have known of more', async () => {
    const { parts, ledger } = village.node(FIRST);
    const behind = (heightOf(village.node(FIRST)) - 2) as Height; // Above genesis.
    const header = defined(await parts.store.header(behind), 'an archive has all');
    const told = { headHeight: behind, headHash: ledger.blockHash(header) };
    const status = () => statusMessage(village, told);
    const lagging = impostor(village, { name: 'lagging', honest: FIRST, answers: { status } });
    isolate(village, 'lamp', ['lagging', FIRST]);
    await village.clock.pass(1_000);
    const page = await ask('account.history', { address: bob.address, limit: 20 });
    expect(page).toMatchObject({ namedBy: 2, height: behind });
    await lagging.stop();
  });

  it('what a payment would do, and sends it', async () => {
    const change = { gasLimit: gas(0), feeMax: amount(0) };
    const draft = { actions: [transferTo(bob.address, 9)], change };
    const body = lamp.ledger.encodeBody(village.world.body(ada, draft));
    const simulated = await ask('transaction.simulate', { body });
    expect(simulated).toMatchObject({ outcome: { kind: 'succeeded' }, trust: 'proven' });
    expect(simulated.height).toBe(head());
    const bytes = village.pay(ada, bob.address, 9);
    const { id } = await ask('transaction.submit', { bytes });
    expect(await village.settled(id, ['lamp', ...VALIDATORS])).toEqual(['final']);
    paid += 9n;
    const status = await ask('transaction.status', { id });
    expect(status).toMatchObject({ stage: 'final', trust: 'proven' });
  });

  it('its status, and whose word its figures rest on', async () => {
    const status = await ask('node.status');
    expect(status).toMatchObject({
      mode: 'light',
      source: 'light',
      head: { height: head(), transactionCount: undefined },
      chainHeight: 0,
      trust: 'proven',
      promotion: 'none',
      snapshot: undefined,
      light: { head: { height: head() }, trust: 'proven', isExpired: false, alarm: undefined },
    });
    expect(status.light?.bytesReceived).toBeGreaterThan(0);
    expect(await ask('node.evidence')).toEqual({ alarms: [] });
    for (const name of VALIDATORS.slice(1)) village.hub.cut('lamp', name);
    await village.clock.pass(100);
    const account = await ask('account.get', { address: bob.address });
    expect(account).toMatchObject({ trust: 'reported', balances: [{ amount: paid }] });
    village.hub.partition(['lamp'], [...VALIDATORS]);
    await village.clock.pass(100);
    expect((await ask('account.get', { address: bob.address })).trust).toBe('cached');
    await expect(ask('account.get', { address: person('nobody').address })).rejects.toMatchObject({
      code: 'proof-unavailable',
    });
  });

  it('light blocks that lead from genesis to its head', async () => {
    const { clock } = village;
    const heights = [1, 3, head()];
    for (const name of ['lamp', FIRST]) {
      connection = connect(village.node(name));
      const { blocks } = await ask('light.blocks', { from: 0, heights: [...heights, 3, 0, 999] });
      expect(blocks.map(({ header }) => header.height)).toEqual(heights);
      const { ledger } = lamp;
      const first = (await ask('block.get', { height: 0 })).header;
      const { membership } = ledger.genesis;
      const trusted = {
        header: first,
        hash: ledger.blockHash(first),
        membership,
        nextMembership: membership,
      };
      const anchor = { suite: ledger.suite, chainId: ledger.chainId };
      const options = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };
      for (const block of blocks) {
        const verdict = judgeLightBlock(anchor, trusted, block, clock.now(), options);
        expect(verdict.kind).toBe('to-verify');
      }
    }
    for (const heights of [[], Array(17).fill(1), [-1], ['1'], [1.5], { length: 3 }]) {
      const refused = askJson('light.blocks', { from: 0, heights } as Json);
      await expect(refused).rejects.toMatchObject({ code: 'params-invalid' });
    }
    await expect(askJson('light.blocks', { heights: [1] })).rejects.toMatchObject({
      code: 'params-invalid',
    });
  });
});

describe('strangers', () => {
  const questions = () => {
    const network = defined(lamp.network(), 'it runs');
    return vi.spyOn(network, 'request').mock.calls.filter(([, kind]) => kind !== 'status').length;
  };
  const unknown = (at: number) => new Uint8Array(32).fill(at % 251, at % 31);
  beforeEach(() => {
    questions();
    connection = connect(lamp, 'public');
  });
  afterEach(() => vi.restoreAllMocks());

  it('make a light node ask nobody for lists of ids and light blocks', async () => {
    const before = questions();
    const ids = Array.from({ length: 100 }, (_, at) => unknown(at));
    const { statuses } = await ask('transaction.statuses', { ids });
    expect(statuses.map(({ stage }) => stage)).toEqual(Array(100).fill('unknown'));
    // What it holds it gives; of the rest it says that it cannot.
    const heights = [1, 2, head()];
    const { blocks } = await ask('light.blocks', { from: 0, heights });
    expect(blocks.map(({ header }) => header.height)).toEqual([head()]);
    const newest = { from: 0 as Height, heights: [head() as Height] };
    const served = await village.node(FIRST).lightAnswer(newest);
    expect(blocks).toEqual(served.blocks);
    await expect(ask('light.blocks', { from: 0, heights: [1, 2] })).rejects.toMatchObject({
      code: 'proof-unavailable',
      facts: { reason: 'light-node' },
    });
    expect(questions()).toBe(before);
    expect((await ask('chain.info')).knownRelays).toBeUndefined();
    connection = connect(lamp);
    expect((await ask('chain.info')).knownRelays).toEqual([]);
  });

  it('make it ask so much, all together, and its own people as they like', async () => {
    const before = questions();
    const asked = Array.from({ length: 2 * STRANGERS_QUESTIONS_BURST }, (_, at) => {
      const id = formatHex(unknown(at));
      const request = { jsonrpc: '2.0', id: 1, method: 'transaction.get', params: { id } };
      // Each by another connection.
      return connect(lamp, 'public').handleJson(request);
    });
    const answers = JSON.stringify(await village.clock.run(Promise.all(asked)));
    const code = 'rate-limited';
    const countOf = (word: string) => answers.split(`"code":"${word}"`).length - 1;
    // Some more, since time passes meanwhile.
    expect(countOf('not-found')).toBeGreaterThanOrEqual(STRANGERS_QUESTIONS_BURST / 3);
    expect(countOf(code)).toBeGreaterThan(STRANGERS_QUESTIONS_BURST);
    expect(questions() - before).toBeGreaterThan(0);
    expect(questions() - before).toBeLessThan(3 * STRANGERS_QUESTIONS_BURST);
    const id = unknown(1);
    await expect(ask('transaction.get', { id })).rejects.toMatchObject({ code });
    // What is known here is told all the same.
    expect(await ask('node.status')).toMatchObject({ trust: 'proven' });
    connection = connect(lamp);
    expect(await ask('transaction.status', { id })).toMatchObject({ stage: 'unknown' });
  });
});

describe('subscribers of a light node', () => {
  const follow = async (topic: string, params: Json = {}): Promise<() => Json[]> => {
    const answer = await askJson('rpc.subscribe', { topic, params });
    const { subscription } = answer as { subscription: Json }; // Answered so.
    return () => pushed.get(subscription) ?? [];
  };

  it('are told each new head once, and accounts when they changed', async () => {
    const heads = await follow('heads');
    const accounts = await follow('account', { address: formatAddress(bob.address) });
    const statuses = await follow('status');
    await village.clock.pass(100);
    expect(accounts()).toHaveLength(1);
    const before = head();
    await pay(50);
    await village.clock.until('the new head', () => lamp.source().head().header.height > before);
    await village.clock.pass(500);
    const heights = heads().map((each) => isJsonObject(each) && each.height);
    expect(heights.at(-1)).toBe(lamp.source().head().header.height);
    expect(new Set(heights).size).toBe(heights.length);
    const [, changed] = accounts();
    expect(changed).toMatchObject({
      trust: 'proven',
      balances: [{ amount: paid.toString() }],
    });
    expect(statuses().at(-1)).toMatchObject({ head: { height: heights.at(-1) as Json } });
  });
});

describe('the mode', () => {
  it('changes by an operator while the node runs; what it answers is validated then', async () => {
    await ask('node.configure', { mode: 'full' });
    expect(await ask('node.status')).toMatchObject({ mode: 'full', promotion: 'running' });
    await village.clock.until('validated', () => lamp.source().trust() === 'validated');
    const status = await ask('node.status');
    expect(status).toMatchObject({ source: 'chain', trust: 'validated', historyFrom: 0 });
    expect(status.chainHeight).toBe(status.head.height);
    const history = await ask('account.history', { address: bob.address });
    expect(history).toMatchObject({ source: 'chain', completeFrom: 0, trust: 'validated' });
    await ask('node.configure', { mode: 'light', cacheBytesMax: 5_000_000 });
    expect(await ask('node.status')).toMatchObject({ mode: 'light' });
    expect((await ask('node.storage')).cacheBytesMax).toBe(5_000_000);
  });

  it('of a validator is never light, and nothing else of the question is done', async () => {
    connection = connect(village.node(FIRST));
    const before = await ask('node.storage');
    await expect(
      ask('node.configure', { mode: 'light', cacheBytesMax: 5_000_000 }),
    ).rejects.toMatchObject({ code: 'mode-unavailable' });
    expect(await ask('node.storage')).toMatchObject({ cacheBytesMax: before.cacheBytesMax });
  });

  it('waits where somebody has to agree, until an operator does', async () => {
    const change = { mayPromote: async () => false };
    const { node } = await village.start('phone', { change });
    connection = connect(node);
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    expect(await ask('node.status')).toMatchObject({ promotion: 'waiting-consent', mode: 'full' });
    await ask('node.promote');
    await village.clock.until('validated', () => node.source().trust() === 'validated');
    expect(await ask('node.status')).toMatchObject({ promotion: 'none' });
    await village.stop('phone');
  });
});

describe('an alarm', () => {
  /** The head of the light node once more with other contents, and certified as well. */
  function conflictWith(block: LightBlock): LightBlock {
    const { ledger } = lamp;
    const header = { ...block.header, gasUsed: gas(block.header.gasUsed + 1) };
    const blockHash = ledger.blockHash(header);
    const { height, round } = block.certificate;
    const signatures = block.membership.validators.slice(0, 3).map(({ name }, validatorIndex) => {
      const vote = { kind: 'precommit', height, round, blockHash, validatorIndex } as const;
      return { validatorIndex, signature: signVote(village, person(name), vote).signature };
    });
    return { ...block, header, certificate: { height, round, blockHash, signatures } };
  }

  it('is told with both blocks whole, and nothing is proven any more', async () => {
    const { blocks } = await ask('light.blocks', { from: 0, heights: [head()] });
    const [ours] = blocks;
    if (ours === undefined) throw new Error('its head');
    const other = conflictWith(ours);
    const { height } = other.header;
    const headHash = lamp.ledger.blockHash(other.header);
    village.stranger('traitor', {
      onRequest: async (kind) => {
        if (kind === 'light') return encode(lightAnswerCodec, { blocks: [other] });
        if (kind !== 'status') throw new TabellionError('request-refused');
        return statusMessage(village, { headHeight: height, headHash, earliestHeight: height });
      },
    });
    await village.clock.until('the alarm', () => lamp.alarms().length > 0, 60_000);
    const first = lamp.ledger.blockHash(ours.header);
    const status = await ask('node.status');
    expect(status).toMatchObject({
      trust: 'reported',
      light: { trust: 'reported', alarm: { height, first, second: headHash } },
    });
    expect(await ask('node.evidence')).toEqual({
      alarms: [
        {
          height,
          first: encode(lightBlockCodec, ours),
          second: encode(lightBlockCodec, other),
        },
      ],
    });
    const account = await ask('account.get', { address: bob.address });
    expect(account).toMatchObject({ trust: 'reported', balances: [{ amount: paid }] });
    const unproven = ask('validators.get', { height: height + 1 });
    expect(await unproven).toMatchObject({ trust: 'reported' });
    village.hub.close('traitor');
    await ask('node.clearAlarm');
    expect(await ask('node.status')).toMatchObject({
      trust: 'proven',
      light: { alarm: undefined },
    });
    await pay(3);
    await village.clock.until('new heads', () => lamp.source().head().header.height > height);
    expect((await ask('node.evidence')).alarms).toHaveLength(1);
  });
});
