import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { chromium, expect, test } from '@playwright/test';
import { build } from 'vite';
import type { Laws } from './support/laws-entry.ts';
import { digests } from './support/laws-entry.ts';

const ORIGIN = 'http://localhost:65500';
let context: BrowserContext;
let page: Page;
let folder: string;

/** The laws as one file, without the product's page around them. */
async function bundle(outDir: string): Promise<string> {
  await build({
    configFile: false,
    logLevel: 'error',
    build: {
      outDir,
      target: 'es2023',
      lib: {
        entry: new URL('./support/laws-entry.ts', import.meta.url).pathname,
        formats: ['es'],
        fileName: () => 'laws.js',
      },
    },
  });
  return readFile(join(outDir, 'laws.js'), 'utf8');
}

test.beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-laws-'));
  const script = await bundle(join(folder, 'out'));
  const executablePath = process.env.TABELLION_CHROMIUM;
  // A profile on disk: stores of an incognito context are another, slower kind.
  context = await chromium.launchPersistentContext(join(folder, 'profile'), {
    ...(executablePath === undefined ? {} : { executablePath }),
    args: ['--no-sandbox'],
  });
  page = await context.newPage();
  await context.route(`${ORIGIN}/**`, (route) =>
    route.request().url().endsWith('.js')
      ? route.fulfill({ contentType: 'text/javascript', body: script })
      : route.fulfill({
          contentType: 'text/html',
          body: '<!doctype html><title>laws</title><script type="module" src="/laws.js"></script>',
        }),
  );
  await page.goto(ORIGIN);
  await page.waitForFunction(() => 'laws' in globalThis);
});

test.afterAll(async () => {
  await context?.close();
  await rm(folder, { recursive: true, force: true });
});

/** The laws inside the page. */
declare const laws: Laws;

test('IndexedDB obeys every law of the key-value store', async () => {
  const results = await page.evaluate(() => laws.store());
  expect(results.length).toBeGreaterThan(5);
  expect(results.filter(({ failure }) => failure !== undefined)).toEqual([]);
});

test('the browser judges signatures as the reference does', async () => {
  const { claims, differences } = await page.evaluate(() => laws.verdicts());
  expect(claims).toBe(240);
  expect(differences).toEqual([]);
});

test('digests and state roots are those of Node.js', async () => {
  expect(await page.evaluate(() => laws.digests())).toEqual(digests());
});
