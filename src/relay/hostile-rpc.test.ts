import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BATCH_MAX, REQUEST_BYTES_MAX } from '../rpc/index.ts';
import type { Relay } from './start-node.ts';
import {
  call,
  exchange,
  GOOD_CALL as GOOD,
  head,
  heldBytes,
  isAlive,
  outcomeOf,
  startTestRelay,
} from './testing/door.ts';

const MEGABYTE = 1024 * 1024;
/** What all attacks together may leave behind. */
const GROWTH_BYTES_MAX = 48 * MEGABYTE;

let relay: Relay;
let end: () => Promise<void>;
let heldBefore: number;

beforeAll(async () => {
  ({ relay, end } = await startTestRelay());
  expect(await isAlive(relay.http.port)).toBe(true);
  heldBefore = heldBytes();
});
afterAll(() => end());

const ask = (...pieces: readonly (string | Uint8Array)[]) => exchange(relay.http.port, pieces);

type Post = { readonly host?: string; readonly type?: string; readonly rest?: readonly string[] };

async function post(body: string | Uint8Array, options: Post = {}): Promise<string> {
  const rest = ['Connection: close', ...(options.rest ?? [])];
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  return outcomeOf(await ask(head({ ...options, rest, length }), body));
}

const posts = (body: string | Uint8Array, options: Post = {}) => {
  return () => post(body, options);
};
const sends = (...pieces: readonly (string | Uint8Array)[]) => {
  return async () => outcomeOf(await ask(...pieces));
};
const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const batch = (count: number) => `[${Array(count).fill(GOOD).join()}]`;

type Case = readonly [name: string, attack: () => Promise<string>, outcome: string];

const PAGES: readonly Case[] = [
  ['a rebound name', posts(GOOD, { host: 'evil.example' }), '403 host-not-allowed'],
  [
    'a rebound name that holds ours',
    posts(GOOD, { host: 'localhost.evil.example' }),
    '403 host-not-allowed',
  ],
  ['a rebound name with our port', posts(GOOD, { host: 'evil:80' }), '403 host-not-allowed'],
  ['an address of this network', posts(GOOD, { host: '192.168.0.7' }), '403 host-not-allowed'],
  ['0.0.0.0', posts(GOOD, { host: '0.0.0.0' }), '403 host-not-allowed'],
  ['a name with a user in it', posts(GOOD, { host: 'localhost@evil' }), '403 host-not-allowed'],
  ['an empty Host', posts(GOOD, { host: '' }), '403 host-not-allowed'],
  [
    'two Hosts',
    posts(GOOD, { host: 'localhost', rest: ['Host: evil.example'] }),
    '403 host-not-allowed',
  ],
  ['no Host', sends('POST /rpc HTTP/1.1\r\nConnection: close\r\n\r\n'), '400'],
  [
    'a foreign Origin',
    posts(GOOD, { rest: ['Origin: https://evil.example'] }),
    '403 origin-not-allowed',
  ],
  [
    'the Origin of a sandboxed frame or a file',
    posts(GOOD, { rest: ['Origin: null'] }),
    '403 origin-not-allowed',
  ],
  [
    'an Origin that begins like an allowed one',
    posts(GOOD, { rest: ['Origin: https://wallet.example.evil'] }),
    '403 origin-not-allowed',
  ],
  [
    'an allowed Origin over plain HTTP',
    posts(GOOD, { rest: ['Origin: http://wallet.example'] }),
    '403 origin-not-allowed',
  ],
  [
    'an allowed and a foreign Origin',
    posts(GOOD, { rest: ['Origin: https://wallet.example', 'Origin: https://evil.example'] }),
    '403 origin-not-allowed',
  ],
  [
    'another port of this machine',
    posts(GOOD, { rest: ['Origin: http://localhost:1'] }),
    '403 origin-not-allowed',
  ],
  [
    'a text/plain form',
    posts(GOOD, { type: 'Content-Type: text/plain' }),
    '415 content-type-wrong',
  ],
  [
    'a form',
    posts(GOOD, { type: 'Content-Type: application/x-www-form-urlencoded' }),
    '415 content-type-wrong',
  ],
  ['no content type', posts(GOOD, { type: '' }), '415 content-type-wrong'],
  [
    'a type that begins like JSON',
    posts(GOOD, { type: 'Content-Type: application/json-seq' }),
    '415 content-type-wrong',
  ],
  [
    'a preflight of a foreign page',
    sends(
      head({
        first: 'OPTIONS /rpc HTTP/1.1',
        rest: ['Origin: https://evil.example', 'Access-Control-Request-Method: POST'],
      }),
    ),
    '403 origin-not-allowed',
  ],
  [
    'a link or an image',
    sends(head({ first: `GET /rpc?${encodeURIComponent(GOOD)} HTTP/1.1` })),
    '405 method-not-allowed',
  ],
  [
    'an operator method from its own page',
    posts(call('node.pause'), { rest: ['Origin: http://localhost'] }),
    '200 not-permitted',
  ],
];

const TEXTS: readonly Case[] = [
  ['a batch bomb', posts(batch(BATCH_MAX + 1)), '200 batch-too-long'],
  ['a batch in a batch', posts(`[${batch(3)}]`), '200 request-invalid'],
  ['an empty batch', posts('[]'), '200 request-invalid'],
  ['a million brackets', posts(nested(500_000)), '200 request-too-deep'],
  ['deep parameters', posts(GOOD.replace('{}', `{"a":${nested(40)}}`)), '200 request-too-deep'],
  [
    '__proto__ as parameter',
    posts(GOOD.replace('{}', '{"__proto__":{"count":1}}')),
    '200 params-invalid',
  ],
  [
    'constructor as parameter',
    posts(call('mempool.status', { constructor: { prototype: { isAdmin: true } } })),
    '200 params-invalid',
  ],
  ['__proto__ as method', posts(call('__proto__')), '200 method-not-found'],
  ['constructor as method', posts(call('constructor')), '200 method-not-found'],
  ['a call inside __proto__', posts(`{"__proto__":${GOOD}}`), '200 request-invalid'],
  [
    'a method named twice, an operator one last',
    posts(GOOD.replace('"params"', '"method":"node.pause","params"'), { rest: ['Via: 1.1 x'] }),
    '200 not-permitted',
  ],
  [
    'invalid UTF-8 in a name',
    posts(Buffer.concat([Buffer.from(GOOD.slice(0, -3)), Buffer.of(0xff, 0xfe, 0x7d, 0x7d)])),
    '200 parse-error',
  ],
  [
    'invalid UTF-8 in a string',
    posts(Buffer.from(call('mempool.status', {}, 'id?').replace('?', '\u00ff'), 'latin1')),
    '200 parse-error',
  ],
  ['a surrogate alone', posts('"\\ud800'), '200 parse-error'],
  ['a huge id', posts(call('mempool.status', {}, 'i'.repeat(10_000))), '200 request-invalid'],
  ['an id that is an object', posts(call('mempool.status', {}, { a: 1 })), '200 request-invalid'],
  ['an id that is a list', posts(call('mempool.status', {}, [1])), '200 request-invalid'],
  ['an unknown method', posts(call('eth_sendTransaction')), '200 method-not-found'],
  ['a method of 1 MB', posts(call('m'.repeat(MEGABYTE))), '200 method-not-found'],
  ['parameters by position', posts(call('mempool.status', [1, 2])), '200 params-invalid'],
  ['parameters of a wrong type', posts(call('block.get', { height: {} })), '200 params-invalid'],
  ['a negative height', posts(call('block.get', { height: -1 })), '200 params-invalid'],
  ['a height over 2^53', posts(call('block.get', { height: 2 ** 53 + 2 })), '200 params-invalid'],
  ['half a height', posts(call('block.get', { height: 1.5 })), '200 params-invalid'],
  [
    'a height of 1e400',
    posts(call('block.get', { height: 7 }).replace('7', '1e400')),
    '200 params-invalid',
  ],
  [
    'a number of 100,000 digits',
    posts(call('block.get', { height: 7 }).replace('7', '9'.repeat(100_000))),
    '200 params-invalid',
  ],
  ['a notification flood', posts(batch(1).replace('"id":1,', '')), '204'],
  [
    'a subscription without a channel',
    posts(call('rpc.subscribe', { topic: 'head' })),
    '200 not-permitted',
  ],
  [
    'a gzip body',
    posts(gzipSync(GOOD), { rest: ['Content-Encoding: gzip'] }),
    '415 content-encoding-wrong',
  ],
  [
    'a gzip bomb',
    posts(gzipSync(Buffer.alloc(64 * MEGABYTE)), { rest: ['Content-Encoding: gzip'] }),
    '415 content-encoding-wrong',
  ],
];

const chunked = (rest: readonly string[] = []) =>
  head({ rest: ['Transfer-Encoding: chunked', ...rest] });
const chunk = (length: number) => `${length.toString(16)}\r\n${'a'.repeat(length)}\r\n`;

const upgrade = (...rest: readonly string[]) =>
  head({
    first: 'GET /ws HTTP/1.1',
    rest: ['Upgrade: websocket', 'Connection: Upgrade', ...rest],
  });

const WIRE: readonly Case[] = [
  [
    'a declared length beyond the bound',
    sends(head({ length: REQUEST_BYTES_MAX + 1 })),
    '413 request-too-large',
  ],
  [
    'a chunked bomb without end',
    sends(chunked(), ...Array<string>(5).fill(chunk(MEGABYTE / 2))),
    '413 request-too-large',
  ],
  ['a chunk of 16 exabytes', sends(chunked(), 'ffffffffffffffff1\r\n'), '400'],
  ['endless chunk extensions', sends(chunked(), `1;${'x'.repeat(64 * 1024)}`), '413'],
  [
    'both lengths: smuggling by CL and TE',
    sends(head({ length: 4, rest: ['Transfer-Encoding: chunked'] }), `0\r\n\r\n${GOOD}`),
    '400',
  ],
  ['two lengths', sends(head({ length: 5, rest: ['Content-Length: 50'] }), 'abcde'), '400'],
  ['a negative length', sends(head({ rest: ['Content-Length: -1'] })), '400'],
  [
    'a transfer encoding in disguise',
    sends(head({ length: 5, rest: ['Transfer-Encoding : chunked'] }), '0\r\n\r\n'),
    '400',
  ],
  ['a line that is folded', sends(head({ rest: ['X-A: 1', ' Origin: null'], length: 0 })), '400'],
  ['headers of 64 KB', sends(head({ rest: [`X-A: ${'a'.repeat(65_536)}`] })), '431'],
  [
    '5,000 headers',
    sends(head({ rest: Array.from({ length: 5_000 }, (_, at) => `X-${at}: 1`) })),
    '431',
  ],
  [
    'a path beyond the folder',
    sends(head({ first: 'GET /../../etc/passwd HTTP/1.1' })),
    '400 path-malformed',
  ],
  [
    'an encoded path beyond the folder',
    sends(head({ first: 'GET /%2e%2e%2fetc/passwd HTTP/1.1' })),
    '400 path-malformed',
  ],
  ['a NUL in the path', sends(head({ first: 'GET /a%00.js HTTP/1.1' })), '400 path-malformed'],
  ['a path of no encoding', sends(head({ first: 'GET /%zz HTTP/1.1' })), '400 path-malformed'],
  [
    'a whole address as path',
    sends(head({ first: 'GET http://evil.example/rpc HTTP/1.1' })),
    '400 path-malformed',
  ],
  ['a proxy’s CONNECT', sends(head({ first: 'CONNECT evil.example:443 HTTP/1.1' })), 'closed'],
  ['TRACE', sends(head({ first: 'TRACE / HTTP/1.1' })), '405 method-not-allowed'],
  ['a TLS greeting', sends(Buffer.of(0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3)), '400'],
  ['an upgrade without a key', sends(upgrade('Sec-WebSocket-Version: 13')), '400'],
  [
    'an upgrade to a version that is none',
    sends(upgrade('Sec-WebSocket-Version: 99', 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==')),
    '400',
  ],
  [
    'an upgrade to something else',
    sends(head({ first: 'GET /ws HTTP/1.1', rest: ['Upgrade: h2c', 'Connection: Upgrade'] })),
    '400',
  ],
  ['another protocol', sends('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), '400'],
];

describe('a relay refuses', () => {
  for (const [name, attack, outcome] of [...PAGES, ...TEXTS, ...WIRE]) {
    it(`${name}: ${outcome}`, async () => {
      expect(await attack()).toBe(outcome);
      expect(await isAlive(relay.http.port)).toBe(true);
    });
  }

  it('nothing of a pipeline but what is refused, in its order', async () => {
    const bad = head({ length: 1, rest: ['Origin: null'] });
    const good = head({ length: GOOD.length });
    const last = head({ length: GOOD.length, rest: ['Connection: close'] });
    const reply = await ask(good, GOOD, last, GOOD);
    expect(reply.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    // What follows a refusal on the same connection is not read.
    const refused = await ask(bad, 'x', good, GOOD);
    expect(refused.match(/HTTP\/1\.1 \d{3}/g)).toEqual(['HTTP/1.1 403']);
    expect(await isAlive(relay.http.port)).toBe(true);
  });
});

it('after all of it prototypes are as they were, and the memory is given back', async () => {
  expect(Object.keys(Object.prototype)).toEqual([]);
  expect('isAdmin' in {}).toBe(false);
  expect(heldBytes() - heldBefore).toBeLessThan(GROWTH_BYTES_MAX);
});
