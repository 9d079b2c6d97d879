import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { concatBytes } from '../base/index.ts';
import { decodeExchange, encodeExchange } from './exchange.ts';
import { decodeFrame, encodeFrame, type Frame, FrameReader, REFUSALS } from './frames.ts';

const id = fc.nat({ max: 0xffff_ffff });
const body = fc.uint8Array({ maxLength: 300 }).map((bytes) => new Uint8Array(bytes));
const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('request' as const), id, kind: fc.nat({ max: 255 }), body }),
  fc.record({ type: fc.constant('head' as const), id, length: fc.nat({ max: 0xffff_ffff }) }),
  fc
    .record({ type: fc.constant('piece' as const), id, body })
    .filter((piece) => piece.body.length > 0),
  fc.record({ type: fc.constant('refuse' as const), id, reason: fc.constantFrom(...REFUSALS) }),
  fc.record({ type: fc.constantFrom('cancel' as const, 'ping' as const, 'pong' as const), id }),
);

describe('frames', () => {
  it('come out as they went in, however the stream cuts them', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 8 }),
        fc.integer({ min: 1, max: 40 }),
        (all, cut) => {
          const reader = new FrameReader(1_024);
          const stream = concatBytes(...all.map(encodeFrame));
          const read: Frame[] = [];
          for (let at = 0; at < stream.length; at += cut) {
            const chunk = stream.slice(at, at + cut);
            const found = reader.push(chunk);
            chunk.fill(0xee); // The reader must have copied.
            if (found.ok) read.push(...found.value);
            else throw new Error(found.error.code);
          }
          expect(read).toEqual(all);
        },
      ),
    );
  });

  it('never throw on random bytes, and re-encode to what was accepted', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (random) => {
        const bytes = new Uint8Array(random);
        const decoded = decodeFrame(bytes);
        if (decoded.ok) expect(encodeFrame(decoded.value).slice(4)).toEqual(bytes);
      }),
    );
  });

  it('are refused when longer than allowed, before their bytes arrive', () => {
    const reader = new FrameReader(100);
    expect(reader.push(Uint8Array.of(0, 0, 0, 101))).toEqual({
      ok: false,
      error: { code: 'frame-too-large' },
    });
    expect(new FrameReader(100).push(Uint8Array.of(0, 0, 0, 4))).toEqual({
      ok: false,
      error: { code: 'frame-malformed' },
    });
  });
});

describe('peer exchange', () => {
  const peerId = '12D3KooWRbLugYBwgLyPNNjvjqBihwzkJXxU6B6tFyXJRcnbTjTA';
  const other = '12D3KooWN6o1MYwdDwzdY8JPN6jbHDEct9EkasB9bJWPk94uqCTr';
  const relay = `/ip4/1.2.3.4/tcp/1/ws/p2p/${peerId}`;

  it('tells sockets and WebRTC addresses that lead to the peer they are told of', () => {
    const tab = `${relay}/p2p-circuit/webrtc/p2p/${other}`;
    const told = encodeExchange([
      { peerId, addresses: [relay, `/ip4/1.2.3.4/tcp/1/ws/p2p/${other}`, 'nonsense'] },
      { peerId: other, addresses: [`${relay}/p2p-circuit/p2p/${other}`, tab] },
      { peerId: other, addresses: [] },
    ]);
    expect(decodeExchange(told)).toEqual([
      { peerId, addresses: [relay] },
      { peerId: other, addresses: [tab] },
    ]);
  });

  it('never throws on random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const known = decodeExchange(bytes);
        expect(known === undefined || Array.isArray(known)).toBe(true);
      }),
    );
  });
});
