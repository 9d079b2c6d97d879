import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { factOf, heightIn, shownHeight, untilFollowing, untilHeight } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import { goTo } from './support/steps.ts';

/** A chain long enough that its sync can be watched. */
const BLOCKS = 150;
const PAYMENTS = 1_000;

let network: Network;
let payer: Payer;
let person: Person;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(180_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  await payer.stream(someAddress(), PAYMENTS);
  await payer.makeBlocks(someAddress(), BLOCKS);
});

test.afterAll(async () => {
  await person?.close();
  payer?.close();
  await network?.stop();
});

test('sync shows stage, work done, rate and time left, and never 100 % too early', async () => {
  person = await openPerson('about:blank');
  const { page } = person;
  // Everything the page shows while it syncs is written down, however short it lasts.
  await page.addInitScript(() => {
    const seen: string[] = [];
    Object.assign(globalThis, { seenWords: seen });
    const look = () => {
      const text = document.querySelector('main')?.textContent ?? '';
      if (text !== seen.at(-1) && seen.length < 5_000) seen.push(text);
    };
    addEventListener('DOMContentLoaded', () =>
      new MutationObserver(look).observe(document.body, {
        subtree: true,
        childList: true,
        characterData: true,
      }),
    );
  });
  await page.goto(`${network.url}/node`);
  await untilFollowing(page);
  const seen = await page.evaluate(
    () => (globalThis as unknown as { seenWords: string[] }).seenWords,
  );
  const syncing = seen.filter((text) => text.includes('Validating') && text.includes('% of work'));
  expect(syncing.length).toBeGreaterThan(1);
  for (const text of syncing) expect(text).not.toMatch(/100 % of work/);
  const percents = syncing.map((text) => Number(/(\d+) % of work/.exec(text)?.[1]));
  expect(Math.max(...percents)).toBeGreaterThan(0);
  expect(percents).toEqual([...percents].sort((a, b) => a - b));
  expect(syncing.some((text) => /of [\d,]+ blocks/.test(text))).toBe(true);
  expect(syncing.some((text) => /~\d+ (s|min)/.test(text))).toBe(true);
  expect(syncing.some((text) => /Rate\s*[1-9][\d,]* blocks? a second/.test(text))).toBe(true);
  const { head } = await payer.client.call('node.status', {});
  await untilHeight(page, head.height);
  await expect(factOf(page, 'Received by sync')).toHaveText(/[KM]B$/);
  await expect(factOf(page, 'Head')).toContainText('Validated');
  const way = page.getByRole('list', { name: 'Way of this node' }).getByRole('listitem');
  await expect(way).toHaveText([/^Headers done/, /^Proof done/, /^State done/, /^Blocks done/]);
});

test('peers are listed with transport, latency, direction and score', async () => {
  const { page } = person;
  const peers = page.getByRole('region', { name: /^Peers \(\d+\)/ });
  const rows = peers.getByRole('table', { name: 'Peers' }).getByRole('row');
  await expect(rows.nth(1)).toBeVisible();
  for (const name of ['Transport', 'Direction', 'Latency', 'Score']) {
    await expect(peers.getByRole('columnheader', { name })).toBeVisible();
  }
  await expect(rows.nth(1).getByRole('cell').nth(1)).toHaveText('WebSocket');
  await expect(rows.nth(1).getByRole('cell').nth(2)).toHaveText('Out');
  await expect(rows.nth(1).getByRole('cell').nth(3)).toHaveText(/^\d+ ms$/, { timeout: 30_000 });
  await expect(rows.nth(1).getByRole('cell').nth(4)).toHaveText('1,000');
  await expect(factOf(peers, 'Reachable')).toHaveText(/^Through [123] relays?$/);
});

test('storage is shown by kind, with quota and persistence', async () => {
  const storage = person.page.getByRole('region', { name: 'Storage' });
  for (const kind of ['Blocks', 'Journal', 'State', 'Index']) {
    await expect(factOf(storage, kind)).toHaveText(/^[\d.,]+ [KM]?B in [\d,]+ records?$/);
  }
  await expect(storage.getByRole('progressbar')).toBeVisible();
  await expect(storage.getByText(/ of [\d.,]+ [GT]B$/)).toBeVisible();
  await expect(factOf(storage, 'Persistent')).toHaveText(/^(Yes|No): /);
  await expect(factOf(storage, 'State saved up to')).toHaveText(/^(#[1-9]|Not yet)/);
});

test('votes of consensus change live while payments come', async () => {
  const { page } = person;
  const votes = page.getByRole('region', { name: 'Consensus' });
  await expect(votes.getByRole('row')).toHaveCount(5);
  const before = heightIn((await votes.textContent()) ?? '');
  // A height is open for less time than lies between two drawings: not every one of them is seen.
  const paying = payer.makeBlocks(someAddress(), 40);
  // A vote for a block is seen while its height is still open.
  await expect(votes.getByRole('cell', { name: 'Block' }).first()).toBeVisible();
  await paying;
  await expect
    .poll(async () => heightIn((await votes.textContent()) ?? ''))
    .toBeGreaterThanOrEqual(before + 5);
});

test('a paused node stands still and says so; resumed, it catches up', async () => {
  const { page } = person;
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('heading', { name: 'Paused' })).toBeVisible();
  await expect(page.getByText('The node is paused', { exact: true })).toBeVisible();
  const height = await shownHeight(page);
  await payer.makeBlocks(someAddress(), 5);
  const { head } = await payer.client.call('node.status', {});
  expect(head.height).toBeGreaterThan(height);
  expect(await shownHeight(page)).toBe(height);
  await page.getByRole('main').getByRole('button', { name: 'Resume' }).first().click();
  await untilHeight(page, head.height);
  await untilFollowing(page);
});

test('a reset asks first, then reads everything again from genesis', async () => {
  const { page } = person;
  const height = await shownHeight(page);
  await page.getByRole('button', { name: 'Reset' }).click();
  const dialog = page.getByRole('dialog', { name: 'Reset the node?' });
  await dialog.getByRole('button', { name: 'Keep everything' }).click();
  await expect(dialog).toBeHidden();
  expect(await shownHeight(page)).toBeGreaterThanOrEqual(height);
  await page.getByRole('button', { name: 'Reset' }).click();
  await dialog.getByRole('button', { name: 'Delete and start again' }).click();
  // It falls back to genesis, and is seen on its way up again.
  await expect.poll(() => shownHeight(page), { intervals: [20] }).toBeLessThan(height);
  await untilHeight(page, height, 60_000);
  await expect(factOf(page, 'Started from')).toHaveText('Genesis');
  await untilFollowing(page);
});

test('exported diagnostics are JSON and name no peer, address or key', async () => {
  const { page } = person;
  const downloading = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export diagnostics' }).click();
  const download = await downloading;
  expect(download.suggestedFilename()).toBe('tabellion-diagnostics.json');
  const text = await readFile(await download.path(), 'utf8');
  const bundle = JSON.parse(text) as { readonly height: number; readonly events: unknown[] };
  expect(bundle.height).toBeGreaterThanOrEqual(BLOCKS);
  expect(bundle.events.length).toBeGreaterThan(0);
  const { peers } = await payer.client.call('node.peers', {});
  expect(peers.length).toBeGreaterThan(2);
  for (const { peerId } of peers) expect(text).not.toContain(peerId);
  expect(text).not.toMatch(/12D3KooW|\/ip4\/|\/p2p\/|tab1[a-z0-9]{20}|secret|private/i);
});

test('nothing went wrong on the way', async () => {
  await goTo(person.page, 'Home');
  expect(person.errors).toEqual([]);
});
