import { once } from 'node:events';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Links } from './links.ts';

// Relay 1 listens, relay 0 dials it through a link.
let server: Server;
let links: Links;
let near: Socket;
let far: Socket;
let port: number;

beforeEach(async () => {
  server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  links = new Links();
  const address = server.address();
  const own = typeof address === 'object' && address !== null ? address.port : 0;
  port = await links.open(0, 1, own);
  const accepted = once(server, 'connection');
  near = connect({ host: '127.0.0.1', port });
  [far] = (await accepted) as [Socket];
});

afterEach(() => {
  near.destroy();
  far.destroy();
  links.close();
  server.close();
});

async function next(socket: Socket): Promise<string> {
  const [bytes] = (await once(socket, 'data')) as [Buffer];
  return bytes.toString();
}

it('a link passes bytes both ways', async () => {
  near.write('to');
  expect(await next(far)).toBe('to');
  far.write('fro');
  expect(await next(near)).toBe('fro');
});

it('a direction that is stalled holds bytes back until it is healed; the other goes on', async () => {
  links.set(0, 1, 'stalled');
  const arrived: string[] = [];
  far.on('data', (bytes: Buffer) => arrived.push(bytes.toString()));
  near.write('late');
  for (const word of ['one', 'two']) {
    far.write(word);
    expect(await next(near)).toBe(word);
  }
  expect(arrived).toEqual([]);
  links.heal();
  await once(far, 'data');
  expect(arrived).toEqual(['late']);
});

it('a link that is cut breaks connections, and lets none begin', async () => {
  const ended = Promise.all([once(near, 'close'), once(far, 'close')]);
  near.on('error', () => undefined);
  far.on('error', () => undefined);
  // Whoever reads nothing does not hear of an end.
  near.resume();
  far.resume();
  links.set(1, 0, 'cut');
  await ended;
  const again = connect({ host: '127.0.0.1', port });
  again.on('error', () => undefined);
  again.resume();
  const connections = once(server, 'connection').then(() => 'arrived');
  expect(await Promise.race([connections, once(again, 'close').then(() => 'broken')])).toBe(
    'broken',
  );
  links.heal();
  const healed = connect({ host: '127.0.0.1', port });
  expect(await connections).toBe('arrived');
  healed.destroy();
});
