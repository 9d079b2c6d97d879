import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Height } from '../ledger/index.ts';
import type { TestChain } from './testing/chain.ts';
import { createTestChain } from './testing/chain.ts';
import type { Lie } from './testing/liars.ts';
import { chain, LENGTH, lieArbitrary, liesOf, tell } from './testing/liars.ts';
import type { Server } from './testing/village.ts';
import { createVillage, honest } from './testing/village.ts';

// Everybody broke their word: what alarms are for.
const broken = createTestChain({
  length: LENGTH + 20,
  membersAt: chain.membersAt,
  fork: { from: 20, mark: 8 },
});
const SOURCES: readonly TestChain[] = [chain, broken, ...liesOf];
const PEERS = 4;
const STARTS = [0, 19, 30, LENGTH];

/** Serves a chain, or lies; never the same twice in a row if it has several ways. */
type Way =
  | { readonly kind: 'serve'; readonly source: number }
  | { readonly kind: 'lie'; readonly lie: Lie }
  | { readonly kind: 'silence' | 'busy' };
const wayArbitrary: fc.Arbitrary<Way> = fc.oneof(
  fc.record({ kind: fc.constant('serve' as const), source: fc.nat(SOURCES.length - 1) }),
  fc.record({ kind: fc.constant('lie' as const), lie: lieArbitrary }),
  fc.record({ kind: fc.constantFrom('silence', 'busy') }),
);

function serverOf(ways: readonly Way[]): Server {
  let count = 0;
  return (heights, from) => {
    const way = ways[count++ % ways.length];
    if (way === undefined) return [];
    if (way.kind === 'lie') return tell(way.lie, heights);
    if (way.kind !== 'serve') return way.kind;
    return honest(SOURCES[way.source] ?? chain)(heights, from);
  };
}

const heightArbitrary = fc.oneof(
  fc.nat(LENGTH + 20),
  fc.constantFrom(...STARTS, 20, 31, LENGTH, LENGTH + 1, 2 ** 53 - 1),
);
const happeningArbitrary = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('met' as const),
      peer: fc.nat(PEERS - 1),
      told: heightArbitrary,
      source: fc.nat(SOURCES.length - 1),
      earliest: fc.constantFrom(0, 0, 0, ...STARTS),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('ticked' as const),
      count: fc.constantFrom(1, 2, 3, 5, 8, 70),
    }),
  },
  fc.record({ kind: fc.constant('gone' as const), peer: fc.nat(PEERS - 1) }),
  fc.record({ kind: fc.constant('wanted' as const), height: heightArbitrary }),
  fc.record({
    kind: fc.constant('own' as const),
    height: fc.nat(LENGTH),
    isShown: fc.boolean(),
    isBroken: fc.boolean(),
  }),
  fc.record({
    kind: fc.constant('given' as const),
    height: fc.integer({ min: 1, max: LENGTH }),
    isBroken: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('unwanted' as const), id: fc.nat(5) }),
  fc.record({ kind: fc.constantFrom('cleared', 'slept', 'blinded') }),
);

/** Whatever happens among whatever peers, every event is followed by rest. */
const law = fc.property(
  fc.array(fc.array(wayArbitrary, { minLength: 1, maxLength: 3 }), {
    minLength: PEERS,
    maxLength: PEERS,
  }),
  fc.array(happeningArbitrary, { minLength: 1, maxLength: 20 }),
  fc.record({
    heightsPerRequest: fc.constantFrom(1, 4, 16),
    trustingPeriodMs: fc.constantFrom(undefined, 15_000, 60_000),
    /** Our own clock may be behind. */
    clockMs: fc.constantFrom(-30_000, 0, 20_000),
    start: fc.constantFrom(...STARTS),
    limits: fc.constantFrom({}, { knownMax: 6, recentMax: 2, foundMax: 4, claimsMax: 1 }),
  }),
  (ways, happenings, { heightsPerRequest, trustingPeriodMs, clockMs, start, limits }) => {
    const { anchor, genesis } = chain;
    const village = createVillage({
      anchor,
      trusted: start === 0 ? genesis : chain.trustedAt(start),
      roots: [genesis],
      options: { trustingPeriodMs, clockDriftMs: 1000 },
      nowMs: chain.endMs + clockMs,
      limits: { heightsPerRequest, requestTicksMax: 5, peersMax: PEERS - 1, ...limits },
    });
    const servers = ways.map(serverOf);
    for (const [at, happening] of happenings.entries()) {
      const { nowMs } = village;
      switch (happening.kind) {
        case 'met': {
          const server = servers[happening.peer] ?? honest(chain);
          const { told: height, source, earliest } = happening;
          const head = { chain: SOURCES[source] ?? chain, height, earliest };
          village.meet(`${happening.peer}`, server, head);
          break;
        }
        case 'ticked':
          village.tick(happening.count);
          break;
        case 'gone':
          village.send({ kind: 'peer-gone', peerId: `${happening.peer}` });
          break;
        case 'wanted': {
          const height = happening.height as Height; // Within the chain, or a mistake.
          village.send({ kind: 'height-wanted', id: at, height, nowMs });
          break;
        }
        case 'own': {
          const { height, isShown, isBroken } = happening;
          const own = isBroken ? broken : chain;
          const trusted = height === 0 ? genesis : own.trustedAt(height);
          const block = isShown && height > 0 ? own.blockAt(height) : undefined;
          village.send({ kind: 'chain-advanced', trusted, block, nowMs });
          break;
        }
        case 'given': {
          const { height, isBroken } = happening;
          const from = isBroken ? broken : chain;
          const [trusted, block] = [from.trustedAt(height), from.blockAt(height)];
          village.send({ kind: 'checkpoint-given', trusted, block, nowMs });
          break;
        }
        case 'unwanted':
          village.send({ kind: 'height-unwanted', id: happening.id });
          break;
        case 'slept':
          village.send({ kind: 'statuses-forgotten' });
          break;
        case 'blinded':
          village.canVerify = !village.canVerify;
          break;
        case 'cleared':
          village.send({ kind: 'alarm-cleared', nowMs });
          break;
      }
      const { chases } = village.state();
      const owed = chases.filter(({ purpose }) => purpose.kind !== 'wanted');
      // Nobody owes two heads at once.
      expect(new Set(owed.map(({ peerId }) => peerId)).size).toBe(owed.length);
    }
    // Whoever wanted something heard of it, and nothing outlives those it was asked of.
    village.tick(100);
    expect(village.state().wanted).toEqual([]);
    for (const peer of servers.keys()) village.send({ kind: 'peer-gone', peerId: `${peer}` });
    expect(village.state().chases).toEqual([]);
    for (const { heights } of village.requests) expect(heights.length).toBeGreaterThan(0);
  },
);

test('whatever peers tell and answer, the machine comes to rest after each event', () => {
  fc.assert(law, { numRuns: 100 });
});
