import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Json } from '../../base/index.ts';
import { formatHex, isJsonObject, timestampMs } from '../../base/index.ts';
import type { Address } from '../../ledger/index.ts';
import { formatAddress } from '../../ledger/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../../node/index.ts';
import { ALONE, VALIDATORS, Village } from '../../node/testing/village.ts';
import type { MemoryStore } from '../../storage/index.ts';
import { builtinMethods } from '../builtin.ts';
import {
  BATCH_MAX,
  BLOCK_CALLS,
  CALLS_IN_FLIGHT_MAX,
  STATUSES_MAX,
  STRANGERS_BLOCKS_BURST,
} from '../limits.ts';
import { createRpcServer } from '../server.ts';
import { createNodeHandlers } from './index.ts';

// One cheap question must not make a node read or prepare its blocks over and over.

const [VALIDATOR] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');
const BLOCKS = 6;

/** Its name in the index is that of Bob. */
const twin = formatAddress(
  // As long as his.
  Uint8Array.from(bob.address, (byte, at) => (at < 8 ? byte : byte ^ 1)) as Address,
);

let village: Village;
let node: TabellionNode;
let store: MemoryStore;
const ids: string[] = [];

beforeAll(async () => {
  village = new Village(ALONE);
  const first = await village.start(VALIDATOR);
  for (let value = 1; value <= BLOCKS; value++) {
    const id = await village.submit(first.node, village.pay(ada, bob.address, value));
    await village.settled(id);
    ids.push(formatHex(id));
  }
});
afterAll(() => village.stopAll());

/** A node that just started, so that it remembers nothing. */
async function restart() {
  vi.restoreAllMocks();
  store = (await village.stop(VALIDATOR)) as MemoryStore; // As it was started.
  await village.start(VALIDATOR, { store });
  node = village.node(VALIDATOR);
  const admitted: [string, number][] = [];
  const handlers = createNodeHandlers(node);
  const { clock } = village;
  const connection = createRpcServer({ handlers, methods: builtinMethods(), clock }).connect({
    transport: 'http',
    access: 'public',
    admit: (method, cost) => {
      admitted.push([method, cost]);
      return true;
    },
  });
  const reads = vi.spyOn(store, 'get');
  const prepared = vi.spyOn(node.ledger, 'prepareBlockValue');
  const decoded = vi.spyOn(node.ledger, 'prepareBlock');
  const counts = () => ({
    read: reads.mock.calls.filter(([space]) => space === 'journal').length,
    prepared: prepared.mock.calls.length + decoded.mock.calls.length,
  });
  const ask = async (...calls: readonly (readonly [string, Json])[]): Promise<Json[]> => {
    const batch = calls.map(([method, params], id) => ({ jsonrpc: '2.0', id, method, params }));
    const text = await village.clock.run(connection.handleText(JSON.stringify(batch)));
    return JSON.parse(text ?? '[]') as Json[]; // An answer each.
  };
  return { ask, counts, admitted, connection };
}

const resultOf = (answer: Json | undefined): Json =>
  isJsonObject(answer) ? (answer.result ?? answer.error ?? null) : null;

describe('one question about many transactions', () => {
  it('reads each block once, prepares none, and answers in the order asked', async () => {
    const { ask, counts, admitted } = await restart();
    const asked = Array.from({ length: STATUSES_MAX }, (_, at) => ids[(at * 5) % BLOCKS] ?? '');
    const [answer] = await ask(['transaction.statuses', { ids: asked }]);
    const { statuses } = resultOf(answer) as { readonly statuses: { id: string; stage: string }[] };
    expect(statuses.map(({ id, stage }) => [id, stage])).toEqual(asked.map((id) => [id, 'final']));
    expect(counts()).toEqual({ read: expect.any(Number), prepared: 0 });
    expect(counts().read).toBeLessThanOrEqual(BLOCKS);
    expect(admitted).toEqual([['transaction.statuses', STATUSES_MAX / 10]]);
  });

  it('has no more ids than one answer may cost', async () => {
    const { ask } = await restart();
    const asked = Array<string>(STATUSES_MAX + 1).fill(ids[0] ?? '');
    const [answer] = await ask(['transaction.statuses', { ids: asked }]);
    expect(resultOf(answer)).toMatchObject({ data: { code: 'params-invalid' } });
  });

  it('in a batch reads no block twice either', async () => {
    const { ask, counts } = await restart();
    const answers = await ask(
      ...Array.from({ length: 48 }, (_, at) => {
        const method = ['transaction.status', 'transaction.get'][at % 2] ?? '';
        return [method, { id: ids[at % BLOCKS] ?? '' }] as const;
      }),
    );
    expect(answers.filter((each) => isJsonObject(each) && each.error !== undefined)).toEqual([]);
    expect(counts().prepared).toBe(0);
    expect(counts().read).toBeLessThanOrEqual(BLOCKS);
  });
});

describe('pages and blocks', () => {
  it('of histories and lists prepare nothing', async () => {
    const { ask, counts, admitted } = await restart();
    const address = formatAddress(bob.address);
    const [history, list, header, proof] = await ask(
      ['account.history', { address, limit: 100 }],
      ['block.list', { limit: 100 }],
      ['block.get', { isHeaderOnly: true }],
      ['account.proof', { address }],
    );
    expect(resultOf(history)).toMatchObject({ entries: Array(BLOCKS).fill({}) });
    expect(resultOf(list)).toMatchObject({ blocks: Array(BLOCKS + 1).fill({}) });
    expect(resultOf(header)).toMatchObject({ transactionCount: 1, transactions: [] });
    expect(resultOf(proof)).toMatchObject({ address });
    expect(counts().prepared).toBe(0);
    expect(admitted.map(([, cost]) => cost)).toEqual([10, 10, 1, 1]);
  });

  it('of an address made up beside a busy one cost whoever asks', async () => {
    const { ask } = await restart();
    const questions = Array(BATCH_MAX).fill(['account.history', { address: twin, limit: 1 }]);
    const answers = (await ask(...questions)).map(resultOf);
    const refused = { data: { code: 'rate-limited', facts: { reason: 'blocks-read' } } };
    // All blocks are read, of which the call pays for one.
    const whole = Math.floor(STRANGERS_BLOCKS_BURST / (BLOCKS - 1));
    expect(answers.slice(0, whole)).toMatchObject(Array(whole).fill({ entries: [] }));
    expect(answers.slice(whole + 1)).toMatchObject(Array(BATCH_MAX - whole - 1).fill(refused));
    // What an account has is paid for by the call itself.
    const [own] = await ask(['account.history', { address: formatAddress(bob.address) }]);
    expect(resultOf(own)).toMatchObject({ entries: Array(BLOCKS).fill({}) });
  });

  it('of such an address let go of the thread between blocks that took their time', async () => {
    const { ask } = await restart();
    const { clock } = node.home;
    const now = clock.now.bind(clock);
    let aheadMs = 0;
    vi.spyOn(clock, 'now').mockImplementation(() => {
      aheadMs += 8;
      return timestampMs(now() + aheadMs);
    });
    const after = vi.spyOn(clock, 'after');
    await ask(['account.history', { address: twin, limit: 1 }]);
    const pauses = after.mock.calls.filter(([delayMs]) => delayMs === 0);
    vi.restoreAllMocks();
    expect(pauses).toHaveLength(BLOCKS);
  });

  it('that are whole are prepared once for all, and few are held by one asker', async () => {
    const { ask, counts, admitted } = await restart();
    const height = 2;
    const answers = await ask(...Array(20).fill(['block.get', { height }] as const));
    const codes = answers.map((each) => {
      const result = resultOf(each);
      return isJsonObject(result) && isJsonObject(result.data) ? result.data.code : 'answered';
    });
    const most = Math.floor(CALLS_IN_FLIGHT_MAX / BLOCK_CALLS);
    expect(codes).toEqual([
      ...Array(most).fill('answered'),
      ...Array(20 - most).fill('too-many-calls'),
    ]);
    expect(counts().prepared).toBe(1);
    expect(admitted).toEqual(Array(20).fill(['block.get', BLOCK_CALLS]));
  });

  it('asked for by a batch leave room for others between them', async () => {
    const { ask, connection } = await restart();
    let isDone = false;
    const many = ask(...Array(10).fill(['block.get', {}] as const)).then((answers) => {
      isDone = true;
      return answers;
    });
    const status = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'mempool.status' });
    await connection.handleText(status);
    expect(isDone).toBe(false);
    expect(await many).toHaveLength(10);
  });

  it('that were asked for and cancelled before their turn are not read', async () => {
    const { ask, connection, counts } = await restart();
    const calls = ids.map((id) => ['transaction.proof', { id }] as const);
    const many = ask(...calls);
    connection.close();
    const answers = await many;
    expect(answers.map((each) => (isJsonObject(each) ? each.result : each))).toEqual(
      ids.map(() => undefined),
    );
    expect(counts().prepared).toBeLessThanOrEqual(1);
  });
});

describe('what a call costs', () => {
  const methods = builtinMethods();
  it.each<[keyof typeof methods, Json | undefined, number]>([
    ['chain.info', undefined, 1],
    ['transaction.statuses', undefined, 1],
    ['transaction.statuses', { ids: [] }, 1],
    ['transaction.statuses', { ids: Array(11).fill('') }, 2],
    ['transaction.statuses', { ids: Array(100_000).fill('') }, 20],
    ['transaction.statuses', { ids: { length: 1e9 } }, 1],
    ['transaction.simulate', {}, 5],
    ['transaction.proof', {}, 10],
    ['block.get', {}, 25],
    ['light.blocks', {}, 4],
    ['light.blocks', { from: 0, heights: [] }, 4],
    ['light.blocks', { from: 0, heights: Array(16).fill(1) }, 16],
    ['light.blocks', { heights: Array(100_000).fill(1) }, 16],
    ['block.get', { isHeaderOnly: 'true' }, 25],
    ['block.get', { isHeaderOnly: true }, 1],
    ['block.list', {}, 2],
    ['block.list', { limit: 1 }, 1],
    ['block.list', { limit: -1e308 }, 2],
    ['account.history', { limit: 1e308 }, 10],
  ])('%s %j', (name, params, cost) => {
    expect(methods[name].cost(params)).toBe(cost);
  });
});
