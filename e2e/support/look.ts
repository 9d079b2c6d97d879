import type { Locator, Page } from '@playwright/test';
import { expect } from '@playwright/test';
import { goTo } from './steps.ts';

/** Where the Node page says that the node of this profile runs. */
export const LEADS = 'It runs in this tab';
export const FOLLOWS = 'Another tab of this browser runs the node';

/** The value beside a label in a list of facts. */
export function factOf(within: Page | Locator, label: string): Locator {
  const page = 'page' in within ? within.page() : within;
  return within
    .locator('dl > div')
    .filter({ has: page.getByRole('term').getByText(label, { exact: true }) })
    .getByRole('definition');
}

/** Searches in the explorer, as a person would; a way to any page without a reload. */
export async function searchFor(page: Page, text: string) {
  await goTo(page, 'Explorer');
  await page.getByRole('textbox', { name: 'Height, hash or address' }).fill(text);
  await page.getByRole('button', { name: 'Search', exact: true }).click();
}

/** Height that the strip at the top shows. */
export async function shownHeight(page: Page): Promise<number> {
  const link = page
    .getByRole('region', { name: 'State of this node' })
    .getByRole('link', { name: /#/ });
  return heightIn((await link.textContent()) ?? '');
}

/** Waits until the strip shows at least this height. */
export async function untilHeight(page: Page, height: number, timeout = 30_000) {
  await expect.poll(() => shownHeight(page), { timeout }).toBeGreaterThanOrEqual(height);
}

/** `#1,204` as a number. */
export function heightIn(text: string): number {
  return Number(/#([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? Number.NaN);
}

/** Waits until the Node page, which is shown, says that the node follows the network. */
export async function untilFollowing(page: Page, timeout = 60_000) {
  const words = page.getByRole('heading', { name: 'Following the network' });
  await expect(words).toBeVisible({ timeout });
}
