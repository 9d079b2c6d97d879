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
/** What a page says that was pushed down on purpose. */
const PUSHED = 'pushed down';

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
    const moved = await page.evaluate(shiftedTexts, PUSHED);
    // It shifted the page itself at last: an observer that tells nothing is no witness.
    expect(moved).toContain(PUSHED);
    expect(moved.filter((text) => /Create account|witness/.test(text))).toEqual([]);
  } finally {
    await visitor.close();
  }
});

/** What moved since the page began, and at last what is pushed down here. */
async function shiftedTexts(marked: string): Promise<readonly string[]> {
  const texts: string[] = [];
  const isPushed = Promise.withResolvers<void>();
  // Those of before come in the first call (Layout Instability §2).
  new PerformanceObserver((list) => {
    // As that specification has it; the types of the platform lack it.
    const shifts = list.getEntries() as unknown as readonly {
      readonly sources: readonly { readonly node: Node | null }[];
    }[];
    const nodes = shifts.flatMap(({ sources }) => sources.map(({ node }) => node));
    texts.push(...nodes.map((node) => node?.textContent ?? ''));
    if (texts.includes(marked)) isPushed.resolve();
  }).observe({ type: 'layout-shift', buffered: true });
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const [above, pushed] = [document.createElement('div'), document.createElement('div')];
  pushed.textContent = marked;
  for (const each of [pushed, above]) {
    Object.assign(each.style, { width: '300px', height: '100px' });
  }
  // Over the page, so that nothing of it moves along.
  const box = document.createElement('div');
  Object.assign(box.style, { position: 'fixed', inset: '0 auto auto 0', zIndex: '1000' });
  box.append(above, pushed);
  document.body.append(box);
  await frame();
  await frame();
  above.style.height = '300px';
  await isPushed.promise;
  return texts;
}

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
