import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import type { Infer } from '../codec/index.ts';
import { verifyMerkleProof } from '../crypto/index.ts';
import type { Address, Height } from '../ledger/index.ts';
import { transactionLeaf } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { HISTORY_OTHERS_MS } from './limits.ts';
import { peerStatusCodec } from './messages.ts';
import { entriesAnswerCodec, historyAnswerCodec } from './proof-messages.ts';
import type { Answers } from './testing/liar.ts';
import { altering, impostor, isolate } from './testing/liar.ts';
import { VALIDATORS, Village } from './testing/village.ts';

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

let count = 0;
/** What a light node reads of Bob's history among these peers alone, and whom it blames. */
async function readAmong(
  peers: readonly Answers[],
  options: { readonly limit?: number; readonly address?: string } = {},
) {
  count += 1;
  const reader = `reader ${count}`;
  const names = peers.map((_, at) => `peer ${at} of ${count}`);
  const players = peers.map((answers, at) =>
    impostor(village, { name: names[at] ?? '', honest: FIRST, answers, ...options }),
  );
  isolate(village, reader, names);
  const { node } = await village.start(reader, { options: { mode: 'light' } });
  const head = village.node(FIRST).status().head?.header.height;
  await village.clock.until('at the head', () => node.source().head().header.height === head);
  // All have told what they hold.
  await village.clock.pass(1_000);
  const fromMs = village.clock.now();
  const { limit = 20 } = options;
  const told = await village.clock.run(node.source().history(bob.address, { limit }));
  const tookMs = village.clock.now() - fromMs;
  await village.clock.pass(1_000);
  const blamed = village.hub.penalties.filter(({ by }) => by === reader);
  await village.stop(reader);
  for (const player of players) await player.stop();
  return {
    heights: told.entries.map(({ height }) => height),
    places: told.entries.map(({ height, index }) => `${height} ${index}`),
    namedBy: told.namedBy,
    hasMore: told.next !== undefined,
    tookMs,
    blamed: blamed.map(({ peerId, reason }) => `${names.indexOf(peerId)}: ${reason}`),
  };
}

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
    // Of what it keeps it is as good a voice as any.
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
    const { ledger, parts } = village.node(FIRST);
    let moved = 0;
    /** One path fits several pairs of index and count. */
    const liar = telling(async ({ entries, isWhole }) => {
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
    for (const peers of [
      [liar, HONEST],
      [HONEST, liar],
    ]) {
      const { places, blamed, namedBy } = await readAmong(peers);
      expect(moved).toBeGreaterThan(0);
      expect([places, namedBy]).toEqual([await truth(), 1]);
      expect(blamed).toEqual([`${peers.indexOf(liar)}: false-answer`]);
    }
  });

  it('lacks what all leave out: nobody else can know', async () => {
    const { places, namedBy, blamed } = await readAmong([NOTHING, NOTHING]);
    expect([places, namedBy, blamed]).toEqual([[], 2, []]);
  });
});
