import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { formatHex, TabellionError } from '../base/index.ts';
import type { Address } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { TabellionNode } from '../node/index.ts';
import { impostor, isolate } from '../node/testing/liar.ts';
import { VALIDATORS, Village } from '../node/testing/village.ts';
import type { Cursor, History } from '../rpc/index.ts';
import { createNodeHandlers } from '../rpc/index.ts';
import type { Client } from './client.ts';
import { HISTORY_PATIENCE_MS } from './limits.ts';
import type { HistoryProgress } from './whole-history.ts';
import { readWholeHistory } from './whole-history.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;
const BLOCKS = 50;
const PAYMENTS = 20;

/** One network for all: readers change nothing in it. */
let village: Village;
beforeAll(async () => {
  // One decides alone: a thousand payments are enough to do.
  const { publicKey } = person(FIRST).pair;
  village = new Village({
    balances: [{ address: ada.address, amount: 1_000_000_000n }],
    validators: [{ publicKey, name: FIRST }],
  });
  await village.start(FIRST);
  const node = village.node(FIRST);
  let sequence = 0;
  for (let block = 0; block < BLOCKS; block++) {
    // All at once, so that they stand in few blocks.
    const submitting = Array.from({ length: PAYMENTS }, () =>
      node.submit(village.pay(ada, bob.address, 1, { sequence: sequence++ as never })),
    );
    for (const submitted of await village.clock.run(Promise.all(submitting))) {
      if (!submitted.ok) throw new Error(submitted.error.code);
      await village.settled(submitted.value, [FIRST]);
    }
  }
}, 60_000);
afterAll(() => village.stopAll());

/** How a page asks a node, without what lies between. */
function clientOf(node: TabellionNode): Pick<Client, 'call'> {
  const handlers = createNodeHandlers(node);
  const call = async (_: string, params: unknown, { signal = new AbortController().signal } = {}) =>
    handlers.methods['account.history'](params as never, { signal } as never);
  return { call: call as never }; // Of one method alone.
}

/** What goes from one node to others. */
let asked: string[] = [];
beforeEach(() => {
  asked = [];
  village.hub.heal();
  village.hub.delivers = ({ from, kind }) => {
    if (from === 'wallet' && kind.startsWith('request-')) asked.push(kind);
    return true;
  };
});

async function lightWallet(peer: string) {
  impostor(village, { name: peer, honest: FIRST });
  isolate(village, 'wallet', [peer]);
  const { node } = await village.start('wallet', { options: { mode: 'light' } });
  const head = village.node(FIRST).status().head?.header.height;
  await village.clock.until('at the head', () => node.source().head().header.height === head);
  asked = [];
  return node;
}

async function leave(peer: string) {
  await village.stop('wallet');
  await village.hub.find(peer)?.stop();
  await village.hub.find(`${peer}'s mirror`)?.stop();
}

const idsOf = (pages: readonly History[]) =>
  pages.flatMap(({ entries }) => entries.map(({ id }) => formatHex(id)));

describe('the whole history of an account', () => {
  it('comes to a light node whole, though its only peer answers so much a second', async () => {
    const node = await lightWallet('lone');
    const told: HistoryProgress[] = [];
    const reading = readWholeHistory(clientOf(node), bob.address, {
      clock: village.clock,
      onProgress: (progress) => told.push(progress),
    });
    const { pages, stop } = await village.clock.run(reading, 600_000);
    expect(stop).toBeUndefined();
    const all = await village.node(FIRST).parts.store.history(bob.address, { limit: 1_000 });
    expect(all).toHaveLength(BLOCKS * PAYMENTS);
    expect(idsOf(pages)).toEqual(all.map(({ receipt }) => formatHex(receipt.transactionId)));
    expect(new Set(pages.map(({ source }) => source))).toEqual(new Set(['peers']));
    // It asked for more than a peer gives at once, and said that it waits.
    expect(told.some(({ isWaiting }) => isWaiting)).toBe(true);
    const counts = told.map(({ entries }) => entries);
    expect(counts).toEqual(counts.toSorted((left, right) => left - right));
    expect(told.at(-1)?.downTo).toBeLessThan(30);
    // No block is fetched for a few of its transactions, and each header is proven once.
    expect(asked).not.toContain('request-blocks');
    expect(asked).not.toContain('request-receipts');
    const ofLight = asked.filter((kind) => kind === 'request-light').length;
    const blocks = new Set(all.map(({ height }) => height)).size;
    expect(blocks).toBeLessThan(4 * BLOCKS);
    expect(ofLight).toBeLessThan(blocks + 10);
    await leave('lone');
  });

  it('says where it ends when nobody answers any more', async () => {
    const node = await lightWallet('fickle');
    let left = 12;
    village.hub.delivers = ({ from, kind }) =>
      from !== 'wallet' || !['request-entries', 'request-history'].includes(kind) || left-- > 0;
    const from = village.clock.now();
    const reading = readWholeHistory(clientOf(node), bob.address, { clock: village.clock });
    const { pages, stop } = await village.clock.run(reading, 600_000);
    expect(stop?.error.code).toBe('proof-unavailable');
    const last = pages.at(-1)?.entries.at(-1);
    expect(stop?.before).toEqual({ height: last?.height, index: last?.index });
    expect(idsOf(pages).length).toBeGreaterThan(100);
    expect(idsOf(pages).length).toBeLessThan(BLOCKS * PAYMENTS);
    expect(village.clock.now() - from).toBeLessThan(300_000);
    await leave('fickle');
  });
});

/* ------------------------------------------------- what a node may answer */

const address = new Uint8Array(32) as Address; // Nobody's.
/** As much of a page as is looked at. */
const page = (next: Cursor | undefined) =>
  ({ entries: [], next, completeFrom: undefined, source: 'peers' }) as unknown as History;
const at = (height: number) => ({ height, index: 0 }) as Cursor;

function answering(...answers: readonly (History | string)[]) {
  let count = 0;
  const call = async () => {
    const answer = answers[Math.min(count++, answers.length - 1)];
    if (answer === undefined || typeof answer === 'string') {
      throw new TabellionError(answer ?? 'never');
    }
    return answer;
  };
  return { client: { call: call as never }, count: () => count };
}

describe('reading page after page', () => {
  const read = (client: Pick<Client, 'call'>, signal?: AbortSignal) =>
    village.clock.run(
      readWholeHistory(client, address, {
        clock: village.clock,
        ...(signal === undefined ? {} : { signal }),
      }),
      600_000,
    );

  it('waits longer each time, and begins anew with every page', async () => {
    const busy = HISTORY_PATIENCE_MS.map(() => 'proof-unavailable');
    const from = village.clock.now();
    const { client } = answering(...busy, page(at(7)), ...busy, page(undefined));
    expect((await read(client)).pages).toHaveLength(2);
    const waitedMs = HISTORY_PATIENCE_MS.reduce((sum, each) => sum + each, 0);
    expect(village.clock.now() - from).toBe(2 * waitedMs);
  });

  it('rejects when the first page is not to be had, and at once for what time does not mend', async () => {
    await expect(read(answering('proof-unavailable').client)).rejects.toMatchObject({
      code: 'proof-unavailable',
    });
    const wrong = answering('params-invalid');
    await expect(read(wrong.client)).rejects.toMatchObject({ code: 'params-invalid' });
    expect(wrong.count()).toBe(1);
  });

  it('does not follow a node that leads in circles', async () => {
    const circles = answering(page(at(7)), page(at(7)));
    expect(await read(circles.client)).toMatchObject({
      stop: { before: at(7), error: { code: 'answer-malformed' } },
    });
    expect(circles.count()).toBe(2);
  });

  it('takes no entry twice, at whatever index, and none from above', async () => {
    const listed = (entries: readonly [number, number, number][], next?: Cursor) =>
      ({
        ...page(next),
        entries: entries.map(([height, index, id]) => ({ height, index, id: Uint8Array.of(id) })),
      }) as unknown as History; // As much of it as is looked at.
    const first = listed([[9, 4, 1]], { height: 9, index: 4 } as Cursor);
    for (const second of [
      listed([[9, 3, 1]]),
      listed([[10, 0, 2]]),
      listed([
        [8, 1, 2],
        [8, 1, 3],
      ]),
    ]) {
      const { pages, stop } = await read(answering(first, second).client);
      expect(pages).toEqual([first]);
      expect(stop).toMatchObject({ before: first.next, error: { code: 'answer-malformed' } });
    }
    const good = listed([[9, 3, 2]]);
    expect(await read(answering(first, good).client)).toEqual({
      pages: [first, good],
      stop: undefined,
    });
  });

  it('ends when nobody wants it any more', async () => {
    const controller = new AbortController();
    const { client } = answering(page(at(7)), 'proof-unavailable');
    const reading = expect(read(client, controller.signal)).rejects.toMatchObject({
      code: 'aborted',
    });
    await village.clock.settle();
    controller.abort();
    await reading;
  });
});
