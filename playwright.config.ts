import { defineConfig } from '@playwright/test';
import { ensureChromium } from './deploy/chromium.mjs';

// Workers read this file again; the path found first is handed on to them.
const executablePath = process.env.TABELLION_CHROMIUM ?? (await ensureChromium());
process.env.TABELLION_CHROMIUM = executablePath;

// Chromium's own sandbox refuses to start as root, which is what containers run as.
const isRoot = process.getuid?.() === 0;

/** The whole product in a real browser, against relay processes that the tests start themselves. */
export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  // Each test runs several browsers and relays; two at once would measure the machine.
  workers: 1,
  fullyParallel: false,
  forbidOnly: true,
  // Once more on a machine that may be busy; `npm test` names what needed it.
  retries: process.env.CI === undefined ? 0 : 1,
  timeout: 120_000,
  expect: { timeout: 15_000 },
  reporter: [['list']],
  use: {
    launchOptions: { executablePath, args: isRoot ? ['--no-sandbox'] : [] },
    headless: true,
    trace: 'retain-on-failure',
    screenshot: 'only-on-failure',
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'UTC',
  },
});
