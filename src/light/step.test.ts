import { expect, test } from 'vitest';
import type { Height } from '../ledger/index.ts';
import { LIGHT_BLOCKS_MAX } from './limits.ts';
import { waypoints } from './path.ts';
import { lightProgress } from './progress.ts';
import type { TestChain, TestChainOptions } from './testing/chain.ts';
import { createTestChain } from './testing/chain.ts';
import type { Server, Village } from './testing/village.ts';
import { createVillage, honest } from './testing/village.ts';
import type { LightEffect, LightOptions } from './types.ts';

const OPTIONS: LightOptions = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };

function villageOf(
  chain: TestChain,
  more: Partial<Parameters<typeof createVillage>[0]> = {},
): Village {
  const { anchor, genesis: trusted, endMs: nowMs } = chain;
  return createVillage({ anchor, trusted, options: OPTIONS, nowMs, ...more });
}

const headOf = (village: Village) => lightProgress(village.state()).head.header.height;

function effectsOf<Kind extends LightEffect['kind']>(village: Village, kind: Kind) {
  return village.effects.filter(
    (effect): effect is LightEffect & { readonly kind: Kind } => effect.kind === kind,
  );
}

/** All members change at some heights. */
function changing(length: number, changes: readonly number[], more?: Partial<TestChainOptions>) {
  return createTestChain({
    length,
    membersAt: (height) => {
      const era = changes.filter((each) => each <= height).length;
      return [1, 2, 3, 4].map((key) => 10 * era + key);
    },
    ...more,
  });
}

test('with fixed members one request proves the head, however long the chain', () => {
  for (const length of [10, 1000, 20_000]) {
    const chain = createTestChain({ length });
    const village = villageOf(chain);
    village.meet('a', honest(chain), { chain });
    expect(headOf(village)).toBe(length);
    expect(village.requests).toEqual([{ peerId: 'a', heights: [length] }]);
    expect(effectsOf(village, 'trust-block')).toMatchObject([{ block: chain.blockAt(length) }]);
  }
});

test('a search for changes of members is logarithmic in the height', () => {
  const counts = [200, 2000, 20_000].map((length) => {
    const chain = changing(length, [length >> 1]);
    const village = villageOf(chain);
    village.meet('a', honest(chain), { chain });
    expect(headOf(village)).toBe(length);
    return village.requests.length;
  });
  // The target, and one more request for each power of 17, about.
  expect(counts[0]).toBeLessThanOrEqual(3);
  expect(counts[1]).toBeLessThanOrEqual(4);
  expect(counts[2]).toBeLessThanOrEqual(5);
});

test('a server that shows the way spares the search: the cost is that of the changes', () => {
  for (const length of [400, 20_000]) {
    const changes = Array.from({ length: 20 }, (_, at) => 5 + at * (length / 25));
    const chain = changing(length, changes);
    const leading: Server = (heights, from) => {
      const target = heights.at(-1) ?? 0;
      const useful = [...changes.map((each) => each - 1), target].filter((each) => each > from);
      const candidates = useful.map((each) => chain.blockAt(each));
      // With no overlap at all, the last block of one membership leads to the first of the next.
      const firsts = changes.filter((each) => each > from).map((each) => chain.blockAt(each));
      const all = [...candidates, ...firsts].toSorted(
        (one, two) => one.header.height - two.header.height,
      );
      const trusted = from === 0 ? chain.genesis : chain.trustedAt(from);
      const path = waypoints(chain.anchor, trusted, all, LIGHT_BLOCKS_MAX - 1);
      const last = chain.blockAt(target);
      return path.includes(last) ? path : [...path, last];
    };
    const village = villageOf(chain);
    village.meet('a', leading, { chain });
    expect(headOf(village)).toBe(length);
    expect(village.requests.length).toBeLessThanOrEqual(4);
  }
});

test('a head that nobody compares is compared with no voice; peers that tell it are voices', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  village.meet('a', honest(chain), { chain });
  expect(lightProgress(village.state())).toMatchObject({ comparedVoices: 0, stage: 'following' });
  village.meet('b', honest(chain), { chain });
  // Its head is the parent of ours.
  village.meet('c', honest(chain), { chain, height: 49 });
  expect(lightProgress(village.state()).comparedVoices).toBe(2);
  // Nobody here knows whether that is true.
  village.meet('d', honest(chain), { chain, height: 30 });
  expect(lightProgress(village.state()).comparedVoices).toBe(2);
  expect(village.requests).toHaveLength(1);
});

test('peers of one host are one voice', () => {
  const chain = createTestChain({ length: 5 });
  const village = villageOf(chain);
  const headHeight = 5 as Height;
  for (const peerId of ['a', 'b', 'c']) {
    village.meet(peerId, honest(chain), { chain });
    const status = { kind: 'peer-status', peerId, voice: 'one', headHeight } as const;
    const more = { headHash: chain.hashAt(5), earliestHeight: 0 as Height };
    village.send({ ...status, ...more, nowMs: village.nowMs });
  }
  expect(lightProgress(village.state()).comparedVoices).toBeLessThanOrEqual(1);
});

test('a returning client goes on from what it trusted, and asks whether that still stands', () => {
  const chain = changing(1000, [100, 300, 500]);
  const village = villageOf(chain, { trusted: chain.trustedAt(600), roots: [chain.genesis] });
  village.meet('a', honest(chain), { chain });
  expect(village.requests).toEqual([{ peerId: 'a', heights: [1000] }]);
  village.meet('a', honest(chain), { chain });
  const longer = changing(1400, [100, 300, 500]);
  village.nowMs = longer.endMs;
  village.meet('b', honest(longer), { chain: longer });
  expect(village.requests.at(-1)).toEqual({ peerId: 'b', heights: [1000, 1400] });
  expect(headOf(village)).toBe(1400);
});

test('expired trust says so, and nothing is trusted or asked for any more', () => {
  const chain = createTestChain({ length: 50 });
  const options = { ...OPTIONS, trustingPeriodMs: 20_000 };
  const village = villageOf(chain, { options });
  village.meet('a', honest(chain), { chain });
  expect(lightProgress(village.state())).toMatchObject({ expired: true, stage: 'waiting' });
  expect(village.requests).toEqual([]);
  village.send({ kind: 'height-wanted', id: 1, height: 20 as Height, nowMs: village.nowMs });
  expect(effectsOf(village, 'height-failed')).toMatchObject([{ id: 1, code: 'trust-expired' }]);
  // What our own chain executed is trusted whatever its age was, and fresh enough to go on.
  const trusted = chain.trustedAt(40);
  village.send({ kind: 'chain-advanced', trusted, block: undefined, nowMs: village.nowMs });
  village.tick(3);
  expect(lightProgress(village.state())).toMatchObject({ expired: false, stage: 'following' });
  expect(headOf(village)).toBe(50);
});

test('a head that a peer does not show is a height lie; the others are believed', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  village.meet('liar', () => [], { chain, height: 2 ** 53 - 1 });
  village.meet('a', honest(chain), { chain });
  expect(effectsOf(village, 'report-peer')).toMatchObject([
    { peerId: 'liar', fault: 'height-lie' },
  ]);
  expect(headOf(village)).toBe(50);
  expect(lightProgress(village.state()).targetHeight).toBe(50);
});

test('a slow peer holds nobody up: another is asked after two ticks', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  village.meet('slow', () => 'silence', { chain });
  village.meet('a', honest(chain), { chain, height: 49 });
  expect(headOf(village)).toBe(0);
  village.tick(2);
  expect(headOf(village)).toBe(49);
  village.tick(28);
  expect(effectsOf(village, 'report-peer')).toMatchObject([{ peerId: 'slow', fault: 'stall' }]);
});

test('a forged block costs its peer all trust', () => {
  const chain = createTestChain({ length: 50 });
  const forged = createTestChain({
    length: 60,
    membersAt: () => [1, 21, 22],
    fork: { from: 1, mark: 1 },
  });
  const village = villageOf(chain, { nowMs: forged.endMs });
  village.meet('liar', honest(forged), { chain: forged });
  village.meet('a', honest(chain), { chain });
  expect(effectsOf(village, 'report-peer')).toMatchObject([{ peerId: 'liar', fault: 'bad-block' }]);
  expect(headOf(village)).toBe(50);
  const { length } = village.requests;
  village.meet('liar', honest(forged), { chain: forged });
  expect(village.requests).toHaveLength(length);
});

test('what was not asked for, is out of order or beyond the target is malformed', () => {
  const chain = createTestChain({ length: 50 });
  const answers: Server[] = [
    () => [chain.blockAt(50), chain.blockAt(40)],
    () => [chain.blockAt(50), chain.blockAt(50)],
    () => [chain.blockAt(40), chain.blockAt(50)].toReversed(),
    () => 'malformed',
  ];
  for (const server of answers) {
    const village = villageOf(chain);
    village.meet('liar', server, { chain });
    expect(effectsOf(village, 'report-peer')).toMatchObject([
      { peerId: 'liar', fault: 'malformed-answer' },
    ]);
    expect(headOf(village)).toBe(0);
  }
});

test('a peer that leads nowhere is left, not asked for ever', () => {
  const chain = changing(5000, [1000, 2000]);
  const village = villageOf(chain);
  village.meet('liar', () => [chain.blockAt(5000)], { chain });
  expect(village.requests.length).toBeLessThan(4);
  expect(effectsOf(village, 'report-peer')).toMatchObject([{ fault: 'stall' }]);
});

test('two certificates of one height raise an alarm with both blocks, and nothing more is trusted', () => {
  // Three of four members sign both.
  const chain = createTestChain({ length: 50 });
  const fork = createTestChain({
    length: 50,
    fork: { from: 40, mark: 1 },
    signersAt: () => [2, 3, 4],
  });
  const village = villageOf(chain);
  village.meet('a', honest(chain), { chain });
  village.meet('b', honest(fork), { chain: fork });
  const [alarm] = effectsOf(village, 'raise-alarm');
  expect(alarm?.evidence).toEqual({
    trusted: chain.trustedAt(50),
    ours: chain.blockAt(50),
    other: fork.blockAt(50),
  });
  expect(effectsOf(village, 'report-peer')).toEqual([]);
  expect(lightProgress(village.state())).toMatchObject({
    stage: 'waiting',
    alarm: alarm?.evidence,
  });
  const longer = createTestChain({ length: 60 });
  village.nowMs = longer.endMs;
  village.meet('a', honest(longer), { chain: longer });
  village.send({ kind: 'height-wanted', id: 7, height: 20 as Height, nowMs: village.nowMs });
  expect(headOf(village)).toBe(50);
  expect(effectsOf(village, 'height-failed')).toMatchObject([{ id: 7, code: 'alarmed' }]);
  village.send({ kind: 'peer-gone', peerId: 'b' });
  village.send({ kind: 'alarm-cleared', nowMs: village.nowMs });
  expect(headOf(village)).toBe(60);
});

test('a fork that is ahead is seen too, by a child or by a leap', () => {
  const chain = createTestChain({ length: 50 });
  for (const length of [51, 70]) {
    const fork = createTestChain({ length, fork: { from: 40, mark: 1 } });
    const village = villageOf(chain, { nowMs: fork.endMs });
    village.meet('a', honest(chain), { chain });
    village.meet('b', honest(fork), { chain: fork });
    expect(effectsOf(village, 'raise-alarm')).toHaveLength(1);
    expect(headOf(village)).toBe(50);
  }
});

test('a fork without its power is a lie, and no alarm', () => {
  const chain = createTestChain({ length: 50 });
  const weak = { fork: { from: 40, mark: 1 }, signersAt: () => [1] };
  for (const length of [50, 51, 70]) {
    const fork = createTestChain({ length, ...weak });
    const village = villageOf(chain, { nowMs: fork.endMs });
    village.meet('a', honest(chain), { chain });
    village.meet('liar', honest(fork), { chain: fork });
    expect(effectsOf(village, 'raise-alarm')).toEqual([]);
    expect(effectsOf(village, 'report-peer')).toMatchObject([{ fault: 'bad-block' }]);
  }
});

test('who tells another head and then shows ours told a lie', () => {
  const chain = createTestChain({ length: 50 });
  const fork = createTestChain({ length: 50, fork: { from: 40, mark: 1 } });
  const village = villageOf(chain);
  village.meet('a', honest(chain), { chain });
  village.meet('liar', honest(chain), { chain: fork });
  expect(effectsOf(village, 'report-peer')).toMatchObject([{ fault: 'height-lie' }]);
});

test('a wanted height is proven from the nearest trusted block below it', () => {
  const chain = changing(1000, [300, 600]);
  const village = villageOf(chain);
  village.meet('a', honest(chain), { chain });
  village.send({ kind: 'height-wanted', id: 1, height: 450 as Height, nowMs: village.nowMs });
  village.send({ kind: 'height-wanted', id: 2, height: 1000 as Height, nowMs: village.nowMs });
  village.send({ kind: 'height-wanted', id: 3, height: 0 as Height, nowMs: village.nowMs });
  expect(effectsOf(village, 'height-proven')).toMatchObject([
    { id: 1, trusted: chain.trustedAt(450), block: chain.blockAt(450) },
    { id: 2, block: chain.blockAt(1000) },
    { id: 3, trusted: chain.genesis, block: undefined },
  ]);
  expect(headOf(village)).toBe(1000);
});

test('a wanted height goes from peer to peer, and fails when nobody proves it', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  village.meet('a', honest(chain), { chain });
  village.meet('lazy', () => [], { chain });
  village.meet('lame', () => 'refused', { chain });
  village.send({ kind: 'height-wanted', id: 1, height: 20 as Height, nowMs: village.nowMs });
  expect(effectsOf(village, 'height-proven')).toMatchObject([{ id: 1 }]);
  village.send({ kind: 'height-wanted', id: 2, height: 90 as Height, nowMs: village.nowMs });
  expect(effectsOf(village, 'height-failed')).toMatchObject([{ id: 2, code: 'nobody-proves-it' }]);
});

test('wants beyond the bound are refused at once', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain, { limits: { wantedMax: 2 } });
  village.meet('a', () => 'silence', { chain });
  for (let id = 1; id <= 3; id++) {
    village.send({ kind: 'height-wanted', id, height: 20 as Height, nowMs: village.nowMs });
  }
  expect(effectsOf(village, 'height-failed')).toEqual([
    { kind: 'height-failed', id: 3, code: 'too-many-wanted' },
  ]);
});

test('our own chain costs nothing, and a small lead of others is left to it', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  const trusted = chain.trustedAt(48);
  village.send({ kind: 'chain-advanced', trusted, block: undefined, nowMs: village.nowMs });
  expect(headOf(village)).toBe(48);
  village.meet('a', honest(chain), { chain });
  expect(village.requests).toEqual([]);
  village.tick(2);
  expect(headOf(village)).toBe(50);
});

test('our own chain is believed against what others proved, and the alarm is raised', () => {
  const chain = createTestChain({ length: 50 });
  const fork = createTestChain({ length: 50, fork: { from: 40, mark: 1 } });
  const village = villageOf(chain);
  village.meet('b', honest(fork), { chain: fork });
  const trusted = chain.trustedAt(50);
  village.send({ kind: 'chain-advanced', trusted, block: undefined, nowMs: village.nowMs });
  expect(effectsOf(village, 'raise-alarm')).toMatchObject([
    { evidence: { trusted, other: fork.blockAt(50) } },
  ]);
  expect(lightProgress(village.state()).head).toEqual(trusted);
});

test('what is remembered stays bounded, and keeps the first and the newest', () => {
  const chain = createTestChain({ length: 60 });
  const village = villageOf(chain, { limits: { knownMax: 20, recentMax: 8 } });
  for (let height = 1; height <= 60; height++) {
    village.meet('a', honest(chain), { chain, height });
  }
  const heights = village.state().known.map(({ trusted }) => trusted.header.height);
  expect(heights).toHaveLength(20);
  expect(heights[0]).toBe(0);
  expect(heights.slice(-8)).toEqual([53, 54, 55, 56, 57, 58, 59, 60]);
  expect(Math.max(...heights.map((each, at) => each - (heights[at - 1] ?? 0)))).toBeLessThan(20);
});

test('strangers cannot crowd out known peers, but take the place of a faulty one', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain, { limits: { peersMax: 2 } });
  village.meet('a', honest(chain), { chain });
  village.meet('b', honest(chain), { chain });
  village.meet('c', honest(chain), { chain });
  expect([...village.state().peers.keys()]).toEqual(['a', 'b']);
  village.meet('b', () => [], { chain, height: 60 });
  village.meet('c', honest(chain), { chain });
  expect([...village.state().peers.keys()]).toEqual(['a', 'c']);
});

test('answers that come too late change nothing', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  village.meet('slow', () => 'silence', { chain });
  const [asked] = effectsOf(village, 'request-light-blocks');
  village.send({ kind: 'peer-gone', peerId: 'slow' });
  const before = village.state();
  const { nowMs } = village;
  const ticket = asked?.ticket ?? 0;
  village.send({ kind: 'light-blocks-received', ticket, blocks: [chain.blockAt(50)], nowMs });
  village.send({ kind: 'request-failed', ticket, reason: 'timeout', nowMs });
  village.send({ kind: 'claims-verified', ticket, isValid: true });
  expect(village.state()).toEqual(before);
  expect(headOf(village)).toBe(0);
});

test('what a peer had open is asked elsewhere when it goes', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain);
  village.meet('slow', () => 'silence', { chain });
  village.meet('a', honest(chain), { chain });
  village.send({ kind: 'height-wanted', id: 1, height: 20 as Height, nowMs: village.nowMs });
  village.send({ kind: 'peer-gone', peerId: 'slow' });
  expect(headOf(village)).toBe(50);
  expect(effectsOf(village, 'height-proven')).toMatchObject([{ id: 1 }]);
});

test('a block from the future is waited for, and nobody is blamed: our own clock may be wrong', () => {
  const chain = createTestChain({ length: 50 });
  const village = villageOf(chain, { nowMs: chain.endMs - 60_000 });
  village.meet('a', honest(chain), { chain });
  expect(headOf(village)).toBe(0);
  village.tick(70);
  expect(headOf(village)).toBe(50);
  expect(effectsOf(village, 'report-peer')).toEqual([]);
});

test('who is accused of another fork is asked for no head until it showed its block', () => {
  const chain = createTestChain({ length: 50 });
  for (const length of [51, 70]) {
    const fork = createTestChain({ length, fork: { from: 40, mark: 1 } });
    const village = villageOf(chain, { nowMs: fork.endMs });
    village.meet('a', honest(chain), { chain });
    // A head of another fork each time, and never the block that would show it.
    const liar: Server = (heights) =>
      heights.includes(length) ? honest(fork)(heights, 0) : 'silence';
    village.meet('liar', liar, { chain: fork });
    village.tick(29);
    const asked = village.requests.filter(({ peerId }) => peerId === 'liar');
    expect(asked.map(({ heights }) => heights.at(-1))).toEqual([length, 50]);
    village.tick();
    expect(effectsOf(village, 'report-peer')).toMatchObject([{ peerId: 'liar', fault: 'stall' }]);
  }
});

test('who contradicts what nothing young enough proves is left alone, and not asked for ever', () => {
  const chain = createTestChain({ length: 50 });
  const options = { ...OPTIONS, trustingPeriodMs: 30_000 };
  const start = { options, trusted: chain.trustedAt(50), roots: [chain.genesis] };
  for (const [length, requests] of [
    [50, 0],
    [51, 1],
  ] as const) {
    const fork = createTestChain({ length, fork: { from: 40, mark: 1 } });
    const village = villageOf(chain, { ...start, nowMs: fork.endMs });
    village.meet('b', honest(fork), { chain: fork });
    expect(village.requests).toHaveLength(requests);
    expect(effectsOf(village, 'report-peer')).toEqual([]);
    expect(headOf(village)).toBe(50);
  }
});

test('a way that is shown in small coins ends, by requests or by time', () => {
  const chain = changing(20_000, [10, 10_000]);
  const village = villageOf(chain);
  const miser: Server = (heights) => honest(chain)(heights.slice(-1), 0);
  village.meet('miser', miser, { chain });
  const { unprovenRequestsMax, slowChaseTicks, chaseTicksMax } = village.state().limits;
  expect(village.requests.length).toBeLessThanOrEqual(unprovenRequestsMax);
  // One coin for each tick.
  const slow = villageOf(chain, {
    limits: { unprovenRequestsMax: 1000, requestsPerChaseMax: 1000 },
  });
  slow.meet('miser', () => 'silence', { chain });
  const coin = (): void => {
    slow.tick();
    const asked = effectsOf(slow, 'request-light-blocks').findLast(
      ({ peerId }) => peerId === 'miser',
    );
    if (asked === undefined) return;
    const { ticket, heights } = asked;
    const [height] = heights.slice(-1);
    const blocks = [chain.blockAt(height ?? 0)];
    slow.send({ kind: 'light-blocks-received', ticket, blocks, nowMs: slow.nowMs });
  };
  for (let ticks = 0; ticks < slowChaseTicks - 1; ticks++) coin();
  slow.meet('a', () => 'silence', { chain });
  expect(slow.requests.filter(({ peerId }) => peerId === 'a')).toHaveLength(0);
  coin();
  expect(slow.requests.filter(({ peerId }) => peerId === 'a')).toHaveLength(1);
  const faults = () => effectsOf(slow, 'report-peer').filter(({ peerId }) => peerId === 'miser');
  for (let ticks = slowChaseTicks; ticks < chaseTicksMax - 1; ticks++) coin();
  expect(faults()).toEqual([]);
  coin();
  expect(faults()).toMatchObject([{ fault: 'stall' }]);
});
