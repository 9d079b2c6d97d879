import { readFile } from 'node:fs/promises';
import { expect, test } from '@playwright/test';
import { formatHex } from '../src/base/index.ts';
import type { Hash } from '../src/sdk/index.ts';
import { formatAddress } from '../src/sdk/index.ts';
import { factOf, searchFor, untilHeight } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import { goTo } from './support/steps.ts';

let network: Network;
let payer: Payer;
let person: Person;
const recipient = someAddress();
let payment: Hash;
let paidAt: number;
/** Questions that the page sent to a server's RPC; there must be none. */
const asked: string[] = [];

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  payment = await payer.pay(recipient, 1_250_000n);
  paidAt = await payer.untilFinal(payment);
  await payer.makeBlocks(someAddress(), 60);
  person = await openPerson(`${network.url}/explorer`);
  await untilHeight(person.page, 60);
  // From here on no server answers a question: what is shown comes from the tab's own node.
  await person.context.route(/\/(rpc|ws|metrics)$/, (route) => {
    asked.push(route.request().url());
    return route.abort();
  });
});

test.afterAll(async () => {
  await person?.close();
  payer?.close();
  await network?.stop();
});

test('blocks are listed live; a paused list stands still, and goes on', async () => {
  const { page } = person;
  await goTo(page, 'Explorer');
  const blocks = page.getByRole('region', { name: 'Blocks' });
  const newest = blocks.getByRole('listitem').first();
  await expect(newest).toContainText('Final');
  await expect(blocks.getByText('Validated')).toBeVisible();
  await payer.makeBlocks(someAddress(), 1);
  const { head: first } = await payer.client.call('node.status', {});
  await expect(newest).toContainText(`#${first.height}`);
  await page.getByRole('button', { name: 'Pause' }).click();
  await payer.makeBlocks(someAddress(), 3);
  const { head: later } = await payer.client.call('node.status', {});
  await untilHeight(page, later.height);
  await expect(newest).toContainText(`#${first.height}`);
  await page.getByRole('button', { name: 'Go on' }).click();
  await expect(newest).toContainText(`#${later.height}`);
});

test('older blocks are read down to genesis', async () => {
  const { page } = person;
  const blocks = page.getByRole('region', { name: 'Blocks' });
  const older = blocks.getByRole('button', { name: 'Older blocks' });
  await older.scrollIntoViewIfNeeded();
  await older.click();
  await expect(older).toBeHidden();
  await page.getByRole('contentinfo').or(page.locator('body')).first().press('End');
  await expect(blocks.getByRole('link', { name: /^#0/ })).toBeVisible();
});

test('a block is found by height and by hash, whole, and as the relay has it', async () => {
  const { page } = person;
  const theirs = await payer.client.call('block.get', { height: paidAt as never });
  await searchFor(page, `#${paidAt}`);
  await expect(page.getByRole('heading', { name: `Block #${paidAt}` })).toBeVisible();
  await expect(factOf(page, 'Hash')).toHaveText(formatHex(theirs.hash));
  await expect(factOf(page, 'State root')).toHaveText(formatHex(theirs.header.stateRoot));
  await expect(factOf(page, 'Votes')).toHaveText(/[34] signatures, round \d/);
  await expect(page.getByRole('main').getByText('Validated')).toBeVisible();
  await page.getByRole('link', { name: 'Earlier' }).click();
  await expect(page.getByRole('heading', { name: `Block #${paidAt - 1}` })).toBeVisible();
  await page.getByRole('link', { name: 'Later' }).click();
  await expect(page.getByRole('heading', { name: `Block #${paidAt}` })).toBeVisible();
  await searchFor(page, formatHex(theirs.hash));
  await expect(page.getByRole('heading', { name: `Block #${paidAt}` })).toBeVisible();
});

test('there is no way past the newest block, until there is one', async () => {
  const { page } = person;
  const { head } = await payer.client.call('node.status', {});
  await searchFor(page, `#${head.height}`);
  await expect(page.getByRole('heading', { name: `Block #${head.height}` })).toBeVisible();
  await expect(page.getByRole('button', { name: 'Later' })).toBeDisabled();
  await payer.makeBlocks(someAddress(), 1);
  await page.getByRole('link', { name: 'Later' }).click();
  await expect(page.getByRole('heading', { name: `Block #${head.height + 1}` })).toBeVisible();
});

test('a block that is not decided yet appears by itself', async () => {
  const { page } = person;
  const { head } = await payer.client.call('node.status', {});
  await searchFor(page, `#${head.height + 1}`);
  await expect(page.getByText('Not there yet')).toBeVisible();
  await payer.makeBlocks(someAddress(), 1);
  await expect(factOf(page, 'Hash')).toHaveText(/^[0-9a-f]{64}$/);
  await searchFor(page, `#${paidAt}`);
});

test('a block shows raw and decoded, and its certificate is checked in the tab', async () => {
  const { page } = person;
  const theirs = await payer.client.call('block.get', { height: paidAt as never });
  await page.getByRole('tab', { name: 'Raw' }).click();
  await expect(page.getByRole('tabpanel')).toContainText(formatHex(theirs.hash));
  await page.getByRole('tab', { name: 'Decoded' }).click();
  await expect(page.getByRole('region', { name: 'Header' })).toContainText('"stateRoot"');
  await page.getByRole('tab', { name: 'Proof' }).click();
  await expect(page.getByText('Final, checked in this tab')).toBeVisible();
  await expect(factOf(page, 'Votes')).toHaveText(/^[34] of 4$/);
});

test('a transaction is found by its id: summary, raw, decoded, proof', async () => {
  const { page } = person;
  const theirs = await payer.client.call('transaction.get', { id: payment });
  await searchFor(page, `0x${formatHex(payment)}`);
  await expect(page.getByText('Final', { exact: true }).first()).toBeVisible();
  const happened = page.getByRole('region', { name: 'What happened' });
  await expect(factOf(happened, 'Amount')).toHaveText('1.25 TAB');
  await expect(factOf(happened, 'Asset')).toHaveText('Tabellion');
  await expect(factOf(page, 'Block')).toHaveText(`#${paidAt}`);
  await expect(factOf(page, 'Id')).toHaveText(formatHex(payment));
  await page.getByRole('tab', { name: 'Raw' }).click();
  await expect(page.getByRole('tabpanel')).toContainText(formatHex(theirs.bytes));
  await page.getByRole('tab', { name: 'Decoded' }).click();
  await expect(page.getByRole('region', { name: 'Body' })).toContainText('asset.transfer');
  await expect(page.getByRole('region', { name: 'Receipt' })).toContainText('succeeded');
  await page.getByRole('tab', { name: 'Proof' }).click();
  await expect(page.getByText('Included and final, checked in this tab')).toBeVisible();
});

test('an account is found by its address, and its state is proven in the tab', async () => {
  const { page } = person;
  const text = formatAddress(recipient);
  await searchFor(page, text);
  await expect(page.getByRole('heading', { name: 'Account', exact: true })).toBeVisible();
  const balances = page.getByRole('region', { name: 'Balances' });
  await expect(balances).toContainText('1.25');
  await expect(balances.getByText('Validated')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Transactions' })).toContainText('1.25');
  await page.getByRole('tab', { name: 'Keys' }).click();
  await expect(page.getByText('no record of its keys yet')).toBeVisible();
  await page.getByRole('tab', { name: 'Raw' }).click();
  await expect(page.getByRole('tabpanel')).toContainText(formatHex(recipient));
  await page.getByRole('tab', { name: 'Decoded' }).click();
  await expect(page.getByRole('region', { name: 'Account' })).toContainText(text);
  await page.getByRole('tab', { name: 'Proof' }).click();
  await expect(page.getByText('Proven, checked in this tab')).toBeVisible();
  await searchFor(page, payer.text);
  await page.getByRole('tab', { name: 'Keys' }).click();
  await expect(page.getByRole('region', { name: 'Signing rules' })).toBeVisible();
});

test('a history is saved as a file, which says from where on it is complete', async () => {
  const { page } = person;
  await page.goto(`${network.url}/account/${formatAddress(recipient)}`);
  const panel = page.getByRole('region', { name: 'Transactions' });
  for (const form of ['CSV', 'JSON']) {
    const downloading = page.waitForEvent('download');
    await panel.getByRole('button', { name: form, exact: true }).click();
    const file = await downloading;
    expect(file.suggestedFilename()).toBe(
      `tabellion-${formatAddress(recipient).slice(-8)}.${form.toLowerCase()}`,
    );
    expect(await readFile(await file.path(), 'utf8')).toContain(formatHex(payment));
    await expect(panel.getByText('1 transaction saved.')).toBeVisible();
    await expect(panel.getByRole('button', { name: 'Cancel' })).toBeHidden();
  }
});

test('what names nothing is said in words', async () => {
  const { page } = person;
  await searchFor(page, 'abc');
  await expect(page.getByRole('heading', { name: 'Nothing found' })).toBeVisible();
  await searchFor(page, '99999999');
  await expect(page.getByRole('heading', { name: 'Block #99,999,999' })).toBeVisible();
  await expect(page.getByRole('main')).toContainText('This height has not been decided.');
  await searchFor(page, 'f'.repeat(64));
  await expect(page.getByRole('heading', { name: 'Nothing found' })).toBeVisible();
  const text = formatAddress(recipient);
  const mistyped = `${text.slice(0, -1)}${text.endsWith('q') ? 'p' : 'q'}`;
  await searchFor(page, mistyped);
  await expect(page.getByRole('main')).toContainText(/typ|mistake|wrong/i);
});

test('the search of every screen finds pages too', async () => {
  const { page } = person;
  const opener = page.getByRole('button', { name: 'Search and commands' });
  await opener.focus();
  await page.keyboard.press('Control+k');
  await page.keyboard.press('Escape');
  await expect(opener).toBeFocused();
  await page.keyboard.press('Control+k');
  const dialog = page.getByRole('dialog', { name: 'Search and commands' });
  await dialog.getByRole('combobox').fill(String(paidAt));
  await expect(dialog.getByRole('option', { name: `Block #${paidAt}` })).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('heading', { name: `Block #${paidAt}` })).toBeVisible();
});

test('no server was asked, and nothing went wrong', () => {
  expect(asked).toEqual([]);
  expect(person.errors).toEqual([]);
});
