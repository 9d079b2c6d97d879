import { expect, test } from '@playwright/test';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Credential, Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import {
  BLOCK_TIMEOUT_MS,
  balanceOf,
  createAccount,
  getCoins,
  goTo,
  pay,
  reviewPayment,
  shownAddress,
  signAndFinish,
  signingSheet,
} from './support/steps.ts';

let network: Network | undefined;
const people: Person[] = [];

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  network = await startNetwork();
});

test.afterEach(async () => {
  const leaving = people.splice(0);
  const errors = leaving.flatMap((person) => person.errors);
  await Promise.all(leaving.map((person) => person.close()));
  expect(errors).toEqual([]);
});

test.afterAll(() => network?.stop());

async function open(path = '/'): Promise<Person> {
  const person = await openPerson(`${network?.url}${path}`);
  people.push(person);
  return person;
}

/** What the first test leaves for those that sign in elsewhere. */
let anna: { address: string; second: readonly Credential[] };

test('passkey: one prompt makes address, seal and code; coins come by one press', async () => {
  const person = await open();
  const { page } = person;
  await person.plug('platform');
  const address = await createAccount(person, 'Anna', 'platform');
  expect(address).toMatch(/^tab1[a-z0-9]{58}$/);
  await expect(page.getByRole('img', { name: 'Code of the address of Anna' })).toBeVisible();
  await expect(page.getByRole('main').locator('svg').first()).toBeVisible();
  await page.getByRole('button', { name: 'Copy address' }).click();
  await expect(page.getByText('Copied.')).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(address);

  // No transaction was needed: an account that the ledger does not know can be paid as well.
  await goTo(page, 'Home');
  const name = page.getByRole('heading', { name: 'Anna', level: 1 });
  await expect(name).toBeFocused();
  await expect(page).toHaveTitle('Anna · Tabellion');
  await page.getByRole('button', { name: 'Get coins' }).focus();
  await page.keyboard.press('Enter');
  await expect(page.getByRole('status').filter({ hasText: 'Test coins arrived.' })).toBeVisible();
  await expect(balanceOf(page)).toContainText('100.00', { timeout: BLOCK_TIMEOUT_MS });
  // The button left the page with its card: who reads by ear is not thrown out of it.
  await expect(name).toBeFocused();

  // Pages that are fetched when first opened are read out by their heading too.
  for (const place of ['Explorer', 'Settings', 'Home']) {
    await goTo(page, place);
    await expect(page.getByRole('main').getByRole('heading', { level: 1 })).toBeFocused();
  }

  // A second press is refused in words, with the time to wait.
  await page.getByRole('link', { name: 'Receive', exact: true }).click();
  await expect(page).toHaveTitle('Receive · Tabellion');
  await page.getByRole('button', { name: 'Get coins' }).click();
  const refusal = page.getByRole('alert').filter({ hasText: 'You had test coins a moment ago' });
  await expect(refusal).toContainText(/Ask again in ~\d+ min/);
});

test('security key: made, funded, tested by a payment; found on a fresh browser', async () => {
  const maker = await open();
  const stick = await maker.plug('security-key');
  const address = await createAccount(maker, 'Stick', 'security-key');
  const credentials = await stick.credentials();
  expect(credentials.map((each) => each.isResidentCredential)).toEqual([false]);
  await getCoins(maker.page);
  await pay(maker.page, { to: address, amount: '1' });

  const elsewhere = await open('/sign-in');
  await elsewhere.plug('security-key', credentials);
  await elsewhere.page.getByRole('textbox', { name: 'Address' }).fill(address);
  await elsewhere.page.getByRole('button', { name: 'Use a security key' }).click();
  await expect(balanceOf(elsewhere.page)).toContainText('99.9', { timeout: BLOCK_TIMEOUT_MS });
  await goTo(elsewhere.page, 'Home');
  await pay(elsewhere.page, { to: address, amount: '2' });
});

test('a second key is added, read back and tested; then the first is revoked', async () => {
  const person = await open();
  const { page } = person;
  const first = await person.plug('platform');
  const address = await createAccount(person, 'Cleo', 'platform');
  await getCoins(page);
  const stick = await person.plug('security-key');
  await page.getByRole('link', { name: 'Add', exact: true }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill('Blue stick');
  await page.getByRole('button', { name: 'Add key' }).click();
  const sheet = signingSheet(page);
  await expect(sheet).toContainText('You add a key');
  await expect(sheet).toContainText('Blue stick');
  await signAndFinish(page);
  await sheet.getByRole('button', { name: 'Done' }).click();
  const keys = page.getByRole('main').getByRole('listitem');
  await expect(keys).toHaveCount(2);
  await expect(keys.filter({ hasText: 'Blue stick' })).toContainText('used');

  await keys.filter({ hasText: 'Cleo' }).getByRole('button', { name: 'Revoke' }).click();
  await expect(sheet).toContainText('You revoke a key');
  await expect(sheet).toContainText('Cleo');
  await expect(sheet).toContainText('losing one of the remaining keys means losing the account');
  await signAndFinish(page);
  await sheet.getByRole('button', { name: 'Done' }).click();
  await expect(keys).toHaveCount(1);
  await expect(keys).toContainText('Blue stick');
  await expect(page.getByRole('button', { name: 'Revoke' })).toHaveCount(0);

  // What remains can act; what is revoked cannot come back, though its device still has it.
  await pay(page, { to: address, amount: '1' });
  const revoked = await first.credentials();
  anna = { address, second: await stick.credentials() };
  const thief = await open('/sign-in');
  await thief.plug('platform', revoked);
  await thief.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await thief.page.getByRole('button', { name: 'Continue' }).click();
  await expect(thief.page.getByRole('main')).toContainText('No account was found for this key');
});

test('fresh browser: the added key is found by address, its hints are on the ledger', async () => {
  const person = await open('/sign-in');
  await person.plug('security-key', anna.second);
  await person.page.getByRole('textbox', { name: 'Address' }).fill(anna.address);
  await person.page.getByRole('button', { name: 'Use a security key' }).click();
  await expect(balanceOf(person.page)).toContainText('99.9', { timeout: BLOCK_TIMEOUT_MS });
  await goTo(person.page, 'Settings');
  await person.page.getByRole('link', { name: 'Keys' }).click();
  await expect(person.page.getByText('Blue stick')).toBeVisible();
});

test('fresh browser: a passkey is found by its record, one prompt', async () => {
  const maker = await open();
  const device = await maker.plug('platform');
  const address = await createAccount(maker, 'Dora', 'platform');
  await getCoins(maker.page);
  await pay(maker.page, { to: address, amount: '1' });

  const elsewhere = await open('/sign-in');
  await elsewhere.plug('platform', await device.credentials());
  await elsewhere.page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(balanceOf(elsewhere.page)).toContainText('99.9', { timeout: BLOCK_TIMEOUT_MS });
  await elsewhere.page.getByRole('link', { name: 'Receive', exact: true }).click();
  expect(await shownAddress(elsewhere.page)).toBe(address);
});

test('fresh browser: an account that only received is worked out from two signatures', async () => {
  const maker = await open();
  const device = await maker.plug('platform');
  const address = await createAccount(maker, 'Emil', 'platform');
  await getCoins(maker.page);

  const elsewhere = await open('/sign-in');
  const { page } = elsewhere;
  await elsewhere.plug('platform', await device.credentials());
  await page.getByRole('button', { name: 'Sign in with a passkey' }).click();
  await expect(page.getByText('A second signature is needed')).toBeVisible();
  await page.getByRole('button', { name: 'Continue' }).click();
  await expect(balanceOf(page)).toContainText('100.00', { timeout: BLOCK_TIMEOUT_MS });
  await page.getByRole('link', { name: 'Receive', exact: true }).click();
  expect(await shownAddress(page)).toBe(address);
  await pay(page, { to: address, amount: '3' });
});

test('a refused or stopped prompt is told in neutral words; nothing is signed', async () => {
  const person = await open();
  const { page } = person;
  const device = await person.plug('platform');

  await device.refuse(true);
  await page.getByRole('button', { name: 'Create account' }).click();
  await expect(page.getByRole('status').filter({ hasText: 'Nothing was signed' })).toBeVisible();
  await device.refuse(false);
  const address = await createAccount(person, 'Fred', 'platform');
  await getCoins(page);

  await device.refuse(true);
  await reviewPayment(page, { to: address, amount: '1' });
  const sheet = signingSheet(page);
  await sheet.getByRole('button', { name: 'Sign with key' }).click();
  await expect(sheet).toContainText('Nothing was signed');
  await expect(sheet).toContainText('Try again when you are ready');
  await device.refuse(false);

  // A prompt that stays open is ended from the sheet.
  await device.hold(true);
  await sheet.getByRole('button', { name: 'Sign with key' }).click();
  await sheet.getByRole('button', { name: 'Stop' }).click();
  await expect(sheet).toContainText('Cancelled');
  await device.hold(false);
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await goTo(page, 'Home');
  await expect(balanceOf(page)).toContainText('100.00');
  await expect(page.getByRole('main')).not.toContainText('Signed');
});
