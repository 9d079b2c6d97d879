import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { Json } from '../base/index.ts';
import { timestampMs } from '../base/index.ts';
import type { RpcHandlers, RpcServer } from '../rpc/index.ts';
import { builtinMethods, createRpcServer, REQUEST_BYTES_MAX } from '../rpc/index.ts';
import { AddressShares, CallMeter, groupOf, RateLimiter } from './http-guard.ts';
import type { HttpServer } from './http-server.ts';
import { CONTENT_SECURITY_POLICY, startHttpServer } from './http-server.ts';
import { isLoopbackOperator, LOOPBACK_SETTINGS } from './settings.ts';

/** Knows how full its mempool is, announces one number, and can be paused; nothing else. */
function createRpc(): RpcServer & { readonly endedTopics: string[] } {
  const endedTopics: string[] = [];
  const methods: Partial<RpcHandlers['methods']> = {
    'mempool.status': async () => ({ count: 1, bytes: 2, countMax: 3, bytesMax: 4 }),
    'node.pause': async () => ({}),
  };
  const topics: Partial<RpcHandlers['topics']> = {
    peers: (_, push) => {
      push({ peers: 5 });
      return () => endedTopics.push('peers');
    },
  };
  // `as`: the methods and topics that are absent answer `method-not-found`; none is asked.
  const handlers = { methods, topics } as unknown as RpcHandlers;
  return Object.assign(createRpcServer({ handlers, methods: builtinMethods() }), { endedTopics });
}

let folder: string;
let server: HttpServer;
const rpc = createRpc();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tabellion-http-'));
  const app = join(folder, 'app');
  mkdirSync(join(app, 'assets'), { recursive: true });
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  writeFileSync(join(app, 'index.html'), '<!doctype html>page');
  writeFileSync(join(app, 'assets', 'main-1a2b.js'), 'plain');
  writeFileSync(join(app, 'assets', 'main-1a2b.js.br'), 'brotli');
  writeFileSync(join(app, 'assets', 'main-1a2b.js.gz'), 'gzip');
  symlinkSync(join(folder, 'secret.txt'), join(app, 'link.txt'));
  server = await startHttpServer(
    { rpc },
    {
      port: 0,
      appFolder: app,
      hosts: ['relay.example'],
      origins: ['https://wallet.example'],
      network: () => ({ relays: [] }),
      metrics: () => 'tabellion_height 3\n',
      isLoopbackOperator: true,
    },
  );
});

afterAll(async () => {
  await server.stop();
  await server.stop();
  rmSync(folder, { recursive: true });
});

type Reply = { status: number; headers: Record<string, unknown>; text: string };

/** Asks with exactly these headers and this path, which `fetch` would not let through. */
function ask(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const asked = httpRequest(
      { host: '127.0.0.1', port: server.port, path, method, headers, agent: false },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
        );
      },
    );
    asked.on('error', reject).end(body);
  });
}

const call = (method: string, params: Json = {}): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });

function post(body: string, headers: Record<string, string> = {}): Promise<Reply> {
  const type = { 'content-type': 'application/json', ...headers };
  return ask('/rpc', { method: 'POST', headers: type, body });
}

describe('POST /rpc', () => {
  it('answers JSON-RPC, and notifications with nothing', async () => {
    const reply = await post(call('mempool.status'));
    expect(reply.status).toBe(200);
    expect(JSON.parse(reply.text).result).toEqual({ count: 1, bytes: 2, countMax: 3, bytesMax: 4 });
    const silent = await post('{"jsonrpc":"2.0","method":"mempool.status"}');
    expect([silent.status, silent.text]).toEqual([204, '']);
  });

  it.each([
    ['a foreign Host (DNS rebinding)', { host: 'evil.example' }, 403, 'host-not-allowed'],
    ['a Host with a name inside', { host: 'localhost.evil.example' }, 403, 'host-not-allowed'],
    ['a malformed Host', { host: 'localhost:80:80' }, 403, 'host-not-allowed'],
    ['a foreign Origin', { origin: 'https://evil.example' }, 403, 'origin-not-allowed'],
    ['the Origin of a sandboxed page', { origin: 'null' }, 403, 'origin-not-allowed'],
    [
      'an Origin that begins alike',
      { origin: 'https://wallet.example.evil' },
      403,
      'origin-not-allowed',
    ],
    ['a form', { 'content-type': 'text/plain' }, 415, 'content-type-wrong'],
    ['no type', { 'content-type': '' }, 415, 'content-type-wrong'],
  ])('refuses %s', async (_, headers, status, code) => {
    const reply = await post(call('mempool.status'), headers);
    expect(reply.status).toBe(status);
    expect(JSON.parse(reply.text).error.code).toBe(code);
  });

  it('refuses other verbs', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await ask('/rpc', { method })).status).toBe(405);
    }
  });

  it('serves named hosts and origins, and tells their pages so', async () => {
    const origin = 'https://wallet.example';
    const reply = await post(call('mempool.status'), { host: 'relay.example', origin });
    expect(reply.status).toBe(200);
    expect(reply.headers['access-control-allow-origin']).toBe(origin);
    const preflight = await ask('/rpc', { method: 'OPTIONS', headers: { origin } });
    expect(preflight.status).toBe(204);
    expect(preflight.headers['access-control-allow-headers']).toBe('content-type');
    const foreign = await ask('/rpc', { method: 'OPTIONS', headers: { origin: 'https://x.y' } });
    expect(foreign.status).toBe(403);
    const own = await post(call('mempool.status'), {
      host: 'localhost:1',
      origin: 'http://localhost:1',
    });
    expect(own.status).toBe(200);
    expect(own.headers).not.toHaveProperty('access-control-allow-origin');
  });

  it('refuses a body over the bound, declared or not', async () => {
    const declared = await post('a'.repeat(REQUEST_BYTES_MAX + 1));
    expect(declared.status).toBe(413);
    expect(JSON.parse(declared.text).error.data.code).toBe('request-too-large');
    const chunked = await post('a'.repeat(REQUEST_BYTES_MAX + 1), {
      'transfer-encoding': 'chunked',
    });
    expect(chunked.status).toBe(413);
  });

  it('lets commands of this machine steer, pages never', async () => {
    expect(JSON.parse((await post(call('node.pause'))).text).result).toEqual({});
    const page = await post(call('node.pause'), { origin: 'https://wallet.example' });
    expect(JSON.parse(page.text).error.data.code).toBe('not-permitted');
    // A proxy on this machine connects from loopback; whoever stands behind it is a stranger.
    const behindProxy = await post(call('node.pause'), { 'x-forwarded-for': '203.0.113.9' });
    expect(JSON.parse(behindProxy.text).error.data.code).toBe('not-permitted');
  });
});

describe('GET /ws', () => {
  const open = (headers: Record<string, string> = {}, path = '/ws') =>
    new WebSocket(`ws://127.0.0.1:${server.port}${path}`, { headers });
  const statusOf = (socket: WebSocket) =>
    new Promise<number>((resolve, reject) => {
      socket.on('unexpected-response', (_, response) => {
        resolve(response.statusCode ?? 0);
        socket.terminate();
      });
      socket.on('open', () => reject(new Error('was accepted')));
      socket.on('error', () => undefined); // The answer above says why.
    });

  it('answers calls, carries events, and ends topics when the socket closes', async () => {
    const socket = open();
    const messages: { id?: number; params?: { event: Json } }[] = [];
    const both = new Promise<void>((resolve) => {
      socket.on('message', (data) => {
        messages.push(JSON.parse(String(data)));
        if (messages.length === 2) resolve();
      });
    });
    await new Promise((resolve) => socket.on('open', resolve));
    socket.send(call('rpc.subscribe', { topic: 'peers' }));
    await both;
    expect(messages[0]).toMatchObject({ id: 1, result: { subscription: 1 } });
    expect(messages[1]?.params?.event).toEqual({ peers: 5 });
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.close();
    await closed;
    await expect.poll(() => rpc.endedTopics).toEqual(['peers']);
  });

  it('refuses foreign pages, foreign hosts, other paths', async () => {
    expect(await statusOf(open({ origin: 'https://evil.example' }))).toBe(403);
    expect(await statusOf(open({ host: 'evil.example' }))).toBe(403);
    expect(await statusOf(open({}, '/else'))).toBe(404);
  });

  it.each([
    ['bytes', Buffer.of(1, 2, 3), 1003],
    ['a message over the bound', 'a'.repeat(REQUEST_BYTES_MAX + 1), 1009],
  ])('closes on %s', async (_, message, code) => {
    const socket = open();
    await new Promise((resolve) => socket.on('open', resolve));
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined);
    socket.send(message);
    expect(await closed).toBe(code);
  });
});

describe('files', () => {
  it('carry the policy that lets nothing foreign run', async () => {
    const { status, headers, text } = await ask('/');
    expect([status, text]).toEqual([200, '<!doctype html>page']);
    expect(headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': CONTENT_SECURITY_POLICY,
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin',
    });
    expect(CONTENT_SECURITY_POLICY).not.toMatch(/unsafe-inline|'unsafe-eval'|https:|\*(?!;|$| )\./);
  });

  it('are compressed if the asker can read it, and hashed names never change', async () => {
    const path = '/assets/main-1a2b.js';
    const plain = await ask(path);
    expect(plain).toMatchObject({ text: 'plain', status: 200 });
    expect(plain.headers['cache-control']).toContain('immutable');
    expect(plain.headers['content-type']).toContain('text/javascript');
    const brotli = await ask(path, { headers: { 'accept-encoding': 'gzip, br' } });
    expect([brotli.text, brotli.headers['content-encoding']]).toEqual(['brotli', 'br']);
    const gzip = await ask(path, { headers: { 'accept-encoding': 'gzip' } });
    expect([gzip.text, gzip.headers['content-encoding']]).toEqual(['gzip', 'gzip']);
    const again = await ask(path, { headers: { 'if-none-match': String(plain.headers.etag) } });
    expect([again.status, again.text]).toEqual([304, '']);
    expect((await ask(path, { method: 'HEAD' })).text).toBe('');
  });

  it('answer routes of the app with its page, missing files with 404', async () => {
    const page = await ask('/explorer/block/3', { headers: { accept: 'text/html' } });
    expect(page.text).toBe('<!doctype html>page');
    expect((await ask('/missing.js', { headers: { accept: 'text/html' } })).status).toBe(404);
    expect((await ask('/explorer/block/3')).status).toBe(404);
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/assets/../../secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//secret.txt',
    '/link.txt',
    '/%00',
    '/%',
    '/assets',
  ])('never leave the folder: %s', async (path) => {
    const { status, text } = await ask(path);
    expect([400, 404]).toContain(status);
    expect(text).not.toContain('secret\n');
    expect(text).not.toBe('secret');
  });

  it('are told whole, however soon after each other they are replaced', async () => {
    const plain = join(folder, 'app', 'assets', 'main-1a2b.js');
    const packed = `${plain}.br`;
    const headers = { 'accept-encoding': 'br' };
    for (const text of ['p', 'much longer', '', 'plain']) {
      writeFileSync(plain, text);
      expect(await ask('/assets/main-1a2b.js')).toMatchObject({ status: 200, text });
    }
    for (const text of ['brotli, and more', 'br', 'brotli']) {
      writeFileSync(packed, text);
      expect(await ask('/assets/main-1a2b.js', { headers })).toMatchObject({ status: 200, text });
    }
    rmSync(packed);
    symlinkSync(join(folder, 'secret.txt'), packed);
    expect((await ask('/assets/main-1a2b.js', { headers })).text).toBe('plain');
    rmSync(packed);
    writeFileSync(packed, 'brotli');
  });

  it('are not for foreign hosts either', async () => {
    expect((await ask('/', { headers: { host: 'evil.example' } })).status).toBe(403);
  });
});

describe('the rest', () => {
  it('metrics, health and the network document', async () => {
    expect((await ask('/metrics')).text).toBe('tabellion_height 3\n');
    expect((await ask('/metrics', { headers: { forwarded: 'for=203.0.113.9' } })).status).toBe(403);
    expect(JSON.parse((await ask('/healthz')).text)).toMatchObject({ isHealthy: true });
    expect(JSON.parse((await ask('/network.json')).text)).toEqual({ relays: [] });
  });

  it('many first visitors at once all get the page', async () => {
    const fresh = await startHttpServer({ rpc }, { port: 0, appFolder: join(folder, 'app') });
    const pages = await Promise.all(
      Array.from({ length: 6 }, () => fetch(`${fresh.url}/`).then((answer) => answer.status)),
    );
    await fresh.stop();
    expect(pages).toEqual([200, 200, 200, 200, 200, 200]);
  });

  it('a second server on the port says so', async () => {
    const second = startHttpServer({ rpc }, { port: server.port });
    await expect(second).rejects.toMatchObject({ code: 'address-in-use' });
  });

  it('nonsense on the wire ends that connection only', async () => {
    const socket = connect(server.port, '127.0.0.1');
    const closed = new Promise((resolve) => socket.on('close', resolve));
    socket.on('error', () => undefined).resume();
    socket.write('\0\0\0 nonsense\r\n\r\n');
    await closed;
    expect((await ask('/healthz')).status).toBe(200);
  });
});

describe('commands of this machine steer', () => {
  it.each([
    ['a node that only this machine can ask', {}, true],
    ['by name', { rpcHost: 'localhost' }, true],
    ['not one that a proxy may stand before', { hosts: ['relay.example'] }, false],
    ['not one that listens to all', { rpcHost: '0.0.0.0' }, false],
    ['one that says so', { hosts: ['relay.example'], isLoopbackOperator: true }, true],
    ['not one that says no', { isLoopbackOperator: false }, false],
  ])('%s', (_, change, expected) => {
    expect(isLoopbackOperator({ ...LOOPBACK_SETTINGS, ...change })).toBe(expected);
  });

  it('nothing through a proxy that is believed, which strangers are told apart by', async () => {
    const options = { port: 0, proxies: ['127.0.0.1'], isLoopbackOperator: true };
    const limits = { callsPerSecond: 1, callsBurst: 1 };
    const clock = { now: () => timestampMs(0), after: () => () => undefined };
    const behind = await startHttpServer({ rpc, clock }, { ...options, limits });
    const ask = async (method: string, client: string) => {
      const headers = { 'content-type': 'application/json', 'x-forwarded-for': client };
      const reply = await fetch(`${behind.url}/rpc`, {
        method: 'POST',
        headers,
        body: call(method),
      });
      const { error } = JSON.parse(await reply.text());
      return error?.data.code ?? 'answered';
    };
    expect(await ask('node.pause', '127.0.0.1')).toBe('not-permitted');
    expect(await ask('mempool.status', '203.0.113.1')).toBe('answered');
    expect(await ask('mempool.status', '203.0.113.1')).toBe('rate-limited');
    expect(await ask('mempool.status', '203.0.113.2')).toBe('answered');
    await behind.stop();
  });
});

describe('rates', () => {
  it('give each address its burst, then its share, and remember few', () => {
    let nowMs = 0;
    const clock = { now: () => timestampMs(nowMs), after: () => () => undefined };
    const limiter = new RateLimiter(clock, { perSecond: 2, burst: 3, addressesMax: 2 });
    const take = (address: string, times: number) =>
      Array.from({ length: times }, () => limiter.admit(address)).filter(Boolean).length;
    expect(take('192.0.2.1', 9)).toBe(3);
    expect(take('192.0.2.2', 9)).toBe(3);
    nowMs = 1000;
    expect(take('192.0.2.1', 9)).toBe(2);
    nowMs = 0; // A clock that jumps back gives nothing and takes nothing.
    expect(take('192.0.2.1', 9)).toBe(0);
    expect(take('192.0.2.3', 1)).toBe(1); // Forgets 192.0.2.2, the longest silent.
    expect(take('192.0.2.1', 1)).toBe(0);
  });

  it('count text that holds no call as well as calls, and a text and its call as one', () => {
    let tokens = 0;
    const meter = new CallMeter((due) => {
      const isLeft = tokens >= due;
      if (isLeft) tokens -= due;
      return isLeft;
    });
    const costs = (all: readonly number[]) => () => all.map((cost) => meter.admit('', cost));
    const batch = (calls: number) => costs(Array<number>(calls).fill(1));
    tokens = 2;
    expect(meter.handle('nonsense', batch(0))).toEqual([]);
    expect(meter.handle('a call', batch(1))).toEqual([true]);
    // Nothing is left: what holds no call is answered so, a call is refused by its own id.
    expect(meter.handle('nonsense', batch(0))).toBeUndefined();
    expect(meter.handle('a call', batch(1))).toEqual([false]);
    expect(meter.handle('a'.repeat(100_000), batch(1))).toBeUndefined();
    tokens = 3;
    expect(meter.handle('a batch', batch(5))).toEqual([true, true, true, false, false]);
    // Calls that are worth many cost as many.
    tokens = 20;
    expect(meter.handle('a dear call', costs([10]))).toEqual([true]);
    expect(meter.handle('two', costs([8, 3]))).toEqual([true, false]);
    expect(tokens).toBe(2);
  });

  it('take what a call costs, of no more than a burst', () => {
    const clock = { now: () => timestampMs(0), after: () => () => undefined };
    const limiter = new RateLimiter(clock, { perSecond: 1, burst: 30, addressesMax: 2 });
    expect([20, 20, 10, 1].map((cost) => limiter.admit('192.0.2.1', cost))).toEqual([
      true,
      false,
      true,
      false,
    ]);
    expect(limiter.admit('192.0.2.2', 1_000)).toBe(true);
    expect(limiter.admit('192.0.2.2')).toBe(false);
  });

  it('share out what an address holds at once, and take it back', () => {
    const shares = new AddressShares();
    const first = shares.take('2001:db8:1:2::1', 2);
    expect(shares.take('2001:db8:1:2::2', 2)).toBeDefined();
    expect(shares.take('2001:db8:1:2::3', 2)).toBeUndefined();
    expect(shares.take('192.0.2.1', 1)).toBeDefined();
    first?.();
    expect(shares.take('2001:db8:1:2::3', 2)).toBeDefined();
  });

  it('of a server hold for text that is no request, and for connections', async () => {
    const limits = { loopbackCallsPerSecond: 2, loopbackConnectionsMax: 2 };
    const frozen = { now: () => timestampMs(0), after: () => () => undefined };
    const small = await startHttpServer({ rpc, clock: frozen }, { port: 0, limits });
    const body = async (text: string) => {
      const headers = { 'content-type': 'application/json', connection: 'close' };
      const reply = await fetch(`${small.url}/rpc`, { method: 'POST', headers, body: text });
      return [reply.status, JSON.parse(await reply.text())];
    };
    expect(await body('nonsense')).toMatchObject([200, { error: { code: -32700 } }]);
    expect(await body(call('mempool.status'))).toMatchObject([200, { result: { count: 1 } }]);
    const refused = { error: { data: { code: 'rate-limited' } } };
    expect(await body('nonsense')).toMatchObject([429, { ...refused, id: null }]);
    expect(await body(call('mempool.status'))).toMatchObject([200, { ...refused, id: 1 }]);

    const open = () => connect(small.port, '127.0.0.1').on('error', () => undefined);
    const answered = (socket: ReturnType<typeof open>) =>
      new Promise<boolean>((resolve) => {
        socket.on('data', () => resolve(true)).on('close', () => resolve(false));
        socket.write('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n');
      });
    const held = [open(), open()];
    expect(await Promise.all(held.map(answered))).toEqual([true, true]);
    expect(await answered(open())).toBe(false);
    for (const socket of held) socket.destroy();
    await expect.poll(() => answered(open())).toBe(true);
    await small.stop();
  });

  it('see one IPv6 customer as one', () => {
    expect(groupOf('2001:db8:1:2::1')).toBe(groupOf('2001:db8:1:2:ffff::9'));
    expect(groupOf('2001:db8:1:3::1')).not.toBe(groupOf('2001:db8:1:2::1'));
    expect(groupOf('192.0.2.1')).toBe('192.0.2.1');
  });
});
