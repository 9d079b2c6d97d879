import { expect, test } from 'vitest';
import type { Height } from '../ledger/index.ts';
import type { SyncEffect, SyncEvent, SyncLimits, SyncState } from './index.ts';
import { createSync, isResting, progressOf, step } from './index.ts';

type Effect = SyncEffect<string>;

const height = (value: number) => value as Height; // Whole and not negative in these tests.
const run = (from: number, count: number, mark = 'good', sizeBytes = 1000) =>
  Array.from({ length: count }, (_, at) => ({
    height: height(from + at),
    sizeBytes,
    payload: `${mark} ${from + at}`,
  }));

function setUp(head = 0, limits: Partial<SyncLimits> = {}) {
  let state: SyncState<string> = createSync<string>(height(head), limits);
  const send = (event: SyncEvent<string>): readonly Effect[] => {
    const transition = step(state, event);
    state = transition.state;
    return transition.effects;
  };
  return {
    send,
    meet: (peerId: string, headHeight: number, earliestHeight = 0) =>
      send({
        kind: 'peer-status',
        peerId,
        headHeight: height(headHeight),
        earliestHeight: height(earliestHeight),
      }),
    tick: (times = 1) => Array.from({ length: times }, () => send({ kind: 'tick' })).flat(),
    progress: () => progressOf(state),
    state: () => state,
  };
}

const requests = (effects: readonly Effect[]) =>
  effects.flatMap((each) => (each.kind === 'request-blocks' ? [each] : []));
const handOvers = (effects: readonly Effect[]) =>
  effects.flatMap((each) => (each.kind === 'hand-over-block' ? [each] : []));
const reports = (effects: readonly Effect[]) =>
  effects.flatMap((each) => (each.kind === 'report-peer' ? [[each.peerId, each.fault]] : []));
const first = <Item>(items: readonly Item[]): Item => {
  const [item] = items;
  if (item === undefined) throw new Error('the test expected one');
  return item;
};

test('what is missing is asked for in batches, from several peers at once', () => {
  const { meet } = setUp(10, { batchBlocksMax: 20 });
  expect(requests(meet('a', 50))).toMatchObject([
    { peerId: 'a', from: 11, count: 20 },
    { peerId: 'a', from: 31, count: 20 },
  ]);
  expect(requests(meet('b', 100))).toMatchObject([
    { peerId: 'b', from: 51, count: 20 },
    { peerId: 'b', from: 71, count: 20 },
  ]);
});

test('blocks are handed over in order of heights, whatever comes first', () => {
  const { meet, send, progress } = setUp(0, { batchBlocksMax: 2 });
  const [one, two] = requests(meet('a', 4));
  expect(
    handOvers(send({ kind: 'blocks-received', ticket: two?.ticket ?? 0, blocks: run(3, 2) })),
  ).toEqual([]);
  const handed = handOvers(
    send({ kind: 'blocks-received', ticket: one?.ticket ?? 0, blocks: run(1, 2) }),
  );
  expect(handed.map(({ block }) => block.payload)).toEqual([
    'good 1',
    'good 2',
    'good 3',
    'good 4',
  ]);
  expect(progress()).toEqual({ stage: 'syncing', height: 0, target: 4 });
  for (const { ticket } of handed) send({ kind: 'block-accepted', ticket });
  expect(progress()).toEqual({ stage: 'following', height: 4, target: 4 });
});

test('a short answer is continued, an unexpected one is malformed', () => {
  const { meet, send } = setUp(0);
  const request = first(requests(meet('a', 10)));
  const effects = send({ kind: 'blocks-received', ticket: request.ticket, blocks: run(1, 4) });
  expect(handOvers(effects)).toHaveLength(4);
  const next = first(requests(effects));
  expect(next).toMatchObject({ from: 5, count: 6 });
  const wrong = [...run(5, 1), ...run(7, 1)];
  expect(reports(send({ kind: 'blocks-received', ticket: next.ticket, blocks: wrong }))).toEqual([
    ['a', 'malformed-answer'],
  ]);
});

test('a peer that serves nothing of what it claims rests, and is believed no longer', () => {
  const { meet, send, progress, state, tick } = setUp(10);
  meet('honest', 10);
  const request = first(requests(meet('liar', 1000)));
  expect(progress()).toEqual({ stage: 'syncing', height: 10, target: 1000 });
  const effects = send({ kind: 'blocks-received', ticket: request.ticket, blocks: [] });
  expect(reports(effects)).toEqual([['liar', 'height-lie']]);
  expect(isResting(state(), 'liar')).toBe(true);
  expect(progress()).toEqual({ stage: 'following', height: 10, target: 10 });
  // Rested, it is still not believed; only a new claim is, and each lie makes it rest longer.
  expect(requests(tick(5))).toEqual([]);
  const again = first(requests(meet('liar', 1000)));
  send({ kind: 'blocks-received', ticket: again.ticket, blocks: [] });
  meet('liar', 1000);
  expect(requests(tick(3))).toEqual([]);
  expect(requests(tick(1))).toHaveLength(2);
});

test('what one peer lets stall is asked of another', () => {
  const { meet, send, tick } = setUp(0);
  const request = first(requests(meet('slow', 8)));
  meet('quick', 8);
  const effects = send({ kind: 'request-timed-out', ticket: request.ticket });
  expect(reports(effects)).toEqual([['slow', 'stall']]);
  expect(requests(effects)).toMatchObject([{ peerId: 'quick', from: 1, count: 8 }]);
  // The late answer changes nothing.
  const late = send({ kind: 'blocks-received', ticket: request.ticket, blocks: run(1, 8) });
  expect(late).toEqual([]);
  expect(reports(tick(30))).toEqual([['quick', 'stall']]);
});

test('who stalls time after time is told apart from who is slow', () => {
  const { meet, send, tick } = setUp(0, { stallsMax: 3, batchBlocksMax: 1, requestsPerPeerMax: 1 });
  const { ticket } = first(requests(meet('slow', 8)));
  expect(reports(send({ kind: 'request-timed-out', ticket }))).toEqual([['slow', 'stall']]);
  const again = first(requests(tick(2)));
  const effects = send({ kind: 'blocks-received', ticket: again.ticket, blocks: run(1, 1) });
  // A useful block makes up for a stall.
  send({ kind: 'block-accepted', ticket: first(handOvers(effects)).ticket });
  expect(reports(tick(200)).slice(0, 3)).toEqual([
    ['slow', 'stall'],
    ['slow', 'stall'],
    ['slow', 'endless-stall'],
  ]);
});

test('what does not come in time is asked for in smaller pieces, one at a time', () => {
  const { meet, send, tick } = setUp(0, { batchBlocksMax: 64, batchBytes: 1024 * 1024 });
  // A line over which 64 blocks, or twice 16, take longer than any answer may.
  const asked = [requests(meet('far', 300))];
  expect(asked[0]?.map(({ count }) => count)).toEqual([64, 64]);
  for (let time = 0; time < 3; time++) {
    const { ticket } = first(asked.at(-1) ?? []);
    const effects = send({ kind: 'request-timed-out', ticket });
    asked.push([...requests(effects), ...requests(tick(8))].slice(0, 1));
  }
  expect(asked.slice(1).map((each) => each.map(({ count }) => count))).toEqual([[16], [4], [1]]);
  // Answers in time make them larger again, slowly.
  const counts = [first(asked.at(-1) ?? [])];
  while (counts.length < 9) {
    const { ticket, from, count } = counts.at(-1) ?? first([]);
    const effects = send({ kind: 'blocks-received', ticket, blocks: run(from, count) });
    for (const handed of handOvers(effects))
      send({ kind: 'block-accepted', ticket: handed.ticket });
    counts.push(first(requests(effects)));
  }
  expect(counts.map(({ count }) => count)).toEqual([1, 1, 1, 1, 4, 4, 4, 4, 16]);
});

test('peers that have nothing make way for one that has the next block', () => {
  const { meet, state } = setUp(5, { peersMax: 3 });
  meet('fresh', 0);
  meet('equal', 5);
  // It claims much, but nothing that follows our head: nobody can ever find it out.
  meet('beyond', 1_000_000, 500_000);
  expect(requests(meet('full', 9))).toMatchObject([{ peerId: 'full', from: 6, count: 4 }]);
  meet('other', 9);
  meet('third', 9);
  expect([...state().peers.keys()]).toEqual(['full', 'other', 'third']);
  // Who has what we need makes way for nobody.
  meet('late', 1_000);
  meet('empty', 0);
  expect([...state().peers.keys()]).toEqual(['full', 'other', 'third']);
});

test('a bad block costs its peer all trust; blocks of others are kept and handed over again', () => {
  const { meet, send, state } = setUp(0, { batchBlocksMax: 2, requestsPerPeerMax: 1 });
  const [toLiar] = requests(meet('liar', 4));
  const [toOther] = requests(meet('other', 4));
  send({ kind: 'blocks-received', ticket: toOther?.ticket ?? 0, blocks: run(3, 2) });
  const handed = handOvers(
    send({ kind: 'blocks-received', ticket: toLiar?.ticket ?? 0, blocks: run(1, 2, 'bad') }),
  );
  expect(handed).toHaveLength(4);
  const effects = send({
    kind: 'block-rejected',
    ticket: handed[0]?.ticket ?? 0,
    code: 'certificate-signature-invalid',
  });
  expect(reports(effects)).toEqual([['liar', 'bad-block']]);
  const again = first(requests(effects));
  expect(again).toMatchObject({ peerId: 'other', from: 1, count: 2 });
  // The verdict on what had been handed over after it is stale.
  expect(send({ kind: 'block-rejected', ticket: handed[2]?.ticket ?? 0, code: 'x' })).toEqual([]);
  meet('liar', 4);
  expect([...state().peers.keys()]).toEqual(['other']);
  const good = handOvers(
    send({ kind: 'blocks-received', ticket: again.ticket, blocks: run(1, 2) }),
  );
  expect(good.map(({ block, peerId }) => [block.payload, peerId])).toEqual([
    ['good 1', 'other'],
    ['good 2', 'other'],
    ['good 3', 'other'],
    ['good 4', 'other'],
  ]);
});

test('nothing more of a liar is handed over, though it came before the lie was seen', () => {
  const { meet, send } = setUp(0, { handOverMax: 1 });
  const request = first(requests(meet('liar', 4)));
  meet('other', 4);
  const handed = first(
    handOvers(send({ kind: 'blocks-received', ticket: request.ticket, blocks: run(1, 4, 'bad') })),
  );
  const effects = send({ kind: 'block-rejected', ticket: handed.ticket, code: 'x' });
  expect(handOvers(effects)).toEqual([]);
  expect(requests(effects)).toMatchObject([{ peerId: 'other', from: 1, count: 4 }]);
});

test('a lag of one block is left to gossip, unless it lasts', () => {
  const { meet, tick, progress } = setUp(5);
  expect(requests(meet('a', 6))).toEqual([]);
  expect(progress()).toEqual({ stage: 'following', height: 5, target: 6 });
  expect(requests(tick(2))).toMatchObject([{ from: 6, count: 1 }]);
});

test('blocks that came by another way are not asked for or handed over', () => {
  const { meet, send, progress } = setUp(0, { batchBlocksMax: 4 });
  const [one, two] = requests(meet('a', 8));
  send({ kind: 'head-advanced', height: height(6) });
  expect(send({ kind: 'blocks-received', ticket: one?.ticket ?? 0, blocks: run(1, 4) })).toEqual(
    [],
  );
  const handed = handOvers(
    send({ kind: 'blocks-received', ticket: two?.ticket ?? 0, blocks: run(5, 4) }),
  );
  expect(handed.map(({ block }) => block.height)).toEqual([7, 8]);
  send({ kind: 'head-advanced', height: height(8) });
  expect(progress()).toEqual({ stage: 'following', height: 8, target: 8 });
});

test('a peer is asked only for what it can serve', () => {
  const { meet } = setUp(0);
  expect(requests(meet('pruned', 100, 99))).toEqual([]);
  expect(requests(meet('short', 3))).toMatchObject([{ peerId: 'short', from: 1, count: 3 }]);
});

test('the window bounds heights', () => {
  const { meet } = setUp(5, { windowBlocks: 12, batchBlocksMax: 5, requestsPerPeerMax: 8 });
  expect(requests(meet('a', 100))).toMatchObject([
    { from: 6, count: 5 },
    { from: 11, count: 5 },
    { from: 16, count: 2 },
  ]);
});

test('the window bounds bytes, but for the batch that is next in line', () => {
  const { meet, send } = setUp(0, {
    windowBytes: 70_000,
    batchBytes: 17_000,
    requestsPerPeerMax: 8,
  });
  // One block of the size guessed fills a batch, and four of them the window.
  const asked = requests(meet('a', 100));
  expect(asked.map(({ from }) => from)).toEqual([1, 2, 3, 4]);
  const [one, two] = asked;
  const large = run(2, 1, 'good', 60_000);
  expect(send({ kind: 'blocks-received', ticket: two?.ticket ?? 0, blocks: large })).toEqual([]);
  // The first must come all the same, or the large one would never leave.
  const failed = send({ kind: 'request-timed-out', ticket: one?.ticket ?? 0 });
  expect(requests(failed)).toEqual([]);
  expect(requests(meet('b', 100)).map(({ from }) => from)).toEqual([1]);
});

test('hand-overs wait for answers beyond their bound', () => {
  const { meet, send } = setUp(0, { handOverMax: 3 });
  const request = first(requests(meet('a', 8)));
  const handed = handOvers(
    send({ kind: 'blocks-received', ticket: request.ticket, blocks: run(1, 8) }),
  );
  expect(handed.map(({ block }) => block.height)).toEqual([1, 2, 3]);
  const more = send({ kind: 'block-accepted', ticket: handed[0]?.ticket ?? 0 });
  expect(handOvers(more).map(({ block }) => block.height)).toEqual([4]);
});

test('what a peer had open is asked elsewhere when it goes', () => {
  const { meet, send, progress } = setUp(0);
  meet('a', 8);
  meet('b', 8);
  expect(requests(send({ kind: 'peer-gone', peerId: 'a' }))).toMatchObject([{ peerId: 'b' }]);
  send({ kind: 'peer-gone', peerId: 'b' });
  expect(progress()).toEqual({ stage: 'waiting', height: 0, target: 0 });
});

test('strangers cannot crowd out known peers, but take the place of a faulty one', () => {
  const { meet, send, state } = setUp(0, { peersMax: 2, batchBlocksMax: 4, requestsPerPeerMax: 1 });
  expect(requests(meet('a', 8))).toMatchObject([{ peerId: 'a', from: 1, count: 4 }]);
  const request = first(requests(meet('b', 8)));
  meet('c', 8);
  expect([...state().peers.keys()]).toEqual(['a', 'b']);
  send({ kind: 'request-timed-out', ticket: request.ticket });
  expect(requests(meet('c', 8))).toMatchObject([{ peerId: 'c', from: 5, count: 4 }]);
  expect([...state().peers.keys()]).toEqual(['a', 'c']);
});

test('blocks below what was asked for are no answer, unless the head passed them meanwhile', () => {
  const liar = setUp(4);
  const [asked] = requests(liar.meet('a', 9));
  expect(asked).toMatchObject({ from: 5, count: 5 });
  const told = liar.send({
    kind: 'blocks-received',
    ticket: asked?.ticket ?? 0,
    blocks: run(1, 1),
  });
  expect(reports(told)).toEqual([['a', 'malformed-answer']]);
  expect(requests(told)).toEqual([]);

  const honest = setUp(4);
  const [early] = requests(honest.meet('a', 9));
  honest.send({ kind: 'head-advanced', height: height(6) });
  const late = honest.send({
    kind: 'blocks-received',
    ticket: early?.ticket ?? 0,
    blocks: run(5, 2),
  });
  expect(reports(late)).toEqual([]);
  expect(requests(late)).toMatchObject([{ peerId: 'a', from: 7, count: 3 }]);
});
