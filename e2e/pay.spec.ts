import { join } from 'node:path';
import { expect, test } from '@playwright/test';
import { writeCameraFilm } from './support/camera.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import {
  BLOCK_TIMEOUT_MS,
  balanceOf,
  createAccount,
  getCoins,
  goTo,
  reviewPayment,
  signAndFinish,
  signingSheet,
} from './support/steps.ts';

let network: Network;
/** Two browser processes: one pays, the other is paid. */
let payer: Person;
let payee: Person;
let payeeAddress = '';

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  network = await startNetwork();
  payer = await openPerson(network.url);
  payee = await openPerson(network.url, { locale: 'de-DE' });
  await payer.plug('platform');
  await payee.plug('platform');
  await createAccount(payer, 'Anna', 'platform');
  payeeAddress = await createAccount(payee, 'Ben', 'platform');
  await getCoins(payer.page);
});

test.afterAll(async () => {
  await Promise.all([payer?.close(), payee?.close()]);
  await network?.stop();
});

/** What stands beside a label on the sheet. */
async function factOf(label: string): Promise<string> {
  const row = signingSheet(payer.page)
    .getByTestId('clear-text')
    .locator('div', { has: payer.page.locator('dt', { hasText: new RegExp(`^${label}$`) }) });
  return ((await row.locator('dd').textContent()) ?? '').replaceAll(/\s+/g, ' ').trim();
}

test('paste, sheet, Signed to Final with times; the other tab validates it live', async () => {
  const { page } = payer;
  await goTo(payee.page, 'Home');
  await expect(balanceOf(payee.page)).toContainText('0,00');

  await goTo(page, 'Home');
  await page.getByRole('link', { name: 'Send', exact: true }).click();
  await page.getByLabel('Amount').fill('20.5');
  // Pasted as it is shown elsewhere: in groups.
  const groups = payeeAddress.replaceAll(/(.{4})/g, '$1 ').trim();
  await page.evaluate((text) => navigator.clipboard.writeText(text), groups);
  await page.getByLabel('To', { exact: true }).focus();
  await page.keyboard.press('Control+V');
  await expect(page.getByRole('main').locator(`[data-address="${payeeAddress}"]`)).toBeVisible();
  await page.getByLabel('Note (public)').fill('For lunch');
  await page.getByRole('button', { name: 'Review' }).click();

  // What is shown equals what was typed.
  const sheet = signingSheet(page);
  await expect(sheet).toContainText('You send');
  expect(await factOf('Amount')).toBe('20.50 TAB');
  await expect(sheet.locator(`[data-address="${payeeAddress}"]`)).toBeVisible();
  expect(await factOf('Public note')).toBe('“For lunch”');
  expect(await factOf('Fee')).toMatch(/^0\.\d+ TAB Validated, at most 0\.\d+ TAB; you pay$/);
  expect(await factOf('Network')).toMatch(/^Devnet, until block #\d+$/);
  expect(await factOf('Signing code')).toMatch(/^[0-9A-Z]{3}-[0-9A-Z]{3}$/);
  const after = await factOf('After');
  expect(after).toMatch(/^79\.4\d+ TAB ?simulated on validated state at #\d+ Validated$/);
  // In sight from the beginning, however much there is to sign.
  await expect(sheet.getByText('Your device will NOT show these details.')).toBeInViewport();

  await signAndFinish(page);
  // Whoever has no pointer is not sent back to the beginning meanwhile.
  await expect(sheet.getByRole('button', { name: 'Done' })).toBeFocused();
  const steps = sheet.getByTestId('timeline').getByRole('listitem');
  await expect(steps).toHaveCount(4);
  await expect(steps.nth(0)).toContainText(/Signed at \d/);
  await expect(steps.nth(1)).toContainText(/Seen after \d+(\.\d)? m?s/);
  await expect(steps.nth(2)).toContainText(/Included after .+, block #\d+/);
  await expect(steps.nth(3)).toContainText(/Final after \d/);
  await sheet.getByRole('button', { name: 'Done' }).click();

  // The payer holds what the simulation said, fee included.
  const simulated = after.split(' ')[0] ?? '';
  await expect(balanceOf(page)).toContainText(simulated);
  await expect(balanceOf(page)).toContainText('Validated');

  // The payee did nothing: the figure changed by itself, and this tab executed the block.
  await expect(balanceOf(payee.page)).toContainText('20,50 TAB', { timeout: BLOCK_TIMEOUT_MS });
  await expect(balanceOf(payee.page)).toContainText('Validated');
  const activity = payee.page.getByRole('region', { name: 'Activity' });
  await expect(activity).toContainText('+20,50');
  await expect(activity).toContainText('Final');
});

test('a contact is chosen by name; a person who reads German pays with a comma', async () => {
  const { page } = payer;
  await goTo(page, 'Settings');
  await page.getByRole('link', { name: 'Contacts' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Ben');
  await page.getByLabel('Address', { exact: true }).fill(payeeAddress);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('main').getByRole('link', { name: 'Ben' })).toBeVisible();
  await reviewPayment(page, { to: 'Ben', amount: '1' });
  await expect(signingSheet(page).getByText('Ben', { exact: true })).toBeVisible();
  await expect(signingSheet(page).locator(`[data-address="${payeeAddress}"]`)).toBeVisible();
  await signAndFinish(page);
  await signingSheet(page).getByRole('button', { name: 'Done' }).click();
  await expect(balanceOf(payee.page)).toContainText('21,50', { timeout: BLOCK_TIMEOUT_MS });

  const german = payee.page;
  await reviewPayment(german, { to: payeeAddress, amount: '1,5' });
  await expect(signingSheet(german).getByTestId('clear-text')).toContainText('1,50 TAB');
  await signAndFinish(german);
  await signingSheet(german).getByRole('button', { name: 'Done' }).click();
});

test('a code before the camera fills in the form', async () => {
  const film = join(payee.profile, 'code.y4m');
  await writeCameraFilm(film, payeeAddress.toUpperCase());
  const scanner = await openPerson(network.url, { camera: film });
  try {
    const { page } = scanner;
    await scanner.plug('platform');
    await createAccount(scanner, 'Sam', 'platform');
    await goTo(page, 'Home');
    await page.getByRole('link', { name: 'Scan', exact: true }).click();
    await expect(page.getByLabel('To', { exact: true })).toHaveValue(payeeAddress);
    await expect(page.getByRole('main').locator(`[data-address="${payeeAddress}"]`)).toBeVisible();
    expect(scanner.errors).toEqual([]);
  } finally {
    await scanner.close();
  }
});

test('who is asked for an amount has nothing to type, whatever the notation', async () => {
  const asker = payee.page;
  await goTo(asker, 'Home');
  await asker.getByRole('link', { name: 'Receive', exact: true }).click();
  await asker.getByLabel(/^Amount to ask for/).fill('1.234.5');
  await expect(asker.getByRole('button', { name: 'Copy request' })).toHaveCount(0);
  await asker.getByLabel(/^Amount to ask for/).fill('2,75');
  await expect(asker.getByRole('img', { name: /with an amount$/ })).toBeVisible();
  await asker.getByRole('button', { name: 'Copy request' }).click();
  const request = await asker.evaluate(() => navigator.clipboard.readText());
  expect(request).toBe(`tabellion:${payeeAddress}?amount=2.750000`);

  const { page } = payer;
  await goTo(page, 'Home');
  await page.getByRole('link', { name: 'Send', exact: true }).click();
  await page.evaluate((text) => navigator.clipboard.writeText(text), request);
  await page.getByLabel('To', { exact: true }).focus();
  await page.keyboard.press('Control+V');
  await expect(page.getByLabel('To', { exact: true })).toHaveValue(payeeAddress);
  await expect(page.getByLabel('Amount')).toHaveValue('2.75');
  await page.getByRole('button', { name: 'Cancel' }).click();
});

test('what cannot be sent is said before any prompt', async () => {
  const { page } = payer;
  await goTo(page, 'Home');
  await page.getByRole('link', { name: 'Send', exact: true }).click();
  const main = page.getByRole('main');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(main).toContainText('How much do you want to send?');
  await expect(main).toContainText('Who should get it?');
  await expect(page.getByLabel('Amount')).toBeFocused();
  await page.getByLabel('Amount').fill('1');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(page.getByLabel('To', { exact: true })).toBeFocused();

  // One character wrong: its place is named.
  const at = 30;
  const wrong = payeeAddress.charAt(at) === 'q' ? 'p' : 'q';
  const typo = payeeAddress.slice(0, at) + wrong + payeeAddress.slice(at + 1);
  await page.getByLabel('To', { exact: true }).fill(typo);
  await expect(main.getByRole('alert').filter({ hasText: `character ${at + 1}` })).toBeVisible();
  await expect(main.locator('mark')).toHaveText(wrong);

  await page.getByLabel('Amount').fill('1,5');
  await expect(main).toContainText('separates the decimals');
  await page.getByLabel('Amount').fill('1000000');
  await expect(main).toContainText(/too much: you have \d+\.\d+ TAB/);
  await page.getByLabel('Amount').fill('0');
  await expect(main).toContainText('The amount is zero.');
  await page.getByLabel('Amount').fill('0.1234567890123');
  await expect(main).toContainText('digits after the separator');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(signingSheet(page)).toHaveCount(0);

  // A payment link: the address comes with it, the amount too.
  await page.goto(`${network.url}/send?to=${payeeAddress}&amount=2.5`);
  await expect(page.getByLabel('Amount')).toHaveValue('2.50');
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(signingSheet(page)).toContainText('2.50 TAB');
  await signingSheet(page).getByRole('button', { name: 'Cancel' }).click();
});

test('all of it is what remains when the fee is paid, with a note written later too', async () => {
  const { page } = payer;
  await reviewPayment(page, { to: payeeAddress, amount: '60' });
  await signAndFinish(page);
  await signingSheet(page).getByRole('button', { name: 'Done' }).click();
  await page.getByRole('link', { name: 'Send', exact: true }).click();
  await page.getByLabel('To', { exact: true }).fill(payeeAddress);
  // Everything, and the fee has nothing to be paid from: said where it is seen, before any prompt.
  const held = await page.getByText(/^You have/).textContent();
  const whole = /[\d.]+/.exec(held ?? '')?.[0] ?? '';
  await page.getByLabel('Amount').fill(whole);
  await page.getByRole('button', { name: 'Review' }).click();
  const sheet = signingSheet(page);
  await expect(sheet.getByText('This would fail: there are not enough coins')).toBeInViewport();
  await expect(sheet.getByRole('button', { name: 'Sign with key' })).toBeDisabled();
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await page.getByRole('button', { name: 'All', exact: true }).click();
  await expect(page.getByLabel('Amount')).not.toHaveValue(whole);
  const before = Number(await page.getByLabel('Amount').inputValue());
  await page.getByLabel('Note (public)').fill('n'.repeat(200));
  await page.getByRole('button', { name: 'Review' }).click();
  await expect(sheet.getByTestId('clear-text')).toBeVisible();
  const sent = Number((await factOf('Amount')).split(' ')[0]);
  expect(sent).toBeLessThan(before);
  expect(sent).toBeGreaterThan(Number(whole) - 0.1);
  await expect(page.getByLabel('Amount')).toHaveValue(String(sent));
  await signAndFinish(page);
  await sheet.getByRole('button', { name: 'Done' }).click();
  await expect(balanceOf(page)).toContainText(/^0\.00/);
  expect(payer.errors).toEqual([]);
  expect(payee.errors).toEqual([]);
});
