import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Json } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { Codec } from '../../codec/index.ts';
import { parseJson } from '../../codec/index.ts';
import type { Address, AssetId } from '../../ledger/index.ts';
import { formatAddress, NATIVE_ASSET } from '../../ledger/index.ts';
import { amount, gas, passkeyPerson, person } from '../../ledger/testing/world.ts';
import { formatCheckpoint } from '../../light/index.ts';
import type { TabellionNode } from '../../node/index.ts';
import { ALONE, heightOf, transferTo, Village } from '../../node/testing/village.ts';
import { builtinMethods } from '../builtin.ts';
import type { MethodName } from '../methods.ts';
import type { RpcConnection } from '../server.ts';
import { createRpcServer } from '../server.ts';
import type { TopicName } from '../topics.ts';
import { topics } from '../topics.ts';
import { createNodeHandlers } from './index.ts';
import { askJson, askValues } from './questions.fixture.ts';

const VALIDATOR = 'validator 1';
const ada = person('ada');
const bob = person('bob');
const kay = passkeyPerson('kay');
const issued = new Uint8Array(32).fill(5) as unknown as AssetId; // Nobody issued it.

let village: Village;
let node: TabellionNode;
let connection: RpcConnection;
let payment: Uint8Array;
const pushed: Json[] = [];
const methods = builtinMethods();

beforeAll(async () => {
  village = new Village({
    ...ALONE,
    balances: [ada, kay].map(({ address }) => ({ address, amount: 1_000_000_000n })),
  });
  await village.start(VALIDATOR, { hasFaucet: true });
  node = village.node(VALIDATOR);
  const { clock } = village;
  const server = createRpcServer({ handlers: createNodeHandlers(node), methods, clock });
  connection = server.connect({
    transport: 'port',
    access: 'operator',
    send: async (message) => {
      pushed.push(message);
    },
  });
  for (const value of [1, 2, 3]) {
    payment = await village.submit(node, village.pay(ada, bob.address, value));
    await village.settled(payment);
  }
});
afterAll(async () => {
  connection.close();
  await village.stopAll();
});

const ask = (method: string, params: Json) => askJson(village, connection, { method, params });
const call = <Name extends MethodName>(
  method: Name,
  params: { readonly [name: string]: unknown } = {},
) => askValues(village, connection, { method, params });

const body = () =>
  node.ledger.encodeBody(
    village.world.body(ada, {
      actions: [transferTo(bob.address, 1)],
      change: { gasLimit: gas(0), feeMax: amount(0) },
    }),
  );

/** One good question for every method; those that end the node come last. */
const QUESTIONS: { readonly [Name in MethodName]: () => { readonly [name: string]: unknown } } = {
  'rpc.discover': () => ({}),
  'chain.info': () => ({}),
  'node.status': () => ({}),
  'node.peers': () => ({}),
  'node.storage': () => ({}),
  'node.consensus': () => ({}),
  'node.events': () => ({ limit: 10 }),
  'node.configure': () => ({ cacheBytesMax: 4_000_000 }),
  'node.diagnostics': () => ({}),
  'node.clearAlarm': () => ({}),
  'node.evidence': () => ({}),
  'node.checkpoint': () => ({}),
  'node.trustCheckpoint': () => {
    const { header, hash } = node.source().head();
    return { text: formatCheckpoint({ height: header.height, hash }) };
  },
  'node.promote': () => ({}),
  'account.get': () => ({ address: ada.address }),
  'account.findByCredential': () => ({ credentialId: Uint8Array.of(1, 2, 3) }),
  'account.proof': () => ({ address: ada.address, assets: [issued, NATIVE_ASSET, issued] }),
  'account.history': () => ({ address: ada.address, limit: 2 }),
  'asset.get': () => ({ asset: NATIVE_ASSET }),
  'asset.list': () => ({}),
  'parameters.get': () => ({}),
  'mempool.status': () => ({}),
  'mempool.list': () => ({}),
  'faucet.request': () => ({ address: person('somebody').address }),
  'validators.get': () => ({}),
  'actions.schema': () => ({}),
  'block.get': () => ({ height: 1 }),
  'block.list': () => ({ limit: 2 }),
  'light.blocks': () => ({ from: 0, heights: [3, 1, 3, 99] }),
  'transaction.get': () => ({ id: payment }),
  'transaction.status': () => ({ id: payment }),
  'transaction.statuses': () => ({ ids: [payment] }),
  'transaction.submit': () => ({ bytes: village.pay(ada, bob.address, 4) }),
  'transaction.simulate': () => ({ body: body() }),
  'transaction.proof': () => ({ id: payment }),
  'node.pause': () => ({}),
  'node.resume': () => ({}),
  'node.reset': () => ({}),
  'node.addRelay': () => ({ multiaddr: '/ip4/192.0.2.1/tcp/1/ws' }),
};

/** What these refuse here, though the question is good. */
const REFUSED: { readonly [Name in MethodName]?: string } = {
  'node.reset': 'not-permitted', // A validator keeps its log.
  'node.addRelay': 'relay-unreachable',
};

describe('every method of the table', () => {
  it.each(Object.keys(QUESTIONS) as MethodName[])('%s answers by its schema', async (method) => {
    const asking = call(method, QUESTIONS[method]());
    const refusal = REFUSED[method];
    if (refusal === undefined) await expect(asking).resolves.toBeDefined();
    else await expect(asking).rejects.toMatchObject({ code: refusal });
  });

  it('has a question here', () => {
    expect(Object.keys(QUESTIONS).sort()).toEqual(Object.keys(methods).sort());
  });
});

describe('answers', () => {
  it('tell accounts, blocks, transactions and history alike', async () => {
    const account = await call('account.get', { address: bob.address });
    expect(account).toMatchObject({ sequence: 0, policy: undefined, trust: 'validated' });
    expect(account.balances[0]).toMatchObject({ amount: 10n, symbol: 'TAB', decimals: 6 });
    const found = await call('transaction.get', { id: payment });
    expect(found.status).toMatchObject({ stage: 'final', index: 0 });
    expect(found.logs[0]).toMatchObject({ kind: 'asset.transferred' });
    const height = found.status.height;
    const block = await call('block.get', { height });
    expect(block.transactions[0]?.id).toEqual(payment);
    expect(await call('block.get', { hash: block.hash })).toEqual(block);
    const bare = await call('block.get', { height, isHeaderOnly: true });
    expect(bare).toMatchObject({ transactions: [], transactionCount: 1 });
    const head = await call('block.get');
    expect(head.header.height).toBe(heightOf(node));
    const page = await call('account.history', { address: ada.address, limit: 2 });
    expect(page.entries).toHaveLength(2);
    expect(page.height).toBe(heightOf(node));
    const next = await call('account.history', {
      address: ada.address,
      before: page.next,
      limit: 100,
    });
    const ids = [...page.entries, ...next.entries].map(({ id }) => formatHex(id));
    expect(ids).toContain(formatHex(payment));
    expect(new Set(ids).size).toBe(ids.length);
  });

  it('give lists page by page without a gap', async () => {
    const all = await call('block.list', { limit: 100 });
    const first = await call('block.list', { limit: 2 });
    const rest = await call('block.list', { before: first.blocks[1]?.height, limit: 100 });
    expect([...first.blocks, ...rest.blocks]).toEqual(all.blocks);
    expect(all.blocks.at(-1)?.height).toBe(0);
    expect((await call('block.list', { before: 0 })).blocks).toEqual([]);
  });

  it('tell what a draft would cost and do, or why it could not be', async () => {
    const run = await call('transaction.simulate', { body: body() });
    expect(run).toMatchObject({ outcome: { kind: 'succeeded' }, problem: undefined });
    expect(run.fee).toBeGreaterThan(0n);
    expect(run.changes.map(({ symbol }) => symbol)).toContain('TAB');
    const poor = village.world.body(person('poor'), {
      actions: [transferTo(bob.address, 1)],
      change: { gasLimit: gas(0), feeMax: amount(0) },
    });
    const problem = await call('transaction.simulate', {
      body: node.ledger.encodeBody(poor),
      initialPolicy: person('poor').policy,
    });
    expect(problem.problem?.code).toBe('insufficient-balance');
  });

  it('hold no addresses and no keys in the diagnostic bundle', async () => {
    const stranger = village.stranger('12D3KooWsecretpeer');
    await village.clock.pass(50);
    await stranger.publish('votes', Uint8Array.of(1));
    await village.clock.pass(50);
    await stranger.stop();
    const { bundle } = await call('node.diagnostics');
    const text = JSON.stringify(bundle);
    expect(text).toContain('store-opened');
    expect(text).not.toContain('secretpeer');
    expect(text).not.toContain(formatHex(person(VALIDATOR).pair.secretKey));
  });
});

describe('what is not there', () => {
  const nowhere = new Uint8Array(32).fill(3);
  it.each([
    ['block.get', { height: 1_000 }, 'height-unknown'],
    ['block.get', { hash: nowhere }, 'not-found'],
    ['transaction.get', { id: nowhere }, 'not-found'],
    ['transaction.proof', { id: nowhere }, 'not-found'],
    ['asset.get', { asset: issued }, 'not-found'],
    ['transaction.submit', { bytes: Uint8Array.of(1) }, 'malformed'],
    ['transaction.simulate', { body: Uint8Array.of(1) }, 'malformed'],
    ['faucet.request', { address: person('somebody').address }, 'faucet-too-soon'],
  ] as const)('%s refuses with its code', async (method, params, code) => {
    await expect(call(method, params)).rejects.toMatchObject({ code });
  });

  it('an id that nobody knows has the stage unknown, an unused address zeros', async () => {
    expect(await call('transaction.status', { id: nowhere })).toMatchObject({ stage: 'unknown' });
    const { statuses } = await call('transaction.statuses', { ids: [nowhere, payment] });
    expect(statuses.map(({ stage }) => stage)).toEqual(['unknown', 'final']);
    const account = await call('account.get', { address: nowhere as unknown as Address });
    expect(account).toMatchObject({ sequence: 0, policy: undefined, keys: [] });
    expect(account.balances.map(({ amount: held }) => held)).toEqual([0n]);
  });

  it('a method or topic that does not exist, and parameters that are none, are refused', async () => {
    await expect(ask('node.explode', {})).rejects.toMatchObject({ code: 'method-not-found' });
    await expect(ask('rpc.subscribe', { topic: 'gossip', params: {} })).rejects.toMatchObject({
      code: 'params-invalid',
    });
    for (const params of [{ id: 'zz' }, { id: null }, { extra: 1 }, [], 7]) {
      await expect(ask('transaction.get', params)).rejects.toMatchObject({
        code: expect.stringMatching(/^(params-invalid|request-invalid)$/),
      });
    }
  });

  it('a paused node answers questions about its chain, and has no votes', async () => {
    await call('node.pause');
    expect(await call('node.status')).toMatchObject({ stage: 'paused', peers: 0 });
    expect((await call('block.get')).header.height).toBe(heightOf(node));
    await expect(call('node.consensus')).rejects.toMatchObject({ code: 'node-not-ready' });
    await call('node.resume');
    expect(await call('node.status')).toMatchObject({ stage: 'following' });
  });

  it('strangers may not steer the node', async () => {
    const server = createRpcServer({ handlers: createNodeHandlers(node), methods });
    const stranger = server.connect({ transport: 'http', access: 'public' });
    for (const [method, { access }] of Object.entries(methods)) {
      if (access !== 'operator') continue;
      const json = await stranger.handleJson({ jsonrpc: '2.0', id: 1, method, params: {} });
      expect(JSON.stringify(json), method).toContain('not-permitted');
    }
    server.close();
  });
});

describe('every topic', () => {
  const numbers = new Map<TopicName, Json>();
  const events = (topic: TopicName): unknown[] =>
    pushed.flatMap((message) => {
      // As the outbox sends them.
      const { params } = message as { params: { subscription: Json; event: Json } };
      if (params.subscription !== numbers.get(topic)) return [];
      const parsed = parseJson(topics[topic].event as Codec<unknown>, params.event);
      if (!parsed.ok) throw new Error(`${topic}: ${JSON.stringify(parsed.error)}`);
      return [parsed.value];
    });

  it('says how things are at once, then what changed, by its schema', async () => {
    const bytes = village.pay(ada, bob.address, 50);
    const prepared = node.ledger.prepareTransaction(bytes);
    if (!prepared.ok) throw new Error(prepared.error.code);
    const questions: { readonly [Name in TopicName]: Json } = {
      heads: {},
      mempool: {},
      status: {},
      consensus: {},
      peers: {},
      events: {},
      transaction: { id: formatHex(prepared.value.id) },
      account: { address: formatAddress(bob.address) },
    };
    for (const topic of Object.keys(questions) as TopicName[]) {
      const answer = await ask('rpc.subscribe', { topic, params: questions[topic] });
      numbers.set(topic, (answer as { subscription: number }).subscription);
    }
    await village.clock.pass(1);
    for (const topic of Object.keys(questions) as TopicName[]) {
      if (topic !== 'events') expect(events(topic), topic).toHaveLength(1);
    }
    await village.settled(await village.submit(node, bytes));
    await village.clock.pass(10);
    expect(events('heads').at(-1)).toMatchObject({ height: heightOf(node) });
    expect(events('transaction').map((each) => (each as { stage: string }).stage)).toEqual(
      expect.arrayContaining(['unknown', 'final']),
    );
    expect(events('transaction').at(-1)).toMatchObject({ stage: 'final' });
    const account = events('account').at(-1) as { balances: { amount: bigint }[] };
    expect(account.balances[0]?.amount).toBe(60n);
    for (const subscription of numbers.values()) {
      expect(await ask('rpc.unsubscribe', { subscription })).toEqual({ wasOpen: true });
    }
    const before = pushed.length;
    await village.settled(await village.submit(node, village.pay(ada, bob.address, 1)));
    expect(pushed).toHaveLength(before);
  });
});
