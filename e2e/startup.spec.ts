import { expect, test } from '@playwright/test';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import { openPerson } from './support/person.ts';
import {
  gzipBytesOf,
  PAGE_SCRIPT_BYTES_MAX,
  WORKER_BYTES_MAX,
  watchScripts,
  workerBytesOf,
} from './support/sizes.ts';

const BUILT = process.env.APP_FOLDER ?? 'dist';

let network: Network;

test.beforeAll(async () => {
  network = await startNetwork();
});

test.afterAll(async () => {
  await network?.stop();
});

test('what a first visit loads for the page stays within its budget', async () => {
  const visitor = await openPerson('about:blank');
  try {
    const { page } = visitor;
    const scripts = watchScripts(page);
    await page.goto(network.url);
    await expect(page.getByRole('button', { name: 'Create account' })).toBeEnabled();
    await expect(page.getByRole('region', { name: 'State of this node' })).toContainText(
      'Validated',
    );
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    const bytes = gzipBytesOf(BUILT, scripts);
    // Screens and React alone are more than this: had it less, something was not seen.
    expect(bytes).toBeGreaterThan(PAGE_SCRIPT_BYTES_MAX / 2);
    expect(bytes).toBeLessThanOrEqual(PAGE_SCRIPT_BYTES_MAX);
  } finally {
    await visitor.close();
  }
});

test('the workers of the node stay within their budget', () => {
  const bytes = workerBytesOf(BUILT);
  expect(bytes).toBeGreaterThan(WORKER_BYTES_MAX / 4);
  expect(bytes).toBeLessThanOrEqual(WORKER_BYTES_MAX);
});
