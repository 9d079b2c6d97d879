import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { errorToData } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { verifyMerkleProof } from '../crypto/index.ts';
import type { Address, Height } from '../ledger/index.ts';
import { transactionLeaf } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { TabellionNode } from './index.ts';
import {
  HISTORY_OTHERS_MS,
  QUESTION_PEERS_MAX,
  QUESTION_TIMEOUT_MS,
  STATUS_INTERVAL_MS,
} from './limits.ts';
import { peerStatusCodec } from './messages.ts';
import { entriesAnswerCodec, historyAnswerCodec } from './proof-messages.ts';
import type { Answers } from './testing/liar.ts';
import { altering, impostor, isolate } from './testing/liar.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';

// A history of which nobody can prove that it is whole, told by several peers.

const ada = person('ada');
const bob = person('bob');
const cyd = person('cyd');
const [FIRST] = VALIDATORS;
const PAYMENTS = 6;

let village: Village;
beforeAll(async () => {
  village = new Village({ balances: [{ address: ada.address, amount: 1_000_000_000n }] });
  await village.startAll(...VALIDATORS);
  const node = village.node(FIRST);
  for (let value = 1; value <= PAYMENTS; value++) {
    const pay = (to: Address, ahead: number) =>
      village.pay(ada, to, value, { sequence: (3 * (value - 1) + ahead) as never });
    // The first makes a block; the others wait, and are in one together.
    for (const ahead of [0, 1]) await village.submit(node, pay(cyd.address, ahead));
    await village.settled(await village.submit(node, pay(bob.address, 2)), VALIDATORS);
  }
});
afterAll(() => village.stopAll());
beforeEach(() => village.hub.heal());

type Answer = Infer<typeof entriesAnswerCodec>;

type Options = {
  readonly limit?: number;
  /** The host of all of them. */
  readonly address?: string;
  /** So many of the first are of one host, and answer before the others. */
  readonly crowd?: number;
};

/** A light node that sees these peers alone, and the blame of it. */
type Reader = { readonly node: TabellionNode; readonly blamed: () => readonly string[] };

let count = 0;
async function among<Value>(
  peers: readonly Answers[],
  { address, crowd = 0 }: Options,
  work: (reader: Reader) => Promise<Value>,
): Promise<Value> {
  count += 1;
  const reader = `reader ${count}`;
  const names = peers.map((_, at) => `peer ${at} of ${count}`);
  const hosts = peers.map((_, at) => (at < crowd ? '10.9.9.9' : address));
  const players = peers.map((answers, at) => {
    const host = hosts[at];
    const where = host === undefined ? {} : { address: host };
    return impostor(village, { name: names[at] ?? '', honest: FIRST, answers, ...where });
  });
  const { latencyMs } = village.hub;
  village.hub.latencyMs = (name) => (names.indexOf(name) < crowd ? 1 : 40);
  isolate(village, reader, names);
  const { node } = await village.start(reader, { options: { mode: 'light' } });
  const head = village.node(FIRST).status().head?.header.height;
  await village.clock.until('at the head', () => node.source().head().header.height === head);
  // All have told what they hold.
  await village.clock.pass(1_000);
  const blamed = () =>
    village.hub.penalties
      .filter(({ by }) => by === reader)
      .map(({ peerId, reason }) => `${names.indexOf(peerId)}: ${reason}`);
  const value = await work({ node, blamed });
  await village.stop(reader);
  for (const player of players) await player.stop();
  village.hub.latencyMs = latencyMs;
  return value;
}

/** What a reader is told of Bob's history, and whom it blames then. */
async function readBob({ node, blamed }: Reader, limit = 20) {
  const fromMs = village.clock.now();
  const told = await village.clock.run(node.source().history(bob.address, { limit }));
  const tookMs = village.clock.now() - fromMs;
  await village.clock.pass(1_000);
  return {
    heights: told.entries.map(({ height }) => height),
    places: told.entries.map(({ height, index }) => `${height} ${index}`),
    namedBy: told.namedBy,
    hasMore: told.next !== undefined,
    upTo: told.upTo,
    tookMs,
    blamed: blamed(),
  };
}

const readAmong = (peers: readonly Answers[], options: Options = {}) =>
  among(peers, options, (reader) => readBob(reader, options.limit));

async function truth(limit = 20) {
  const real = await village.node(FIRST).parts.store.history(bob.address, { limit });
  return real.map(({ height, index }) => `${height} ${index}`);
}

const HONEST: Answers = {};
const telling = (change: (answer: Answer) => Answer | Promise<Answer>): Answers => ({
  entries: altering(entriesAnswerCodec, change),
});
const NOTHING = telling(() => ({ entries: [], isWhole: true }));
/** Somebody who lacks what is below a height, and says so everywhere. */
const pruned = (from: number): Answers => ({
  ...telling(({ entries }) => ({
    entries: entries.filter(({ place }) => place.height >= from),
    isWhole: true,
  })),
  history: altering(historyAnswerCodec, ({ places }) => ({
    places: places.filter(({ height }) => height >= from),
    completeFrom: from as Height,
  })),
  status: altering(peerStatusCodec, (status) => ({ ...status, earliestHeight: from as Height })),
});

let moved = 0;
/** Names other indexes: one path fits several pairs of index and count. */
const MOVING = telling(async ({ entries, isWhole }) => {
  const { ledger, parts } = village.node(FIRST);
  moved = 0;
  const changed = [];
  for (const each of entries) {
    const header = await parts.store.header(each.place.height);
    const prepared = ledger.prepareTransaction(each.transaction);
    if (!prepared.ok || header === undefined) throw new Error('the honest answer is good');
    const leaf = transactionLeaf(ledger.suite, prepared.value);
    const claims = Array.from({ length: 60 }, (_, at) => ({
      ...{ root: header.transactionsRoot, leaf, path: each.transactionPath },
      ...{ index: at % 10, count: 1 + Math.floor(at / 10) },
    }));
    const other = claims.find(
      (claim) => claim.index !== each.place.index && verifyMerkleProof(ledger.suite, claim),
    );
    if (other !== undefined) moved += 1;
    changed.push(
      other === undefined
        ? each
        : { ...each, count: other.count, place: { ...each.place, index: other.index } },
    );
  }
  return { entries: changed, isWhole };
});

describe('a history that peers tell', () => {
  it('is told by as many voices as agree', async () => {
    const expected = await truth();
    expect(expected).toHaveLength(PAYMENTS);
    for (const voices of [1, 2, 3]) {
      const { places, namedBy, hasMore, blamed } = await readAmong(Array(voices).fill(HONEST));
      expect(places).toEqual(expected);
      expect([namedBy, hasMore, blamed]).toEqual([voices, false, []]);
    }
  });

  it('says up to where those who agree on it would have known of more', async () => {
    const head = heightOf(village.node(FIRST));
    const lagging: Answers = {
      status: altering(peerStatusCodec, (status) => ({
        ...status,
        headHeight: (head - 3) as Height, // Above genesis.
      })),
    };
    const among = await readAmong([HONEST, lagging]);
    expect([among.namedBy, among.upTo]).toEqual([2, head - 3]);
    const level = await readAmong([HONEST, HONEST]);
    expect([level.namedBy, level.upTo]).toEqual([2, head]);
  });

  it('is told by one where all peers are of one host', async () => {
    const { places, namedBy } = await readAmong([HONEST, HONEST], { address: '10.9.9.9' });
    expect(places).toEqual(await truth());
    expect(namedBy).toBe(1);
  });

  it('is told page by page', async () => {
    const { places, namedBy, hasMore } = await readAmong([HONEST, HONEST], { limit: 4 });
    expect(places).toEqual(await truth(4));
    expect([namedBy, hasMore]).toEqual([2, true]);
  });

  it.each<[string, Answers]>([
    ['nothing', NOTHING],
    [
      'the newest alone',
      telling(({ entries }) => ({ entries: entries.slice(0, 1), isWhole: true })),
    ],
    [
      'all but the newest',
      telling(({ entries }) => ({ entries: entries.slice(1), isWhole: true })),
    ],
    [
      'all but one, and that there is more',
      telling(({ entries }) => ({
        entries: entries.filter((_, at) => at !== 2),
        isWhole: false,
      })),
    ],
  ])('is whole beside one who tells %s, and is shown the door', async (_, liar) => {
    const { places, namedBy, blamed } = await readAmong([liar, HONEST]);
    expect(places).toEqual(await truth());
    expect(namedBy).toBe(1);
    expect(blamed).toEqual(['0: false-answer']);
    const among = await readAmong([liar, HONEST, HONEST]);
    expect(among.places).toEqual(await truth());
    expect(among.namedBy).toBe(2);
  });

  it('is whole beside one who lets old blocks go, and is not blamed for it', async () => {
    const heights = (await truth()).map((place) => Number.parseInt(place, 10));
    const from = heights[2] ?? 0;
    const whole = await readAmong([pruned(from), HONEST]);
    expect(whole.places).toEqual(await truth());
    expect([whole.namedBy, whole.blamed]).toEqual([1, []]);
    // About blocks that it still keeps, its word counts like every other.
    const newest = await readAmong([pruned(from), HONEST], { limit: 2 });
    expect([newest.places, newest.namedBy]).toEqual([await truth(2), 2]);
    // Alone it says what it knows; that there is nothing else is its word.
    const alone = await readAmong([pruned(from)]);
    expect([alone.heights, alone.namedBy]).toEqual([heights.slice(0, 3), 1]);
    const gone = await readAmong([pruned(1_000), pruned(1_000)]);
    expect([gone.places, gone.namedBy]).toEqual([[], 1]);
  });

  it('is not waited for longer where others are silent', async () => {
    const silent: Answers = { entries: () => new Promise<Bytes>(() => undefined) };
    const { places, namedBy, tookMs } = await readAmong([silent, HONEST, silent]);
    expect(places).toEqual(await truth());
    expect(namedBy).toBe(1);
    expect(tookMs).toBeLessThan(HISTORY_OTHERS_MS + 500);
    const many = await readAmong([silent, silent, silent, HONEST]);
    expect(many.places).toEqual(await truth());
    expect(many.tookMs).toBeLessThan(2 * HISTORY_OTHERS_MS + 500);
  });

  it('has each transaction once, at the index that its block gives it', async () => {
    for (const peers of [
      [MOVING, HONEST],
      [HONEST, MOVING],
    ]) {
      const { places, blamed, namedBy } = await readAmong(peers);
      expect(moved).toBeGreaterThan(0);
      expect([places, namedBy]).toEqual([await truth(), 1]);
      expect(blamed).toEqual([`${peers.indexOf(MOVING)}: false-answer`]);
    }
  });

  it('lacks what all leave out: nobody else can know', async () => {
    const { places, namedBy, blamed } = await readAmong([NOTHING, NOTHING]);
    expect([places, namedBy, blamed]).toEqual([[], 2, []]);
  });

  it('is whole beside a crowd of one host that answers first', async () => {
    const crowd = QUESTION_PEERS_MAX;
    const liars = Array<Answers>(crowd).fill(NOTHING);
    const { places, namedBy, blamed } = await readAmong([...liars, HONEST, HONEST], { crowd });
    expect([places, namedBy]).toEqual([await truth(), 2]);
    expect(blamed).toHaveLength(1);
  });

  it('waits for one block at most that nobody gives, and nobody speaks for what is disputed', async () => {
    const silent = () => new Promise<Bytes>(() => undefined);
    const none: Answers = { blocks: silent, receipts: silent };
    const peers = [{ ...MOVING, ...none }, none];
    await among(peers, {}, async (reader) => {
      const { namedBy, tookMs, places } = await readBob(reader);
      expect(moved).toBeGreaterThan(1);
      expect([places.length, namedBy]).toEqual([PAYMENTS, 1]);
      expect(tookMs).toBeLessThan(2 * QUESTION_TIMEOUT_MS);
      const fromMs = village.clock.now();
      const ends = new AbortController();
      village.clock.after(3_000, () => ends.abort());
      const { signal } = ends;
      const reading = reader.node.source().history(bob.address, { limit: 20, signal });
      const outcome = village.clock.run(reading).catch((error: unknown) => errorToData(error).code);
      expect(await outcome).toBe('aborted');
      expect(village.clock.now() - fromMs).toBeLessThan(3_100);
    });
  });

  it('is not told by who says to lack what it tells to keep, and that one is shown the door', async () => {
    const excused = altering(historyAnswerCodec, () => ({
      ...{ places: [], completeFrom: 1_000_000 as Height },
    }));
    let earliest = 0;
    const status = altering(peerStatusCodec, (told) => ({
      ...told,
      earliestHeight: earliest as Height,
    }));
    const liar = { ...NOTHING, history: excused };
    // It let go of them a moment after it had told what it keeps.
    const honest = { ...liar, status };
    const blames = await among([liar, honest, HONEST], {}, async (reader) => {
      const first = await readBob(reader);
      expect([first.places, first.namedBy, first.blamed]).toEqual([await truth(), 1, []]);
      earliest = 1_000;
      await village.clock.pass(2 * STATUS_INTERVAL_MS);
      return (await readBob(reader)).blamed;
    });
    expect(blames).toEqual(['0: false-answer']);
  });
});
