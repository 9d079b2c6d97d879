import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import type { Harness } from './support/harness.ts';
import { startHarness } from './support/harness.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import { createAccount, goTo, signingSheet } from './support/steps.ts';

// What a page does with answers that come late, and with what leaves the screen: a pretended node
// answers when the test lets time go on.

let harness: Harness;
let person: Person;

test.beforeAll(async () => {
  test.setTimeout(180_000);
  harness = await startHarness();
  person = await openPerson(harness.url);
  await person.plug('platform');
  await createAccount(person, 'Anna', 'platform');
  await person.page.clock.install();
});

test.afterAll(async () => {
  await person?.close();
  await harness?.stop();
});

/** The form with a payee, and nothing kept of what was typed before. */
async function openForm(): Promise<Page> {
  const { page } = person;
  await page.clock.resume();
  await page.evaluate(() => localStorage.removeItem('tabellion.drafts'));
  await page.goto(`${harness.url}/send?state=following`);
  await page.getByLabel('To', { exact: true }).fill('Ben');
  await expect(page.getByText('You have 1,204.50 TAB')).toBeVisible();
  return page;
}

const amountOf = (page: Page) => page.getByLabel('Amount');
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

/** No timer ends from now on: every question stays open until time goes on. */
async function hold(page: Page): Promise<void> {
  await page.clock.pauseAt(await page.evaluate(() => Date.now() + 1000));
}

async function goOn(page: Page): Promise<void> {
  await page.clock.runFor(2000);
  await page.clock.resume();
}

async function takeAll(page: Page): Promise<string> {
  await button(page, 'All').click();
  await expect(amountOf(page)).toHaveValue(/^1,?204\.49\d+$/);
  return amountOf(page).inputValue();
}

/** Comes back to the form with another amount in it, as an earlier visit would have left it. */
async function setDraftAmount(page: Page, amount: string): Promise<void> {
  await page.evaluate((text) => {
    const kept = localStorage.getItem('tabellion.drafts') ?? '';
    localStorage.setItem('tabellion.drafts', kept.replace(/1,?204\.\d+/, text));
  }, amount);
  await page.reload();
  await expect(amountOf(page)).toHaveValue(amount);
}

/** What the sheet says would be sent, without separators; the sheet is closed again. */
async function reviewed(page: Page): Promise<string> {
  await button(page, 'Review').click();
  const row = signingSheet(page)
    .getByTestId('clear-text')
    .locator('div', { has: page.locator('dt', { hasText: /^Amount$/ }) });
  await expect(row).toBeVisible();
  const said = ((await row.locator('dd').textContent()) ?? '').replaceAll(/[\s,]+/g, '');
  await signingSheet(page).getByRole('button', { name: 'Cancel' }).click();
  return said;
}

test('all of one asset is never asked of another', async () => {
  const page = await openForm();
  await page.getByLabel('Asset').selectOption({ index: 1 });
  await button(page, 'All').click();
  await expect(amountOf(page)).toHaveValue('12.50');
  await page.getByLabel('Asset').selectOption({ index: 0 });
  expect(await reviewed(page)).toBe('12.50TAB');
});

test('all of it is remembered with the draft, and lowered where the fee wants it, in the field too', async () => {
  const page = await openForm();
  const all = await takeAll(page);
  await setDraftAmount(page, '1204.50');
  expect(await reviewed(page)).toBe(`${all.replaceAll(',', '')}TAB`);
  await expect(amountOf(page)).toHaveValue(all);
  // Typed, it is what was typed.
  await amountOf(page).fill('1204.50');
  expect(await reviewed(page)).toBe('1204.50TAB');
});

test('more came in since all was taken: never more is sent than the field says', async () => {
  const page = await openForm();
  await takeAll(page);
  // All there was then.
  await setDraftAmount(page, '7.00');
  expect(await reviewed(page)).toBe('7.00TAB');
});

test('an answer that comes late is put over nothing', async () => {
  const page = await openForm();
  await hold(page);
  await button(page, 'All').click();
  await expect(button(page, 'All')).toHaveAttribute('aria-busy', 'true');
  await amountOf(page).fill('3');
  await expect(button(page, 'All')).not.toHaveAttribute('aria-busy', 'true');
  await goOn(page);
  await expect(amountOf(page)).toHaveValue('3');

  await takeAll(page);
  await hold(page);
  await button(page, 'Review').click();
  await expect(button(page, 'Review')).toHaveAttribute('aria-busy', 'true');
  await page.getByLabel('Note (public)').fill('Once more');
  await goOn(page);
  await expect(button(page, 'Review')).not.toHaveAttribute('aria-busy', 'true');
  await expect(signingSheet(page)).toHaveCount(0);

  await hold(page);
  await button(page, 'Review').click();
  await expect(button(page, 'Review')).toHaveAttribute('aria-busy', 'true');
  await button(page, 'Cancel').click();
  await expect(page.getByRole('region', { name: 'Activity' })).toBeVisible();
  await goOn(page);
  await expect(page.getByRole('region', { name: 'Activity' })).toContainText('Final');
  await expect(signingSheet(page)).toHaveCount(0);
});

test('test coins that do not come, or are heard of no more, are said, and may be asked for again', async () => {
  const { page } = person;
  for (const [state, words] of [
    ['grant-failed', 'The test coins did not come'],
    ['grant-unheard', 'No proof at the moment'],
  ] as const) {
    await page.goto(`${harness.url}/receive?state=${state}`);
    await button(page, 'Get coins').click();
    const refusal = page.getByRole('main').getByRole('alert').filter({ hasText: words });
    await expect(refusal).toBeVisible();
    await expect(refusal.getByRole('button')).toBeEnabled();
  }
});

test('who let go of the focus gets it back nowhere when that place leaves', async () => {
  const { page } = person;
  await page.goto(`${harness.url}/explorer?state=following`);
  await expect(page.locator('main section').first()).toBeVisible();
  const heirs: string[] = [];
  for (const hasLeft of [true, false]) {
    const heir = await page.evaluate(async (isLetGo) => {
      const holder = document.createElement('button');
      document.querySelector('main section')?.append(holder);
      holder.focus();
      if (document.activeElement !== holder) return 'nothing took the focus';
      if (isLetGo) holder.blur();
      await new Promise((resolve) => requestAnimationFrame(resolve));
      holder.remove();
      await new Promise((resolve) => requestAnimationFrame(resolve));
      return document.activeElement?.tagName ?? '';
    }, hasLeft);
    heirs.push(heir);
  }
  expect(heirs[0]).toBe('BODY');
  // Where it was taken away, the heading around it, or the part itself, has the focus.
  expect(heirs[1]).toMatch(/^(H1|H2|SECTION)$/);
});

test('a page without an answer has its own title, never the one before', async () => {
  const { page } = person;
  await page.goto(`${harness.url}/settings?state=following`);
  await expect(page).toHaveTitle('Settings · Tabellion');
  for (const [path, title] of [
    ['/asset/zz', 'Asset'],
    ['/account/zz', 'Account'],
    ['/block/zz', 'Block'],
    ['/tx/zz', 'Transaction'],
  ] as const) {
    await goTo(page, 'Settings');
    await expect(page).toHaveTitle('Settings · Tabellion');
    await page.evaluate((to) => {
      history.pushState(null, '', to);
    }, path);
    await expect(page).toHaveTitle(`${title} · Tabellion`);
    await expect(page.getByRole('heading', { level: 1 })).toHaveText(title);
  }
  expect(person.errors).toEqual([]);
});
