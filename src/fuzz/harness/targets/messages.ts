import { concatBytes, equalBytes } from '../../../base/index.ts';
import { consensusCodecsOf } from '../../../consensus/index.ts';
import { createProtocol } from '../../../ledger/index.ts';
import { decodeExchange, encodeExchange } from '../../../network/exchange.ts';
import type { Frame } from '../../../network/frames.ts';
import { decodeFrame, encodeFrame, FrameReader, REFUSALS } from '../../../network/frames.ts';
import {
  blockAnnouncementCodec,
  blocksRequestCodec,
  blocksResponseCodec,
  faucetRequestCodec,
  faucetResponseCodec,
  peerStatusCodec,
} from '../../../node/messages.ts';
import { chunkCodec } from '../../../verifier/port.ts';
import { recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget, codecTarget } from './codec-target.ts';

const consensus = consensusCodecsOf(createProtocol().codecs.block);

async function frames(): Promise<Uint8Array<ArrayBuffer>[]> {
  const { requests, answers } = await recordNetwork();
  const bodies = Object.values(requests).flat();
  const all: Frame[] = [
    ...bodies.map((body, at) => ({ type: 'request', id: at, kind: at % 6, body }) as const),
    ...Object.values(answers)
      .flat()
      .slice(0, 6)
      .flatMap((body, id): Frame[] => [
        { type: 'head', id, length: body.length },
        { type: 'piece', id, body: body.slice(0, 700) },
      ]),
    ...REFUSALS.map((reason, id) => ({ type: 'refuse', id, reason }) as const),
    { type: 'cancel', id: 1 },
    { type: 'ping', id: 0xffff_ffff },
    { type: 'pong', id: 0 },
  ];
  return all.map(encodeFrame);
}

/** Where the chunks of a stream end, from the stream's own first bytes. */
const chunkLength = (input: Uint8Array): number =>
  1 + (((input[0] ?? 0) ^ (input.at(-1) ?? 0)) % 61);

const FRAME_BYTES_MAX = 4096;

const frameTargets: readonly Target[] = [
  bytesTarget('frame', 'one frame of a request stream', async () => ({
    seeds: (await frames()).map((bytes) => bytes.slice(4)),
    run(input) {
      const frame = decodeFrame(input as Uint8Array<ArrayBuffer>);
      if (!frame.ok) return `${frame.error.code}@${input[0] ?? 0}`;
      if (!equalBytes(encodeFrame(frame.value).subarray(4), input))
        throw new Broken('a second form');
      return `accepted@${frame.value.type}`;
    },
  })),
  bytesTarget('frame-stream', 'frames in a stream that is cut anywhere', async () => {
    const all = await frames();
    return {
      seeds: [...all, concatBytes(...all.slice(0, 5)), concatBytes(...all.slice(-6))],
      run(input) {
        const reader = new FrameReader(FRAME_BYTES_MAX);
        const whole = new FrameReader(FRAME_BYTES_MAX).push(input);
        const step = chunkLength(input);
        const read: Uint8Array[] = [];
        for (let at = 0; at < input.length; at += step) {
          const found = reader.push(input.subarray(at, at + step));
          if (!found.ok) {
            if (whole.ok) throw new Broken('refused only when it comes in pieces');
            return `${found.error.code}@${read.length}`;
          }
          read.push(...found.value.map(encodeFrame));
        }
        if (!whole.ok) throw new Broken('refused only when it comes at once');
        const again = concatBytes(...read);
        if (!equalBytes(again, input.subarray(0, again.length))) throw new Broken('a second form');
        return `accepted@${read.length}`;
      },
    };
  }),
  bytesTarget('peer-exchange', 'whom a peer says it knows', async () => {
    const peer = '12D3KooWRbLugYBwgLyPNNjvjqBihwzkJXxU6B6tFyXJRcnbTjTA';
    const other = '12D3KooWN6o1MYwdDwzdY8JPN6jbHDEct9EkasB9bJWPk94uqCTr';
    const relay = `/ip4/1.2.3.4/tcp/1/ws/p2p/${peer}`;
    const tab = `${relay}/p2p-circuit/webrtc/p2p/${other}`;
    const six = `/ip6/2001:db8::1/tcp/443/tls/ws/p2p/${peer}`;
    return {
      seeds: [
        encodeExchange([]),
        encodeExchange([{ peerId: peer, addresses: [relay] }]),
        encodeExchange([
          { peerId: peer, addresses: [relay, `/dns4/relay.example/tcp/443/wss/p2p/${peer}`, six] },
          { peerId: other, addresses: [tab] },
        ]),
      ],
      run(input) {
        const known = decodeExchange(input);
        if (known === undefined) return 'malformed';
        if (known.length > 32) throw new Broken('too many peers');
        for (const { addresses } of known) {
          if (addresses.length === 0) throw new Broken('a peer without an address');
        }
        // What is told is what could be told again, to the last byte.
        const again = encodeExchange(known);
        const twice = decodeExchange(again);
        if (twice?.length !== known.length) throw new Broken('what it tells cannot be told');
        return `accepted@${known.length}`;
      },
    };
  }),
];

export const messageTargets: readonly Target[] = [
  codecTarget('proposal', consensus.proposal, (said) => said.messages.proposals),
  codecTarget('catch-up-request', consensus.catchUpRequest, (said) => said.requests.consensus),
  codecTarget('catch-up-answer', consensus.catchUpAnswer, (said) => said.answers.consensus),
  codecTarget('peer-status', peerStatusCodec, (said) => said.answers.status),
  codecTarget('blocks-request', blocksRequestCodec, (said) => said.requests.blocks),
  codecTarget('blocks-response', blocksResponseCodec, (said) => said.answers.blocks),
  codecTarget('block-announcement', blockAnnouncementCodec, (said) => said.messages.blocks),
  codecTarget('faucet-request', faucetRequestCodec, (said) => said.requests.faucet),
  codecTarget('faucet-response', faucetResponseCodec, (said) => said.answers.faucet),
  codecTarget('verifier-chunk', chunkCodec),
  ...frameTargets,
];
