// Makes the pictures of the README from a real run: `npm run build`, then
// `node e2e/screenshots.ts`.
import { mkdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect } from '@playwright/test';
import { ensureChromium } from '../deploy/chromium.mjs';
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

const FOLDER = fileURLToPath(new URL('../docs/images', import.meta.url));

async function take(person: Person, name: string): Promise<void> {
  const path = `${FOLDER}/${name}.png`;
  await person.page.evaluate(() => document.fonts.ready.then(() => undefined));
  await person.page.screenshot({ path, animations: 'disabled' });
  process.stdout.write(`${path}\n`);
}

async function addContact({ page }: Person, name: string, address: string): Promise<void> {
  await goTo(page, 'Settings');
  await page.getByRole('link', { name: 'Contacts' }).click();
  await page.getByRole('textbox', { name: 'Name' }).fill(name);
  await page.getByLabel('Address', { exact: true }).fill(address);
  await page.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(page.getByRole('main').getByRole('link', { name, exact: true })).toBeVisible();
}

async function run(network: Network, people: Person[]): Promise<void> {
  const viewport = { width: 1280, height: 860 };
  const anna = await openPerson(network.url, { viewport });
  people.push(anna);
  const ben = await openPerson(network.url, { viewport });
  people.push(ben);
  for (const person of people) await person.plug('platform');
  const annaAddress = await createAccount(anna, 'Anna', 'platform');
  const benAddress = await createAccount(ben, 'Ben', 'platform');
  await getCoins(anna.page);
  await getCoins(ben.page);
  await addContact(anna, 'Ben', benAddress);
  await addContact(ben, 'Anna', annaAddress);
  await pay(anna.page, { to: benAddress, amount: '12.5', note: 'Coffee and cake' });
  await pay(ben.page, { to: annaAddress, amount: '3.1' });
  await pay(anna.page, { to: benAddress, amount: '20' });

  const { page } = anna;
  await reviewPayment(page, { to: benAddress, amount: '7.25', note: 'Paper and ink' });
  await expect(signingSheet(page).getByTestId('clear-text')).toBeVisible();
  await take(anna, 'sheet');
  await signingSheet(page).getByRole('button', { name: 'Cancel' }).click();
  await goTo(page, 'Home');
  await page.getByRole('button', { name: 'Not now' }).click();
  await expect(balanceOf(page)).toContainText('Validated');
  await take(anna, 'home');
  await goTo(page, 'Explorer');
  await expect(page.getByRole('heading', { name: 'Explorer', level: 1 })).toBeVisible();
  await expect(page.getByRole('main').getByText('Final').first()).toBeVisible();
  await take(anna, 'explorer');
  await goTo(page, 'Node');
  await expect(page.getByRole('main').getByText('WebRTC').first()).toBeVisible();
  await take(anna, 'node');
}

process.env['TABELLION_CHROMIUM'] ??= await ensureChromium();
await mkdir(FOLDER, { recursive: true });
const network = await startNetwork();
const people: Person[] = [];
try {
  await run(network, people);
} finally {
  await Promise.all(people.map((person) => person.close()));
  await network.stop();
}
