import { rm } from 'node:fs/promises';
import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import { formatHex } from '../src/base/index.ts';
import type { Height } from '../src/sdk/index.ts';
import {
  factOf,
  heightIn,
  searchFor,
  shownHeight,
  untilFollowing,
  untilHeight,
} from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import { goTo } from './support/steps.ts';

const KILLS = 3;

let network: Network;
let payer: Payer;
let person: Person;
let profile: string;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  await payer.stream(someAddress(), 300);
  await payer.makeBlocks(someAddress(), 30);
  person = await openPerson(`${network.url}/node`);
  profile = person.profile;
});

test.afterAll(async () => {
  await person?.close();
  if (profile !== undefined) await rm(profile, { recursive: true, force: true });
  payer?.close();
  await network?.stop();
});

/** Records in the tab's own database, by kind. */
function recordsIn(page: Page): Promise<{ readonly [space: string]: number }> {
  return page.evaluate(async () => {
    const found = await indexedDB.databases();
    const name = found.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each.name ?? ''))?.name;
    if (name === undefined) return {};
    const request = indexedDB.open(name);
    const database = await new Promise<IDBDatabase>((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
    const counts: { [space: string]: number } = {};
    for (const space of database.objectStoreNames) {
      const count = database.transaction(space).objectStore(space).count();
      counts[space] = await new Promise((resolve) => {
        count.onsuccess = () => resolve(count.result);
      });
    }
    database.close();
    return counts;
  });
}

/** Compares a block as the tab shows it with what a relay says. */
async function expectSameBlock(page: Page, height: number): Promise<void> {
  const theirs = await payer.client.call('block.get', { height: height as Height });
  await searchFor(page, String(height));
  await expect(page.getByRole('heading', { name: `Block #${height}` })).toBeVisible();
  await expect(factOf(page, 'Hash')).toHaveText(formatHex(theirs.hash));
  await expect(factOf(page, 'State root')).toHaveText(formatHex(theirs.header.stateRoot));
  await expect(page.getByRole('main').getByText('Validated')).toBeVisible();
  await goTo(page, 'Node');
}

test('the tab executes every block from genesis in a worker of its own', async () => {
  const { page } = person;
  await untilFollowing(page);
  const { head } = await payer.client.call('node.status', {});
  await untilHeight(page, head.height);
  await expect(factOf(page, 'Started from')).toHaveText('Genesis');
  expect(page.workers().some((worker) => worker.url().includes('node.worker'))).toBe(true);
  await expectSameBlock(page, head.height);
});

test('every block is in IndexedDB: in the journal first, then in its own place', async () => {
  const { page } = person;
  const height = await shownHeight(page);
  const { journal = 0, blocks = 0 } = await recordsIn(page);
  expect(journal).toBeGreaterThan(0);
  expect(journal + blocks).toBeGreaterThanOrEqual(height);
  const storage = page.getByRole('region', { name: 'Storage' });
  await expect(factOf(storage, 'Journal')).toHaveText(/in [\d,]+ records?$/);
});

test('a reload goes on from the store, without syncing again', async () => {
  const { page } = person;
  const height = await shownHeight(page);
  await page.reload();
  await expect(factOf(page, 'Started from')).toHaveText(/^#/);
  const startHeight = heightIn((await factOf(page, 'Started from').textContent()) ?? '');
  expect(startHeight).toBeGreaterThanOrEqual(height);
  await untilFollowing(page);
  // Nothing, or the one block that was decided meanwhile.
  await expect(factOf(page, 'Received by sync')).toHaveText(/^\d+ B$|^[12](\.\d)? KB$/);
  await expectSameBlock(page, await shownHeight(page));
});

test(`killed ${KILLS} times, the store opens at the old head or a new one`, async () => {
  test.setTimeout(180_000);
  const starts: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    const paying = payer.stream(someAddress(), 80);
    // Somewhere in the stream, whatever the tab is doing then.
    const { head: before } = await payer.client.call('node.status', {});
    const blocks = 1 + Math.floor(Math.random() * 6);
    await expect
      .poll(async () => (await payer.client.call('node.status', {})).head.height, {
        intervals: [10],
      })
      .toBeGreaterThan(before.height + blocks);
    const height = await shownHeight(person.page);
    await person.kill();
    await paying;
    person = await openPerson(`${network.url}/node`, { profile });
    const { page } = person;
    await expect(factOf(page, 'Started from')).toHaveText(/^#/);
    const startHeight = heightIn((await factOf(page, 'Started from').textContent()) ?? '');
    starts.push(`${height} → ${startHeight}`);
    expect(startHeight).toBeGreaterThanOrEqual(height);
    const { head } = await payer.client.call('node.status', {});
    expect(startHeight).toBeLessThanOrEqual(head.height);
    await untilHeight(page, head.height);
    await untilFollowing(page);
    await expectSameBlock(page, head.height);
  }
  test.info().annotations.push({ type: 'heads', description: starts.join(', ') });
});

test('with every validator gone, a newcomer gets the chain from a tab', async () => {
  const { page } = person;
  const { head } = await payer.client.call('node.status', {});
  await untilHeight(page, head.height);
  for (const index of [0, 1, 2, 3]) network.freeze(index);
  // A relay that knows nobody and nothing: whatever it and its visitors learn, they learn of tabs.
  const relay = await network.addRelay();
  const newcomer = await openPerson(`${relay.url}/node`);
  try {
    await expect(newcomer.page.getByRole('heading', { name: 'Peers (1)' })).toBeVisible();
    expect(await shownHeight(newcomer.page)).toBe(0);
    await goTo(page, 'Settings');
    await page.getByRole('textbox', { name: 'Add a relay' }).fill(relay.address);
    await page.getByRole('button', { name: 'Connect' }).click();
    await untilHeight(newcomer.page, head.height);
    await untilFollowing(newcomer.page);
    await expect(factOf(newcomer.page, 'Started from')).toHaveText('Genesis');
    await expect(newcomer.page.getByRole('cell', { name: 'WebRTC' })).toBeVisible();
    await searchFor(newcomer.page, String(head.height));
    await expect(factOf(newcomer.page, 'Hash')).toHaveText(formatHex(head.hash));
    expect(newcomer.errors).toEqual([]);
  } finally {
    await newcomer.close();
    await relay.stop();
    for (const index of [0, 1, 2, 3]) network.thaw(index);
  }
  expect(person.errors).toEqual([]);
});
