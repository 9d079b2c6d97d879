import type { Page } from '@playwright/test';
import type { OwnBrowser } from '../e2e/support/own-browser.ts';
import { openOwnBrowser } from '../e2e/support/own-browser.ts';
import type { Bench } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import { ACCOUNTS, FEW_ACCOUNTS, HEIGHT } from './resume/plan.ts';
import { startRelays } from './resume/relays.ts';
import { builtApp } from './startup/app.ts';

const RUNS = 7;
const FETCHING_MS_MAX = 900_000;
const RELOAD_MS_MAX = 60_000;

/** Notes in each page when its node first says that it validated the head. */
async function watchForHead(browser: OwnBrowser): Promise<void> {
  await browser.context.addInitScript((height) => {
    const observer = new MutationObserver(() => {
      const strip = document.querySelector('[aria-label="State of this node"]');
      const link = strip?.querySelector('a[href^="/block/"]')?.getAttribute('href');
      if (link == null || !(Number(link.replace('/block/', '')) >= height)) return;
      if (strip?.textContent?.includes('Validated') !== true) return;
      observer.disconnect();
      // From the beginning of the navigation.
      Object.assign(globalThis, { atHeadMs: performance.now() });
    });
    const options = { subtree: true, childList: true, characterData: true };
    observer.observe(document, options);
  }, HEIGHT);
}

async function headMs(page: Page, timeout: number): Promise<number> {
  const noted = await page.waitForFunction(
    () => (globalThis as unknown as { atHeadMs?: number }).atHeadMs,
    undefined,
    { timeout, polling: 50 },
  );
  return Number(await noted.jsonValue());
}

/** Lets a tab fetch a state, then loads its page again and again. */
async function reload(accounts: number, appFolder: string): Promise<readonly number[]> {
  const relays = await startRelays(accounts, appFolder);
  const browser = await openOwnBrowser();
  try {
    await watchForHead(browser);
    const page = await browser.open(`${relays.url}/node`);
    const fetchedMs = await headMs(page, FETCHING_MS_MAX);
    console.log(`resume: ${accounts} accounts fetched in ${(fetchedMs / 1000).toFixed(1)} s`);
    const samples: number[] = [];
    // The first finds what the browser had put off; it does not count.
    for (let run = 0; run <= RUNS; run++) {
      await page.reload({ waitUntil: 'commit' });
      const ms = await headMs(page, RELOAD_MS_MAX);
      if (run > 0) samples.push(ms);
    }
    return samples;
  } finally {
    await browser.close();
    await relays.stop();
  }
}

/**
 * A tab of the app that holds a million accounts in IndexedDB, loaded again: from the beginning of
 * the navigation until its status strip says that the head is validated, that is, the store is
 * open, peers were asked, and both say the same.
 */
const bench: Bench = async (name) => {
  const appFolder = builtApp();
  const few = await reload(FEW_ACCOUNTS, appFolder);
  const many = await reload(ACCOUNTS, appFolder);
  const common = { bench: name, home: 'tab', unit: 'ms' } as const;
  return [
    comparedWith(
      { ...common, metric: 'reload-to-head', ...summarize(many) },
      { name: `a reload with ${FEW_ACCOUNTS} accounts`, median: summarize(few).median },
    ),
  ];
};

export default bench;
