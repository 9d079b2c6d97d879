import { describe, expect, it } from 'vitest';
import type { Clock } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import type { Address } from '../ledger/index.ts';
import { createTestNode, hashOf, testMethods } from '../rpc/handlers.fixture.ts';
import type { RpcConnection } from '../rpc/index.ts';
import { createRpcServer, servePort } from '../rpc/index.ts';
import { createClientOf } from './client.ts';
import { httpTransport } from './http-transport.ts';
import { CALL_TIMEOUT_MS, RECONNECT_FIRST_MS, SOCKET_PING_MS } from './limits.ts';
import { portTransport } from './port-transport.ts';
import type { Transport } from './transport.ts';
import type { SocketLike } from './web-socket-transport.ts';
import { webSocketTransport } from './web-socket-transport.ts';

const address = hashOf(5) as unknown as Address; // 32 bytes, as an address has.
/** Some turns of the event loop, timers of 0 ms included. */
const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 10; turn++) {
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setTimeout(resolve, 0));
  }
};

function createTestClock() {
  let nowMs = 0;
  let timers: { atMs: number; callback: () => void }[] = [];
  const clock: Clock = {
    now: () => timestampMs(nowMs),
    after(delayMs, callback) {
      const timer = { atMs: nowMs + delayMs, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
  };
  const pass = async (ms: number) => {
    nowMs += ms;
    const due = timers.filter((timer) => timer.atMs <= nowMs);
    timers = timers.filter((timer) => timer.atMs > nowMs);
    for (const { callback } of due) callback();
    await settle();
  };
  return { clock, pass, waiting: () => timers.length };
}

function createNode() {
  const node = createTestNode();
  return { node, server: createRpcServer({ handlers: node, methods: testMethods }) };
}

/** A relay whose sockets open and break by hand. */
function createRelay() {
  const { node, server } = createNode();
  const sockets: TestSocket[] = [];
  let isUp = true;
  class TestSocket extends EventTarget implements SocketLike {
    readonly #connection: RpcConnection | undefined;
    readonly sent: string[] = [];
    isMute = false;

    constructor() {
      super();
      sockets.push(this);
      this.#connection = isUp
        ? server.connect({
            transport: 'websocket',
            access: 'public',
            send: async (message) => this.#tell(JSON.stringify(message)),
          })
        : undefined;
      queueMicrotask(() => this.dispatchEvent(new Event(isUp ? 'open' : 'error')));
    }

    send(text: string): void {
      this.sent.push(text);
      if (!this.isMute) this.#connection?.handleText(text).then((reply) => this.#tell(reply));
    }

    #tell(data: string | undefined): void {
      if (data !== undefined && !this.isMute) {
        this.dispatchEvent(new MessageEvent('message', { data }));
      }
    }

    close(): void {
      this.#connection?.close();
    }

    breakDown(): void {
      this.close();
      this.dispatchEvent(new Event('close'));
    }
  }
  return {
    node,
    sockets,
    open: () => new TestSocket(),
    setUp: (up: boolean) => {
      isUp = up;
    },
  };
}

describe.each([
  [
    'port',
    () => {
      const { node, server } = createNode();
      const { port1, port2 } = new MessageChannel();
      servePort(server, port1);
      return { node, transport: portTransport(port2) };
    },
  ],
  [
    'socket',
    () => {
      const relay = createRelay();
      return {
        node: relay.node,
        transport: webSocketTransport('ws://relay', { open: relay.open }),
      };
    },
  ],
  [
    'http',
    () => {
      const { node, server } = createNode();
      const connection = server.connect({ transport: 'http', access: 'public' });
      const ask = (_: unknown, init?: RequestInit) =>
        new Promise<Response>((resolve, reject) => {
          const { signal } = init ?? {};
          if (signal?.aborted) reject(signal.reason);
          signal?.addEventListener('abort', () => reject(signal.reason));
          connection.handleText(String(init?.body)).then((text) => resolve(new Response(text)));
        });
      // `as`: the tests call it with one kind of arguments only.
      return { node, transport: httpTransport('http://relay/rpc', { fetch: ask as typeof fetch }) };
    },
  ],
] as const)(
  'the %s transport',
  (kind, create: () => {
    node: ReturnType<typeof createTestNode>;
    transport: Transport;
  }) => {
    it('gives values, not text', async () => {
      const { transport } = create();
      const client = createClientOf(transport, testMethods);
      const account = await client.call('account.get', { address });
      expect(account).toMatchObject({ address, sequence: 7, policy: undefined, height: 3 });
      expect(account.balances[0]?.amount).toBe(2n ** 60n);
      client.close();
    });

    it('believes an own node its word, a relay never more than Reported', async () => {
      const { transport } = create();
      const client = createClientOf(transport, testMethods);
      const { trust, height, value } = await client.account.get(address);
      expect([trust, value.trust, height]).toEqual(
        kind === 'port' ? ['validated', 'validated', 3] : ['reported', 'reported', 3],
      );
      client.close();
    });

    it('rebuilds refusals with code and facts', async () => {
      const { transport } = create();
      const client = createClientOf(transport, testMethods);
      const refused = client.transaction.submit(new Uint8Array());
      await expect(refused).rejects.toMatchObject({
        name: 'TabellionError',
        code: 'sequence-used',
        facts: { expected: 8, actual: 7 },
      });
      client.close();
    });

    it('aborts with its signal, and with its end', async () => {
      const { transport } = create();
      const client = createClientOf(transport, testMethods);
      const stop = new AbortController();
      const question = client.call('node.peers', {}, { signal: stop.signal });
      stop.abort();
      await expect(question).rejects.toMatchObject({ code: 'aborted' });
      await expect(
        client.call('mempool.status', {}, { signal: AbortSignal.abort() }),
      ).rejects.toMatchObject({ code: 'aborted' });
      client.close();
      client.close();
      await expect(client.call('mempool.status', {})).rejects.toMatchObject({ code: 'aborted' });
    });
  },
);

describe('a session', () => {
  it('passes a cancelled call on to the node', async () => {
    const relay = createRelay();
    const transport = webSocketTransport('ws://relay', { open: relay.open });
    const client = createClientOf(transport, testMethods);
    const stop = new AbortController();
    const question = client.call('node.peers', {}, { signal: stop.signal });
    question.catch(() => undefined);
    await settle();
    stop.abort();
    await settle();
    expect(relay.node.calls).toEqual(['node.peers', 'node.peers aborted']);
    client.close();
  });

  it('opens again, repeats what may be repeated, subscribes anew', async () => {
    const relay = createRelay();
    const { clock, pass } = createTestClock();
    const transport = webSocketTransport('ws://relay', {
      ...{ open: relay.open, clock, random: () => 1 },
    });
    const client = createClientOf(transport, testMethods);
    const heads: number[] = [];
    const unsubscribe = client.subscribe('heads', {}, ({ height }) => heads.push(height));
    await settle();
    relay.node.pushHead(2);
    await settle();
    const [first] = relay.sockets;
    if (first !== undefined) first.isMute = true;
    const repeated = client.call('mempool.status', {});
    const once = client.call('node.reset', {}).catch((error: { code: string }) => error.code);
    await settle();
    relay.setUp(false);
    first?.breakDown();
    expect(await once).toBe('connection-failed');
    expect(transport.isConnected()).toBe(false);
    const waiting = client.call('account.get', { address });
    await pass(RECONNECT_FIRST_MS);
    relay.setUp(true);
    await pass(2 * RECONNECT_FIRST_MS);
    expect(await repeated).toMatchObject({ count: 1 });
    expect(await waiting).toMatchObject({ sequence: 7 });
    relay.node.pushHead(3);
    await settle();
    expect(heads).toEqual([1, 2, 1, 3]);
    unsubscribe();
    unsubscribe();
    await settle();
    expect(relay.node.subscribers.heads).toBe(0);
    client.close();
  });

  it('leaves a socket that answers nothing any more', async () => {
    const relay = createRelay();
    const { clock, pass } = createTestClock();
    const transport = webSocketTransport('ws://relay', { open: relay.open, clock });
    await settle();
    const [first] = relay.sockets;
    if (first !== undefined) first.isMute = true;
    await pass(SOCKET_PING_MS);
    expect(first?.sent).toHaveLength(1);
    expect(transport.isConnected()).toBe(true);
    await pass(SOCKET_PING_MS);
    expect(transport.isConnected()).toBe(false);
    await pass(RECONNECT_FIRST_MS);
    expect(transport.isConnected()).toBe(true);
    transport.close();
  });

  it('gives up a call in time, and leaves no timer', async () => {
    const relay = createRelay();
    relay.setUp(false);
    const { clock, pass, waiting } = createTestClock();
    const transport = webSocketTransport('ws://relay', { open: relay.open, clock });
    const client = createClientOf(transport, testMethods);
    const question = client.call('mempool.status', {}).catch((error: { code: string }) => error);
    await pass(CALL_TIMEOUT_MS);
    expect(await question).toMatchObject({ code: 'connection-failed' });
    client.close();
    await settle();
    expect(waiting()).toBe(0);
  });

  it('tells that a topic is refused', async () => {
    const relay = createRelay();
    const transport = webSocketTransport('ws://relay', { open: relay.open });
    const client = createClientOf(transport, testMethods);
    const refusal = new Promise((resolve) => {
      client.subscribe('events', {}, () => undefined, resolve);
    });
    expect(await refusal).toMatchObject({ code: 'not-permitted' });
    client.close();
  });
});

describe('an answer', () => {
  const answering = (text: string, status = 200) => {
    const ask = async () => new Response(text, { status });
    return createClientOf(httpTransport('http://x', { fetch: ask as typeof fetch }), testMethods);
  };

  it.each([
    ['no JSON', 'nonsense', 'answer-malformed'],
    ['a list', '[]', 'answer-malformed'],
    ['another shape', '{"result":{"count":-1}}', 'answer-malformed'],
    [
      'more than was asked',
      '{"result":{"count":1,"bytes":2,"countMax":3,"bytesMax":4,"x":1}}',
      'answer-malformed',
    ],
    ['an error without data', '{"error":{"code":-32603,"message":"m"}}', 'internal-error'],
    ['an error of another kind', '{"error":5}', 'answer-malformed'],
  ])('of %s is refused', async (_, text, code) => {
    await expect(answering(text).call('mempool.status', {})).rejects.toMatchObject({ code });
  });

  it('of a server that is no node is a failed connection', async () => {
    const question = answering('<html>', 502).call('mempool.status', {});
    await expect(question).rejects.toMatchObject({
      code: 'connection-failed',
      facts: { status: 502 },
    });
  });
});

it('a transaction is followed until its verdict', async () => {
  const stages = ['unknown', 'seen', 'included', 'final'];
  const id = hashOf(9);
  const json = (stage: string) => ({ id: '09'.repeat(32), stage, trust: 'validated' });
  let isEnded = false;
  const transport: Transport = {
    trustMax: 'validated',
    call: async () => null,
    subscribe(_topic, _params, push) {
      for (const stage of stages) push(json(stage));
      return () => {
        isEnded = true;
      };
    },
    close: () => undefined,
  };
  const client = createClientOf(transport, testMethods);
  const seen: string[] = [];
  const verdict = await client.transaction.settled(id, ({ value }) => seen.push(value.stage));
  expect(verdict.value.stage).toBe('final');
  expect(seen).toEqual(stages);
  expect(isEnded).toBe(true);
});
