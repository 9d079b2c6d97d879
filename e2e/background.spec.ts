import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import type { Entry } from '../src/storage/index.ts';
import { damageRecords } from './support/damage.ts';
import { FOLLOWS, factOf, LEADS, untilFollowing, untilHeight } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { OwnBrowser } from './support/own-browser.ts';
import { openOwnBrowser } from './support/own-browser.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';

// What browsers do to tabs behind their back: freeze them, cache them, delete what they stored.

// How long it took is noted with each run, and measured by `npm run bench`; on a machine that is
// busy with other things only what is far too long can be told from what is right.
/** Longest that a frozen leader may go without being replaced. */
const FROZEN_MS = 20_000;
/** Longest until a tab that runs again is at the head. */
const BACK_MS = 20_000;
/** A pause that no node takes for a hiccup; see SLEPT_MS of the node. */
const LONG_PAUSE_MS = 6_000;
const DELETED = 'This browser deleted local data';

let network: Network;
let payer: Payer;
let browser: OwnBrowser;
const errors: string[] = [];

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  test.setTimeout(120_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  await payer.makeBlocks(someAddress(), 6);
  browser = await openOwnBrowser();
});

test.afterAll(async () => {
  await browser?.close();
  payer?.close();
  await network?.stop();
});

async function openNode(): Promise<Page> {
  const page = await browser.open('about:blank');
  page.on('pageerror', (error) => errors.push(String(error)));
  await page.goto(`${network.url}/node`);
  return page;
}

/** The identity by which others know this profile's node. */
async function identityOf(page: Page): Promise<string> {
  const fact = factOf(page, 'This node');
  await expect(fact).toHaveText(/…/);
  return (await fact.textContent()) ?? '';
}

async function headHeight(): Promise<number> {
  return (await payer.client.call('node.status', {})).head.height;
}

/** Makes blocks until so much time has passed; returns the height of the head. */
async function makeBlocksFor(ms: number): Promise<number> {
  const endMs = Date.now() + ms;
  do await payer.makeBlocks(someAddress(), 1);
  while (Date.now() < endMs);
  return headHeight();
}

function note(type: string, sinceMs: number): number {
  const tookMs = Date.now() - sinceMs;
  test.info().annotations.push({ type, description: `${tookMs} ms` });
  return tookMs;
}

test('a frozen tab that leads is replaced in time, and follows when it thaws', async () => {
  const first = await openNode();
  await untilFollowing(first);
  await expect(first.getByText(LEADS)).toBeVisible();
  const second = await openNode();
  await expect(second.getByText(FOLLOWS)).toBeVisible();
  const identity = await identityOf(second);
  const frozenAtMs = Date.now();
  await browser.freezeSilently(first);
  await expect(second.getByText(LEADS)).toBeVisible({ timeout: FROZEN_MS });
  expect(note('replaced after', frozenAtMs)).toBeLessThan(FROZEN_MS);
  await untilFollowing(second);
  await expect(factOf(second, 'This node')).toHaveText(identity);
  await payer.makeBlocks(someAddress(), 2);
  await untilHeight(second, await headHeight());
  await browser.thaw(first);
  await first.bringToFront();
  await expect(first.getByText(FOLLOWS)).toBeVisible();
  await payer.makeBlocks(someAddress(), 1);
  await untilHeight(first, await headHeight());
  await expect(second.getByText(LEADS)).toBeVisible();
  // Told that it will be frozen, a tab gives way. It wrote nothing that the other did not expect
  // either: a store of two minds would refuse to open.
  const toldAtMs = Date.now();
  await browser.freeze(second);
  await expect(first.getByText(LEADS)).toBeVisible();
  note('given way after', toldAtMs);
  await browser.thaw(second);
  await second.close();
  await untilFollowing(first);
  await expect(first.getByText('Stored data were damaged')).toBeHidden();
  await first.close();
});

test('a leader frozen in the middle of a write: the next one shows what peers report meanwhile', async () => {
  const first = await openNode();
  await untilFollowing(first);
  const second = await openNode();
  await expect(second.getByText(FOLLOWS)).toBeVisible();
  const identity = await identityOf(second);
  await first.evaluate(neverEndWriting);
  const frozenAtMs = Date.now();
  await browser.freezeSilently(first);
  // The browser lets others into the database a minute later; nobody has to wait for that.
  const notice = second.getByText('Another tab holds the stored data');
  await expect(notice).toBeVisible({ timeout: FROZEN_MS });
  const strip = second.getByRole('region', { name: 'State of this node' });
  // What it kept may speak against what peers show: nothing is called more than Reported.
  await expect(strip).toContainText('Reported', { timeout: FROZEN_MS });
  note('reported after', frozenAtMs);
  await payer.makeBlocks(someAddress(), 2);
  await untilHeight(second, await headHeight());
  await expect(notice).toBeVisible();
  // What would be forgotten cannot be chosen.
  const archive = second.getByRole('radio', { name: 'Archive' });
  const reset = second.getByRole('button', { name: 'Reset' });
  await expect(archive).toBeDisabled();
  await expect(reset).toBeDisabled();
  await expect(second.getByText('a checkpoint can be given here once they are')).toBeVisible();
  await expect(strip).not.toContainText('Proven');
  // As soon as the store is free, all is as it was, and nothing was said in vain.
  await second.evaluate(() => {
    const look = new MutationObserver(() => {
      if (document.body.textContent.includes('peers are gone')) document.title = 'said in vain';
    });
    look.observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  await first.close();
  await expect(strip).toContainText('Validated');
  await untilFollowing(second);
  await expect(notice).toBeHidden();
  await expect(archive).toBeEnabled();
  await expect(reset).toBeEnabled();
  await expect(second.getByText('Stored data were damaged')).toBeHidden();
  await expect(second.getByText(DELETED)).toBeHidden();
  await expect(factOf(second, 'This node')).toHaveText(identity);
  await untilHeight(second, await headHeight());
  expect(await second.title()).not.toBe('said in vain');
  await second.close();
});

/** Begins a transaction over all of the node's database, and keeps it from ending. */
async function neverEndWriting(): Promise<void> {
  const names = (await indexedDB.databases()).map((each) => each.name ?? '');
  const name = names.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each)) ?? '';
  const database = await new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(name);
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  const spaces = [...database.objectStoreNames];
  const drawer = database.transaction(spaces, 'readwrite').objectStore('meta');
  await new Promise<void>((resolve) => {
    const again = (): void => {
      drawer.get(new Uint8Array(1)).onsuccess = () => {
        resolve();
        again();
      };
    };
    again();
  });
}

test('a lone frozen tab is at the head again in seconds', async () => {
  const page = await openNode();
  await untilFollowing(page);
  const front = await browser.open('about:blank');
  await browser.freeze(page);
  const head = await makeBlocksFor(LONG_PAUSE_MS);
  const thawedAtMs = Date.now();
  await browser.thaw(page);
  await untilHeight(page, head);
  expect(note('at the head after', thawedAtMs)).toBeLessThan(BACK_MS);
  await page.bringToFront();
  await untilFollowing(page);
  await expect(page.getByText(LEADS)).toBeVisible();
  await front.close();
  await page.close();
});

test('a page that was left is at the head soon after the way back', async () => {
  const page = await openNode();
  await untilFollowing(page);
  await page.goto(`${network.url}/network.json`);
  await payer.makeBlocks(someAddress(), 2);
  const head = await headHeight();
  const backAtMs = Date.now();
  // From the browser's cache of pages, or loaded anew: it may decide.
  await page.goBack({ waitUntil: 'commit' });
  await untilHeight(page, head);
  expect(note('at the head after', backAtMs)).toBeLessThan(BACK_MS);
  await untilFollowing(page);
  await page.close();
});

test('data deleted under a running node: it says so, and reads the ledger again', async () => {
  const page = await openNode();
  await untilFollowing(page);
  await page.evaluate(() => localStorage.setItem('only here', 'a draft'));
  const session = await browser.context.newCDPSession(page);
  const origin = new URL(network.url).origin;
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'indexeddb' });
  await expect(page.getByText(DELETED)).toBeVisible();
  await payer.makeBlocks(someAddress(), 1);
  await untilHeight(page, await headHeight());
  await untilFollowing(page);
  await expect(page.getByText(LEADS)).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem('only here'))).toBe('a draft');
  // Told once: the next visit finds what this one stored.
  await page.reload();
  await untilFollowing(page);
  await expect(page.getByText(DELETED)).toBeHidden();
  await page.close();
});

test('data deleted while no browser runs: recognised at the next start', async () => {
  const before = await openNode();
  await untilFollowing(before);
  const { profile } = browser;
  await browser.quit();
  await rm(join(profile, 'Default', 'IndexedDB'), { recursive: true });
  browser = await openOwnBrowser({ profile });
  const page = await openNode();
  await expect(page.getByText(DELETED)).toBeVisible();
  await untilFollowing(page);
  await untilHeight(page, await headHeight());
  expect(await page.evaluate(() => localStorage.getItem('only here'))).toBe('a draft');
  await page.close();
});

test('a damaged record is never used: it is said, and the ledger read again', async () => {
  const page = await openNode();
  await untilFollowing(page);
  const identity = await identityOf(page);
  await page.goto(`${network.url}/network.json`);
  const middle = (records: readonly Entry[]) => records.slice(records.length >> 1).slice(0, 1);
  expect(await damageRecords(page, 'journal', middle, () => 40)).toBe(1);
  await page.goto(`${network.url}/node`);
  await expect(page.getByText('Stored data were damaged')).toBeVisible();
  await untilFollowing(page);
  await untilHeight(page, await headHeight());
  await expect(factOf(page, 'This node')).toHaveText(identity);
  await page.close();
});

test('who led last is forgotten: the store itself still knows, and the node goes on', async () => {
  const page = await openNode();
  await untilFollowing(page);
  const identity = await identityOf(page);
  await page.goto(`${network.url}/network.json`);
  expect(await page.evaluate(forgetEpochs)).toBeGreaterThan(1);
  await page.goto(`${network.url}/node`);
  await untilFollowing(page);
  await expect(page.getByText(LEADS)).toBeVisible();
  await expect(factOf(page, 'This node')).toHaveText(identity);
  await expect(page.getByText('Stored data were damaged')).toBeHidden();
  await page.close();
});

test('data of a later version are left alone, and the page says what to do', async () => {
  const page = await openNode();
  await untilFollowing(page);
  await page.goto(`${network.url}/network.json`);
  await page.evaluate(raiseVersion);
  await page.goto(`${network.url}/node`);
  await expect(page.getByText('A newer version wrote the data here')).toBeVisible();
  await page.close();
});

/** Gives the node's database a version that this program does not know. */
async function raiseVersion(): Promise<void> {
  const names = (await indexedDB.databases()).map((each) => each.name ?? '');
  const name = names.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each)) ?? '';
  await new Promise<void>((resolve, reject) => {
    const request = indexedDB.open(name, 1_000);
    request.onsuccess = () => {
      request.result.close();
      resolve();
    };
    request.onerror = () => reject(request.error);
  });
}

/** Deletes the small database of the epochs alone; returns the epoch that it held. */
async function forgetEpochs(): Promise<number> {
  const resultOf = <Value>(request: IDBRequest<Value>): Promise<Value> =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  const names = (await indexedDB.databases()).map((each) => each.name ?? '');
  const name = names.find((each) => /^tabellion-node-.+-epoch$/.test(each)) ?? '';
  const database = await resultOf(indexedDB.open(name));
  const drawer = database.transaction('epochs').objectStore('epochs');
  const epoch: number = await resultOf(drawer.get('leader'));
  database.close();
  await resultOf(indexedDB.deleteDatabase(name));
  return epoch;
}

test('nothing went wrong in any page', () => {
  expect(errors).toEqual([]);
});
