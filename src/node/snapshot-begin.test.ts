import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Height } from '../ledger/index.ts';
import type { RequestKind } from '../network/index.ts';
import { peerStatusCodec } from './messages.ts';
import { altering, impostor, isolate } from './testing/liar.ts';
import { SettledVillage } from './testing/settled-village.ts';
import type { StartOptions } from './testing/village.ts';
import { heightOf, VALIDATORS } from './testing/village.ts';

const [FIRST] = VALIDATORS;

/** One network for all: newcomers change nothing in it. */
let village: SettledVillage;
beforeAll(async () => {
  village = await SettledVillage.found({ settlers: 300, blocks: 12 });
});
afterAll(() => village.end());

/** Blocks from 9 on: the only way to the head is a snapshot. */
const status = altering(peerStatusCodec, (honest) => {
  return { ...honest, earliestHeight: 9 as Height };
});

let count = 0;
type Case = {
  readonly peers: number;
  /** Whether old blocks could be had too, but do not come. */
  readonly hasBlocks?: boolean;
  isLost(kind: RequestKind, nth: number): boolean;
  readonly change?: StartOptions;
};

/** A newcomer some of whose questions are lost; after how long its snapshot begins. */
async function beginsAfter({ peers, hasBlocks, isLost, change }: Case): Promise<number> {
  count += 1;
  const name = `newcomer ${count}`;
  const others = Array.from({ length: peers }, (_, at) => `peer ${count}.${at}`);
  village.hub.heal();
  for (const other of others) {
    const answers = hasBlocks === true ? {} : { status };
    impostor(village, { name: other, honest: FIRST, answers });
  }
  isolate(village, name, others);
  const asked = new Map<string, number>();
  village.hub.delivers = ({ from, kind }) => {
    if (from !== name || !kind.startsWith('request-')) return true;
    if (kind === 'request-blocks') return heightOf(node) > 0;
    const nth = (asked.get(kind) ?? 0) + 1;
    asked.set(kind, nth);
    return !isLost(kind.slice('request-'.length) as RequestKind, nth);
  };
  const { node } = village.create(name, change);
  await village.clock.run(node.start());
  const from = village.clock.now();
  await village.clock.until(
    'begun',
    () => village.factsOf(name, 'snapshot-begun').length > 0,
    90_000,
  );
  const afterMs = village.clock.now() - from;
  await village.arrived(node, 90_000);
  expect(village.factsOf(name, 'snapshot-adopted')).toHaveLength(1);
  await village.stop(name);
  village.hub.delivers = () => true;
  await village.dismiss(...others);
  return afterMs;
}

const KINDS: readonly RequestKind[] = ['status', 'light', 'snapshots', 'manifest', 'chunks'];
const LOST = KINDS.flatMap((kind) => [1, 2, 3].map((nth) => [kind, nth] as const));

describe('a fresh node begins its snapshot within seconds', () => {
  it('when nothing is lost', async () => {
    expect(await beginsAfter({ peers: 2, isLost: () => false })).toBeLessThan(1_000);
  });

  it.each(LOST)('with two peers, when question %s %i is lost', async (kind, nth) => {
    const isLost = (each: RequestKind, at: number) => each === kind && at === nth;
    const afterMs = await beginsAfter({ peers: 2, isLost });
    expect(afterMs).toBeLessThan(10_000);
  });

  it.each(LOST)('with a single peer, when question %s %i is lost', async (kind, nth) => {
    const isLost = (each: RequestKind, at: number) => each === kind && at === nth;
    const afterMs = await beginsAfter({ peers: 1, isLost });
    expect(afterMs).toBeLessThan(25_000);
  });

  it('where blocks could be had too, when the first offer is lost', async () => {
    const isLost = (kind: RequestKind, nth: number) => kind === 'snapshots' && nth === 1;
    expect(await beginsAfter({ peers: 1, hasBlocks: true, isLost })).toBeLessThan(15_000);
  });
});
