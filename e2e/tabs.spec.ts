import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import {
  FOLLOWS,
  factOf,
  LEADS,
  shownHeight,
  untilFollowing,
  untilHeight,
} from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';

/** Longest that a profile may be without a node. */
const TAKE_OVER_MS = 1_000;

let network: Network;
let payer: Payer;
let person: Person;
/** Of the tabs that were opened later. */
const errors: string[] = [];

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  await payer.makeBlocks(someAddress(), 10);
  person = await openPerson(`${network.url}/node`);
  await untilFollowing(person.page);
});

test.afterAll(async () => {
  await person?.close();
  payer?.close();
  await network?.stop();
});

/** Tabs that the first relay is connected to, by identity. */
async function tabsAtRelay(): Promise<readonly string[]> {
  const { peers } = await payer.client.call('node.peers', {});
  return peers.filter(({ agent }) => agent.startsWith('tabellion-tab')).map(({ peerId }) => peerId);
}

async function openTab(): Promise<Page> {
  const page = await person.context.newPage();
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') errors.push(message.text());
  });
  await page.goto(`${network.url}/node`);
  return page;
}

/** Writes down when the page first said that it runs the node. */
function noteLeading(page: Page): Promise<void> {
  return page.evaluate((words) => {
    const look = new MutationObserver(() => {
      if (!document.body.textContent.includes(words)) return;
      look.disconnect();
      Object.assign(globalThis, { leadingAtMs: Date.now() });
    });
    look.observe(document.body, { subtree: true, childList: true, characterData: true });
  }, LEADS);
}

async function leadingAtMs(page: Page): Promise<number> {
  await expect(page.getByText(LEADS)).toBeVisible();
  return page.evaluate(() => (globalThis as unknown as { leadingAtMs: number }).leadingAtMs);
}

test('a second tab attaches to the first one’s node: one head, one identity', async () => {
  const first = person.page;
  await expect(first.getByText(LEADS)).toBeVisible();
  const second = await openTab();
  await expect(second.getByText(FOLLOWS)).toBeVisible();
  await payer.makeBlocks(someAddress(), 3);
  const { head } = await payer.client.call('node.status', {});
  for (const page of [first, second]) await untilHeight(page, head.height);
  expect(await shownHeight(second)).toBe(await shownHeight(first));
  const identity = await factOf(first, 'This node').textContent();
  await expect(factOf(second, 'This node')).toHaveText(identity ?? '');
  expect(await tabsAtRelay()).toHaveLength(1);
});

test('when the first tab closes, the other takes over within a second', async () => {
  const [first, second] = person.context.pages();
  if (first === undefined || second === undefined) throw new Error('two tabs are needed');
  const height = await shownHeight(second);
  const identity = (await factOf(second, 'This node').textContent()) ?? '';
  await noteLeading(second);
  const closedAtMs = Date.now();
  await first.close();
  const tookMs = (await leadingAtMs(second)) - closedAtMs;
  test.info().annotations.push({ type: 'took over after', description: `${tookMs} ms` });
  expect(tookMs).toBeLessThan(TAKE_OVER_MS);
  // It goes on from the same store, as the same peer, and follows again.
  await expect(factOf(second, 'Started from')).toHaveText(/^#/);
  expect(await shownHeight(second)).toBeGreaterThanOrEqual(height);
  await untilFollowing(second);
  await expect(factOf(second, 'This node')).toHaveText(identity);
  await payer.makeBlocks(someAddress(), 2);
  const { head } = await payer.client.call('node.status', {});
  await untilHeight(second, head.height);
  expect(await tabsAtRelay()).toHaveLength(1);
});

test('when the leading tab crashes, the other takes over as well', async () => {
  const [first] = person.context.pages();
  if (first === undefined) throw new Error('a tab is needed');
  const second = await openTab();
  await expect(second.getByText(FOLLOWS)).toBeVisible();
  await noteLeading(second);
  const session = await person.context.newCDPSession(first);
  const crashedAtMs = Date.now();
  session.send('Page.crash').catch(() => undefined); // The one asked is no more.
  const tookMs = (await leadingAtMs(second)) - crashedAtMs;
  test.info().annotations.push({ type: 'took over after', description: `${tookMs} ms` });
  expect(tookMs).toBeLessThan(TAKE_OVER_MS);
  await untilFollowing(second);
});

test('nothing went wrong in any tab', () => {
  expect([...person.errors, ...errors]).toEqual([]);
});
