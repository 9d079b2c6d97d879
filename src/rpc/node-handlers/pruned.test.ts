import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseJson, toJson } from '../../codec/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../../node/index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from '../../node/testing/village.ts';
import { builtinMethods } from '../builtin.ts';
import type { MethodName } from '../methods.ts';
import type { RpcConnection } from '../server.ts';
import { createRpcServer } from '../server.ts';
import { NodeContext } from './context.ts';
import { createNodeHandlers } from './index.ts';
import { statusOf } from './node-methods.ts';
import { askValues } from './questions.fixture.ts';

// A node that began with a snapshot answers for all of the chain, and says what it executed itself.

const [FIRST] = VALIDATORS;
const bob = person('bob');
const BLOCKS = 14;
const methods = builtinMethods();

let village: Village;
let late: TabellionNode;
let connection: RpcConnection;
const payments: Uint8Array[] = [];

beforeAll(async () => {
  village = new Village(FUNDED);
  village.nodeOptions = { snapshotEveryBlocks: 5, snapshotWorthBlocks: 6 };
  await village.startAll(...VALIDATORS);
  for (let value = 1; value <= BLOCKS; value++) {
    payments.push(await village.decide(value));
  }
  ({ node: late } = await village.start('late'));
  const head = heightOf(village.node(FIRST));
  await village.clock.until('arrived', () => heightOf(late) >= head, 120_000);
  await village.clock.until('validated', () => late.source().trust() === 'validated');
  const { clock } = village;
  connection = createRpcServer({ handlers: createNodeHandlers(late), methods, clock }).connect({
    transport: 'http',
    access: 'public',
  });
});
afterAll(() => village.stopAll());

const ask = <Name extends MethodName>(
  method: Name,
  params: { readonly [name: string]: unknown } = {},
) => askValues(village, connection, { method, params });

describe('a node that took over a state', () => {
  it('says what is pruned when nobody proves it', async () => {
    village.hub.partition(['late'], [...VALIDATORS]);
    const before = { height: 3 };
    for (const isHeaderOnly of [true, false]) {
      await expect(ask('block.get', { ...before, isHeaderOnly })).rejects.toMatchObject({
        code: 'height-pruned',
        facts: { height: 3 },
      });
    }
    const genesis = await ask('block.get', { height: 0 });
    const { genesisHash } = await ask('chain.info');
    expect(genesisHash).toEqual(genesis.hash);
    village.hub.heal();
    await village.clock.pass(1_000);
    await village.clock.until('validated', () => late.source().trust() === 'validated');
    expect((await ask('block.get', before)).trust).toBe('proven');
  });

  it('says from where on it knows everything', async () => {
    const status = await ask('node.status');
    expect(status).toMatchObject({ mode: 'full', source: 'chain', trust: 'validated' });
    expect(status.historyFrom).toBeGreaterThan(5);
    const history = await ask('account.history', { address: bob.address, limit: 50 });
    expect(history).toMatchObject({ source: 'peers', trust: 'proven' });
    expect(history.entries).toHaveLength(BLOCKS);
    expect(history.completeFrom).toBe(status.historyFrom);
    const newest = await ask('account.history', { address: bob.address, limit: 1 });
    expect(newest).toMatchObject({ source: 'chain', trust: 'validated' });
  });

  it('gives older blocks as proven, and its own as validated', async () => {
    const head = heightOf(late);
    for (const height of [0, 1, 4]) {
      const { header, certificate, trust } = await ask('block.get', { height });
      expect({ height: header.height, trust }).toEqual({ height, trust: 'proven' });
      expect(certificate === undefined).toBe(height === 0);
    }
    expect(await ask('block.get')).toMatchObject({ header: { height: head }, trust: 'validated' });
    const own = await ask('block.list', { limit: 2 });
    expect(own.trust).toBe('validated');
    const older = await ask('block.list', { before: 5, limit: 100 });
    expect(older.blocks.map(({ height }) => height)).toEqual([4, 3, 2, 1, 0]);
    expect(older.trust).toBe('proven');
    // From the newest to the first, page by page, none is left out.
    const heights: number[] = [];
    for (let before: number | undefined; before !== 0; before = heights.at(-1)) {
      const { blocks } = await ask('block.list', { before, limit: 4 });
      heights.push(...blocks.map(({ height }) => height));
    }
    expect(heights).toEqual(Array.from({ length: head + 1 }, (_, at) => head - at));
  });

  it('tells how far it is while it fetches a state', async () => {
    const { node } = village.create('later');
    const context = new NodeContext(node);
    const { result } = methods['node.status'];
    const seen = new Set<string>();
    const look = () => {
      const status = statusOf(context);
      const parsed = parseJson(result, toJson(result, status));
      expect(parsed).toEqual({ ok: true, value: status });
      seen.add(`${status.source} ${status.snapshot === undefined ? 'alone' : 'fetching'}`);
      return status.trust === 'validated';
    };
    look();
    const started = node.start();
    await village.clock.until('validated', look, 120_000);
    await started;
    expect(seen).toContain('light fetching');
    expect(seen).toContain('chain alone');
    await village.stop('later');
  });

  it('finds and proves older transactions', async () => {
    const [id] = payments;
    const found = await ask('transaction.get', { id });
    expect(found).toMatchObject({ trust: 'proven', status: { stage: 'final', trust: 'proven' } });
    const proof = await ask('transaction.proof', { id });
    expect(proof.header.height).toBe(found.status.height);
    expect(proof.certificate?.blockHash).toEqual(proof.hash);
    const heights = [2, heightOf(late)];
    const { blocks } = await ask('light.blocks', { from: 0, heights });
    expect(blocks).toMatchObject([{ header: { height: heights[1] } }]);
  });

  it('does not ask its peers for every id of a long list', async () => {
    let asked = 0;
    village.hub.delivers = ({ from, kind }) => {
      if (from === 'late' && kind === 'request-locate') asked += 1;
      return true;
    };
    const ids = Array.from({ length: 200 }, (_, at) => new Uint8Array(32).fill(at));
    const { statuses } = await ask('transaction.statuses', { ids });
    expect(statuses.every(({ stage }) => stage === 'unknown')).toBe(true);
    expect(asked).toBe(0);
    village.hub.delivers = () => true;
  });
});
