import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assert, createChance, defined } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { FetchedBlock, SyncEffect, SyncEvent, SyncLimits, SyncState } from './index.ts';
import { createSync, progressOf, step } from './index.ts';

// A little world of peers, most of them liars, around one node that syncs. One seed decides all.

const BEHAVIOURS = [
  'honest',
  'slow',
  'lies-about-height',
  'stalls',
  'refuses',
  'malformed',
  'out-of-order',
  'bad-blocks',
  'bad-now-and-then',
  'one-at-a-time',
  'comes-and-goes',
  'silent',
  'narrow',
  'idle',
] as const;
type Behaviour = (typeof BEHAVIOURS)[number];

const LIMITS: Partial<SyncLimits> = {
  windowBlocks: 40,
  windowBytes: 20_000,
  batchBytes: 4000,
  batchBlocksMax: 8,
  handOverMax: 6,
  peersMax: 12,
  distrustedMax: 8,
};
const EVENTS_MAX = 20_000;
const TRUTHFUL: ReadonlySet<Behaviour> = new Set([
  ...(['honest', 'slow', 'one-at-a-time', 'comes-and-goes', 'narrow', 'idle'] as const),
]);
const isStall = (fault: string) => fault === 'stall' || fault === 'endless-stall';

type Payload = 'good' | 'bad';
type Request = SyncEffect<Payload> & { readonly kind: 'request-blocks' };
type HandOver = SyncEffect<Payload> & { readonly kind: 'hand-over-block' };

const height = (value: number) => value as Height; // Whole and not negative here.

class World {
  readonly chance: (bound: number) => number;
  readonly peers: Map<string, Behaviour>;
  state: SyncState<Payload> = createSync<Payload>(height(0), LIMITS);
  trueHeight: number;
  head = 0;
  open: Request[] = [];
  queue: HandOver[] = [];
  readonly blamed = new Map<string, Set<string>>();
  readonly trace: string[] = [];
  /** Whether blocks also come by another way. */
  hasGossip = false;

  constructor(seed: number, behaviours: readonly Behaviour[], trueHeight: number) {
    const next = createChance(seed);
    this.chance = (bound) => next() % bound;
    this.trueHeight = trueHeight;
    this.peers = new Map(behaviours.map((behaviour, at) => [`${at}-${behaviour}`, behaviour]));
  }

  send(event: SyncEvent<Payload>): void {
    const before = this.state.head;
    const { state, effects } = step(this.state, event);
    this.state = state;
    this.trace.push(`${event.kind} → ${effects.map(({ kind }) => kind).join(' ')}`);
    assert(state.head >= before, 'the head never falls');
    for (const effect of effects) this.perform(effect);
    this.checkBounds();
  }

  perform(effect: SyncEffect<Payload>): void {
    if (effect.kind === 'request-blocks') {
      assert(effect.count > 0 && effect.from > this.head, 'only what is missing is asked for');
      this.open.push(effect);
    }
    if (effect.kind === 'hand-over-block') {
      const last = this.queue.at(-1)?.block.height ?? this.head;
      assert(effect.block.height === last + 1, 'blocks are handed over in order');
      this.queue.push(effect);
    }
    if (effect.kind === 'report-peer') {
      const faults = this.blamed.get(effect.peerId) ?? new Set();
      this.blamed.set(effect.peerId, faults.add(effect.fault));
    }
  }

  /** What the machine holds lies without a hole above the head, within every bound. */
  checkBounds(): void {
    const { head, handed, batches, peers, distrusted } = this.state;
    const received = batches.flatMap((batch) => (batch.kind === 'received' ? batch.blocks : []));
    const heights = handed.map(({ block }) => block.height as number); // Brands compare by value.
    for (const batch of batches) {
      assert(batch.count > 0, 'no batch is empty');
      const isWhole = batch.kind !== 'received' || batch.blocks.length === batch.count;
      assert(isWhole, 'a received batch has all its blocks');
      for (let at = 0; at < batch.count; at++) {
        heights.push(
          batch.kind === 'received' ? (batch.blocks[at]?.height ?? -1) : batch.from + at,
        );
      }
    }
    assert(
      heights.every((each, at) => each === head + 1 + at),
      'heights above the head follow each other',
    );
    assert(heights.length <= 40, 'the window bounds heights');
    const requested = batches.filter(({ kind }) => kind === 'requested');
    assert(requested.length <= 8 && handed.length <= 6, 'requests and hand-overs are bounded');
    assert(peers.size <= 12 && distrusted.length <= 8, 'memory of peers is bounded');
    const bytes = [...received, ...handed.map(({ block }) => block)].reduce(
      (sum, { sizeBytes }) => sum + sizeBytes,
      0,
    );
    // The bound, and one answer of the largest blocks for each place that a request can have.
    assert(bytes <= 20_000 + 8 * 8 * 900, 'the window bounds bytes');
  }

  status(peerId: string): void {
    const behaviour = this.peers.get(peerId);
    if (behaviour === 'comes-and-goes' && this.chance(3) === 0) {
      this.open = this.open.filter((each) => each.peerId !== peerId);
      this.send({ kind: 'peer-gone', peerId });
      return;
    }
    if (behaviour === 'idle') {
      this.send({ kind: 'peer-status', peerId, headHeight: height(0), earliestHeight: height(0) });
      return;
    }
    const boast = behaviour === 'lies-about-height' ? 1 + this.chance(100_000) : 0;
    const headHeight = height(this.trueHeight + boast);
    this.send({ kind: 'peer-status', peerId, headHeight, earliestHeight: height(0) });
  }

  /** What a peer answers, or undefined for nothing at all. */
  answerOf(request: Request): SyncEvent<Payload> | undefined {
    const { ticket, peerId, from, count } = request;
    const served = Math.max(0, Math.min(count, this.trueHeight - from + 1));
    const blocks = (length: number, isBad: (at: number) => boolean) =>
      Array.from(
        { length },
        (_, at): FetchedBlock<Payload> => ({
          height: height(from + at),
          sizeBytes: 100 + ((from + at) % 9) * 100,
          payload: isBad(at) ? 'bad' : 'good',
        }),
      );
    const give = (list: readonly FetchedBlock<Payload>[]) =>
      ({ kind: 'blocks-received', ticket, blocks: list }) as const;
    switch (this.peers.get(peerId)) {
      case 'stalls':
        return { kind: 'request-timed-out', ticket };
      case 'silent':
        return undefined; // Not even a timeout: the machine has its own.
      case 'refuses':
        return { kind: 'request-failed', ticket, reason: 'refused' };
      case 'malformed':
        return { kind: 'request-failed', ticket, reason: 'malformed' };
      case 'out-of-order':
        return give(blocks(served, () => false).reverse());
      case 'lies-about-height':
        return give([]);
      case 'bad-blocks':
        return give(blocks(served, () => true));
      case 'bad-now-and-then':
        return give(blocks(served, (at) => (from + at) % 5 === 0));
      case 'one-at-a-time':
        return give(blocks(Math.min(1, served), () => false));
      case 'narrow': {
        // Two blocks are all that its line carries in time, over all that is asked at once.
        const beside = this.open.filter((each) => each.peerId === peerId);
        const asked = beside.reduce((sum, each) => sum + each.count, count);
        if (asked > 2) return { kind: 'request-timed-out', ticket };
        return give(blocks(served, () => false));
      }
      case 'slow':
        if (this.chance(4) === 0) return { kind: 'request-timed-out', ticket };
        return give(blocks(served, () => false));
      default:
        return give(blocks(served, () => false));
    }
  }

  /** The node's pipeline: one verdict; after a bad block, what was queued behind it is forgotten. */
  judge(): void {
    const first = this.queue.shift();
    if (first === undefined) return;
    if (first.block.payload === 'bad') {
      this.queue = [];
      this.send({ kind: 'block-rejected', ticket: first.ticket, code: 'certificate-invalid' });
      return;
    }
    this.head = Math.max(this.head, first.block.height);
    this.send({ kind: 'block-accepted', ticket: first.ticket });
  }

  /** One thing happens: an answer, a verdict, a status, a tick, now and then a block by gossip. */
  turn(): void {
    const roll = this.chance(20);
    if (roll < 8 && this.open.length > 0) {
      const [request] = this.open.splice(this.chance(this.open.length), 1);
      const event = this.answerOf(defined(request, 'one was open'));
      if (event !== undefined) this.send(event);
    } else if (roll < 15 && this.queue.length > 0) {
      this.judge();
    } else if (roll < 17) {
      const names = [...this.peers.keys()];
      this.status(names[this.chance(names.length)] ?? '');
    } else if (roll === 17 && this.hasGossip && this.head < this.trueHeight) {
      this.queue = this.queue.filter(({ block }) => block.height > this.head + 1);
      this.head += 1;
      this.send({ kind: 'head-advanced', height: height(this.head) });
    } else this.send({ kind: 'tick' });
  }

  /** Everybody tells a status, and the node reaches the height within all bounds. */
  follow(goal: number): void {
    for (const peerId of this.peers.keys()) this.status(peerId);
    for (let count = 0; this.head < goal && count < EVENTS_MAX; count++) this.turn();
    expect(this.head).toBe(goal);
  }
}

const behaviours = fc.array(fc.constantFrom(...BEHAVIOURS), { maxLength: 9 });

test('whoever lies: with one honest peer the node reaches the true head, within all bounds', () => {
  fc.assert(
    fc.property(fc.integer(), behaviours, fc.integer({ min: 1, max: 150 }), (seed, list, goal) => {
      const world = new World(seed, [...list, 'honest'], goal);
      world.follow(goal);
      for (const [peerId, behaviour] of world.peers) {
        // Truthful peers may be called slow, never liars.
        const faults = [...(world.blamed.get(peerId) ?? [])];
        if (TRUTHFUL.has(behaviour)) expect(faults.filter((fault) => !isStall(fault))).toEqual([]);
        if (behaviour === 'honest') expect(faults).toEqual([]);
      }
    }),
    { numRuns: 400 },
  );
});

test('one peer behind a narrow line is enough, though others without blocks fill the list', () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 3, max: 60 }), (seed, goal) => {
      const idle = Array.from({ length: 12 }, (): Behaviour => 'idle');
      const world = new World(seed, [...idle, 'narrow'], goal);
      world.follow(goal);
      // Being slow is told apart from never serving: that would be a ban.
      expect([...(world.blamed.get('12-narrow') ?? [])]).not.toContain('endless-stall');
    }),
    { numRuns: 100 },
  );
});

test('a chain that grows meanwhile is caught up with, and then followed', () => {
  fc.assert(
    fc.property(fc.integer(), behaviours, (seed, list) => {
      const world = new World(seed, [...list, 'honest'], 30);
      world.hasGossip = true;
      let count = 0;
      while ((world.head < 120 || world.trueHeight < 120) && count < EVENTS_MAX) {
        if (world.chance(10) === 0 && world.trueHeight < 120) world.trueHeight += 1;
        world.turn();
        count += 1;
      }
      expect(world.head).toBe(120);
      expect(progressOf(world.state).height).toBe(120);
    }),
    { numRuns: 120 },
  );
});

test('without an honest peer nothing false is accepted, and memory stays bounded', () => {
  const liars = fc.array(
    fc.constantFrom(
      ...BEHAVIOURS.filter((each) => /lie|bad-blocks|stall|mal|ref|silent/.test(each)),
    ),
    { minLength: 1, maxLength: 20 },
  );
  fc.assert(
    fc.property(fc.integer(), liars, (seed, list) => {
      const world = new World(seed, list, 50);
      for (let count = 0; count < 600; count++) world.turn();
      expect(world.head).toBe(0);
    }),
    { numRuns: 120 },
  );
});

test('the same events give the same effects', () => {
  fc.assert(
    fc.property(fc.integer(), behaviours, (seed, list) => {
      const run = () => {
        const world = new World(seed, [...list, 'honest'], 40);
        for (let count = 0; count < 300; count++) world.turn();
        return world.trace;
      };
      expect(run()).toEqual(run());
    }),
    { numRuns: 20 },
  );
});
