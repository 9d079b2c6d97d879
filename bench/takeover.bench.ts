import type { Page } from '@playwright/test';
import { untilFollowing } from '../e2e/support/look.ts';
import { startNetwork } from '../e2e/support/network.ts';
import type { OwnBrowser } from '../e2e/support/own-browser.ts';
import { openOwnBrowser } from '../e2e/support/own-browser.ts';
import { openPayer, someAddress } from '../e2e/support/payer.ts';
import type { Bench } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import { builtApp } from './startup/app.ts';
import { askNext } from './takeover/asker.ts';
import { lockHandoverMs } from './takeover/lock.ts';

const RUNS = 7;
const BLOCKS = 20;
const FROZEN_MS_MAX = 5_000;

type Taking = { readonly browser: OwnBrowser; readonly url: string };

async function openTab({ browser, url }: Taking): Promise<Page> {
  const page = await browser.open(`${url}/node`);
  await untilFollowing(page);
  return page;
}

/**
 * Ends a leader in some way while another tab is attached to it, and measures until a question
 * asked over the tabs' channel is answered by the node that took over. The leader's page is behind
 * the other one, as browsers freeze no other.
 */
async function takeOver(
  taking: Taking,
  leader: Page,
  end: (leader: Page) => Promise<void>,
): Promise<{ readonly tookMs: number; readonly next: Page }> {
  const next = await openTab(taking);
  const answered = await askNext(next);
  const endedAtMs = Date.now();
  await end(leader);
  return { tookMs: (await answered()) - endedAtMs, next };
}

/** The app as a real network serves it, two tabs of one profile with IndexedDB on the disk. */
const bench: Bench = async (name) => {
  const network = await startNetwork({ appFolder: builtApp() });
  const browser = await openOwnBrowser();
  try {
    const payer = await openPayer(network.rpc);
    await payer.makeBlocks(someAddress(), BLOCKS);
    payer.close();
    const taking = { browser, url: network.url };
    const killed: number[] = [];
    const frozen: number[] = [];
    const told: number[] = [];
    const handovers: number[] = [];
    let leader = await openTab(taking);
    for (let run = 0; run < RUNS; run++) {
      handovers.push(await lockHandoverMs(browser));
      const dead = leader;
      const { tookMs, next } = await takeOver(taking, dead, async (page) => {
        const session = await browser.context.newCDPSession(page);
        session.send('Page.crash').catch(() => undefined); // The one asked is no more.
      });
      await dead.close();
      await untilFollowing(next);
      killed.push(tookMs);
      leader = next;
    }
    for (const { samples, freeze } of [
      { samples: frozen, freeze: (page: Page) => browser.freezeSilently(page) },
      { samples: told, freeze: (page: Page) => browser.freeze(page) },
    ]) {
      for (let run = 0; run < RUNS; run++) {
        const cold = leader;
        const { tookMs, next } = await takeOver(taking, cold, freeze);
        await untilFollowing(next);
        await browser.thaw(cold);
        await cold.close();
        samples.push(tookMs);
        leader = next;
      }
    }
    const common = { bench: name, home: 'tab', unit: 'ms' } as const;
    return [
      comparedWith(
        { ...common, metric: 'killed-to-answer', ...summarize(killed) },
        { name: 'a Web Lock handed over by the browser', median: summarize(handovers).median },
      ),
      comparedWith(
        { ...common, metric: 'frozen-to-answer', ...summarize(frozen) },
        { name: 'budget', median: FROZEN_MS_MAX },
      ),
      comparedWith(
        { ...common, metric: 'frozen-with-notice-to-answer', ...summarize(told) },
        { name: 'budget', median: FROZEN_MS_MAX },
      ),
    ];
  } finally {
    await browser.close();
    await network.stop();
  }
};

export default bench;
