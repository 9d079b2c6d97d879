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

test('nothing on the first screen moves while the node starts', async () => {
  const visitor = await openPerson('about:blank');
  try {
    const { page } = visitor;
    await page.goto(network.url);
    await expect(page.getByRole('button', { name: 'Use a security key' })).toBeEnabled();
    const moved = await page.evaluate(
      () =>
        new Promise<readonly string[]>((resolve) => {
          // All shifts since the page began come in the first call (Layout Instability §2).
          new PerformanceObserver((list) => {
            // As that specification has it; the types of the platform lack it.
            const shifts = list.getEntries() as unknown as readonly {
              readonly sources: readonly { readonly node: Node | null }[];
            }[];
            const nodes = shifts.flatMap(({ sources }) => sources.map(({ node }) => node));
            resolve(nodes.map((node) => node?.textContent ?? ''));
          }).observe({ type: 'layout-shift', buffered: true });
          requestAnimationFrame(() => requestAnimationFrame(() => resolve([])));
        }),
    );
    expect(moved.filter((text) => /Create account|witness/.test(text))).toEqual([]);
  } finally {
    await visitor.close();
  }
});

test('a second visit asks the origin for nothing but the network’s own file', async () => {
  const visitor = await openPerson(network.url);
  try {
    const { page } = visitor;
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
    const asked: string[] = [];
    // Those of the page that its service worker could not answer, and those of the worker itself.
    page.on('requestfinished', async (request) => {
      const answer = await request.response();
      if (answer?.fromServiceWorker() === false) asked.push(new URL(request.url()).pathname);
    });
    visitor.context.on('requestfinished', (request) => {
      if (request.serviceWorker() !== null) asked.push(new URL(request.url()).pathname);
    });
    await page.goto(network.url);
    await expect(page.getByRole('button', { name: 'Create account' })).toBeEnabled();
    await expect(page.getByRole('region', { name: 'State of this node' })).toContainText(
      'Validated',
    );
    expect([...new Set(asked)]).toEqual(['/network.json']);
  } finally {
    await visitor.close();
  }
});

test('the workers of the node stay within their budget', () => {
  const bytes = workerBytesOf(BUILT);
  expect(bytes).toBeGreaterThan(WORKER_BYTES_MAX / 4);
  expect(bytes).toBeLessThanOrEqual(WORKER_BYTES_MAX);
});
