import type { Page } from '@playwright/test';
import type { Height } from '../ledger/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import { Browser } from './browser.ts';
import { order } from './browser-rounds.ts';
import { Broken, until } from './failure.ts';
import { KEEP_BLOCKS, SNAPSHOT_EVERY, SNAPSHOT_WORTH } from './intervals.ts';
import type { LateNetwork } from './late-network.ts';
import type { Latecomer } from './late-rounds.ts';
import type { SpoiltPage } from './spoilt-pages.ts';
import { copyDatabase, damageDatabase } from './tab-database.ts';

const OPTIONS = {
  snapshotEveryBlocks: SNAPSHOT_EVERY,
  snapshotWorthBlocks: SNAPSHOT_WORTH,
  keepBlocks: KEEP_BLOCKS,
};

/** A tab that comes late, in a browser with a profile of its own. */
export class LateTab implements Latecomer {
  readonly momentMsMax = 5_000;
  readonly #url: string;
  #browser: Browser;

  private constructor(network: LateNetwork, browser: Browser) {
    this.#browser = browser;
    // A page of a bare address could not hold keys.
    this.#url = network.source.url.replace('127.0.0.1', 'localhost');
  }

  static async create(network: LateNetwork): Promise<LateTab> {
    return new LateTab(network, await Browser.create());
  }

  hasPassed(): boolean {
    return this.#browser.halted !== undefined;
  }

  async start(point: string | undefined, count: number): Promise<void> {
    await order(point ?? '', count, OPTIONS);
    const page = await this.#page();
    await page.goto(`${this.#url}/node`, { waitUntil: 'commit' });
  }

  async told(): Promise<number> {
    const page = await this.#page();
    if (await page.getByRole('heading', { name: 'Stopped' }).isVisible()) {
      throw new Broken(`it says that it stopped: ${await reasonOn(page)}`);
    }
    // Blocks that were executed and stored here: headers are proven before.
    const blocks = '[aria-label="Way of this node"] > li:last-child[data-state="done"]';
    const text = await page
      .evaluate((path) => document.querySelector(path)?.textContent ?? '', blocks)
      .catch(() => ''); // The page is being loaded.
    return Number(/#([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
  }

  async kill(): Promise<void> {
    await this.#browser.kill();
  }

  /** Read by a page of its origin on which no node runs. */
  async remains<Value>(read: (store: KeyValueStore) => Promise<Value>): Promise<Value | undefined> {
    const page = await this.#page();
    await page.goto(`${this.#url}/manifest.webmanifest`);
    const store = await copyDatabase(page);
    return store === undefined ? undefined : read(store);
  }

  /** By the same page. */
  async spoil(pages: readonly SpoiltPage[]): Promise<void> {
    const records = pages.map(({ key, spoilt }) => ({ key, value: spoilt }));
    await damageDatabase(await this.#page(), 'pages', records);
  }

  /** A tab writes no log; that no chunk is lost, its database says. */
  async resumed(): Promise<readonly { readonly height: number; readonly chunks: number }[]> {
    return [];
  }

  async forget(): Promise<void> {
    await this.#browser.remove();
    this.#browser = await Browser.create();
  }

  async follow(height: Height): Promise<void> {
    await until(`the tab follows to block ${height}`, async () => (await this.told()) >= height);
  }

  async expectPruned(height: Height): Promise<void> {
    const page = await this.#page();
    await page.getByRole('link', { name: 'Explorer', exact: true }).first().click();
    await page.getByRole('textbox', { name: 'Height, hash or address' }).fill(String(height));
    await page.getByRole('button', { name: 'Search', exact: true }).click();
    await until(`block ${height} is said to be kept no longer`, () =>
      page.getByText('No longer kept here').isVisible(),
    );
  }

  async close(): Promise<void> {
    await this.#browser.remove();
  }

  async #page(): Promise<Page> {
    return this.#browser.page ?? (await this.#browser.open());
  }
}

/** How long a page may take to say why its node stopped. */
const REASON_MS_MAX = 3_000;

/** Why its node stopped, as a page says it in words. */
async function reasonOn(page: Page): Promise<string> {
  const title = page.getByText('The node has stopped:');
  const words = title.first().textContent({ timeout: REASON_MS_MAX });
  return (await words.catch(() => null)) ?? 'it does not say why'; // It is a tab again, or gone.
}
