import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import { factOf, searchFor, shownHeight, untilFollowing } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import {
  balanceOf,
  createAccount,
  getCoins,
  goTo,
  pay,
  reviewPayment,
  signingSheet,
} from './support/steps.ts';

/** The relay that fails; the others are a quorum without it. */
const LOST = 1;
const OTHERS = [0, 2, 3];
const ALL = [0, 1, 2, 3];

let network: Network;
let anna: Person;
let ben: Person;
let addressOfBen: string;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  network = await startNetwork();
  [anna, ben] = await Promise.all([openPerson(network.url), openPerson(network.url)]);
  for (const person of [anna, ben]) await person.plug('platform');
  await createAccount(anna, 'Anna', 'platform');
  addressOfBen = await createAccount(ben, 'Ben', 'platform');
  await getCoins(anna.page);
});

test.afterAll(async () => {
  await anna?.close();
  await ben?.close();
  await network?.stop();
});

/** Peers of the Node page that are reached by WebRTC. */
function tabsOf(page: Page) {
  return page.getByRole('table', { name: 'Peers' }).getByRole('cell', { name: 'WebRTC' });
}

test('two tabs find each other through relays, and connect by WebRTC', async () => {
  for (const { page } of [anna, ben]) {
    await goTo(page, 'Node');
    await untilFollowing(page);
    await expect(tabsOf(page)).toHaveCount(1);
    await expect(factOf(page, 'Reachable')).toHaveText('Through 2 relays');
  }
  const identity = await factOf(ben.page, 'This node').textContent();
  const cell = anna.page.getByRole('cell', { name: 'WebRTC' });
  const row = anna.page.getByRole('row').filter({ has: cell });
  await expect(row.getByRole('cell').first()).toHaveText(identity ?? '');
  await expect(row.getByRole('cell').nth(3)).toHaveText(/^\d+ ms$/, { timeout: 30_000 });
});

test('without any relay, a payment reaches the other tab at once, and is final later', async () => {
  test.setTimeout(150_000);
  await goTo(ben.page, 'Explorer');
  await expect(ben.page.getByText('0 transactions pending')).toBeVisible();
  await reviewPayment(anna.page, { to: addressOfBen, amount: '5' });
  const sheet = signingSheet(anna.page);
  await expect(sheet.getByRole('button', { name: 'Sign with key' })).toBeEnabled();
  // One relay is dead, the others say nothing for now: the only way left is from tab to tab.
  await network.kill(LOST);
  for (const index of OTHERS) network.freeze(index);
  const signedAtMs = Date.now();
  await sheet.getByRole('button', { name: 'Sign with key' }).click();
  await expect(ben.page.getByText('1 transaction pending')).toBeVisible({ timeout: 5_000 });
  const tookMs = Date.now() - signedAtMs;
  test.info().annotations.push({ type: 'reached the other tab', description: `${tookMs} ms` });
  await expect(sheet.getByText('Seen', { exact: true })).toBeVisible();
  await expect(sheet.getByRole('heading', { name: 'On its way' })).toBeVisible();
  // The network hears of it from the relays that are left.
  for (const index of OTHERS) network.thaw(index);
  await expect(sheet.getByRole('heading', { name: 'Final' })).toBeVisible({ timeout: 60_000 });
  const link = sheet.getByRole('link', { name: 'Look at the transaction' });
  const id = (await link.getAttribute('href'))?.split('/').at(-1) ?? '';
  await sheet.getByRole('button', { name: 'Done' }).click();
  await searchFor(ben.page, id);
  await expect(
    ben.page.getByRole('main').getByText('Final', { exact: true }).first(),
  ).toBeVisible();
  await expect(ben.page.getByRole('main').getByText('Validated').first()).toBeVisible();
  await goTo(ben.page, 'Home');
  await expect(balanceOf(ben.page)).toContainText('5.00');
  await expect(balanceOf(ben.page)).toContainText('Validated');
});

test('relays come back: reservations return by themselves, and payments go on', async () => {
  test.setTimeout(150_000);
  await network.restart(LOST);
  for (const index of ALL) await network.kill(index);
  for (const { page } of [anna, ben]) {
    await goTo(page, 'Node');
    await expect(factOf(page, 'Reachable')).toHaveText('By nobody at the moment');
    // The connection between the tabs needs no relay once it stands.
    await expect(tabsOf(page)).toHaveCount(1);
    await expect(page.getByRole('heading', { name: 'Peers (1)' })).toBeVisible();
    // What the other tab alone withholds could not be noticed.
    const state = page.getByRole('region', { name: 'State of this node' });
    await expect(state.getByText('Reported')).toBeVisible();
    await expect(page.getByRole('main').getByText('One peer only')).toBeVisible();
  }
  await Promise.all(ALL.map((index) => network.restart(index)));
  for (const { page } of [anna, ben]) {
    await expect(factOf(page, 'Reachable')).toHaveText('Through 2 relays', { timeout: 60_000 });
    await untilFollowing(page);
    const state = page.getByRole('region', { name: 'State of this node' });
    await expect(state.getByText('Validated')).toBeVisible({ timeout: 30_000 });
  }
  const before = await shownHeight(anna.page);
  await pay(ben.page, { to: await ownAddress(anna.page), amount: '1' });
  await expect.poll(() => shownHeight(anna.page)).toBeGreaterThan(before);
});

async function ownAddress(page: Page): Promise<string> {
  await goTo(page, 'Home');
  await page.getByRole('link', { name: 'Receive', exact: true }).click();
  const shown = page.getByTestId('address').locator('[data-address]');
  return (await shown.getAttribute('data-address')) ?? '';
}

test('nothing went wrong but what was broken on purpose', () => {
  // The browser itself writes down each connection that a dead relay did not take.
  const isExpected = (text: string) => /WebSocket connection to .* failed/.test(text);
  for (const { errors } of [anna, ben]) {
    expect(errors.filter((text) => !isExpected(text))).toEqual([]);
  }
});
