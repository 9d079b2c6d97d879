import { expect, test } from 'vitest';
import { timestampMs } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { blockHashOf, membershipHashOf } from '../ledger/index.ts';
import { lightProgress } from './progress.ts';
import { createLight } from './step.ts';
import type { TestChain } from './testing/chain.ts';
import { certify, createTestChain, membershipOf } from './testing/chain.ts';
import type { Server, Village } from './testing/village.ts';
import { createVillage, honest } from './testing/village.ts';
import type { LightBlock, LightEffect, LightOptions } from './types.ts';

// What a head is worth: who speaks for it, how long, and what a contradiction leaves of it.

const OPTIONS: LightOptions = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };
const chain = createTestChain({ length: 120 });
const fork = createTestChain({ length: 120, fork: { from: 55, mark: 9 } });

function villageOf(more: Partial<Parameters<typeof createVillage>[0]> = {}): Village {
  const { anchor, genesis: trusted, endMs: nowMs } = chain;
  return createVillage({ anchor, trusted, options: OPTIONS, nowMs, ...more });
}

const progressOf = (village: Village) => lightProgress(village.state());
const headOf = (village: Village) => progressOf(village).head.header.height;

function effectsOf<Kind extends LightEffect['kind']>(village: Village, kind: Kind) {
  return village.effects.filter(
    (effect): effect is LightEffect & { readonly kind: Kind } => effect.kind === kind,
  );
}

function want(village: Village, height: number, id = height): void {
  const { nowMs } = village;
  village.send({ kind: 'height-wanted', id, height: height as Height, nowMs }); // Small.
}

function commit(village: Village, own: TestChain, height: number): void {
  const [trusted, block] = [own.trustedAt(height), own.blockAt(height)];
  village.send({ kind: 'chain-advanced', trusted, block, nowMs: village.nowMs });
}

/* --------------------------------------------------------------- voices */

test('the voice of who served the head counts while it is there, and our own chain has none', () => {
  const village = villageOf();
  village.meet('a', honest(chain), { chain, height: 50 });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 0, voices: 1 });
  village.meet('b', honest(chain), { chain, height: 50 });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 1, voices: 2 });
  village.send({ kind: 'peer-gone', peerId: 'a' });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 1, voices: 1 });
  commit(village, chain, 51);
  village.meet('b', honest(chain), { chain, height: 51 });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 1, voices: 1 });
});

test('a peer that tells the next head stands for ours until that one is proven', () => {
  const village = villageOf();
  for (const each of ['a', 'b']) village.meet(each, honest(chain), { chain, height: 50 });
  village.meet('b', () => 'busy', { chain, height: 51 });
  expect(headOf(village)).toBe(50);
  expect(progressOf(village)).toMatchObject({ voices: 2, stage: 'proving' });
  // A word about a height that is known here is taken as it is.
  village.meet('b', () => 'busy', { chain: fork, height: 50 });
  village.meet('b', () => 'busy', { chain, height: 0 });
  expect(progressOf(village)).toMatchObject({ voices: 1 });
});

test('what was proven on a way that was broken off is where the next one begins', () => {
  // Every ten heights others decide, none of those before.
  const membersAt = (height: number) => [1, 2, 3].map((key) => key + 3 * Math.floor(height / 10));
  const moving = createTestChain({ length: 60, membersAt });
  const { anchor, genesis: trusted, endMs: nowMs } = moving;
  const village = createVillage({ anchor, trusted, options: OPTIONS, nowMs });
  let answers = 0;
  // Of four questions it answers three.
  const tired: Server = (...asked) => (answers++ % 4 < 3 ? honest(moving)(...asked) : 'busy');
  village.meet('a', tired, { chain: moving });
  village.tick(40);
  expect(headOf(village)).toBe(60);
});

test('what peers told grows old, or is forgotten, and then nobody vouches for the head', () => {
  const village = villageOf();
  for (const each of ['a', 'b']) village.meet(each, honest(chain), { chain });
  village.tick(34);
  expect(progressOf(village)).toMatchObject({ voices: 2, isHeard: true, stage: 'following' });
  const { length } = effectsOf(village, 'light-changed');
  village.tick();
  expect(progressOf(village)).toMatchObject({ voices: 0, isHeard: false, stage: 'waiting' });
  expect(effectsOf(village, 'light-changed')).toHaveLength(length + 1);
  for (const each of ['a', 'b']) village.meet(each, honest(chain), { chain });
  expect(progressOf(village)).toMatchObject({ voices: 2, stage: 'following' });
  village.send({ kind: 'statuses-forgotten' });
  expect(progressOf(village)).toMatchObject({ voices: 0, stage: 'waiting' });
});

test('a peer at genesis confirms nothing, and one that fell behind little by little does', () => {
  const village = villageOf();
  village.meet('tab', honest(chain), { chain, height: 0 });
  village.meet('a', honest(chain), { chain, height: 100 });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 0, voices: 1 });
  village.meet('tab', honest(chain), { chain, height: 0 });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 0, voices: 1 });
  village.meet('b', honest(chain), { chain, height: 100 });
  for (let height = 101; height <= 120; height++) {
    village.meet('a', honest(chain), { chain, height });
  }
  expect(progressOf(village)).toMatchObject({ comparedVoices: 1, voices: 2 });
  // Now it tells what is old.
  village.meet('b', honest(chain), { chain, height: 100 });
  expect(progressOf(village)).toMatchObject({ comparedVoices: 0, voices: 1 });
});

test('a voice that is not heard yet takes the place of a silent peer, or of a second one of a voice', () => {
  const village = villageOf({ limits: { peersMax: 2 } });
  const { nowMs } = village;
  const [headHeight, earliestHeight] = [0 as Height, 0 as Height];
  const told = { headHeight, earliestHeight, headHash: chain.genesis.hash, nowMs } as const;
  for (const peerId of ['one', 'two']) {
    village.send({ kind: 'peer-status', peerId, voice: 'sybil', ...told });
  }
  village.send({ kind: 'peer-status', peerId: 'three', voice: 'sybil', ...told });
  expect([...village.state().peers.keys()]).toEqual(['one', 'two']);
  village.meet('a', honest(chain), { chain });
  expect([...village.state().peers.keys()]).toEqual(['one', 'a']);
  village.tick(36);
  village.meet('a', honest(chain), { chain });
  village.meet('b', honest(chain), { chain });
  expect([...village.state().peers.keys()]).toEqual(['a', 'b']);
});

/* --------------------------------------------------------- fixed members */

test('where members are fixed a few of them cannot make a network of their own', () => {
  const { suite } = chain.anchor;
  const membership = membershipOf([1, 2]);
  const nextMembershipHash = membershipHashOf(suite, membership);
  const { header: last } = chain.blockAt(50);
  const parent = { ...last, height: 59 as Height, nextMembershipHash };
  const header = {
    ...parent,
    height: 60 as Height,
    timestampMs: timestampMs(last.timestampMs + 5000),
    parentHash: blockHashOf(suite, parent),
  };
  const hash = blockHashOf(suite, header);
  const certificate = certify(chain.anchor, { height: 60, hash }, [1, 2], [1, 2]);
  const forged: LightBlock = { parent, header, certificate, membership, nextMembership: undefined };
  const server: Server = (heights) =>
    heights.map((each) => (each === 60 ? forged : chain.blockAt(each)));
  for (const isFixed of [true, false]) {
    const village = villageOf({ options: { ...OPTIONS, isFixed } });
    village.meet('a', honest(chain), { chain, height: 50 });
    village.meet('liar', server, { chain, height: 60 });
    expect(headOf(village)).toBe(isFixed ? 50 : 60);
    if (!isFixed) continue;
    expect(effectsOf(village, 'report-peer')).toMatchObject([{ fault: 'bad-block' }]);
  }
});

/* ----------------------------------------------------------- who prunes */

/** Serves what it keeps. */
function keeping(whole: TestChain, earliest: number): Server {
  return (heights, from) =>
    honest(whole)(
      heights.filter((each) => each >= earliest),
      from,
    );
}

test('who keeps only what is new is not asked for the rest, and not blamed for lacking it', () => {
  const village = villageOf();
  const kept = keeping(chain, 80);
  village.meet('honest about it', kept, { chain, earliest: 80 });
  want(village, 20);
  expect(village.requests).toHaveLength(1);
  expect(effectsOf(village, 'height-failed')).toMatchObject([{ code: 'nobody-proves-it' }]);
  want(village, 90);
  // It pruned since.
  village.meet('behind the times', kept, { chain, earliest: 10 });
  want(village, 21);
  expect(effectsOf(village, 'height-proven')).toMatchObject([{ id: 90 }]);
  village.meet('a', honest(chain), { chain });
  want(village, 22);
  expect(effectsOf(village, 'height-proven')).toMatchObject([{ id: 90 }, { id: 22 }]);
  expect(effectsOf(village, 'report-peer')).toEqual([]);
});

test('a way that is gone where members change, and a head that a snapshot began from, are no fault', () => {
  const changing = createTestChain({
    length: 100,
    membersAt: (height) => (height < 50 ? [1, 2, 3, 4] : [11, 12, 13, 14]),
  });
  const village = villageOf({ anchor: changing.anchor, nowMs: changing.endMs });
  const kept = keeping(changing, 91);
  village.meet('pruned', kept, { chain: changing, earliest: 91 });
  village.meet('begun', () => [], { chain: changing, earliest: 101 });
  village.tick(3);
  expect(effectsOf(village, 'report-peer')).toEqual([]);
  expect(headOf(village)).toBe(0);
  // Whoever says so again and again lies.
  village.tick(30);
  expect(effectsOf(village, 'report-peer')).toContainEqual({
    kind: 'report-peer',
    peerId: 'begun',
    fault: 'height-lie',
  });
  village.meet('a', honest(changing), { chain: changing });
  expect(headOf(village)).toBe(100);
});

/* -------------------------------------------------------- who is in the way */

test('a wanted height is asked of a second peer when the first is slow, and forgotten when unwanted', () => {
  const village = villageOf({ limits: { wantedChasesMax: 1 } });
  village.meet(
    'slow',
    (heights, from) => (heights.includes(120) ? honest(chain)(heights, from) : 'silence'),
    { chain },
  );
  want(village, 20);
  want(village, 21);
  village.meet('a', honest(chain), { chain, height: 119 });
  village.tick(2);
  expect(effectsOf(village, 'height-proven')).toMatchObject([{ id: 20 }]);
  expect(village.state().chases).toHaveLength(1);
  village.send({ kind: 'height-unwanted', id: 21 });
  expect(village.state()).toMatchObject({ chases: [], wanted: [] });
});

test('who answers again and again and leads nowhere is banned, who is busy is not blamed', () => {
  const changing = createTestChain({
    length: 5000,
    membersAt: (height) => (height < 2500 ? [1, 2, 3, 4] : [11, 12, 13, 14]),
  });
  const limits = { unprovenRequestsMax: 3 };
  const village = villageOf({ anchor: changing.anchor, nowMs: changing.endMs, limits });
  const server: Server = (heights, from) => honest(changing)(heights.slice(-1), from);
  village.meet('endless', server, { chain: changing });
  expect(effectsOf(village, 'report-peer')).toMatchObject([{ fault: 'endless-stall' }]);
  const other = villageOf();
  other.meet('busy', () => 'busy', { chain });
  other.meet('a', honest(chain), { chain });
  want(other, 20);
  expect(effectsOf(other, 'report-peer')).toEqual([]);
  expect(effectsOf(other, 'height-proven')).toMatchObject([{ id: 20 }]);
});

/* ------------------------------------------------------- contradictions */

test('what our own chain contradicts is dropped, and what was built on it, for good', () => {
  const village = villageOf();
  village.meet('b', honest(fork), { chain: fork, height: 60 });
  village.meet('b', honest(fork), { chain: fork, height: 70 });
  for (let height = 50; height <= 60; height++) commit(village, chain, height);
  const [alarm] = effectsOf(village, 'raise-alarm');
  expect(alarm?.evidence).toEqual({
    trusted: chain.trustedAt(60),
    ours: chain.blockAt(60),
    other: fork.blockAt(60),
  });
  village.send({ kind: 'peer-gone', peerId: 'b' });
  village.send({ kind: 'alarm-cleared', nowMs: village.nowMs });
  expect(progressOf(village).head).toEqual(chain.trustedAt(60));
  const hashes = village.state().known.map(({ trusted }) => trusted.hash);
  for (const height of [60, 70]) expect(hashes).not.toContainEqual(fork.hashAt(height));
});

test('a head that was given is contradicted by our own chain as well', () => {
  const roots = [chain.genesis];
  const village = villageOf({ trusted: fork.trustedAt(60), roots });
  commit(village, chain, 60);
  expect(effectsOf(village, 'raise-alarm')).toMatchObject([
    { evidence: { trusted: fork.trustedAt(60), ours: undefined, other: chain.blockAt(60) } },
  ]);
  expect(progressOf(village).head).toEqual(chain.trustedAt(60));
  const proven = villageOf({ trusted: fork.trustedAt(60), block: fork.blockAt(60), roots });
  commit(proven, chain, 60);
  expect(effectsOf(proven, 'raise-alarm')).toMatchObject([
    { evidence: { trusted: chain.trustedAt(60), other: fork.blockAt(60) } },
  ]);
});

test('beside an alarm only what needed no peer is answered, and a new life begins alarmed', () => {
  const village = villageOf();
  village.meet('a', honest(chain), { chain, height: 50 });
  commit(village, chain, 40);
  village.meet('b', honest(fork), { chain: fork, height: 60 });
  village.meet('b', honest(fork), { chain: fork, height: 55 });
  commit(village, chain, 55);
  const { alarm } = progressOf(village);
  expect(alarm).toBeDefined();
  for (const height of [0, 40, 50, 55]) want(village, height);
  expect(effectsOf(village, 'height-proven').map(({ id }) => id)).toEqual([0, 40, 55]);
  expect(effectsOf(village, 'height-failed')).toMatchObject([{ id: 50, code: 'alarmed' }]);
  const { anchor, genesis, endMs: nowMs } = chain;
  const start = { anchor, trusted: genesis, options: OPTIONS, nowMs };
  expect(lightProgress(createLight({ ...start, alarm }))).toMatchObject({
    stage: 'waiting',
    alarm,
  });
});
