import type { Locator, Page } from '@playwright/test';
import { expect } from '@playwright/test';
import type { Device, Person } from './person.ts';

/** Longest wait for a block, on a busy machine with two cores. */
export const BLOCK_TIMEOUT_MS = 40_000;

/** The Home page's balance, with its trust sign. */
export function balanceOf(page: Page): Locator {
  return page.getByTestId('balance');
}

/** The whole address that the Receive page shows. */
export async function shownAddress(page: Page): Promise<string> {
  const shown = page.getByTestId('address').locator('[data-address]');
  return (await shown.getAttribute('data-address')) ?? '';
}

/** Makes an account with the device that is plugged in; ends on the Receive page. */
export async function createAccount(
  { page }: Person,
  name: string,
  device: Device,
): Promise<string> {
  await page.getByLabel('Name for this account').fill(name);
  const press = device === 'platform' ? 'Create account' : 'Use a security key';
  await page.getByRole('button', { name: press }).click();
  await expect(page.getByRole('heading', { name: 'Receive', level: 1 })).toBeVisible();
  return shownAddress(page);
}

/** Goes somewhere by the rail, as a person does: the page is not loaded again. */
export async function goTo(page: Page, place: string): Promise<void> {
  const rail = page.getByRole('navigation', { name: 'Main' });
  await rail.getByRole('link', { name: place, exact: true }).click();
}

/** Gets test coins by one press on Home, and waits until this tab validated them. */
export async function getCoins(page: Page): Promise<void> {
  await goTo(page, 'Home');
  await page.getByRole('button', { name: 'Get coins' }).click();
  await expect(balanceOf(page)).toContainText('100.00', { timeout: BLOCK_TIMEOUT_MS });
  await expect(balanceOf(page)).toContainText('Validated');
}

/** The sheet on which a person sees what is signed. */
export function signingSheet(page: Page): Locator {
  return page.getByRole('dialog');
}

/** Signs what the sheet shows, and waits for a verdict that cannot be undone. */
export async function signAndFinish(page: Page): Promise<void> {
  const sheet = signingSheet(page);
  await sheet.getByRole('button', { name: 'Sign with key' }).click();
  await expect(sheet.getByRole('heading', { name: 'Final' })).toBeVisible({
    timeout: BLOCK_TIMEOUT_MS,
  });
}

/** Fills the Send form and asks for the sheet. */
export async function reviewPayment(
  page: Page,
  payment: { readonly to: string; readonly amount: string; readonly note?: string },
): Promise<void> {
  await goTo(page, 'Home');
  await page.getByRole('link', { name: 'Send', exact: true }).first().click();
  await page.getByLabel('Amount').fill(payment.amount);
  await page.getByLabel('To', { exact: true }).fill(payment.to);
  if (payment.note !== undefined) await page.getByLabel('Note (public)').fill(payment.note);
  await page.getByRole('button', { name: 'Review' }).click();
}

/** A payment from the form to its last stage. */
export async function pay(
  page: Page,
  payment: { readonly to: string; readonly amount: string; readonly note?: string },
): Promise<void> {
  await reviewPayment(page, payment);
  await signAndFinish(page);
  await signingSheet(page).getByRole('button', { name: 'Done' }).click();
}
