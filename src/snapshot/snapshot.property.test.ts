import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assert, createChance, defined } from '../base/index.ts';
import { hashSuite } from '../crypto/index.ts';
import type { ChunkPlan } from '../state/index.ts';
import type { SnapshotEffect, SnapshotEvent, SnapshotLimits, SnapshotState } from './index.ts';
import { createSnapshotSync, SNAPSHOT_LIMITS, step } from './index.ts';

// A little world of peers, most of them liars, around one node that fetches a state. One seed
// decides all.

const BEHAVIOURS = [
  'honest',
  'slow',
  'narrow',
  'one-at-a-time',
  'comes-and-goes',
  'stalls',
  'silent',
  'refuses',
  'malformed',
  'bad-chunks',
  'bad-now-and-then',
  'lacks-all',
  'lacks-some',
] as const;
type Behaviour = (typeof BEHAVIOURS)[number];
/** Those that alone bring every chunk in the end. */
const SERVING = ['honest', 'slow', 'narrow', 'one-at-a-time'] as const;
const LIARS: ReadonlySet<Behaviour> = new Set(['malformed', 'bad-chunks', 'bad-now-and-then']);

const LIMITS: Partial<SnapshotLimits> = {
  requestBytes: 4000,
  requestChunksMax: 8,
  windowBytes: 20_000,
  peersMax: 16,
};
const EVENTS_MAX = 20_000;
/** What one line of a narrow peer carries. */
const NARROW_CHUNKS = 2;

const hash = hashSuite('blake3-256').hash('state-empty');

function plansOf(weights: readonly number[]): ChunkPlan[] {
  return weights.map((weight) => ({ prefix: new Uint8Array(), hash, weight, count: 1 }));
}

type Request = SnapshotEffect & { readonly kind: 'request-chunks' };
type Open = Request & { readonly askedAt: number };
type Work =
  | (SnapshotEffect & { readonly kind: 'verify-chunk' | 'store-chunk' })
  | { readonly kind: 'peer-returns'; readonly peerId: string };

class World {
  readonly chance: (bound: number) => number;
  readonly peers: Map<string, Behaviour>;
  readonly here: Set<string>;
  state: SnapshotState;
  open: Open[] = [];
  work: Work[] = [];
  /** Chunks here that are bad. */
  readonly bad = new Set<string>();
  readonly blamed = new Map<string, Set<string>>();
  readonly stored = new Set<number>();
  /** How often each chunk was asked for, and how often that came to nothing. */
  readonly asked: number[];
  readonly failed: number[];
  ticks = 0;
  last: SnapshotEffect['kind'] | undefined;
  isDoubted = false;

  constructor(seed: number, behaviours: readonly Behaviour[], start: SnapshotState) {
    const next = createChance(seed);
    this.chance = (bound) => next() % bound;
    this.peers = new Map(behaviours.map((behaviour, at) => [`${at}-${behaviour}`, behaviour]));
    this.here = new Set(this.peers.keys());
    this.state = start;
    this.asked = start.chunks.map(() => 0);
    this.failed = start.chunks.map(() => 0);
  }

  send(event: SnapshotEvent): void {
    const { state, effects } = step(this.state, event);
    this.state = state;
    for (const effect of effects) this.#perform(effect);
    this.#checkBounds();
  }

  #perform(effect: SnapshotEffect): void {
    this.last = effect.kind;
    switch (effect.kind) {
      case 'request-chunks': {
        const { indexes, peerId } = effect;
        assert(this.here.has(peerId), 'only who is here is asked');
        for (const fault of this.blamed.get(peerId) ?? []) {
          assert(fault === 'stall' || fault === 'endless-stall', 'a liar is never asked again');
        }
        for (const index of indexes) {
          assert(!this.stored.has(index), 'what is stored is not asked for');
          const isOpen = this.open.some((request) => request.indexes.includes(index));
          assert(!isOpen, 'nothing is asked of two at once');
          this.asked[index] = (this.asked[index] ?? 0) + 1;
          assert((this.asked[index] ?? 0) <= 1 + (this.failed[index] ?? 0), 'asked again in vain');
        }
        this.open.push({ ...effect, askedAt: this.ticks });
        return;
      }
      case 'verify-chunk':
      case 'store-chunk':
        this.work.push(effect);
        return;
      case 'report-peer': {
        const faults = this.blamed.get(effect.peerId) ?? new Set();
        this.blamed.set(effect.peerId, faults.add(effect.fault));
        // Whatever else it was asked for is taken back too.
        this.#drop(effect.peerId);
        return;
      }
      case 'manifest-doubted':
        this.isDoubted = true;
        return;
      default:
    }
  }

  #drop(peerId: string): void {
    for (const { indexes } of this.open.filter((request) => request.peerId === peerId)) {
      this.fail(indexes);
    }
    this.open = this.open.filter((request) => request.peerId !== peerId);
  }

  fail(indexes: readonly number[]): void {
    for (const index of indexes) this.failed[index] = (this.failed[index] ?? 0) + 1;
  }

  #checkBounds(): void {
    const { requests, held, peers, limits, chunks } = this.state;
    assert(requests.length <= limits.requestsMax && peers.size <= limits.peersMax, 'counts');
    for (const peerId of peers.keys()) {
      const open = requests.filter((request) => request.peerId === peerId).length;
      assert(open <= limits.requestsPerPeerMax, 'requests of one peer');
    }
    let bytes = 0;
    for (const { indexes } of requests) {
      for (const index of indexes) bytes += chunks[index]?.weight ?? 0;
    }
    for (const { verifying, storing } of held) {
      for (const { sizeBytes } of [...verifying, ...storing]) bytes += sizeBytes;
    }
    const isAlone = requests.length + held.length <= 1;
    assert(isAlone || bytes <= limits.windowBytes, 'bytes on their way and here');
  }

  /** One thing happens: an answer, a verdict, a chunk on the disk, or a second passes. */
  advance(): void {
    const which = this.chance(4);
    if (which === 0 && this.open.length > 0) this.#answer();
    else if (which <= 2 && this.work.length > 0) this.#finishWork();
    else this.#tick();
  }

  #tick(): void {
    this.ticks += 1;
    // The machine's own clock: a request without any answer is late.
    const { requestTicksMax } = this.state.limits;
    const late = this.open.find(({ askedAt }) => this.ticks - askedAt >= requestTicksMax);
    this.send({ kind: 'tick' });
    if (late !== undefined) assert(!this.open.includes(late), 'late requests end');
    for (const [peerId, behaviour] of this.peers) {
      if (behaviour !== 'comes-and-goes' || this.chance(10) > 0) continue;
      if (this.here.delete(peerId)) {
        this.#drop(peerId);
        this.send({ kind: 'peer-gone', peerId });
      } else {
        this.here.add(peerId);
        this.send({ kind: 'peer-offers', peerId });
      }
    }
  }

  #finishWork(): void {
    const at = this.chance(this.work.length);
    const [work] = this.work.splice(at, 1);
    if (work?.kind === 'store-chunk') {
      assert(!this.stored.has(work.index), 'stored once');
      this.stored.add(work.index);
      this.send({ kind: 'chunk-stored', index: work.index });
    } else if (work?.kind === 'verify-chunk') {
      const { ticket, index } = work;
      const isBad = this.bad.has(`${ticket}-${index}`);
      if (isBad) this.fail([index]);
      this.send({ kind: 'chunk-verdict', ticket, index, verdict: isBad ? 'bad-chunk' : 'valid' });
    }
  }

  #answer(): void {
    const at = this.chance(this.open.length);
    const request = defined(this.open[at], 'inside');
    const { ticket, peerId, indexes } = request;
    const behaviour = defined(this.peers.get(peerId), 'known');
    const forget = () => {
      this.open = this.open.filter((open) => open !== request);
    };
    const give = (given: readonly number[], isBad: (index: number) => boolean = () => false) => {
      forget();
      this.fail(indexes.filter((index) => !given.includes(index)));
      for (const index of given) if (isBad(index)) this.bad.add(`${ticket}-${index}`);
      const { chunks } = this.state;
      const sized = given.map((index) => ({ index, sizeBytes: chunks[index]?.weight ?? 0 }));
      this.send({ kind: 'chunks-received', ticket, chunks: sized });
    };
    const failWith = (reason: 'timeout' | 'refused' | 'malformed') => {
      this.#drop(peerId);
      this.send({ kind: 'request-failed', ticket, reason });
    };
    const isLate = behaviour === 'narrow' && indexes.length > NARROW_CHUNKS;
    const faults = { stalls: 'timeout', refuses: 'refused', malformed: 'malformed' } as const;
    if (behaviour === 'silent') return;
    if (behaviour === 'slow' && this.ticks - request.askedAt < 10) return;
    if (behaviour === 'stalls' || behaviour === 'refuses' || behaviour === 'malformed') {
      failWith(faults[behaviour]);
    } else if (isLate) failWith('timeout');
    else if (behaviour === 'one-at-a-time') give(indexes.slice(0, 1));
    else if (behaviour === 'bad-chunks') give(indexes, () => true);
    else if (behaviour === 'bad-now-and-then') give(indexes, () => this.chance(4) === 0);
    else if (behaviour === 'lacks-all') give([]);
    else if (behaviour === 'lacks-some') give(indexes.filter(() => this.chance(3) > 0));
    else give(indexes);
  }
}

const scenarioArbitrary = fc.record({
  seed: fc.nat(),
  weights: fc.array(fc.integer({ min: 20, max: 3000 }), { minLength: 1, maxLength: 60 }),
  have: fc.uniqueArray(fc.nat({ max: 59 }), { maxLength: 20 }),
  others: fc.array(fc.constantFrom(...BEHAVIOURS), { maxLength: 9 }),
  serving: fc.constantFrom(...SERVING),
  /** Who gave the manifest: the one that serves, or nobody known. */
  isGiverKnown: fc.boolean(),
});

test('with one peer that serves it completes, whatever the others do; each chunk stored once', () => {
  let liarsSeen = 0;
  fc.assert(
    fc.property(scenarioArbitrary, ({ seed, weights, have, others, serving, isGiverKnown }) => {
      const behaviours = [...others, serving];
      const giver = `${others.length}-${serving}`;
      const held = new Set(have.filter((index) => index < weights.length));
      const start = createSnapshotSync({
        chunks: plansOf(weights),
        have: held,
        manifestPeerId: isGiverKnown ? giver : undefined,
        limits: LIMITS,
      });
      const world = new World(seed, behaviours, start);
      for (const peerId of world.peers.keys()) world.send({ kind: 'peer-offers', peerId });
      let events = 0;
      while (!world.state.isOver) {
        assert(events++ < EVENTS_MAX, 'it ends');
        world.advance();
      }
      expect([world.last, world.isDoubted]).toEqual(['snapshot-complete', false]);
      expect(new Set([...held, ...world.stored]).size).toBe(weights.length);
      const { bytesDone, bytesTotal, chunksDone } = world.state.progress;
      expect([bytesDone, chunksDone]).toEqual([bytesTotal, weights.length]);
      for (const [peerId, faults] of world.blamed) {
        const isLiar = LIARS.has(defined(world.peers.get(peerId), 'known'));
        const isCalledLiar = [...faults].some((fault) => !fault.endsWith('stall'));
        assert(isLiar || !isCalledLiar, 'who tells the truth is not called a liar');
        if (isCalledLiar) liarsSeen += 1;
      }
    }),
    {
      numRuns: 300,
      examples: [
        [
          {
            seed: 964_586_267,
            weights: [20, 20, 20, 20, 20],
            have: [],
            others: ['bad-chunks', 'lacks-all'],
            serving: 'slow',
            isGiverKnown: true,
          },
        ],
      ],
    },
  );
  expect(liarsSeen).toBeGreaterThan(20);
});

test('whatever order the answers come in, and whatever comes late, nothing breaks', () => {
  const eventArbitrary: fc.Arbitrary<SnapshotEvent> = fc.oneof(
    fc.record({
      kind: fc.constantFrom('peer-offers' as const, 'peer-gone' as const),
      peerId: fc.constantFrom('a', 'b', 'c'),
    }),
    fc.record({ kind: fc.constant('tick' as const) }),
    fc.record({
      kind: fc.constant('chunks-received' as const),
      ticket: fc.nat({ max: 12 }),
      chunks: fc.constant([]),
    }),
    fc.record({
      kind: fc.constant('chunk-verdict' as const),
      ticket: fc.nat({ max: 12 }),
      index: fc.nat({ max: 12 }),
      verdict: fc.constantFrom('valid' as const, 'bad-chunk' as const, 'false-plan' as const),
    }),
    fc.record({ kind: fc.constant('chunk-stored' as const), index: fc.nat({ max: 12 }) }),
    fc.record({
      kind: fc.constant('request-failed' as const),
      ticket: fc.nat({ max: 12 }),
      reason: fc.constantFrom(...(['timeout', 'refused', 'malformed', 'gone'] as const)),
    }),
  );
  fc.assert(
    fc.property(fc.array(eventArbitrary, { maxLength: 80 }), (events) => {
      const chunks = plansOf(Array.from({ length: 10 }, () => 900));
      let state = createSnapshotSync({ chunks, have: new Set(), manifestPeerId: 'a' });
      for (const event of events) {
        state = step(state, event).state;
        const { waiting, requests, held, missing, next, progress } = state;
        // Each chunk is in exactly one place.
        const places = [
          ...missing.slice(next),
          ...waiting.flatMap(({ indexes }) => indexes),
          ...requests.flatMap(({ indexes }) => indexes),
          ...held
            .flatMap(({ verifying, storing }) => [...verifying, ...storing])
            .map(({ index }) => index),
        ];
        if (state.isOver) break;
        expect(places.length + progress.chunksDone).toBe(10);
        expect(new Set(places).size).toBe(places.length);
      }
    }),
    { numRuns: 300 },
  );
});

test('the bounds are those of the design', () => {
  expect(SNAPSHOT_LIMITS).toMatchObject({
    requestBytes: 2 ** 20,
    requestsMax: 8,
    requestsPerPeerMax: 2,
    windowBytes: 2 ** 24,
  });
});
