import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { anyText, bentBytes } from '../ledger/testing/decoder-laws.ts';
import {
  hostNameOf,
  isDirectSocket,
  isRelayed,
  isWebRtc,
  parseAddress,
  remoteHost,
  targetOf,
  transportOf,
} from './addresses.ts';
import { decodeExchange, encodeExchange } from './exchange.ts';
import { decodeFrame, encodeFrame, FrameReader } from './frames.ts';

const PEER = '12D3KooWRbLugYBwgLyPNNjvjqBihwzkJXxU6B6tFyXJRcnbTjTA';
const RELAY = `/ip4/1.2.3.4/tcp/1/ws/p2p/${PEER}`;

describe('frames', () => {
  const samples = fc.constantFrom(
    encodeFrame({ type: 'request', id: 7, kind: 3, body: Uint8Array.of(1, 2, 3) }),
    encodeFrame({ type: 'head', id: 7, length: 99 }),
    encodeFrame({ type: 'piece', id: 7, body: new Uint8Array(30).fill(9) }),
    encodeFrame({ type: 'refuse', id: 7, reason: 'busy' }),
    encodeFrame({ type: 'cancel', id: 7 }),
    encodeFrame({ type: 'ping', id: 1 }),
  );

  it('bent in any way are frames that re-encode to the same bytes, or refused', () => {
    fc.assert(
      fc.property(bentBytes(samples.map((sample) => sample.slice(4))), (bytes) => {
        const frame = decodeFrame(bytes);
        if (frame.ok) expect(encodeFrame(frame.value).slice(4)).toEqual(bytes);
      }),
      { numRuns: 2_000 },
    );
  });

  it('in a bent stream are read or refused, however it is cut; nothing is read after', () => {
    const streams = fc.array(bentBytes(samples), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(streams, fc.integer({ min: 1, max: 9 }), (parts, cut) => {
        const stream = Uint8Array.from(parts.flatMap((part) => [...part]));
        const whole = new FrameReader(64).push(stream);
        const reader = new FrameReader(64);
        const read: unknown[] = [];
        let isBroken = false;
        for (let at = 0; at < stream.length && !isBroken; at += cut) {
          const found = reader.push(stream.slice(at, at + cut));
          if (found.ok) read.push(...found.value);
          else isBroken = true;
        }
        expect(isBroken).toBe(!whole.ok);
        if (whole.ok) expect(read).toEqual(whole.value);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('addresses of peers', () => {
  const words = fc.constantFrom(
    ...['ip4', '1.2.3.4', 'ip6', '::1', '::ffff:1.2.3.4', 'tcp', '1', '65536', 'ws', 'wss', 'tls'],
    ...['p2p', PEER, 'p2p-circuit', 'webrtc', 'dns4', 'a.example', 'unix', '', 'http-path', '%2f'],
  );
  const texts = fc.oneof(
    fc.array(words, { maxLength: 10 }).map((all) => `/${all.join('/')}`),
    anyText(),
    fc.tuple(fc.nat(RELAY.length), fc.string({ maxLength: 3 })).map(([at, put]) => {
      return RELAY.slice(0, at) + put + RELAY.slice(at + 1);
    }),
  );

  it('of any text are none, or answer every question about them', () => {
    let addressCount = 0;
    fc.assert(
      fc.property(texts, (text) => {
        const address = parseAddress(text);
        if (address === undefined) return;
        addressCount += 1;
        for (const ask of [targetOf, isRelayed, isWebRtc, isDirectSocket, transportOf])
          ask(address);
        for (const ask of [hostNameOf, remoteHost]) ask(address);
        expect(parseAddress(address.toString())?.toString()).toBe(address.toString());
      }),
      { numRuns: 2_000 },
    );
    expect(addressCount).toBeGreaterThan(20);
  });
});

describe('peer exchange', () => {
  it('bent in any way tells of peers that can be told of again, or of nothing', () => {
    const told = encodeExchange([
      { peerId: PEER, addresses: [RELAY, RELAY.replace('1.2.3.4', '5.6.7.8')] },
    ]);
    fc.assert(
      fc.property(bentBytes(fc.constant(told)), (bytes) => {
        const known = decodeExchange(bytes);
        if (known === undefined) return;
        expect(decodeExchange(encodeExchange(known))).toEqual(known);
      }),
      { numRuns: 1_000 },
    );
  });
});
