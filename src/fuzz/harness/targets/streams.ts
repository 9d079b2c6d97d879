import type { Stream } from '@libp2p/interface';
import type { Bytes } from '../../../base/index.ts';
import { assert, concatBytes, equalBytes, TabellionError } from '../../../base/index.ts';
import type { Frame } from '../../../network/frames.ts';
import { encodeFrame, FrameReader } from '../../../network/frames.ts';
import { DEFAULT_LIMITS } from '../../../network/index.ts';
import { TokenBucket } from '../../../network/rate.ts';
import { RequestClient } from '../../../network/request-client.ts';
import { RequestServer } from '../../../network/request-server.ts';
import { VirtualClock } from '../../../node/testing/virtual-clock.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken } from '../types.ts';
import { bytesTarget } from './codec-target.ts';

const BATCH = 128;
const START_MS = 1_700_000_000_000;

/** One end of a stream whose other end the test holds; takes everything at once. */
class HeldStream extends EventTarget {
  status = 'open';
  readonly writableNeedsDrain = false;
  readonly sent: Uint8Array[] = [];

  send(bytes: Uint8Array): boolean {
    this.sent.push(new Uint8Array(bytes));
    return true;
  }

  abort(): void {
    if (this.status !== 'open') return;
    this.status = 'aborted';
    this.dispatchEvent(new Event('close'));
  }

  /** The other end says something. */
  say(bytes: Uint8Array): void {
    this.dispatchEvent(Object.assign(new Event('message'), { data: bytes }));
  }

  /** What a room of the network takes it for: it uses nothing else of a stream. */
  get asStream(): Stream {
    return this as unknown as Stream;
  }

  /** Frames that were written, which must all be well formed. */
  frames(): readonly Frame[] {
    const read = new FrameReader(DEFAULT_LIMITS.requestBytesMax + 64 * 1024).push(
      concatBytes(...this.sent),
    );
    if (!read.ok) throw new Broken('writes what it would not read');
    return read.value;
  }
}

const body = (length: number) => Uint8Array.from({ length }, (_, at) => at * 7);

/** Says an input in pieces whose size the input chooses. */
function sayInPieces(stream: HeldStream, input: Uint8Array): void {
  const step = 1 + ((input[3] ?? 0) ^ (input.at(-1) ?? 0));
  for (let at = 0; at < input.length && stream.status === 'open'; at += step) {
    stream.say(input.subarray(at, at + step));
  }
}

const asError = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

const settle = () => new Promise((resolve) => setImmediate(resolve));

const questions: readonly Frame[] = [
  { type: 'request', id: 1, kind: 0, body: body(0) },
  { type: 'request', id: 2, kind: 3, body: body(40) },
  { type: 'cancel', id: 2 },
  { type: 'ping', id: 9 },
  { type: 'request', id: 3, kind: 250, body: body(9) },
  { type: 'request', id: 4, kind: 1, body: body(300) },
];

const server = bytesTarget('request-server', 'a stream on which a peer asks', async () => ({
  seeds: [
    ...questions.map(encodeFrame),
    concatBytes(...questions.map(encodeFrame)),
    concatBytes(...questions.slice(0, 2).map(encodeFrame)),
  ],
  batch: BATCH,
  async runBatch(inputs) {
    const clock = new VirtualClock(START_MS);
    const all = { held: 0, inFlight: 0 };
    const ends = inputs.map((input) => {
      const stream = new HeldStream();
      const rate = new TokenBucket({ perSecond: 10, burst: 50 }, clock.now());
      const asker = { held: 0, inFlight: 0, rate };
      const facts = { asked: 0, blamed: '', ended: 0 };
      const made = new RequestServer(stream.asStream, {
        ...{ limits: DEFAULT_LIMITS, clock, asker, all },
        blame: (_points, reason) => {
          facts.blamed = reason;
        },
        answer(kind, question) {
          if (kind > 5) return undefined;
          facts.asked += 1;
          return kind === 4 ? Promise.reject(new Error('no')) : Promise.resolve(question);
        },
        onFailure: () => undefined,
        onEnd: () => {
          facts.ended += 1;
        },
      });
      let error: Error | undefined;
      try {
        sayInPieces(stream, input);
      } catch (thrown) {
        error = asError(thrown);
      }
      return { stream, made, asker, facts, error };
    });
    for (let turns = 0; turns < 3; turns++) await settle();
    for (const { made } of ends) made.close();
    await settle();
    const verdicts = ends.map(({ stream, asker, facts, error }): Verdict | Error => {
      if (error !== undefined) return error;
      if (facts.ended !== 1) return new Broken('a stream ends once');
      if (asker.inFlight !== 0 || asker.held !== 0) return new Broken('an answer stays in flight');
      try {
        const kinds = stream.frames().map(({ type }) => type);
        const heads = kinds.filter((type) => type === 'head').length;
        if (heads > facts.asked) return new Broken('more answers than questions');
        return `${facts.blamed === '' ? 'accepted' : facts.blamed}@${facts.asked} ${kinds.length}`;
      } catch (thrown) {
        return asError(thrown);
      }
    });
    if (all.inFlight !== 0 || all.held !== 0) throw new Broken('an answer stays in flight');
    return verdicts;
  },
}));

const ANSWER = body(200);
const answers: readonly Frame[] = [
  { type: 'head', id: 1, length: ANSWER.length },
  { type: 'piece', id: 1, body: ANSWER.slice(0, 150) },
  { type: 'head', id: 2, length: 0 },
  { type: 'piece', id: 1, body: ANSWER.slice(150) },
  { type: 'refuse', id: 3, reason: 'busy' },
];
const inSingleBytes: readonly Frame[] = [
  { type: 'head', id: 2, length: 60 },
  ...[...body(60)].map((byte): Frame => ({ type: 'piece', id: 2, body: Uint8Array.of(byte) })),
];

/** What was promised and sent for one question, read independently of the client. */
function promised(input: Uint8Array, id: number): Bytes | undefined {
  let total: number | undefined;
  const pieces: Uint8Array[] = [];
  let at = 0;
  while (at + 9 <= input.length) {
    const view = new DataView(input.buffer, input.byteOffset + at);
    const length = view.getUint32(0);
    if (at + 4 + length > input.length) break;
    if (view.getUint32(5) === id) {
      const type = view.getUint8(4);
      if (type === 2) total = view.getUint32(9);
      if (type === 3) pieces.push(input.subarray(at + 9, at + 4 + length));
    }
    at += 4 + length;
    const bytes = concatBytes(...pieces);
    if (total !== undefined && bytes.length >= total) return bytes.slice(0, total);
  }
  return undefined;
}

const client = bytesTarget('request-client', 'a stream on which a peer answers', async () => {
  const whole = concatBytes(...answers.map(encodeFrame));
  assert(equalBytes(promised(whole, 1) ?? new Uint8Array(0), ANSWER), 'the oracle reads');
  return {
    seeds: [
      whole,
      ...answers.map(encodeFrame),
      concatBytes(...inSingleBytes.map(encodeFrame)),
      encodeFrame({ type: 'head', id: 1, length: 0xffff_ffff }),
      encodeFrame({ type: 'pong', id: 4 }),
    ],
    batch: BATCH,
    async runBatch(inputs) {
      const clock = new VirtualClock(START_MS);
      const ends = inputs.map((input) => {
        const stream = new HeldStream();
        const facts = { blamed: '', ended: 0 };
        const made = new RequestClient(stream.asStream, {
          ...{ limits: DEFAULT_LIMITS, clock },
          blame: (_points, reason) => {
            facts.blamed = reason;
          },
          onEnd: () => {
            facts.ended += 1;
          },
        });
        const { signal } = new AbortController();
        const asked = [1, 2, 3].map((kind) =>
          made.ask(kind, body(kind), signal).then((bytes): Bytes | Error => bytes, asError),
        );
        const pinged = made.ping(5_000).then(() => undefined, asError);
        let error: Error | undefined;
        try {
          sayInPieces(stream, input);
        } catch (thrown) {
          error = asError(thrown);
        }
        return { input, stream, made, facts, asked, pinged, error };
      });
      await settle();
      for (const { made } of ends) made.close();
      await settle();
      const verdicts = Promise.all(
        ends.map(async ({ input, facts, asked, pinged, error }): Promise<Verdict | Error> => {
          if (error !== undefined) return error;
          if (facts.ended !== 1) return new Broken('a stream ends once');
          let resolved = 0;
          for (const [at, answer] of (await Promise.all(asked)).entries()) {
            if (answer instanceof Error) {
              if (!(answer instanceof TabellionError)) return answer;
              continue;
            }
            resolved += 1;
            const expected = promised(input, at + 1);
            if (expected === undefined || !equalBytes(expected, answer)) {
              return new Broken('an answer that was not given');
            }
          }
          const ping = await pinged;
          if (ping instanceof Error && !(ping instanceof TabellionError)) return ping;
          return `${facts.blamed === '' ? 'accepted' : facts.blamed}@${resolved}`;
        }),
      );
      return await clock.run(verdicts);
    },
  };
});

export const streamTargets: readonly Target[] = [server, client];
