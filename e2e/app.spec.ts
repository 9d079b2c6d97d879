import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
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

const BUILT = process.env['APP_FOLDER'] ?? 'dist';

let network: Network;
let appFolder = '';
let person: Person;
let address = '';

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  // A copy, so that a new version of it can be published while it runs.
  appFolder = await mkdtemp(join(tmpdir(), 'tabellion-app-'));
  await cp(BUILT, appFolder, { recursive: true });
  network = await startNetwork({ appFolder });
  person = await openPerson(network.url);
  await person.plug('platform');
  address = await createAccount(person, 'Anna', 'platform');
  await getCoins(person.page);
  await pay(person.page, { to: address, amount: '1', note: 'A note' });
});

test.afterAll(async () => {
  await person?.close();
  await network?.stop();
  await rm(appFolder, { recursive: true, force: true });
});

/** Every screen: where it is, and the heading that tells it apart. */
function screens(transactionId: string): readonly (readonly [path: string, heading: RegExp])[] {
  return [
    ['/', /Anna/],
    ['/welcome', /witness/],
    ['/sign-in', /^Sign in$/],
    ['/send', /^Send$/],
    [`/send?to=${address}&amount=2`, /^Send$/],
    ['/receive', /^Receive$/],
    ['/scan', /^Scan/],
    ['/contacts', /^Contacts$/],
    ['/explorer', /^Explorer$/],
    ['/block/1', /^Block/],
    [`/tx/${transactionId}`, /Transfer|Payment|Send|Sent/i],
    [`/account/${address}`, /Anna/],
    [`/asset/${'0'.repeat(64)}`, /./],
    [`/search/${'ab'.repeat(32)}`, /./],
    ['/network', /./],
    ['/node', /^Node$/],
    ['/settings', /^Settings$/],
    ['/settings/keys', /^Keys$/],
    ['/more', /^More$/],
    ['/nowhere', /./],
  ];
}

/** Another place of the app, without loading the page again. */
async function show(page: Page, path: string, heading: RegExp): Promise<void> {
  await page.evaluate((to) => history.pushState(null, '', to), path);
  await expect(page.getByRole('heading', { level: 1 })).toHaveText(heading);
  await expect(page.getByText(/^(Opening|Reading)/)).toHaveCount(0);
}

async function violations(page: Page): Promise<readonly string[]> {
  // No frames here: the mode without a second page for the report is whole, and twice as fast.
  const { violations: found } = await new AxeBuilder({ page }).setLegacyMode(true).analyze();
  return found.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' ')}`);
}

/** How far the page can be pushed sideways. */
function sideways(page: Page): Promise<number> {
  return page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth - clientWidth;
  });
}

async function lastTransaction(page: Page): Promise<string> {
  await show(page, '/', /Anna/);
  const link = page.getByRole('region', { name: 'Activity' }).locator('a[href^="/tx/"]').first();
  return ((await link.getAttribute('href')) ?? '').replace('/tx/', '');
}

for (const colorScheme of ['light', 'dark'] as const) {
  test(`axe finds nothing on any screen, wide or 360 px: ${colorScheme}`, async () => {
    test.setTimeout(240_000);
    const { page } = person;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const transactionId = await lastTransaction(page);
    const problems: string[] = [];
    for (const [path, heading] of screens(transactionId)) {
      for (const width of [1280, 360]) {
        await page.setViewportSize({ width, height: 800 });
        await show(page, path, heading);
        for (const each of await violations(page)) problems.push(`${path} at ${width}: ${each}`);
        if ((await sideways(page)) > 0) problems.push(`${path} at ${width} scrolls sideways`);
      }
    }
    expect(problems).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 860 });
  });

  test(`axe finds nothing on what opens above a screen: ${colorScheme}`, async () => {
    const { page } = person;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const problems: string[] = [];
    for (const width of [1280, 360]) {
      await page.setViewportSize({ width, height: 800 });
      await show(page, `/send?to=${address}&amount=2`, /^Send$/);
      await page.getByRole('button', { name: 'Review' }).click();
      await expect(signingSheet(page).getByTestId('clear-text')).toBeVisible();
      problems.push(...(await violations(page)));
      if ((await sideways(page)) > 0) problems.push(`the sheet at ${width} scrolls sideways`);
      await page.keyboard.press('Escape');
      await expect(signingSheet(page)).toHaveCount(0);
      await page.keyboard.press('Control+K');
      await expect(page.getByRole('combobox', { name: 'Height, hash' })).toBeFocused();
      problems.push(...(await violations(page)));
      await page.keyboard.press('Escape');
    }
    expect(problems).toEqual([]);
    await page.setViewportSize({ width: 1280, height: 860 });
  });
}

test('the theme follows the system, and a choice of the person', async () => {
  const { page } = person;
  const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  const light = await paper();
  await page.emulateMedia({ colorScheme: 'dark' });
  await expect.poll(paper).not.toBe(light);
  await goTo(page, 'Settings');
  await page.getByRole('radio', { name: 'Light' }).check({ force: true });
  await expect.poll(paper).toBe(light);
  await page.reload();
  await expect.poll(paper).toBe(light);
  await page.getByRole('radio', { name: 'Like the system' }).check({ force: true });
  await page.emulateMedia({ colorScheme: 'light' });
});

test('it can be installed', async () => {
  const session = await person.context.newCDPSession(person.page);
  const { errors, data = '{}' } = await session.send('Page.getAppManifest');
  expect(errors).toEqual([]);
  expect(JSON.parse(data)).toMatchObject({ name: 'Tabellion', display: 'standalone' });
  const { installabilityErrors } = await session.send('Page.getInstallabilityErrors');
  expect(installabilityErrors).toEqual([]);
  await session.detach();
});

test('no script from elsewhere: what a page injects is refused', async () => {
  const visitor = await openPerson(network.url);
  try {
    const { page } = visitor;
    await expect(page.getByRole('button', { name: 'Create account' })).toBeVisible();
    expect(visitor.errors).toEqual([]);
    const asked: string[] = [];
    page.on('request', (request) => asked.push(request.url()));
    const ran = await page.evaluate(async () => {
      const inline = document.createElement('script');
      const outside = document.createElement('script');
      const holder = document.createElement('div');
      const attempts = [
        () => {
          inline.textContent = 'window.injected = 1';
          document.head.append(inline);
        },
        () => {
          outside.src = 'https://elsewhere.example/script.js';
          document.head.append(outside);
        },
        () => {
          holder.innerHTML = '<img src="/icon.svg" onload="window.injected = 1">';
          document.body.append(holder);
        },
        () => {
          holder.setAttribute('onclick', 'window.injected = 1');
          document.body.append(holder);
          holder.click();
        },
      ];
      const outcomes: string[] = [];
      for (const attempt of attempts) {
        let outcome = 'allowed';
        const onViolation = () => {
          outcome = 'refused';
        };
        addEventListener('securitypolicyviolation', onViolation);
        try {
          attempt();
        } catch {
          outcome = 'refused'; // By Trusted Types, before the policy of scripts is even asked.
        }
        // Violations are told in a task of their own.
        await new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve, 0)));
        removeEventListener('securitypolicyviolation', onViolation);
        outcomes.push(outcome);
      }
      return { outcomes, isInjected: 'injected' in window };
    });
    expect(ran).toEqual({ outcomes: Array(4).fill('refused'), isInjected: false });
    expect(asked.filter((url) => url.includes('elsewhere'))).toEqual([]);
  } finally {
    await visitor.close();
  }
});

test('an update waits until nothing is being signed, and until the person says so', async () => {
  const { page } = person;
  const path = join(appFolder, 'sw.js');
  // From the second visit on the service worker is in charge.
  await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
  await page.goto(network.url);
  await expect(balanceOf(page)).toContainText('Validated');
  const before = await page.evaluate(() => performance.timeOrigin);
  await reviewPayment(page, { to: address, amount: '1' });
  const sheet = signingSheet(page);
  await expect(sheet.getByRole('button', { name: 'Sign with key' })).toBeVisible();

  // A new version is published while the sheet is open.
  await writeFile(path, `${await readFile(path, 'utf8')}\n// Another version.\n`);
  await Promise.all(['.br', '.gz'].map((end) => rm(`${path}${end}`, { force: true })));
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.ready;
    await registration.update();
    await new Promise<void>((resolve) => {
      const look = (): void => {
        if (registration.waiting !== null) resolve();
        else requestAnimationFrame(look);
      };
      look();
    });
  });
  const offer = page.getByText('A new version is ready');
  await expect(offer).toHaveCount(0);
  await sheet.getByRole('button', { name: 'Cancel' }).click();
  await expect(offer).toBeVisible();
  expect(await page.evaluate(() => performance.timeOrigin)).toBe(before);

  await page.getByRole('button', { name: 'Update now' }).click();
  await expect
    .poll(() => page.evaluate(() => performance.timeOrigin).catch(() => before))
    .not.toBe(before);
  await goTo(page, 'Home');
  await expect(balanceOf(page)).toContainText('Validated');
  await expect(offer).toHaveCount(0);
  expect(person.errors).toEqual([]);
});

test('after one visit it opens offline with what was known, and how old that is', async () => {
  const visitor = await openPerson(network.url);
  try {
    const { page } = visitor;
    await visitor.plug('platform');
    await createAccount(visitor, 'Otto', 'platform');
    await getCoins(page);
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    expect(visitor.errors).toEqual([]);
    await Promise.all([0, 1, 2, 3].map((index) => network.kill(index)));
    await visitor.context.setOffline(true);
    await page.reload();
    // A document loaded anew learns of the emulated state only by its next change.
    await visitor.context.setOffline(false);
    await visitor.context.setOffline(true);
    const main = page.getByRole('main');
    await expect(main.getByText('Offline', { exact: true })).toBeVisible();
    await expect(main).toContainText(/Shown as of block #\d+, \d\d:\d\d/);
    await expect(balanceOf(page)).toContainText('100.00 TAB');
    await expect(balanceOf(page)).toContainText(/Cached.*as of block #\d+, \d\d:\d\d/);
    await page.getByRole('region', { name: 'State of this node' }).getByText('Cached').waitFor();
    // Blocks too are read from what this browser kept.
    await show(page, '/block/1', /^Block/);
    await page.getByRole('link', { name: 'Home', exact: true }).click();
    await page.getByRole('link', { name: 'Send', exact: true }).click();
    await expect(main).toContainText('no peers to send to');
    await expect(page.getByRole('button', { name: 'Review' })).toBeDisabled();
  } finally {
    await visitor.close();
  }
});
