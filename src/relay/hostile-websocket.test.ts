import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Json } from '../base/index.ts';
import { isJsonObject, timestampMs } from '../base/index.ts';
import {
  builtinMethods,
  createNodeHandlers,
  createRpcServer,
  REQUEST_BYTES_MAX,
  SUBSCRIPTIONS_MAX,
} from '../rpc/index.ts';
import type { HttpServer } from './http-server.ts';
import { startHttpServer } from './http-server.ts';
import type { Relay } from './start-node.ts';
import {
  call,
  exchange,
  GOOD_CALL as GOOD,
  head,
  isAlive,
  nameOf,
  outcomeOf,
  startTestRelay,
} from './testing/door.ts';

const MEGABYTE = 1024 * 1024;

let relay: Relay;
let end: () => Promise<void>;
beforeAll(async () => {
  ({ relay, end } = await startTestRelay());
});
afterAll(() => end());

type Case = readonly [name: string, attack: () => Promise<string>, outcome: string];

function open(
  headers: { readonly [name: string]: string } = {},
  path = '/ws',
  port = relay.http.port,
): WebSocket {
  const url = `ws://localhost:${port}${path}`;
  const socket = new WebSocket(url, { headers, perMessageDeflate: false });
  return socket.on('error', () => undefined);
}

/** `refused STATUS` of the upgrade, or `closed CODE` after what a test sends. */
function endOf(socket: WebSocket, attack: () => void = () => undefined): Promise<string> {
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_, { statusCode }) => {
      resolve(`refused ${statusCode}`);
      socket.terminate();
    });
    socket.on('close', (code) => resolve(`closed ${code}`)).on('open', attack);
  });
}

const upgrades = (headers: { readonly [name: string]: string }, path?: string) => {
  return () => endOf(open(headers, path));
};
const messages = (attack: (socket: WebSocket) => void) => () => {
  const socket = open();
  return endOf(socket, () => attack(socket));
};
/** Bytes on the wire behind the library's back. */
const frame = (...bytes: readonly number[]) =>
  messages((socket) => {
    // The library makes no bad frames, so they are written to the connection below it.
    (socket as unknown as { _socket: { write(bytes: Uint8Array): void } })._socket.write(
      Uint8Array.from(bytes),
    );
  });

const SOCKETS: readonly Case[] = [
  ['of a foreign page', upgrades({ origin: 'https://evil.example' }), 'refused 403'],
  ['of a sandboxed frame', upgrades({ origin: 'null' }), 'refused 403'],
  ['under a rebound name', upgrades({ host: 'evil.example' }), 'refused 403'],
  ['elsewhere than /ws', upgrades({}, '/rpc'), 'refused 404'],
  ['on a path out of the folder', upgrades({}, '/%2fws'), 'refused 404'],
  ['with bytes', messages((socket) => socket.send(Buffer.from(GOOD))), 'closed 1003'],
  [
    'with a message over the bound',
    messages((socket) => socket.send('a'.repeat(REQUEST_BYTES_MAX + 1))),
    'closed 1009',
  ],
  [
    'with fragments over the bound',
    messages((socket) => {
      for (let at = 0; at < 5; at++) socket.send('a'.repeat(MEGABYTE / 2), { fin: false });
    }),
    'closed 1009',
  ],
  ['with invalid UTF-8', frame(0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe), 'closed 1007'],
  ['with a frame that has no mask', frame(0x81, 2, 0x7b, 0x7d), 'closed 1002'],
  ['with a claim of 8 exabytes', frame(0x81, 0xff, 127, 255, 0, 0, 0, 0, 0, 0), 'closed 1009'],
  ['with an unknown kind of frame', frame(0x83, 0x80, 0, 0, 0, 0), 'closed 1002'],
  ['with a ping of a kilobyte', frame(0x89, 0xfe, 4, 0, 0, 0, 0, 0), 'closed 1002'],
];

describe('a relay ends a WebSocket', () => {
  for (const [name, attack, outcome] of SOCKETS) {
    it(`${name}: ${outcome}`, async () => {
      expect(await attack()).toBe(outcome);
      expect(await isAlive(relay.http.port)).toBe(true);
    });
  }
});

describe('on a WebSocket', () => {
  let socket: WebSocket;
  const heard: Json[] = [];
  beforeEach(async () => {
    heard.length = 0;
    socket = open();
    socket.on('message', (data) => heard.push(JSON.parse(String(data))));
    await new Promise((resolve) => socket.on('open', resolve));
    return () => socket.terminate();
  });
  const answers = () => heard.filter((each) => isJsonObject(each) && each.id !== undefined);

  it('a flood of subscriptions is held at its bound', async () => {
    const count = 4 * SUBSCRIPTIONS_MAX;
    for (let at = 0; at < count; at++) socket.send(call('rpc.subscribe', { topic: 'heads' }, at));
    await expect.poll(() => answers().length).toBe(count);
    const names = answers().map(nameOf);
    expect(names.filter((name) => name === 'answered')).toHaveLength(SUBSCRIPTIONS_MAX);
    expect(new Set(names)).toEqual(new Set(['answered', 'too-many-subscriptions']));
    expect(await isAlive(relay.http.port)).toBe(true);
  });

  it('a flood of notifications is answered by nothing, and the next call by its answer', async () => {
    const silent = GOOD.replace('"id":1,', '');
    for (let at = 0; at < 2_000; at++) socket.send(silent);
    // No more than a bounded number runs at once; a call among too many is told so.
    socket.send(call('mempool.status', {}, 'among'));
    await expect.poll(() => heard.length).toBe(1);
    expect(heard[0]).toMatchObject({ id: 'among' });
    socket.send(call('mempool.status', {}, 'after'));
    await expect.poll(() => heard.length).toBe(2);
    expect(heard[1]).toMatchObject({ id: 'after', result: {} });
  });

  it('a thousand texts that are no calls are told so, one by one', async () => {
    for (let at = 0; at < 1_000; at++) socket.send('{');
    await expect.poll(() => heard.length).toBe(1_000);
    expect(new Set(heard.map(nameOf))).toEqual(new Set(['parse-error']));
    expect(await isAlive(relay.http.port)).toBe(true);
  });
});

describe('whoever is slow', () => {
  let server: HttpServer;
  const waiting = new Set<() => void>();
  beforeAll(async () => {
    // Time that tests move; the times for a request are the platform's own.
    const clock = {
      now: () => timestampMs(0),
      after(_delayMs: number, callback: () => void) {
        waiting.add(callback);
        return () => void waiting.delete(callback);
      },
    };
    const handlers = createNodeHandlers(relay.node);
    const rpc = createRpcServer({ handlers, methods: builtinMethods() });
    const limits = { headersTimeoutMs: 500, requestTimeoutMs: 1_000, loopbackConnectionsMax: 64 };
    server = await startHttpServer({ rpc, clock }, { port: 0, limits });
  });
  afterAll(() => server.stop());
  const pass = () => {
    for (const callback of [...waiting]) {
      waiting.delete(callback);
      callback();
    }
  };

  it.each([
    ['with the first line', 'POST /rp'],
    ['with headers', 'POST /rpc HTTP/1.1\r\nHost: localhost\r\nX-A: '],
    ['with a body', `${head({ length: 100 })}{`],
    ['with a chunk', `${head({ rest: ['Transfer-Encoding: chunked'] })}ff\r\n{`],
  ])('%s is told so, and hung up on, while others are answered', async (_, piece) => {
    const slow = Array.from({ length: 40 }, () => exchange(server.port, [piece]));
    expect(await isAlive(server.port)).toBe(true);
    const replies = await Promise.all(slow);
    expect(new Set(replies.map(outcomeOf))).toEqual(new Set(['408']));
  });

  it('to answer pings any more is hung up on', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const rest = ['Upgrade: websocket', 'Connection: Upgrade', 'Sec-WebSocket-Version: 13'];
    rest.push('Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==');
    socket.write(head({ first: 'GET /ws HTTP/1.1', type: '', rest }));
    let isClosed = false;
    let heard = Buffer.alloc(0);
    socket.on('data', (bytes) => {
      heard = Buffer.concat([heard, bytes]);
    });
    socket
      .on('error', () => undefined)
      .on('close', () => {
        isClosed = true;
      });
    await expect.poll(() => heard.toString('latin1')).toContain('101 Switching');
    heard = Buffer.alloc(0);
    pass();
    await expect.poll(() => [...heard]).toEqual([0x89, 0]); // A ping, which it does not answer.
    expect(isClosed).toBe(false);
    pass();
    await expect.poll(() => isClosed).toBe(true);
    expect(waiting.size).toBe(0);
  });

  it('to read what it asked for is hung up on, and holds no more than the bound', async () => {
    const socket = open({}, '/ws', server.port);
    await new Promise((resolve) => socket.on('open', resolve));
    const ended = new Promise((resolve) => socket.on('close', resolve));
    socket.pause();
    // Each answer has some seventy kilobytes. A closed socket is pinged no more.
    await expect
      .poll(
        () => {
          for (let at = 0; at < 200; at++) socket.send(call('rpc.discover', {}, at));
          return waiting.size;
        },
        { timeout: 20_000 },
      )
      .toBe(0);
    socket.resume();
    await ended;
    expect(await isAlive(server.port)).toBe(true);
  });
});
