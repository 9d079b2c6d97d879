import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { formatHex } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { NATIVE_ASSET, readBalance } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import type { TabellionNode } from './index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions } from './testing/votes.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;

let village: Village;
beforeEach(async () => {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
});
afterEach(async () => {
  expect(contradictions(village)).toEqual([]);
  await village.stopAll();
  await village.clock.pass(60_000);
  // Whatever was started was stopped: nothing waits for a time that nobody is there to see.
  expect(village.clock.timerCount).toBe(0);
});

const balanceOf = async (node: TabellionNode, who = bob) =>
  (
    await node.parts.chain.read((view) => ({
      kind: 'read' as const,
      value: readBalance(view, who.address, NATIVE_ASSET),
    }))
  ).value;

async function rootsAt(height: number, names: readonly string[]): Promise<Set<string>> {
  const headers = names.map((name) => village.node(name).parts.store.header(height as Height));
  const found = await Promise.all(headers);
  return new Set(found.map((header) => formatHex(header?.stateRoot ?? new Uint8Array())));
}

describe('a network that binds the results of the parent', () => {
  it('is refused before anything is opened', () => {
    const other = new Village({ ...FUNDED, execution: 'event' });
    expect(() => other.create('lone')).toThrow(
      expect.objectContaining({
        code: 'genesis-invalid',
        facts: { reason: 'execution-unsupported' },
      }),
    );
  });
});

describe('a network of four validators', () => {
  it('makes a payment final everywhere, with one state root', async () => {
    await village.decide(5);
    for (const name of VALIDATORS) expect(await balanceOf(village.node(name))).toBe(5n);
    const height = heightOf(village.node(FIRST));
    await village.reach(height);
    expect((await rootsAt(height, VALIDATORS)).size).toBe(1);
  });

  it('decides without new work only as a slow heartbeat', async () => {
    await village.reach(1); // The genesis is old when the nodes start.
    const before = heightOf(village.node(FIRST));
    await village.clock.pass(village.genesis.consensus.heartbeatMs * 3);
    const blocks = heightOf(village.node(FIRST)) - before;
    expect(blocks).toBeGreaterThanOrEqual(2);
    expect(blocks).toBeLessThanOrEqual(4);
  });

  it('takes what did not fit into one block into the next, without new work', async () => {
    await village.stopAll();
    village = new Village({ ...FUNDED, consensus: { blockTransactionsMax: 2 } });
    await village.startAll(...VALIDATORS);
    await village.reach(1);
    const beforeMs = village.clock.now();
    const ids = [];
    for (let sequence = 0; sequence < 5; sequence++) {
      const bytes = village.pay(ada, bob.address, 1, { sequence: sequence as never });
      ids.push(await village.submit(village.node(FIRST), bytes));
    }
    for (const id of ids) expect(await village.settled(id)).toEqual(['final']);
    expect(village.clock.now() - beforeMs).toBeLessThan(2_000);
  });

  it('goes on with three of four', async () => {
    village.hub.partition([FIRST, SECOND, THIRD], [FOURTH]);
    await village.decide(1, [FIRST, SECOND, THIRD]);
    expect(heightOf(village.node(FOURTH))).toBeLessThan(heightOf(village.node(FIRST)));
    village.hub.heal();
    await village.reach(heightOf(village.node(FIRST)));
    expect(await balanceOf(village.node(FOURTH))).toBe(1n);
  });

  it('halts with two of four, and resumes after the network heals', async () => {
    await village.reach(1);
    village.hub.partition([FIRST, SECOND], [THIRD, FOURTH]);
    const bytes = village.pay(ada, bob.address, 7);
    const id = await village.submit(village.node(FIRST), bytes);
    const heights = VALIDATORS.map((name) => heightOf(village.node(name)));
    await village.clock.pass(60_000);
    expect(VALIDATORS.map((name) => heightOf(village.node(name)))).toEqual(heights);
    expect(village.node(FIRST).status().stage).not.toBe('failed');
    village.hub.heal();
    expect(await village.settled(id)).toEqual(['final']);
  });

  it('keeps deciding while a third of all messages is lost', async () => {
    let count = 0;
    village.hub.delivers = () => ++count % 3 !== 0;
    await village.decide(3);
    await village.decide(4);
    for (const name of VALIDATORS) expect(await balanceOf(village.node(name))).toBe(7n);
  });
});

describe('a node that only watches', () => {
  it('executes every block, and serves as a door for payments', async () => {
    await village.start('observer');
    const executed: number[] = [];
    village.node('observer').events.on('head', (event) => {
      executed.push(event.executed.prepared.block.header.height);
      expect(event.executed.execution.receipts).toHaveLength(event.executed.transactions.length);
    });
    const from = heightOf(village.node('observer')) + 1;
    for (const value of [1, 2, 3]) await village.decide(value, ['observer', ...VALIDATORS]);
    const height = heightOf(village.node('observer'));
    await village.reach(height);
    expect(executed).toEqual(Array.from({ length: height - from + 1 }, (_, at) => from + at));
    expect(await balanceOf(village.node('observer'))).toBe(6n);
    expect((await rootsAt(height, ['observer', FIRST])).size).toBe(1);
    expect(village.node('observer').status()).toMatchObject({
      stage: 'following',
      hasCompared: true,
      isValidator: false,
    });
  });

  it('joins late, syncs from genesis, and follows', async () => {
    for (let value = 1; value <= 10; value++) await village.decide(value);
    const target = heightOf(village.node(FIRST));
    const { node } = await village.start('late');
    expect(node.status()).toMatchObject({ startHeight: 0 });
    await village.reach(target);
    expect(node.status().bytesReceived).toBeGreaterThan(0);
    await village.decide(100, ['late', ...VALIDATORS]);
    expect(await balanceOf(node)).toBe(155n);
  });

  it('continues from its store after a restart, without syncing again', async () => {
    await village.start('tab');
    await village.decide(4, ['tab', ...VALIDATORS]);
    const height = heightOf(village.node('tab'));
    const store = await village.stop('tab');
    village.hub.partition(VALIDATORS);
    const { node } = await village.start('tab', { store: store.crash() });
    expect(node.status()).toMatchObject({ startHeight: height, bytesReceived: 0 });
    expect(node.status().stage).toBe('connecting');
    expect(await balanceOf(node)).toBe(4n);
    village.hub.heal();
    await village.decide(5, ['tab', ...VALIDATORS]);
    expect(await balanceOf(node)).toBe(9n);
  });

  it('gossips again what it was asked to send while nobody was there', async () => {
    await village.start('tab');
    village.hub.partition(VALIDATORS);
    await village.clock.settle();
    const bytes = village.pay(ada, bob.address, 2);
    const id = await village.submit(village.node('tab'), bytes);
    await village.clock.pass(5_000);
    village.hub.heal();
    expect(await village.settled(id)).toEqual(['final']);
  });

  it('pauses in the middle of a sync and resumes where it was', async () => {
    for (let value = 1; value <= 5; value++) await village.decide(value);
    const { node } = village.create('tab');
    await village.clock.run(node.start());
    await village.clock.run(node.pause());
    expect(node.status()).toMatchObject({ stage: 'paused', peers: 0 });
    const height = heightOf(node);
    await village.decide(6);
    expect(heightOf(node)).toBe(height);
    await village.clock.run(node.pause());
    await village.clock.run(node.resume());
    await village.clock.run(node.resume());
    await village.reach(heightOf(village.node(FIRST)));
    expect(await balanceOf(node)).toBe(21n);
    expect(village.hub.penalties).toEqual([]);
  });

  it('stays paused when the network does not open, and resumes when it does', async () => {
    let isBroken = false;
    const inhabitant = village.create('tab', {
      change: {
        openNetwork: async (handlers, chainId) => {
          if (isBroken) throw new Error('no transport');
          return village.hub.open('tab', chainId, handlers);
        },
      },
    });
    const { node } = inhabitant;
    await village.clock.run(node.start());
    await village.clock.run(node.pause());
    isBroken = true;
    await expect(village.clock.run(node.resume())).rejects.toThrow('no transport');
    expect(node.status()).toMatchObject({ stage: 'paused', error: undefined });
    isBroken = false;
    await village.clock.run(node.resume());
    await village.decide(1, ['tab', ...VALIDATORS]);
  });

  it('begins again from genesis after a reset, also in the middle of commits', async () => {
    await village.start('tab');
    await village.decide(1, ['tab', ...VALIDATORS]);
    const node = village.node('tab');
    village.submit(village.node(FIRST), village.pay(ada, bob.address, 2)).catch(() => undefined);
    await village.clock.run(node.reset());
    expect(node.status()).toMatchObject({ startHeight: 0, error: undefined });
    await village.reach(heightOf(village.node(FIRST)));
    await village.decide(3, ['tab', ...VALIDATORS]);
    expect(await balanceOf(node)).toBe(6n);
  });
});

describe('a life', () => {
  it('answers from the store before the network is there, and nothing after the end', async () => {
    const { node } = village.create('tab');
    expect(node.status().stage).toBe('starting');
    expect(() => node.parts).toThrow('node-not-ready');
    await village.clock.run(node.open());
    expect(node.status().stage).toBe('connecting');
    expect(heightOf(node)).toBe(0);
    await village.clock.run(node.stop());
    await village.clock.run(node.stop());
    expect(() => node.parts).toThrow('node-not-ready');
    await expect(node.submit(new Uint8Array())).rejects.toThrow('node-not-ready');
    await expect(node.reset()).rejects.toMatchObject({ code: 'node-stopped' });
  });

  it('fails with the code of a store that does not open', async () => {
    const store = new MemoryStore();
    await store.close();
    const { node } = village.create('tab', { store });
    await expect(village.clock.run(node.start())).rejects.toMatchObject({ code: 'store-closed' });
    expect(node.status()).toMatchObject({ stage: 'failed', error: { code: 'store-closed' } });
    await expect(village.clock.run(node.start())).rejects.toMatchObject({ code: 'store-closed' });
  });

  it('survives listeners that throw', async () => {
    const node = village.node(FIRST);
    for (const name of ['head', 'status', 'consensus', 'mempool', 'trace'] as const) {
      node.events.on(name, () => {
        throw new Error('not my day');
      });
    }
    await village.decide(1);
    expect(node.status()).toMatchObject({ stage: 'following', error: undefined });
    expect(village.traces.some(({ event }) => event === 'listener-failed')).toBe(true);
  });
});
