import type { Page } from '@playwright/test';
import { expect, test } from '@playwright/test';
import { isPageKey } from '../src/crash-test/spoilt-pages.ts';
import type { Entry } from '../src/storage/index.ts';
import { damageRecords } from './support/damage.ts';
import { factOf, heightIn, searchFor, untilFollowing, untilHeight } from './support/look.ts';
import type { Network } from './support/network.ts';
import { startNetwork } from './support/network.ts';
import type { Payer } from './support/payer.ts';
import { openPayer, someAddress } from './support/payer.ts';
import type { Person } from './support/person.ts';
import { openPerson } from './support/person.ts';
import { goTo } from './support/steps.ts';

// A page of the state is spoilt in a profile while no tab runs: peers have it.

/** Blocks after which such a node has surely written the state. */
const CHECKPOINT_BLOCKS = 18;
const REPAIRED = 'Damaged data were repaired';

let network: Network;
let payer: Payer;
let person: Person;
const errors: string[] = [];

test.beforeAll(async () => {
  test.setTimeout(120_000);
  network = await startNetwork();
  payer = await openPayer(network.rpc);
  await payer.makeBlocks(someAddress(), 4);
  person = await openPerson(`${network.url}/network.json`);
  person.page.on('pageerror', (error) => errors.push(String(error)));
  // Who allows little memory has pages on the disk soon.
  await person.page.evaluate(() => localStorage.setItem('tabellion.cache-bytes', '1024'));
  await person.page.goto(`${network.url}/node`);
});

test.afterAll(async () => {
  await person?.close();
  payer?.close();
  await network?.stop();
});

for (const damage of ['changed', 'lost'] as const) {
  test(`a page that is ${damage} comes from a relay again, and the tab says so`, async () => {
    const { page } = person;
    await untilFollowing(page);
    await payer.makeBlocks(someAddress(), CHECKPOINT_BLOCKS);
    const before = await payer.client.call('node.status', {});
    await untilHeight(page, before.head.height);
    // A page of the app's origin on which no node runs.
    await page.goto(`${network.url}/network.json`);
    expect(await spoilPages(page, damage)).toBeGreaterThan(0);
    await page.goto(`${network.url}/node`);
    await expect(page.getByText(REPAIRED)).toBeVisible();
    // Nothing was thrown away for it: the chain goes on from where it was.
    await expect(factOf(page, 'Started from')).toHaveText(/^#/);
    const from = heightIn((await factOf(page, 'Started from').textContent()) ?? '');
    expect(from).toBeGreaterThanOrEqual(before.head.height);
    await untilFollowing(page);
    await payer.makeBlocks(someAddress(), 1);
    const { head } = await payer.client.call('node.status', {});
    await untilHeight(page, head.height);
    await searchFor(page, payer.text);
    await expect(page.getByRole('main').getByText('Validated').first()).toBeVisible();
    await goTo(page, 'Node');
    // It lies on the disk again: the next visit finds nothing to repair.
    await page.reload();
    await untilFollowing(page);
    await untilHeight(page, head.height);
    await expect(page.getByText(REPAIRED)).toBeHidden();
  });
}

test('nothing went wrong in the page', () => {
  expect(errors).toEqual([]);
});

/** Changes a bit of each page of the state, or deletes it; returns how many there are. */
function spoilPages(page: Page, damage: 'changed' | 'lost'): Promise<number> {
  const pages = (records: readonly Entry[]) => records.filter(({ key }) => isPageKey(key));
  const middle = (value: Uint8Array) => value.length >> 1;
  return damageRecords(page, 'pages', pages, damage === 'lost' ? undefined : middle);
}
