import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Json } from '../../base/index.ts';
import { formatHex, isJsonObject } from '../../base/index.ts';
import { formatAddress } from '../../ledger/index.ts';
import { person } from '../../ledger/testing/world.ts';
import type { TabellionNode } from '../../node/index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from '../../node/testing/village.ts';
import { builtinMethods } from '../builtin.ts';
import { createRpcServer } from '../server.ts';
import { NodeContext } from './context.ts';
import { createNodeHandlers } from './index.ts';

const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const bob = person('bob');
/** Longer than what a peer told of its head counts. */
const SILENCE_MS = 60_000;

let village: Village;
let tab: TabellionNode;
beforeEach(async () => {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
  await village.start('tab', { home: 'tab' });
  await village.reach(2);
  tab = village.node('tab');
});
afterEach(() => village.stopAll());

const trust = () => new NodeContext(tab).trust();

/** Leaves the tab with these neighbours only. */
async function keepOnly(...names: readonly string[]): Promise<void> {
  for (const name of VALIDATORS) if (!names.includes(name)) village.hub.cut('tab', name);
  await village.clock.pass(100);
}

describe('what a node says is', () => {
  it('validated beside several peers, reported beside one, cached beside none', async () => {
    expect(trust()).toBe('validated');
    await keepOnly(FIRST, SECOND);
    expect(trust()).toBe('validated');
    await keepOnly(FIRST);
    expect(trust()).toBe('reported');
    await keepOnly();
    expect(trust()).toBe('cached');
    village.hub.heal();
    await village.clock.pass(100);
    expect(trust()).toBe('validated');
  });

  it('cached while paused, and worth something again only once peers told their heads', async () => {
    await village.clock.run(tab.pause());
    expect(trust()).toBe('cached');
    village.hub.delivers = ({ kind }) => kind !== 'request-status';
    await village.clock.run(tab.resume());
    await village.clock.pass(100);
    expect(tab.peers().length).toBeGreaterThan(1);
    expect(trust()).toBe('cached');
    village.hub.delivers = () => true;
    await village.clock.pass(30_000);
    expect(trust()).toBe('validated');
  });

  it('cached when every peer is silent for long, though none of them left', async () => {
    village.hub.delivers = ({ from, to }) => from !== 'tab' && to !== 'tab';
    const heard: string[] = [];
    tab.events.on('status', () => heard.push(trust()));
    await village.clock.pass(SILENCE_MS);
    expect(tab.peers()).toHaveLength(VALIDATORS.length);
    expect(heard.at(-1)).toBe('cached');
  });

  it('proven while newer blocks are missing, and cached while their headers are too', async () => {
    await village.clock.run(tab.pause());
    const target = heightOf(tab) + 10;
    while (heightOf(village.node(FIRST)) < target) await village.clock.pass(SILENCE_MS);
    const withheld = new Set(['request-blocks', 'request-light']);
    village.hub.delivers = ({ kind }) => !withheld.has(kind);
    await village.clock.run(tab.resume());
    await village.clock.pass(100);
    expect(tab.status().comparedPeers).toBe(VALIDATORS.length);
    expect(trust()).toBe('cached');
    withheld.delete('request-light');
    await village.clock.pass(SILENCE_MS);
    expect(tab.source().kind).toBe('light');
    expect(trust()).toBe('proven');
    village.hub.delivers = () => true;
    await village.clock.pass(SILENCE_MS);
    expect(trust()).toBe('validated');
  });

  it('validated by a validator that follows, cached by one without any peer', async () => {
    tab = village.node(FOURTH);
    expect(trust()).toBe('validated');
    village.hub.partition([FIRST, SECOND, THIRD], [FOURTH]);
    await village.clock.pass(100);
    expect(trust()).toBe('cached');
  });

  it('told to subscribers of accounts and transactions when it changes', async () => {
    const id = await village.decide(5, ['tab']);
    const words = new Map<Json | undefined, string[]>();
    const server = createRpcServer({
      handlers: createNodeHandlers(tab),
      methods: builtinMethods(),
      clock: village.clock,
    });
    const connection = server.connect({
      transport: 'port',
      access: 'public',
      send: async (message) => {
        // Shape of every event; the schemas have tests of their own.
        const { params } = message as { params: { subscription: Json; event: { trust: string } } };
        const before = words.get(params.subscription) ?? [];
        words.set(params.subscription, [...before, params.event.trust]);
      },
    });
    const questions = [
      { topic: 'account', params: { address: formatAddress(bob.address) } },
      { topic: 'transaction', params: { id: formatHex(id) } },
    ];
    for (const [at, params] of questions.entries()) {
      const request = { jsonrpc: '2.0', id: at, method: 'rpc.subscribe', params };
      const answer = await village.clock.run(connection.handleJson(request));
      expect(isJsonObject(answer ?? null) && answer).toMatchObject({ result: {} });
    }
    await village.clock.pass(10);
    await keepOnly(FIRST);
    await keepOnly();
    const [account, transaction] = [...words.values()];
    expect(account).toEqual(['validated', 'reported', 'cached']);
    expect(transaction).toEqual(['validated', 'reported', 'cached']);
    server.close();
  });
});
