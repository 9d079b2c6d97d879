import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Height } from '../ledger/index.ts';
import { accountStateKeys, certifies, readBalances } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { verifyProof } from '../state/index.ts';
import { MemoryStore } from '../storage/index.ts';
import type { TabellionNode } from './index.ts';
import { heightOf, paidIn, VALIDATORS, Village } from './testing/village.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;
const BLOCKS = 12;
const LIGHT = { options: { mode: 'light' } } as const;

let village: Village;
beforeEach(async () => {
  village = await Village.running(BLOCKS);
});
afterEach(() => village.end());

const headOf = (node: TabellionNode) => node.source().head().header.height;

async function startLight(name = 'lamp', store = new MemoryStore()) {
  const { node } = await village.start(name, { ...LIGHT, store });
  await village.clock.until('proven', () => node.source().trust() === 'proven');
  return node;
}

describe('a light node', () => {
  it('proves a balance at the newest block with three round trips and no blocks', async () => {
    const asked: string[] = [];
    village.hub.delivers = ({ from, kind }) => {
      if (from === 'lamp') asked.push(kind);
      return true;
    };
    const startedMs = village.clock.now();
    const node = await startLight();
    expect(node.source().kind).toBe('light');
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
    // A connection, then status, headers, proof: each takes two latencies of 1 ms.
    expect(village.clock.now() - startedMs).toBeLessThanOrEqual(10);
    expect(headOf(node)).toBe(heightOf(village.node(FIRST)));
    expect(node.parts.chain.head().header.height).toBe(0);
    expect(asked).not.toContain('request-blocks');
    expect(asked).not.toContain('request-consensus');
    expect(asked.filter((kind) => kind === 'request-state')).toHaveLength(1);
  });

  it('reads several values that depend on each other, and asks for none twice', async () => {
    const node = await startLight();
    const counts = { state: 0 };
    village.hub.delivers = ({ from, kind }) => {
      if (from === 'lamp' && kind === 'request-state') counts.state += 1;
      return true;
    };
    const read = () =>
      village.clock.run(
        node.source().read((view) => ({
          account: node.ledger.readAccount(view, ada.address),
          balances: readBalances(view, ada.address),
        })),
      );
    const { balances, account } = await read();
    expect(account.sequence).toBe(BLOCKS);
    expect(balances[0]?.amount).toBeLessThan(1_000_000_000n);
    expect(counts.state).toBeLessThanOrEqual(2);
    const before = counts.state;
    await read();
    expect(counts.state).toBe(before);
  });

  it('follows new blocks, and its figures with them', async () => {
    const node = await startLight();
    await village.decide(BLOCKS + 1);
    const head = heightOf(village.node(FIRST));
    await village.clock.until('the new head', () => headOf(node) >= head, 5_000);
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS + 1));
  });

  it('never goes back to an older block while its chain comes up to the proven head', async () => {
    let isProven = false;
    village.hub.delivers = ({ from, kind }) =>
      isProven || from !== 'comer' || kind !== 'request-blocks';
    const { node } = await village.start('comer', {});
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    const top = headOf(node);
    const seen: number[] = [];
    for (const event of ['head', 'light', 'status'] as const) {
      node.events.on(event, () => seen.push(headOf(node)));
    }
    isProven = true;
    await village.clock.until('executed', () => heightOf(node) >= top, 60_000);
    expect(seen.length).toBeGreaterThan(BLOCKS);
    expect(Math.min(...seen)).toBe(top);
    expect(node.source().kind).toBe('chain');
  });

  it('gives a proof that anybody can check', async () => {
    const node = await startLight();
    const { sequence, nativeBalance } = accountStateKeys(bob.address);
    const keys = [sequence, nativeBalance];
    const proven = await village.clock.run(node.source().prove(keys));
    const { header, hash, certificate, membership } = proven;
    const { suite } = node.ledger;
    expect(verifyProof(suite, header.stateRoot, keys, proven.proof).ok).toBe(true);
    if (certificate === undefined) throw new Error('a certificate');
    expect(certifies(certificate, { hash, height: header.height })).toBe(true);
    expect(node.ledger.certificateClaims(membership, certificate).ok).toBe(true);
  });

  it('shows blocks, transactions and histories that peers serve and headers bind', async () => {
    const id = await village.decide(BLOCKS + 1);
    const node = await startLight();
    const source = node.source();
    const honest = village.node(FIRST).parts.store;
    const included = await village.clock.run(source.transaction(id));
    expect(included?.receipt.transactionId).toEqual(id);
    const height = included?.height as Height;
    const block = await village.clock.run(source.block(height));
    const real = await honest.block(height);
    expect(block?.blockBytes).toEqual(real?.blockBytes);
    expect(block?.receipts).toEqual(real?.receipts);
    const summaries = [];
    for (let at = height as number; at >= 1; at--) {
      const summary = await village.clock.run(source.summary(at as Height));
      summaries.push(summary?.hash);
      expect(summary?.hash).toEqual((await honest.summary(at as Height))?.hash);
    }
    expect(summaries).toHaveLength(height);
    expect(await village.clock.run(source.heightOf(real?.hash as never))).toBe(height);
    const history = await village.clock.run(source.history(bob.address, { limit: 5 }));
    expect(history.entries.map((entry) => entry.height)).toEqual(
      (await honest.history(bob.address, { limit: 5 })).map((entry) => entry.height),
    );
    expect(history.origin).toBe('peers');
    expect(history.next).toBeDefined();
    const before = history.next as NonNullable<typeof history.next>;
    const rest = await village.clock.run(source.history(bob.address, { before, limit: 50 }));
    expect(history.entries.length + rest.entries.length).toBe(BLOCKS + 1);
    expect(rest.next).toBeUndefined();
  });

  it('sends a payment and learns its verdict from the blocks that follow', async () => {
    const node = await startLight();
    const id = await village.submit(node, village.pay(ada, bob.address, 77));
    expect(await village.settled(id, ['lamp', ...VALIDATORS])).toEqual(['final']);
    expect(node.parts.tracker.get(id)?.height).toBeGreaterThan(0);
    expect(node.parts.mempool.size().count).toBe(0);
    expect(node.parts.chain.head().header.height).toBe(0);
  });

  it('refuses what the proven state refuses, without asking anybody to judge', async () => {
    const node = await startLight();
    const poor = person('poor');
    const bytes = village.pay(poor, bob.address, 5);
    const submitted = await village.clock.run(node.submit(bytes));
    expect(submitted.ok).toBe(false);
  });

  it('goes on from the newest header of its former life', async () => {
    const store = new MemoryStore();
    await startLight('lamp', store);
    await village.stop('lamp');
    const { node } = village.create('lamp', { ...LIGHT, store });
    await node.open();
    expect(node.status().light?.head.header.height).toBe(heightOf(village.node(FIRST)));
    expect(node.status().light?.trust).toBe('cached');
    // How it was proven is kept too, for whoever asks us for it.
    expect(node.parts.following.light.progress().headBlock).toBeDefined();
    await village.clock.run(node.start());
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
  });

  it('is proven with two voices only: one alone is a report', async () => {
    village.hub.cut('lamp', VALIDATORS[1]);
    village.hub.cut('lamp', VALIDATORS[2]);
    village.hub.cut('lamp', VALIDATORS[3]);
    const { node } = await village.start('lamp', LIGHT);
    const head = heightOf(village.node(FIRST));
    await village.clock.until('the head', () => headOf(node) >= head);
    await village.clock.pass(3_000);
    expect(node.source().trust()).toBe('reported');
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
    village.hub.heal();
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    // Whoever served its head may be gone: then it is no voice any more.
    for (const only of VALIDATORS) {
      village.hub.heal();
      for (const name of VALIDATORS) if (name !== only) village.hub.cut('lamp', name);
      await village.clock.until('a report', () => node.source().trust() === 'reported');
      expect(node.status().light?.comparedVoices).toBe(1);
    }
  });

  it('confirms no head of others: its own chain stands at genesis', async () => {
    await startLight();
    const { node } = await village.start('full');
    await village.reach(heightOf(village.node(FIRST)), ['full']);
    for (const name of VALIDATORS) if (name !== FIRST) village.hub.cut('full', name);
    await village.clock.pass(20_000);
    expect(node.peers()).toHaveLength(2);
    expect(node.status()).toMatchObject({ comparedPeers: 2, confirmingPeers: 1 });
    expect(node.source().trust()).toBe('reported');
  });

  it('vouches for nothing any more when its peers fell silent, though connected', async () => {
    const node = await startLight();
    village.hub.delivers = ({ from }) => from !== 'lamp';
    await village.clock.pass(60_000);
    expect(node.peers().length).toBeGreaterThan(0);
    expect(node.source().trust()).toBe('cached');
    village.hub.delivers = () => true;
    await village.clock.until('proven', () => node.source().trust() === 'proven');
  });

  it('says cached, and proves nothing new, when everybody is gone', async () => {
    const node = await startLight();
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
    village.hub.partition(['lamp'], [...VALIDATORS]);
    await village.clock.pass(5);
    expect(node.source().trust()).toBe('cached');
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
    await expect(village.balanceOf(node, person('nobody'))).rejects.toMatchObject({
      code: 'proof-unavailable',
    });
  });
});

describe('the mode of a node', () => {
  it('changes from light to full while it runs: the chain is executed then', async () => {
    const node = await startLight();
    await village.clock.run(node.setMode('full'));
    const head = heightOf(village.node(FIRST));
    await village.clock.until('executed', () => node.parts.chain.head().header.height >= head);
    expect(node.source().kind).toBe('chain');
    await village.clock.until('validated', () => node.source().trust() === 'validated');
    const id = await village.submit(node, village.pay(ada, bob.address, 5));
    expect(await village.settled(id, ['lamp'])).toEqual(['final']);
    expect(node.consensus()?.height).toBeGreaterThan(head);
  });

  it('changes from full to light: the chain stays where it is, headers go on', async () => {
    const { node } = await village.start('lamp');
    await village.reach(heightOf(village.node(FIRST)), ['lamp']);
    await village.clock.run(node.setMode('light'));
    const before = node.parts.chain.head().header.height;
    await village.decide(BLOCKS + 1);
    const head = heightOf(village.node(FIRST));
    await village.clock.until('proven', () => headOf(node) >= head);
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS + 1));
    expect(node.parts.chain.head().header.height).toBe(before);
  });

  it('is kept in the store', async () => {
    const store = new MemoryStore();
    const { node } = await village.start('lamp', { store });
    expect(node.mode()).toBe('full');
    await village.clock.run(node.setMode('light'));
    await village.stop('lamp');
    const again = await village.start('lamp', { store });
    expect(again.node.mode()).toBe('light');
  });

  it('is never light on a validator', async () => {
    await expect(village.node(FIRST).setMode('light')).rejects.toMatchObject({
      code: 'not-permitted',
    });
    expect(() => village.create(FIRST, LIGHT)).toThrow(
      expect.objectContaining({ code: 'not-permitted' }),
    );
  });

  it('waits for consent where the device would have to pay for it', async () => {
    const change = { mayPromote: async () => false };
    const { node } = await village.start('phone', { change });
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    await village.clock.pass(5_000);
    expect(node.status().promotion).toBe('waiting-consent');
    expect(node.parts.chain.head().header.height).toBe(0);
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
    node.promote();
    await village.reach(heightOf(village.node(FIRST)), ['phone']);
    await village.clock.until('validated', () => node.source().trust() === 'validated');
    expect(node.status().promotion).toBe('none');
  });
});

describe('a full node', () => {
  it('answers from proven headers while its chain is far behind', async () => {
    village.hub.delivers = ({ from, kind }) => from !== 'late' || kind !== 'request-blocks';
    const { node } = await village.start('late');
    await village.clock.until('proven', () => node.source().trust() === 'proven');
    expect(node.source().kind).toBe('light');
    expect(node.status().promotion).toBe('running');
    expect(await village.balanceOf(node)).toBe(paidIn(BLOCKS));
    village.hub.delivers = () => true;
    await village.reach(heightOf(village.node(FIRST)), ['late']);
    await village.clock.until('validated', () => node.source().trust() === 'validated');
    expect(node.source().kind).toBe('chain');
  });
});
