import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import { figuresWithoutTrust } from '../src/ui/harness/audit.ts';
import { searchFor, shownHeight, untilFollowing, untilHeight } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import {
  balanceOf,
  createAccount,
  getCoins,
  goTo,
  reviewPayment,
  signAndFinish,
  signingSheet,
} from './support/steps.ts';

// A real node in a real browser that follows headers only: what it shows is proven, it pays from
// proven state, and it becomes a full one when its person says so.

const BLOCKS = 12;

let network: Network;
let payer: Payer;
let anna: Person;
let annaAddress = '';

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(180_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  await payer.makeBlocks(someAddress(), BLOCKS);
  anna = await openPerson(network.url);
  await anna.plug('platform');
  annaAddress = await createAccount(anna, 'Anna', 'platform');
});

test.afterAll(async () => {
  await anna?.close();
  payer?.close();
  await network?.stop();
});

/** Looks for unlabelled figures in every tab of the page that is open. */
async function auditTabs(page: Page, name: string) {
  const tabs = page.getByRole('tab');
  await expect(tabs.first()).toBeVisible();
  for (const tab of await tabs.all()) {
    await tab.click();
    await expect(page.getByText(/^(Reading|Looking|Checking)/)).toHaveCount(0);
    const where = `${name}, ${await tab.textContent()}`;
    expect(await page.evaluate(figuresWithoutTrust), where).toEqual([]);
  }
}

const stripOf = ({ page }: Person) => page.getByRole('region', { name: 'State of this node' });

test('Saver is chosen while the node runs; figures are proven from then on', async () => {
  const { page } = anna;
  await getCoins(page);
  await goTo(page, 'Node');
  await untilFollowing(page);
  await page.getByRole('radio', { name: 'Saver' }).check();
  await page.getByRole('button', { name: 'Switch to Saver' }).click();
  await expect(page.getByRole('heading', { name: 'Following the headers' })).toBeVisible();
  await payer.makeBlocks(someAddress(), 6);
  await expect(stripOf(anna)).toContainText('Proven');
  const way = page.getByRole('list', { name: 'Way of this node' }).getByRole('listitem');
  await expect(way.nth(0)).toContainText('done');
  await expect(way.nth(1)).toContainText(/\d hosts agree/);
  await expect(way.nth(3)).toContainText('not needed');
  await goTo(page, 'Home');
  await expect(balanceOf(page)).toContainText('100.00');
  await expect(balanceOf(page)).toContainText('Proven');
});

test('a reload is proven again at once, without executing a block', async () => {
  const { page } = anna;
  await payer.makeBlocks(someAddress(), 6);
  const { head } = await payer.client.call('node.status', {});
  await page.reload();
  await expect(balanceOf(page)).toContainText('Proven');
  await expect(balanceOf(page)).toContainText('100.00');
  await untilHeight(page, head.height);
  await goTo(page, 'Node');
  await expect(page.getByRole('radio', { name: 'Saver' })).toBeChecked();
  await expect(page.getByText(/^Up to #/)).toBeVisible();
});

test('every page of a light node says what its figures stand on', async () => {
  const { page } = anna;
  const blocks = await payer.client.call('block.list', { limit: 1 });
  const [newest] = blocks.blocks;
  await searchFor(page, String((newest?.height ?? 1) - 1));
  await expect(page.getByRole('heading', { name: /^Block #/, level: 1 })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('Proven');
  await auditTabs(page, 'block');
  await expect(page.getByText('Final, checked in this tab')).toBeVisible();
  await searchFor(page, annaAddress);
  const account = page.getByRole('region', { name: 'Balances' });
  await expect(account).toContainText('100.00');
  await expect(account).toContainText('Proven');
  await auditTabs(page, 'account');
  await expect(page.getByText('Proven, checked in this tab')).toBeVisible();
  for (const place of ['Home', 'Explorer', 'Network', 'Node', 'Settings']) {
    await goTo(page, place);
    await expect(page.getByText(/^(Reading|Looking)/)).toHaveCount(0);
    expect(await page.evaluate(figuresWithoutTrust), place).toEqual([]);
  }
});

test('a checkpoint of a relay is taken when it is true, refused when it is not, and kept', async () => {
  const { page } = anna;
  const { newest } = await payer.client.call('node.checkpoint', {});
  const [height = '', hash = ''] = newest.text.split(':');
  await goTo(page, 'Node');
  const panel = page.getByRole('region', { name: 'Checkpoint' });
  const field = panel.getByLabel('Checkpoint from somebody you trust');
  const give = async (text: string) => {
    await field.fill(text);
    await field.press('Enter');
  };
  await give(`${height}:${'0'.repeat(64)}`);
  await expect(panel.getByText('This tab knows another block of that height')).toBeVisible();
  await expect(panel.getByText('Given by hand')).toBeHidden();
  await expect(stripOf(anna)).toContainText('Proven');
  await give(`${height}:${hash}`);
  await expect(panel.getByText('Given by hand')).toBeVisible();
  await page.reload();
  await expect(panel.getByText('Given by hand')).toBeVisible();
  await expect(panel).toContainText(newest.text);
  await expect(stripOf(anna)).toContainText('Proven');
  await expect(page.getByText(/^(Reading|Looking)/)).toHaveCount(0);
  expect(await page.evaluate(figuresWithoutTrust)).toEqual([]);
});

test('a payment is simulated on proven state, signed and final', async () => {
  const { page } = anna;
  await reviewPayment(page, { to: payer.text, amount: '1.5' });
  const sheet = signingSheet(page);
  await expect(sheet.getByTestId('clear-text')).toContainText(
    /simulated on proven state at #[\d,]+/,
  );
  await signAndFinish(page);
  await sheet.getByRole('button', { name: 'Done' }).click();
  await expect(balanceOf(page)).toContainText('98.');
  await expect(balanceOf(page)).toContainText('Proven');
  const activity = page.getByRole('region', { name: 'Activity' });
  await expect(activity).toContainText('Named by peers');
  await activity.getByRole('link', { name: /Sent/ }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Transfer');
  await auditTabs(page, 'transaction');
  await goTo(page, 'Settings');
  await page.getByRole('link', { name: 'Keys' }).click();
  await expect(page.getByRole('region', { name: 'Your keys' })).toContainText('Proven');
  expect(await page.evaluate(figuresWithoutTrust), 'keys').toEqual([]);
});

test('Balanced executes what was skipped, and validates', async () => {
  const { page } = anna;
  await goTo(page, 'Node');
  const { head } = await payer.client.call('node.status', {});
  await page.getByRole('radio', { name: 'Balanced' }).check();
  await page.getByRole('button', { name: 'Switch to Balanced' }).click();
  await untilFollowing(page);
  await untilHeight(page, head.height);
  await expect(stripOf(anna)).toContainText('Validated');
  expect(await shownHeight(page)).toBeGreaterThanOrEqual(head.height);
  await goTo(page, 'Home');
  await expect(balanceOf(page)).toContainText('98.');
  await expect(balanceOf(page)).toContainText('Validated');
});

test('nothing went wrong on the way', () => {
  expect(anna.errors).toEqual([]);
});
