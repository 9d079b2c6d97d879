import { describe, expect, it } from 'vitest';
import {
  HEARTBEAT_MS,
  LEADER_DOUBT_MS,
  LEADER_SILENT_MS,
  LEASE_MS,
  STORE_FULL_RETRY_MS,
} from '../limits.ts';
import type { TestTab } from './tab-world.fixture.ts';
import { TabWorld } from './tab-world.fixture.ts';

const FULL = { count: 1, bytes: 2, countMax: 3, bytesMax: 4 };
/** A frozen leader is replaced within this. */
const TAKEOVER_MS = LEADER_SILENT_MS + LEADER_DOUBT_MS + 2 * HEARTBEAT_MS;

const roles = (...tabs: readonly TestTab[]) => tabs.map(({ page }) => page.state().role);

/** Opens tabs one after the other: the first leads. */
async function openTabs<const Names extends readonly string[]>(world: TabWorld, names: Names) {
  const tabs: TestTab[] = [];
  for (const name of names) {
    tabs.push(world.open(name));
    await world.settle();
  }
  return tabs as { readonly [Name in keyof Names]: TestTab }; // One tab a name.
}

describe('one node per profile', () => {
  it('the first tab runs it, the next attach; all are answered as by their own', async () => {
    const world = new TabWorld();
    const [first, second, third] = await openTabs(world, ['a', 'b', 'c']);
    expect(roles(first, second, third)).toEqual(['leader', 'follower', 'follower']);
    for (const { client } of [first, second, third]) {
      expect(await client.call('mempool.status', {})).toEqual(FULL);
    }
    expect(world.log).toEqual(['a starts 1']);
    expect(second.client.trustMax).toBe('validated');
    await expect(
      second.client.call('transaction.submit', { bytes: new Uint8Array() }),
    ).rejects.toMatchObject({ code: 'sequence-used', facts: { expected: 8, actual: 7 } });
  });

  it('tells who watches of each change of role, with an identity that holds between', async () => {
    const world = new TabWorld();
    const tab = world.open('a');
    const seen: string[] = [];
    tab.page.subscribe(() => seen.push(tab.page.state().role));
    expect(tab.page.state()).toBe(tab.page.state());
    await world.settle();
    expect(seen.at(-1)).toBe('leader');
  });
});

describe('a leader that ends', () => {
  it('on purpose, is followed at once; topics go on', async () => {
    const world = new TabWorld();
    const [first, second] = await openTabs(world, ['a', 'b']);
    const heads: number[] = [];
    second.client.subscribe('heads', {}, ({ height }) => heads.push(height));
    await world.pass(100);
    first.node()?.pushHead(2);
    await world.settle();
    expect(heads).toEqual([1, 2]);
    first.page.close();
    await world.pass(100);
    expect(roles(second)).toEqual(['leader']);
    expect(world.log).toEqual(['a starts 1', 'a stops', 'b starts 2']);
    second.node()?.pushHead(3);
    await world.settle();
    expect(heads.at(-1)).toBe(3);
    expect(await second.client.call('mempool.status', {})).toEqual(FULL);
  });

  it('by being killed, is followed as soon as the browser frees the lock', async () => {
    const world = new TabWorld();
    const [first, second, third] = await openTabs(world, ['a', 'b', 'c']);
    // `node.peers` never answers, but may be asked again; `node.reset` may not.
    const repeated = second.client.call('node.peers', {});
    const once = third.client.call('node.reset', {}).then(
      () => 'answered',
      (error: { code: string }) => error.code,
    );
    first.freeze();
    await world.settle();
    first.kill();
    await world.settle();
    expect(roles(second, third)).toEqual(['leader', 'follower']);
    expect(world.log).toEqual(['a starts 1', 'b starts 2']);
    expect(second.node()?.calls).toContain('node.peers');
    expect(await once).not.toBe('answered');
    repeated.catch(() => undefined);
    second.page.close();
    await expect(repeated).rejects.toMatchObject({ code: 'aborted' });
  });

  it('does not take the next ones along by a call that no leader survives', async () => {
    const world = new TabWorld();
    const tabs = await openTabs(world, ['a', 'b', 'c', 'd']);
    // `node.peers` never answers here: each leader that got it is killed over it.
    const outcome = tabs[3].client.call('node.peers', {}).catch(({ code }) => code);
    await world.settle();
    for (const { kill } of tabs.slice(0, 2)) {
      kill();
      await world.settle();
    }
    expect(await outcome).toBe('leader-changed');
    expect(tabs.map((tab) => tab.node()?.calls ?? [])).toEqual([
      ['node.peers'],
      ['node.peers'],
      [],
      [],
    ]);
  });

  it('never has its unrepeatable calls repeated', async () => {
    const world = new TabWorld();
    const [first, second] = await openTabs(world, ['a', 'b']);
    first.freeze();
    const reset = second.client.call('node.reset', {});
    const outcome = reset.catch((error: { code: string }) => error.code);
    await world.settle();
    first.kill();
    await world.settle();
    expect(await outcome).toBe('leader-changed');
    expect(second.node()?.calls).not.toContain('node.reset');
  });
});

describe('a frozen leader', () => {
  it('is replaced in time by exactly one tab, and writes nothing once it thaws', async () => {
    const world = new TabWorld();
    const [first, second, third] = await openTabs(world, ['a', 'b', 'c']);
    await world.pass(1000);
    expect(first.lead()?.isCurrent()).toBe(true);
    first.freeze();
    await world.pass(TAKEOVER_MS);
    expect(roles(second, third).toSorted()).toEqual(['follower', 'leader']);
    expect(world.log.filter((each) => each.includes('starts'))).toHaveLength(2);
    // Still before it hears anything: it cannot be sure any more.
    expect(first.lead()?.isCurrent()).toBe(false);
    expect(await first.lead()?.confirm()).toBe(false);
    first.thaw();
    await world.pass(1000);
    expect(first.lead()?.signal.aborted).toBe(true);
    expect(world.log).toContain('a stops');
    expect(roles(first)).toEqual(['follower']);
    expect(await first.client.call('mempool.status', {})).toEqual(FULL);
  });

  it('that thaws in time goes on', async () => {
    const world = new TabWorld();
    const [first, second] = await openTabs(world, ['a', 'b']);
    first.freeze();
    await world.pass(LEASE_MS + 200);
    expect(first.lead()?.isCurrent()).toBe(false);
    first.thaw();
    await world.pass(2000);
    expect(first.lead()?.isCurrent()).toBe(true);
    expect(roles(first, second)).toEqual(['leader', 'follower']);
  });
});

it('a follower that was frozen does not rob a leader that lives', async () => {
  const world = new TabWorld();
  const [first, second] = await openTabs(world, ['a', 'b']);
  second.freeze();
  await world.pass(3 * TAKEOVER_MS);
  second.thaw();
  await world.pass(TAKEOVER_MS);
  expect(roles(first, second)).toEqual(['leader', 'follower']);
  expect(world.log).toEqual(['a starts 1']);
});

describe('a node that cannot start', () => {
  it('is tried again, and leads then', async () => {
    const world = new TabWorld();
    world.startFailures = 1;
    const [tab] = await openTabs(world, ['a']);
    expect(tab.page.state()).toMatchObject({ role: 'failed', error: { message: 'cannot start' } });
    await world.pass(1000);
    expect(tab.page.state()).toMatchObject({ role: 'leader', error: undefined });
  });

  it('stays failed after its tries', async () => {
    const world = new TabWorld();
    world.startFailures = 100;
    const [tab] = await openTabs(world, ['a']);
    await world.pass(60_000);
    expect(tab.page.state().role).toBe('failed');
    expect(100 - world.startFailures).toBe(4);
  });

  it('for want of room, goes on by itself whenever there is some', async () => {
    const world = new TabWorld();
    world.startFailures = 10; // More than anything else is tried.
    world.startFailureCode = 'store-full';
    const [tab] = await openTabs(world, ['a']);
    for (let tries = 1; tries <= 10; tries++) {
      expect(tab.page.state()).toMatchObject({ role: 'failed', error: { code: 'store-full' } });
      expect(world.log).toEqual([]);
      // It does not hammer a disk that is full.
      await world.pass(STORE_FULL_RETRY_MS - 100);
      expect(10 - world.startFailures).toBe(tries);
      await world.pass(100);
    }
    expect(tab.page.state()).toMatchObject({ role: 'leader', error: undefined });
    expect(await tab.client.call('mempool.status', {})).toEqual(FULL);
  });
});

it('a profile whose counter of epochs was deleted goes on above what its store knows', async () => {
  const world = new TabWorld();
  world.fence = 40;
  const [tab] = await openTabs(world, ['a']);
  expect(tab.page.state()).toMatchObject({ role: 'leader', epoch: 41, error: undefined });
  expect(world.log).toEqual(['a starts 41']);
});

it('a page whose storage was deleted under it remembers the node that starts again', async () => {
  const world = new TabWorld();
  const [tab] = await openTabs(world, ['a']);
  const before = [...world.pageStorage.keys()];
  world.pageStorage.clear();
  tab.breakStore('store-closed');
  await world.settle();
  expect(tab.page.state().role).toBe('leader');
  expect([...world.pageStorage.keys()]).toEqual(before);
  expect(Number([...world.pageStorage.values()][0])).toBeGreaterThan(0);
});

describe('a node whose store broke', () => {
  it('is started again at once in the same tab; who watched goes on', async () => {
    const world = new TabWorld();
    const [first, second] = await openTabs(world, ['a', 'b']);
    const heads: number[] = [];
    second.client.subscribe('heads', {}, ({ height }) => heads.push(height));
    await world.settle();
    first.breakStore('store-closed');
    await world.pass(100);
    expect(world.log).toEqual(['a starts 1', 'a stops', 'a starts 2']);
    expect(roles(first, second)).toEqual(['leader', 'follower']);
    first.node()?.pushHead(7);
    await world.settle();
    expect(heads.at(-1)).toBe(7);
    expect(await first.client.call('mempool.status', {})).toEqual(FULL);
  });

  it('again and again, waits longer each time, and says why', async () => {
    const world = new TabWorld();
    const [tab] = await openTabs(world, ['a']);
    tab.breakStore('store-failed');
    await world.settle();
    tab.breakStore('store-failed');
    await world.settle();
    expect(tab.page.state()).toMatchObject({ role: 'failed', error: { code: 'store-failed' } });
    await world.pass(600);
    expect(tab.page.state()).toMatchObject({ role: 'leader', error: undefined });
    expect(world.log.filter((each) => each.includes('starts'))).toHaveLength(3);
  });

  it('for want of room, has waited already, and is started again at once each time', async () => {
    const world = new TabWorld();
    const [tab] = await openTabs(world, ['a']);
    for (let round = 2; round < 8; round++) {
      tab.breakStore('store-full');
      await world.settle();
      expect(tab.page.state()).toMatchObject({ role: 'leader', epoch: round, error: undefined });
    }
  });

  it('is not started again where another tab stole the lock meanwhile', async () => {
    const world = new TabWorld();
    const [first, second] = await openTabs(world, ['a', 'b']);
    first.breakStore('store-failed');
    await world.settle();
    first.breakStore('store-failed');
    await world.settle();
    first.freeze();
    await world.pass(TAKEOVER_MS);
    expect(roles(second)).toEqual(['leader']);
    first.thaw();
    await world.pass(20_000);
    expect(roles(first, second)).toEqual(['follower', 'leader']);
    expect(world.log.filter((each) => each.startsWith('a starts'))).toHaveLength(2);
  });
});

describe('a store that opens slowly', () => {
  const SLOW_MS = 3_000;
  const withoutStore = (world: TabWorld) => world.log.filter((each) => each.includes('no store'));

  it('is used in the end, and no tab is blamed for a slow disk', async () => {
    const world = new TabWorld();
    world.openMs = SLOW_MS;
    const [tab] = await openTabs(world, ['a']);
    await world.pass(60_000);
    expect(withoutStore(world)).toEqual(['a has no store: store-slow']);
    expect(world.log.at(-1)).toBe('a starts 2');
    expect(tab.page.state()).toMatchObject({ role: 'leader', epoch: 2, error: undefined });
  });

  it('is waited for longer each time, so that the slowest is used too', async () => {
    const world = new TabWorld();
    world.openMs = 20_000;
    await openTabs(world, ['a']);
    await world.pass(120_000);
    expect(withoutStore(world)).toHaveLength(2);
    expect(world.log.at(-1)).toBe('a starts 3');
  });

  it('is held by the tab that led before, where that was robbed', async () => {
    const world = new TabWorld();
    const [first] = await openTabs(world, ['a', 'b']);
    world.openMs = SLOW_MS;
    first.freeze();
    await world.pass(TAKEOVER_MS + 2 * SLOW_MS);
    expect(withoutStore(world)).toEqual(['b has no store: tab-asleep']);
  });
});

describe('a page that is put away', () => {
  it('lets another tab lead at once, and is answered by it when it comes back', async () => {
    const world = new TabWorld();
    const [first, second] = await openTabs(world, ['a', 'b']);
    first.rest();
    await world.settle();
    first.freeze();
    await world.pass(100);
    expect(roles(second)).toEqual(['leader']);
    await world.pass(60_000);
    first.thaw();
    first.wake();
    await world.pass(100);
    expect(roles(first, second)).toEqual(['follower', 'leader']);
    expect(await first.client.call('mempool.status', {})).toEqual(FULL);
    expect(world.log).toEqual(['a starts 1', 'a stops', 'b starts 2']);
  });

  it('alone, keeps its node, which looks after its line as soon as it runs again', async () => {
    const world = new TabWorld();
    const [tab] = await openTabs(world, ['a']);
    tab.rest();
    await world.settle();
    tab.freeze();
    await world.pass(60_000);
    tab.thaw();
    await world.settle();
    // By itself: no browser tells a worker that it was frozen.
    await world.pass(500);
    expect(world.log).toEqual(['a starts 1', 'a rests', 'a wakes']);
    tab.wake();
    await world.settle();
    expect(world.log).toEqual(['a starts 1', 'a rests', 'a wakes', 'a wakes']);
    expect(roles(tab)).toEqual(['leader']);
  });
});

it('a worker that breaks is started again', async () => {
  const world = new TabWorld();
  const [tab] = await openTabs(world, ['a']);
  tab.breakWorker();
  await world.settle();
  expect(tab.page.state()).toMatchObject({ role: 'connecting', error: { code: 'worker-failed' } });
  await world.pass(1000);
  expect(tab.page.state().role).toBe('leader');
  expect(await tab.client.call('mempool.status', {})).toEqual(FULL);
});
