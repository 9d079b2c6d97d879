import { describe, expect, it } from 'vitest';
import type { Clock, Json } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import { formatAddress } from '../ledger/index.ts';
import { createTestNode, hashOf, request, testMethods } from './handlers.fixture.ts';
import { BATCH_MAX, CALL_TIMEOUT_MS, EVENTS_IN_FLIGHT_MAX, SUBSCRIPTIONS_MAX } from './limits.ts';
import type { ConnectionOptions } from './server.ts';
import { createRpcServer } from './server.ts';

const address = formatAddress(hashOf(5) as unknown as Parameters<typeof formatAddress>[0]);

/** Fires by hand; `after(0)` at the next turn. */
function createTestClock() {
  const waiting: { delayMs: number; callback: () => void }[] = [];
  const clock: Clock = {
    now: () => timestampMs(0),
    after(delayMs, callback) {
      const entry = { delayMs, callback };
      waiting.push(entry);
      return () => void waiting.splice(waiting.indexOf(entry), 1);
    },
  };
  const fire = (delayMs: number) => {
    for (const each of waiting.filter((entry) => entry.delayMs === delayMs)) {
      waiting.splice(waiting.indexOf(each), 1);
      each.callback();
    }
  };
  return { clock, fire };
}

function setUp(options: Partial<ConnectionOptions> = {}) {
  const node = createTestNode();
  const traced: Json[] = [];
  const { clock, fire } = createTestClock();
  const server = createRpcServer({
    handlers: node,
    methods: testMethods,
    clock,
    tracer: { trace: (level, event, facts) => void traced.push([level, event, facts as Json]) },
  });
  const connection = server.connect({ transport: 'port', access: 'operator', ...options });
  const ask = async (json: Json) => JSON.parse(JSON.stringify(await connection.handleJson(json)));
  return { node, server, connection, ask, traced, fire };
}

describe('a call', () => {
  it('answers the JSON form of what the handler gave', async () => {
    const { ask } = setUp();
    const reply = await ask(request(1, 'account.get', { address }));
    expect(reply.id).toBe(1);
    expect(reply.result).toMatchObject({
      address,
      sequence: 7,
      policy: null,
      balances: [{ amount: '1152921504606846976' }],
      trust: 'validated',
    });
  });

  it.each([
    ['a missing member', {}, 'address'],
    ['an unknown member', { address, extra: 1 }, 'extra'],
    ['a wrong type', { address: 5 }, 'address'],
    ['positions', [address], ''],
    ['a prototype', JSON.parse(`{"address":"${address}","__proto__":{"x":1}}`), '__proto__'],
  ])('refuses parameters with %s, and says where', async (_, params, at) => {
    const { ask, node } = setUp();
    const reply = await ask(request('a', 'account.get', params as Json));
    expect(reply.error.code).toBe(-32602);
    expect(reply.error.data).toMatchObject({ code: 'params-invalid', facts: { at } });
    expect(node.calls).toEqual([]);
    expect(Object.prototype).not.toHaveProperty('x');
  });

  it.each(['constructor', '__proto__', 'toString', 'account', 'hasOwnProperty'])(
    'knows no method %s',
    async (name) => {
      const { ask } = setUp();
      expect((await ask(request(1, name))).error.code).toBe(-32601);
    },
  );

  it('carries code and facts of a refusal', async () => {
    const { ask } = setUp();
    const reply = await ask(request(1, 'transaction.submit', { bytes: '' }));
    expect(reply.error).toMatchObject({
      code: -32000,
      data: { code: 'sequence-used', facts: { expected: 8, actual: 7 } },
    });
  });

  it('tells a stranger nothing of an unforeseen exception, and the tracer all', async () => {
    const { ask, traced } = setUp();
    const reply = await ask(request(1, 'node.consensus'));
    expect(reply.error).toEqual({
      code: -32603,
      message: 'Internal error',
      data: { code: 'internal-error', facts: {} },
    });
    expect(JSON.stringify(traced)).toContain('secret detail');
  });

  it('refuses operator methods to the public', async () => {
    const { ask, node } = setUp({ access: 'public' });
    expect((await ask(request(1, 'node.pause'))).error.data.code).toBe('not-permitted');
    expect(node.calls).toEqual([]);
    expect((await setUp().ask(request(1, 'node.pause'))).result).toEqual({});
  });

  it('is aborted by rpc.cancel, by its time, and by the end of the connection', async () => {
    const { connection, ask, node, fire } = setUp();
    const cancelled = ask(request('x', 'node.peers'));
    await ask({ jsonrpc: '2.0', method: 'rpc.cancel', params: { id: 'x' }, id: 9 });
    expect((await cancelled).error.data.code).toBe('aborted');
    const late = ask(request(2, 'node.peers'));
    fire(CALL_TIMEOUT_MS);
    expect((await late).error.data.code).toBe('timed-out');
    const left = ask(request(3, 'node.peers'));
    connection.close();
    expect((await left).error.data.code).toBe('aborted');
    expect(node.calls.filter((each) => each.endsWith('aborted')).length).toBe(3);
    expect((await ask(request(4, 'mempool.status'))).error.data.code).toBe('node-stopped');
  });

  it('is refused by rate, each member of a batch counting', async () => {
    let left = 2;
    const { ask } = setUp({ admit: () => left-- > 0 });
    const three = [1, 2, 3].map((id) => request(id, 'mempool.status'));
    const replies = await ask(three);
    expect(replies.map((each: { error?: { code: number } }) => each.error?.code)).toEqual([
      undefined,
      undefined,
      -32005,
    ]);
  });
});

describe('hostile text', () => {
  it.each([
    ['deep lists', '['.repeat(100_000), 'request-too-deep'],
    ['deep objects', `${'{"a":'.repeat(40)}1${'}'.repeat(40)}`, 'request-too-deep'],
    ['a huge text', `"${'a'.repeat(2 ** 21 + 1)}"`, 'request-too-large'],
    ['half a text', '{"jsonrpc":', 'parse-error'],
    ['a long batch', JSON.stringify(Array(BATCH_MAX + 1).fill(1)), 'batch-too-long'],
    ['an id that is an object', '{"jsonrpc":"2.0","method":"a","id":{}}', 'request-invalid'],
    ['a long id', `{"jsonrpc":"2.0","method":"a","id":"${'i'.repeat(129)}"}`, 'request-invalid'],
    ['another version', '{"jsonrpc":"1.0","method":"a","id":1}', 'request-invalid'],
  ])('is refused: %s', async (_, source, code) => {
    const reply = JSON.parse((await setUp().connection.handleText(source)) ?? 'null');
    expect(reply.error.data.code).toBe(code);
  });

  it('may hold brackets inside strings', async () => {
    const text = JSON.stringify(request(1, 'mempool.status', { note: `\\"${'['.repeat(50)}` }));
    const reply = JSON.parse((await setUp().connection.handleText(text)) ?? 'null');
    expect(reply.error.data).toMatchObject({ code: 'params-invalid', facts: { at: 'note' } });
  });
});

describe('a subscription', () => {
  it('answers its number first, then how things are, then changes', async () => {
    const sent: Json[] = [];
    const { ask, node, fire } = setUp({ send: async (message) => void sent.push(message) });
    const reply = await ask(request(1, 'rpc.subscribe', { topic: 'heads' }));
    expect(reply.result).toEqual({ subscription: 1 });
    expect(sent).toEqual([]);
    fire(0);
    node.pushHead(2);
    expect(sent).toMatchObject([
      { method: 'rpc.event', params: { subscription: 1, dropped: 0, event: { height: 1 } } },
      { method: 'rpc.event', params: { subscription: 1, dropped: 0, event: { height: 2 } } },
    ]);
    await ask(request(2, 'rpc.unsubscribe', { subscription: 1 }));
    expect(node.subscribers.heads).toBe(0);
  });

  it('never queues more than its bound for a reader who does not read', async () => {
    const sent: Json[] = [];
    const releases: (() => void)[] = [];
    const { ask, node, fire } = setUp({
      send: (message) => {
        sent.push(message);
        return new Promise((resolve) => releases.push(resolve));
      },
    });
    await ask(request(1, 'rpc.subscribe', { topic: 'heads' }));
    fire(0);
    for (let at = 2; at <= 1000; at++) node.pushHead(at);
    expect(sent.length).toBe(EVENTS_IN_FLIGHT_MAX);
    for (const release of releases.splice(0)) release();
    await Promise.resolve();
    await Promise.resolve();
    const next = sent[EVENTS_IN_FLIGHT_MAX] as { params: { dropped: number } };
    expect(next.params.dropped).toBe(1000 - EVENTS_IN_FLIGHT_MAX - 256);
  });

  it('is bounded in number, known by topic, and ends with its connection', async () => {
    const { ask, node, connection } = setUp({ send: async () => undefined });
    for (let count = 0; count < SUBSCRIPTIONS_MAX; count++) {
      await ask(request(count, 'rpc.subscribe', { topic: 'heads' }));
    }
    const over = await ask(request('o', 'rpc.subscribe', { topic: 'heads' }));
    expect(over.error.data.code).toBe('too-many-subscriptions');
    expect(node.subscribers.heads).toBe(SUBSCRIPTIONS_MAX);
    connection.close();
    expect(node.subscribers.heads).toBe(0);
    const other = setUp({ send: async () => undefined });
    for (const topic of ['nothing', '__proto__', 5]) {
      const reply = await other.ask(request(1, 'rpc.subscribe', { topic }));
      expect(reply.error.data.code).toBe('params-invalid');
    }
  });

  it('is refused where nothing can carry events, and to strangers where it reveals', async () => {
    const subscribe = request(1, 'rpc.subscribe', { topic: 'events' });
    expect((await setUp().ask(subscribe)).error.data.code).toBe('not-permitted');
    const stranger = setUp({ access: 'public', send: async () => undefined });
    expect((await stranger.ask(subscribe)).error.data.code).toBe('not-permitted');
  });
});
