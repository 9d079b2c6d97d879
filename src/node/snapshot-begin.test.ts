import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { RequestKind } from '../network/index.ts';
import { peerStatusCodec } from './messages.ts';
import { impostor, isolate } from './testing/liar.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;
const BLOCKS = 12;

/** One network for all: newcomers change nothing in it. */
let village: Village;
beforeAll(async () => {
  village = new Village({
    balances: [
      { address: ada.address, amount: 1_000_000_000n },
      ...Array.from({ length: 300 }, (_, at) => ({
        address: person(`settler ${at}`).address,
        amount: BigInt(at + 1),
      })),
    ],
  });
  village.nodeOptions = { snapshotEveryBlocks: 5, snapshotWorthBlocks: 6 };
  await village.startAll(...VALIDATORS);
  for (let value = 1; value <= BLOCKS; value++) {
    const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, value));
    await village.settled(id, VALIDATORS);
  }
});
afterAll(async () => {
  for (const name of VALIDATORS) expect(village.node(name).status().error).toBeUndefined();
  await village.stopAll();
});

const tracesOf = (name: string, event: string) =>
  village.traces.filter((trace) => trace.node === name && trace.event === event);

/** Blocks from 9 on: the only way to the head is a snapshot. */
const status = async (_: unknown, honestly: () => Promise<Uint8Array>) => {
  const decoded = decode(peerStatusCodec, await honestly());
  if (!decoded.ok) throw new Error('the honest answer is good');
  return encode(peerStatusCodec, { ...decoded.value, earliestHeight: 9 as Height });
};

let count = 0;
type Case = {
  readonly peers: number;
  /** Whether old blocks could be had too, but do not come. */
  readonly hasBlocks?: boolean;
  isLost(kind: RequestKind, nth: number): boolean;
  readonly change?: NonNullable<Parameters<Village['start']>[1]>;
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
  const head = heightOf(village.node(FIRST));
  await village.clock.until('begun', () => tracesOf(name, 'snapshot-begun').length > 0, 90_000);
  const afterMs = village.clock.now() - from;
  await village.clock.until('arrived', () => heightOf(node) >= head, 90_000);
  expect(tracesOf(name, 'snapshot-adopted')).toHaveLength(1);
  await village.stop(name);
  village.hub.delivers = () => true;
  for (const other of others) {
    await village.hub.find(other)?.stop();
    await village.hub.find(`${other}'s mirror`)?.stop();
  }
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
