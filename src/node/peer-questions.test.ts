import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentTracer, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { Network, PeerView } from '../network/index.ts';
import { ANSWER_UNITS_BURST, ANSWER_UNITS_PER_SECOND } from './limits.ts';
import { historyAnswerCodec, historyRequestCodec, receiptsAnswerCodec } from './proof-messages.ts';
import { PeerQuestions } from './questions.ts';
import { impostor, isolate } from './testing/liar.ts';
import { VALIDATORS, Village } from './testing/village.ts';
import { VirtualClock } from './testing/virtual-clock.ts';

// Questions to peers and their cost: of those who ask, and of those who answer.

const bob = person('bob');
const [FIRST] = VALIDATORS;
const BLOCKS = 8;

let village: Village;
beforeAll(async () => {
  village = await Village.running(BLOCKS);
});
afterAll(() => village.stopAll());

/** A light node whose only peer lacks receipts, and light blocks too once it is told to. */
async function beside(name: string) {
  let lacksLight = false;
  impostor(village, {
    name: `${name}'s peer`,
    honest: FIRST,
    answers: {
      light: async (_request, honestly) => {
        if (lacksLight) throw new TabellionError('request-refused');
        return honestly();
      },
      receipts: async () => encode(receiptsAnswerCodec, { receipts: undefined }),
    },
  });
  isolate(village, name, [`${name}'s peer`]);
  const { node } = await village.start(name, { options: { mode: 'light' } });
  await village.clock.until('a head', () => node.source().head().header.height >= BLOCKS);
  return {
    node,
    refuseLight: () => {
      lacksLight = true;
    },
  };
}

describe('a block of peers', () => {
  it('whose header nobody proves is refused, and nothing else comes of it', async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => unhandled.push(error);
    process.on('unhandledRejection', note);
    const { node, refuseLight } = await beside('newcomer');
    const height = BLOCKS as Height;
    // With it come the blocks below.
    await village.clock.run(node.source().summary(height));
    refuseLight();
    const asked = node.source().block((height - 3) as Height);
    await expect(village.clock.run(asked)).rejects.toMatchObject({ code: 'proof-unavailable' });
    await village.clock.pass(60_000);
    expect(unhandled).toEqual([]);
    process.off('unhandledRejection', note);
    await village.stop('newcomer');
  });

  it('is not lost to all who wait for it when the first of them leaves', async () => {
    const { node } = await village.start('reader', { options: { mode: 'light' } });
    await village.clock.until('a head', () => node.source().head().header.height >= BLOCKS);
    const first = new AbortController();
    const height = 3 as Height;
    const left = node.source().block(height, { signal: first.signal });
    const stayed = node.source().block(height);
    first.abort();
    await expect(village.clock.run(left)).rejects.toMatchObject({ code: 'aborted' });
    expect((await village.clock.run(stayed))?.block.header.height).toBe(height);
    await village.stop('reader');
  });
});

describe('a peer that asks for proofs without end', () => {
  const body = encode(historyRequestCodec, {
    address: bob.address,
    before: undefined,
    limit: 0xffff,
  });

  it('has its share, and others have theirs', async () => {
    const greedy = village.stranger('greedy');
    const modest = village.stranger('modest');
    const ask = (asker: typeof greedy) =>
      village.clock.run(
        asker.request(FIRST, 'history', body).then(
          () => 'answered',
          (error: TabellionError) => error.facts.reason,
        ),
      );
    const startMs = village.clock.now();
    let answered = 0;
    while ((await ask(greedy)) === 'answered') answered += 1;
    const passedSeconds = (village.clock.now() - startMs) / 1000;
    const most = ANSWER_UNITS_BURST + ANSWER_UNITS_PER_SECOND * passedSeconds;
    // Each of Bob's blocks is read for it.
    expect(answered).toBe(Math.floor(most / (1 + BLOCKS)));
    expect(await ask(greedy)).toBe('busy');
    expect(await ask(modest)).toBe('answered');
    await village.clock.pass(1_000);
    expect(await ask(greedy)).toBe('answered');
    const peers = village.node(FIRST).peers();
    expect(peers.find(({ peerId }) => peerId === 'greedy')?.score).toBe(1_000);
  });

  it('is told no more places than one answer holds', async () => {
    const answer = await village.clock.run(
      village.stranger('reader of places').request(FIRST, 'history', body),
    );
    const decoded = decode(historyAnswerCodec, answer);
    expect(decoded.ok && decoded.value.places.length).toBe(BLOCKS);
  });
});

describe('who answered how', () => {
  it('is forgotten with the peer, however late its answer comes', async () => {
    const clock = new VirtualClock(0);
    let peers: readonly Pick<PeerView, 'peerId' | 'latencyMs'>[] = [];
    const asked: string[] = [];
    let answer: (bytes: Uint8Array) => void = () => undefined;
    const network = {
      peers: () => peers,
      request: (peerId: string) => {
        asked.push(peerId);
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    } as unknown as Network; // All of it that questions use.
    const questions = new PeerQuestions({
      clock,
      tracer: silentTracer,
      network: () => network,
      rangeOf: () => ({ earliest: 0 as Height, head: 9 as Height }),
      reportPeer: () => undefined,
      onBytes: () => undefined,
    });
    const bad = { kind: 'bad', fault: 'false-answer' } as const;
    const question = { kind: 'state', body: new Uint8Array(1), judge: () => bad } as const;
    const connected = ['cyd', 'dan'].map((peerId) => ({ peerId, latencyMs: 10 }));
    peers = connected;
    const first = questions.ask(question);
    expect(asked).toEqual(['cyd']);
    peers = [];
    questions.forget('cyd');
    answer(new Uint8Array(1));
    // Dan would have been next, and is gone as well.
    expect(await first).toBeUndefined();
    expect(asked).toEqual(['cyd']);
    // Cyd comes back, and is asked first again: the bad answer came when it was forgotten.
    peers = connected;
    void questions.ask(question);
    expect(asked).toEqual(['cyd', 'cyd']);
  });
});
