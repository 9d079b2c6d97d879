import type { MultiaddrConnection } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../base/index.ts';
import { BanBook } from './bans.ts';
import { encodeFrame } from './frames.ts';
import { createGater } from './gater.ts';
import { startBareNode } from './harness/bare.ts';
import {
  addressOf,
  areConnected,
  CHAIN,
  startNode,
  type TestNode,
  until,
} from './harness/nodes.ts';
import * as network from './index.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { networkNames } from './names.ts';

const { requests } = networkNames(CHAIN, 1);
const cleanups: (() => Promise<unknown>)[] = [];

async function victim(options: Parameters<typeof startNode>[0] = {}): Promise<TestNode> {
  const node = await startNode(options);
  cleanups.push(() => node.network.stop());
  return node;
}

async function attacker() {
  const node = await startBareNode();
  cleanups.push(async () => await node.stop());
  return node;
}

afterEach(async () => {
  await Promise.all(cleanups.splice(0).map((cleanup) => cleanup()));
});

describe('a hostile peer', () => {
  it.each([
    ['sends bytes that are no frames', new Uint8Array(64).fill(1)],
    ['announces a frame of 4 GB', Uint8Array.of(255, 255, 255, 255)],
    ['answers what nobody asked', encodeFrame({ type: 'head', id: 1, length: 5 })],
    [
      'uses an id twice',
      Uint8Array.of(
        ...encodeFrame({ type: 'request', id: 1, kind: 1, body: new Uint8Array(1) }),
        ...encodeFrame({ type: 'request', id: 1, kind: 1, body: new Uint8Array(1) }),
      ),
    ],
  ])('%s: its stream is closed, and repeated, it is banned', async (_what, attack) => {
    const node = await victim();
    node.reply = () => new Promise(() => undefined);
    const hostile = await attacker();
    const address = multiaddr(addressOf(node));
    const dropped: string[] = [];
    hostile.addEventListener('connection:close', ({ detail }) => dropped.push(detail.id));
    const { id } = await hostile.dial(address);
    await until('cut off', async () => {
      const stream = await hostile.dialProtocol(address, requests).catch(() => undefined);
      stream?.addEventListener('message', () => undefined);
      if (stream?.status === 'open') stream.send(attack);
      await until('the stream ends', () => stream?.status !== 'open');
      return dropped.includes(id);
    });
    await hostile.dial(address).catch(() => undefined);
    await until('refused', () => hostile.getConnections().length === 0);
    expect(node.network.peers()).toEqual([]);
  });

  it('asks an unknown kind: refused, and nobody is bothered', async () => {
    const node = await victim();
    let wasAsked = false;
    node.reply = () => {
      wasAsked = true;
      return new Uint8Array(0);
    };
    const hostile = await attacker();
    const stream = await hostile.dialProtocol(multiaddr(addressOf(node)), requests);
    const answers: number[] = [];
    stream.addEventListener('message', ({ data }) => answers.push(...data.subarray()));
    stream.send(encodeFrame({ type: 'request', id: 9, kind: 200, body: new Uint8Array(3) }));
    await until('an answer', () => answers.length >= 10);
    expect(answers).toEqual([...encodeFrame({ type: 'refuse', id: 9, reason: 'unknown-kind' })]);
    expect(wasAsked).toBe(false);
  });

  it('asks for much and reads nothing: it is cut off, and what it held is free again', async () => {
    const { responseBytesMax } = DEFAULT_LIMITS;
    // Room for one large answer, and for the small ones by which peers tell of peers.
    const responseBytesHeldMax = responseBytesMax + 64 * 1024;
    const limits = { writeTimeoutMs: 1_000, responseBytesHeldMax };
    const node = await victim({ limits });
    node.reply = () => new Uint8Array(responseBytesMax);
    const friend = await victim({ relays: [addressOf(node)] });
    await until('friends', () => areConnected(node, friend));
    const ask = () => friend.network.request(node.network.peerId, 'blocks', new Uint8Array(1));
    expect(await ask()).toHaveLength(responseBytesMax);
    const hostile = await attacker();
    const stream = await hostile.dialProtocol(multiaddr(addressOf(node)), requests);
    stream.pause();
    stream.send(encodeFrame({ type: 'request', id: 1, kind: 1, body: new Uint8Array(1) }));
    await until('the hostile one holds all there is', () =>
      ask().then(
        () => false,
        (error: unknown) => (error as { code: string }).code === 'request-refused',
      ),
    );
    await until('cut off', () => stream.status !== 'open');
    expect(await ask()).toHaveLength(responseBytesMax);
  });
});

describe('the gater', () => {
  const connection = (address: string) =>
    ({ remoteAddr: multiaddr(address) }) as MultiaddrConnection; // All that the gater looks at.

  function gaterWith(counts: number, allowLoopback: boolean) {
    const bans = new BanBook(10);
    const gater = createGater({
      bans,
      clock: systemClock,
      limits: DEFAULT_LIMITS,
      allowLoopback,
      isConfigured: () => false,
      connectionsFrom: () => counts,
    });
    return { bans, gater };
  }

  it('refuses a banned host whichever peer it sends', async () => {
    const { bans, gater } = gaterWith(0, false);
    bans.ban('93.184.216.34', systemClock.now() + 60_000);
    const from = (host: string) =>
      gater.denyInboundConnection?.(connection(`/ip4/${host}/tcp/5/ws`));
    expect(await from('93.184.216.34')).toBe(true);
    expect(await from('93.184.216.35')).toBe(false);
    const dial = multiaddr('/ip4/93.184.216.34/tcp/5/ws');
    expect(await gater.denyDialMultiaddr?.(dial)).toBe(true);
  });

  it('bounds connections from one host, but not on a local network', async () => {
    const crowded = DEFAULT_LIMITS.connectionsPerAddressMax;
    const deny = (counts: number, allowLoopback: boolean, host: string) =>
      gaterWith(counts, allowLoopback).gater.denyInboundConnection?.(
        connection(`/ip4/${host}/tcp/5/ws`),
      );
    expect(await deny(crowded - 1, false, '93.184.216.34')).toBe(false);
    expect(await deny(crowded, false, '93.184.216.34')).toBe(true);
    expect(await deny(crowded, true, '127.0.0.1')).toBe(false);
    expect(await deny(crowded, false, '127.0.0.1')).toBe(true);
  });
});

describe('the door of the room', () => {
  it('is opened deliberately', () => {
    expect(Object.keys(network).sort()).toEqual([
      'DEFAULT_LIMITS',
      'PENALTY_FLOOD',
      'PENALTY_MALFORMED',
      'PENALTY_OVERSIZE',
      'PENALTY_REJECTED',
      'SCORE_MAX',
      'TokenBucket',
      'createNetwork',
      'createPeerKey',
      'peerIdOfKey',
    ]);
  });
});
