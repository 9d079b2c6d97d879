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

/**
 * Forbids every tab to take the node's lock by force, for as long as the page lives: whoever leads
 * then was handed it by the browser, the moment it was free, and waited for no silence to pass.
 */
function forbidStealing(page: Page): Promise<void> {
  return page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    const name = held.find((lock) => lock.name?.startsWith('tabellion-node-') === true)?.name;
    if (name === undefined) throw new Error('nobody leads');
    await new Promise<void>((resolve) => {
      // Shared by all who forbid it; whoever wants to steal asks for it alone.
      void navigator.locks.request(`${name}-steal`, { mode: 'shared' }, () => {
        resolve();
        return new Promise(() => undefined);
      });
    });
  });
}

async function untilLeading(page: Page, sinceMs: number): Promise<void> {
  await expect(page.getByText(LEADS)).toBeVisible();
  // Measured by `npm run bench`; here it is only told.
  const description = `${Date.now() - sinceMs} ms`;
  test.info().annotations.push({ type: 'took over after', description });
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

test('when the first tab closes, the other is handed the node', async () => {
  const [first, second] = person.context.pages();
  if (first === undefined || second === undefined) throw new Error('two tabs are needed');
  const height = await shownHeight(second);
  const identity = (await factOf(second, 'This node').textContent()) ?? '';
  await forbidStealing(second);
  const closedAtMs = Date.now();
  await first.close();
  await untilLeading(second, closedAtMs);
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

test('when the leading tab crashes, the other is handed it as well', async () => {
  const [first] = person.context.pages();
  if (first === undefined) throw new Error('a tab is needed');
  const second = await openTab();
  await expect(second.getByText(FOLLOWS)).toBeVisible();
  await forbidStealing(second);
  const session = await person.context.newCDPSession(first);
  const crashedAtMs = Date.now();
  session.send('Page.crash').catch(() => undefined); // The one asked is no more.
  await untilLeading(second, crashedAtMs);
  await untilFollowing(second);
});

test('nothing went wrong in any tab', () => {
  expect([...person.errors, ...errors]).toEqual([]);
});
