import { expect, test } from 'vitest';
import { hashSuite } from '../crypto/index.ts';
import type { ChunkPlan } from '../state/index.ts';
import type { SnapshotEffect, SnapshotEvent, SnapshotStart, SnapshotState } from './index.ts';
import { createSnapshotSync, snapshotProgress, step } from './index.ts';

const hash = hashSuite('blake3-256').hash('state-empty');

function plans(count: number, weight = 1000): ChunkPlan[] {
  return Array.from({ length: count }, () => ({
    prefix: new Uint8Array(),
    hash,
    weight,
    count: 1,
  }));
}

/** Sends events one after the other; all their effects. */
function run(
  start: Partial<SnapshotStart>,
  events: readonly SnapshotEvent[],
): { readonly state: SnapshotState; readonly effects: readonly SnapshotEffect[] } {
  const defaults = { chunks: plans(4), have: new Set<number>(), manifestPeerId: 'giver' };
  let state = createSnapshotSync({ ...defaults, ...start });
  const effects: SnapshotEffect[] = [];
  for (const event of events) {
    const transition = step(state, event);
    ({ state } = transition);
    effects.push(...transition.effects);
  }
  return { state, effects };
}

const offers = (peerId: string) => ({ kind: 'peer-offers', peerId }) as const;
const ticks = (count: number): SnapshotEvent[] =>
  Array.from({ length: count }, () => ({ kind: 'tick' }));
const received = (ticket: number, indexes: readonly number[]) =>
  ({
    kind: 'chunks-received',
    ticket,
    chunks: indexes.map((index) => ({ index, sizeBytes: 1000 })),
  }) as const;
const verdict = (ticket: number, index: number, which: 'valid' | 'bad-chunk' | 'false-plan') =>
  ({ kind: 'chunk-verdict', ticket, index, verdict: which }) as const;
const kindsOf = (effects: readonly SnapshotEffect[]) => effects.map(({ kind }) => kind);
const requestsOf = (effects: readonly SnapshotEffect[]) =>
  effects.filter((effect) => effect.kind === 'request-chunks');

test('asks, verifies, stores and completes', () => {
  const stored = [0, 1, 2, 3].flatMap((index) => [
    verdict(1, index, 'valid'),
    { kind: 'chunk-stored', index } as const,
  ]);
  const { state, effects } = run({}, [offers('giver'), received(1, [0, 1, 2, 3]), ...stored]);
  expect(effects[0]).toEqual({
    kind: 'request-chunks',
    ticket: 1,
    peerId: 'giver',
    indexes: [0, 1, 2, 3],
  });
  expect(kindsOf(effects).filter((kind) => kind === 'store-chunk')).toHaveLength(4);
  expect(effects.at(-1)).toEqual({ kind: 'snapshot-complete' });
  expect(snapshotProgress(state)).toEqual({
    chunksDone: 4,
    chunksTotal: 4,
    bytesDone: 4000,
    bytesTotal: 4000,
  });
  expect(step(state, { kind: 'tick' }).effects).toEqual([]);
});

test('what is stored already is not asked for; with everything there it completes at once', () => {
  const some = run({ have: new Set([0, 2]) }, [offers('giver')]);
  expect(requestsOf(some.effects)[0]).toMatchObject({ indexes: [1, 3] });
  const all = run({ have: new Set([0, 1, 2, 3]) }, [{ kind: 'tick' }]);
  expect(kindsOf(all.effects)).toEqual(['snapshot-complete']);
  expect(kindsOf(run({ chunks: [] }, [{ kind: 'tick' }]).effects)).toEqual(['snapshot-complete']);
});

test('spreads requests of a megabyte over peers, two a peer, eight in all', () => {
  const chunks = plans(400, 60_000);
  const peers = ['a', 'b', 'c', 'd', 'e', 'f'];
  const { effects } = run({ chunks }, peers.map(offers));
  const requests = requestsOf(effects);
  expect(requests.map(({ peerId }) => peerId)).toEqual(['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd']);
  for (const { indexes } of requests) expect(indexes).toHaveLength(17); // Just below 2^20 bytes.
});

test('holds at most the window: nothing more is asked for until chunks are stored', () => {
  const chunks = plans(400, 60_000);
  const limits = { windowBytes: 1_100_000 };
  const asked = run({ chunks, limits }, ['a', 'b'].map(offers));
  expect(requestsOf(asked.effects)).toHaveLength(1);
  const here = run({ chunks, limits }, [
    ...['a', 'b'].map(offers),
    received(
      1,
      Array.from({ length: 17 }, (_, index) => index),
    ),
  ]);
  // Seventeen thousand bytes came instead of a million: there is room.
  expect(requestsOf(here.effects)).toHaveLength(2);
});

test('a liar is reported once and never asked again; its good chunks are kept', () => {
  const { state, effects } = run({ limits: { requestChunksMax: 4 } }, [
    offers('liar'),
    received(1, [0, 1, 2, 3]),
    verdict(1, 0, 'bad-chunk'),
    verdict(1, 1, 'valid'),
    verdict(1, 2, 'bad-chunk'),
    verdict(1, 3, 'valid'),
    offers('liar'),
    offers('giver'),
  ]);
  const reports = effects.filter(({ kind }) => kind === 'report-peer');
  expect(reports).toEqual([{ kind: 'report-peer', peerId: 'liar', fault: 'bad-chunk' }]);
  expect(effects.filter(({ kind }) => kind === 'store-chunk')).toEqual([
    { kind: 'store-chunk', index: 1 },
    { kind: 'store-chunk', index: 3 },
  ]);
  const later = requestsOf(effects).slice(1);
  expect(later.map(({ peerId }) => peerId)).toEqual(['giver', 'giver']);
  expect(later.flatMap(({ indexes }) => indexes)).toEqual([0, 2]);
  expect(state.peers.has('liar')).toBe(false);
});

test('a chunk that a peer lacks is asked of the giver of the manifest, who must have it', () => {
  const lacking = [offers('other'), offers('giver'), received(1, [])];
  const { effects } = run({}, lacking);
  const [, ...later] = requestsOf(effects);
  expect(later[0]).toMatchObject({ peerId: 'giver', indexes: [0] });
  // Not a fault of the other, for all that is known.
  expect(effects.some(({ kind }) => kind === 'report-peer')).toBe(false);
  const doubted = run({}, [...lacking, received(2, [])]);
  expect(doubted.effects.at(-1)).toEqual({ kind: 'manifest-doubted', peerId: 'giver' });
  expect(doubted.state.isOver).toBe(true);
});

test('a chunk that everybody lacks ends it when the giver of the manifest is gone', () => {
  const { effects } = run({ manifestPeerId: undefined }, [
    offers('a'),
    offers('b'),
    received(1, []),
    received(2, []),
  ]);
  expect(effects.at(-1)).toEqual({ kind: 'manifest-doubted', peerId: undefined });
});

test('a chunk that all others lack ends it when the giver of the manifest stays silent', () => {
  const silent = (ticket: number) =>
    ({ kind: 'request-failed', ticket, reason: 'timeout' }) as const;
  const one = { chunks: plans(1) };
  const asked = [offers('giver'), silent(1), offers('other'), offers('another')];
  const lacked = [...asked, received(2, []), received(3, [])];
  // It may be slow: it is asked again, after a rest that doubles.
  const patient = run(one, [...lacked, ...ticks(2), silent(4), ...ticks(4)]);
  expect(patient.state.isOver).toBe(false);
  const { effects } = run(one, [...lacked, ...ticks(2), silent(4), ...ticks(4), silent(5)]);
  expect(effects.at(-1)).toEqual({ kind: 'manifest-doubted', peerId: 'giver' });
  // Alone with it, it is waited for.
  const alone = run(one, [
    offers('giver'),
    silent(1),
    ...ticks(2),
    silent(2),
    ...ticks(4),
    silent(3),
  ]);
  expect(alone.state.isOver).toBe(false);
});

test('a short answer is no fault: the rest is asked for again', () => {
  const { effects } = run({}, [offers('a'), received(1, [0, 1])]);
  expect(requestsOf(effects)[1]).toMatchObject({ peerId: 'a', indexes: [2, 3] });
  expect(effects.some(({ kind }) => kind === 'report-peer')).toBe(false);
});

test('right leaves with a false weight are the fault of who gave the manifest', () => {
  const { state, effects } = run({}, [
    offers('honest'),
    received(1, [0, 1, 2, 3]),
    verdict(1, 0, 'false-plan'),
  ]);
  expect(effects.slice(-2)).toEqual([
    { kind: 'report-peer', peerId: 'giver', fault: 'false-manifest' },
    { kind: 'manifest-doubted', peerId: 'giver' },
  ]);
  expect(step(state, verdict(1, 1, 'valid')).effects).toEqual([]);
});

test('a late peer is asked for less, then for nothing; its chunks go to others', () => {
  const chunks = plans(100);
  const late = { kind: 'request-failed', ticket: 1, reason: 'timeout' } as const;
  const { effects } = run({ chunks }, [offers('slow'), late, ...ticks(2)]);
  const [first, second, third] = requestsOf(effects).map(({ indexes }) => indexes.length);
  expect([first, second, third]).toEqual([64, 36, 16]);
  const silent = run({ chunks }, [offers('silent'), ...ticks(29), offers('quick'), ...ticks(1)]);
  const moved = requestsOf(silent.effects).filter(({ peerId }) => peerId === 'quick');
  expect(moved.flatMap(({ indexes }) => indexes)).toHaveLength(100);
  const stalls = Array.from({ length: 8 }, () => ticks(120)).flat();
  const endless = run({ chunks }, [offers('silent'), ...stalls]);
  const faults = endless.effects.flatMap((effect) =>
    effect.kind === 'report-peer' ? [effect.fault] : [],
  );
  expect(faults).toContain('endless-stall');
});

test('says once that it is stalled, and goes on when somebody serves it', () => {
  const alone = run({}, ticks(40));
  expect(kindsOf(alone.effects)).toEqual(['snapshot-stalled']);
  const quiet = run({}, [offers('silent'), ...ticks(400)]);
  expect(kindsOf(quiet.effects).filter((kind) => kind === 'snapshot-stalled')).toHaveLength(1);
  const again = run({}, [...ticks(40), offers('giver')]);
  expect(kindsOf(again.effects)).toEqual(['snapshot-stalled', 'request-chunks']);
});

test('thirty thousand chunks cost no more a chunk than a thousand do', () => {
  const msOf = (count: number): number => {
    const chunks = plans(count, 6000);
    let state = createSnapshotSync({ chunks, have: new Set(), manifestPeerId: 'a' });
    const queue: SnapshotEvent[] = [offers('a'), offers('b'), offers('c')];
    let done = false;
    const startedMs = performance.now();
    for (let event = queue.shift(); event !== undefined && !done; event = queue.shift()) {
      const transition = step(state, event);
      ({ state } = transition);
      for (const effect of transition.effects) {
        if (effect.kind === 'request-chunks') queue.push(received(effect.ticket, effect.indexes));
        if (effect.kind === 'verify-chunk')
          queue.push(verdict(effect.ticket, effect.index, 'valid'));
        if (effect.kind === 'store-chunk')
          queue.push({ kind: 'chunk-stored', index: effect.index });
        if (effect.kind === 'snapshot-complete') done = true;
      }
    }
    expect(done).toBe(true);
    return (performance.now() - startedMs) / count;
  };
  msOf(1000); // The engine compiles.
  expect(msOf(30_000)).toBeLessThan(15 * msOf(1000));
});
