/**
 * Opens every screen in a real Chromium, runs axe on it, and takes pictures at phone and desktop
 * width in both themes. Usage: `node src/ui/harness/look.ts BASE_URL FOLDER [PAGE…]`; the
 * environment may name a `STATE` of `states.ts`.
 */
import { mkdirSync } from 'node:fs';
import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { figuresWithoutTrust } from './audit.ts';

const [base = 'http://localhost:4750', folder = 'pictures', ...only] = process.argv.slice(2);
const STATE = process.env.STATE ?? 'following';
const ID = '5a'.repeat(32);
const PAGES: readonly (readonly [name: string, path: string])[] = [
  ['home', '/'],
  ['send', '/send'],
  ['receive', '/receive'],
  ['contacts', '/contacts'],
  ['explorer', '/explorer'],
  ['block', '/block/48200'],
  ['transaction', `/tx/${ID}`],
  ['network', '/network'],
  ['account', '/account/ADDRESS'],
  ['asset', `/asset/${ID}`],
  ['node', '/node'],
  ['settings', '/settings'],
  ['keys', '/settings/keys'],
  ['sign-in', '/sign-in'],
  ['more', '/more'],
  ['missing', '/nowhere'],
];
const SIZES = [
  { name: 'phone', width: 360, height: 740 },
  { name: 'desktop', width: 1280, height: 860 },
];

let violationCount = 0;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function inspect(page: Page, name: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  for (const violation of violations) {
    violationCount += 1;
    say(`${name}: ${violation.id}: ${violation.help}`);
    for (const node of violation.nodes.slice(0, 4)) {
      say(`    ${node.target.join(' ')}\n    ${node.failureSummary ?? ''}`);
    }
  }
  for (const text of await page.evaluate(figuresWithoutTrust)) {
    violationCount += 1;
    say(`${name}: no trust sign speaks for “${text}”`);
  }
  const overflow = await page.evaluate(
    () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
  );
  if (overflow > 0) say(`${name}: ${overflow} px wider than the screen`);
}

async function virtualKey(page: Page): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send('WebAuthn.enable');
  await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}

async function open(page: Page, path: string): Promise<void> {
  await page.goto(`${base}${path}${path.includes('?') ? '&' : '?'}state=${STATE}`, {
    waitUntil: 'load',
  });
  await page.locator('main h1').first().waitFor();
  await page.waitForTimeout(500);
}

async function walk(page: Page, shot: (name: string) => Promise<void>): Promise<void> {
  await virtualKey(page);
  await open(page, '/');
  await shot('welcome');
  await page.getByLabel('Name for this account').fill('Anna');
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByTestId('address').waitFor();
  const shown = page.getByTestId('address').locator('[data-address]');
  const address = (await shown.getAttribute('data-address')) ?? '';
  for (const [name, path] of PAGES) {
    if (only.length > 0 && !only.includes(name)) continue;
    await open(page, path.replace('ADDRESS', address));
    await shot(name);
  }
  if (only.length > 0 && !only.includes('sign')) return;
  await open(page, '/send');
  await page.getByLabel('Amount').fill('20');
  await page.getByLabel('To', { exact: true }).fill('Ben');
  await page.getByRole('button', { name: 'Review' }).click();
  await page.getByTestId('clear-text').waitFor();
  await page.waitForTimeout(300);
  await shot('sign');
  await page.getByRole('button', { name: 'Sign with key' }).click();
  await page.locator('[data-stage=final]').waitFor();
  await page.waitForTimeout(500);
  await shot('final');
}

mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROME_PATH ?? '/usr/bin/chromium',
  args: ['--no-sandbox'],
});
for (const { name: size, width, height } of SIZES) {
  for (const colorScheme of ['light', 'dark'] as const) {
    const context = await browser.newContext({
      viewport: { width, height },
      colorScheme,
      deviceScaleFactor: size === 'phone' ? 2 : 1,
      isMobile: size === 'phone',
      hasTouch: size === 'phone',
    });
    const page = await context.newPage();
    page.on('pageerror', (error) => say(`page error: ${error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') say(`console: ${message.text()}`);
    });
    await walk(page, async (name) => {
      const label = `${name}-${size}-${colorScheme}`;
      await page.screenshot({ path: `${folder}/${label}.png`, fullPage: !/sign|final/.test(name) });
      await inspect(page, label);
    });
    await context.close();
  }
}
await browser.close();
say(`${violationCount} violations`);
if (violationCount > 0) process.exitCode = 1;
