import type { Page } from '@playwright/test';

/** An asker's end of the channel that all tabs of an origin share; lives in a page. */
type Asker = { readonly answered: Promise<number> };

/**
 * Lets a page ask whoever leads, again and again, as every page does that is attached to another
 * tab's node; returns what waits for the first answer of a leader after the present one.
 */
export async function askNext(page: Page): Promise<() => Promise<number>> {
  await page.evaluate(async () => {
    const LOCK = 'tabellion-node-';
    const EVERY_MS = 10;
    const { held = [] } = await navigator.locks.query();
    const lock = held.find(({ name }) => name?.startsWith(LOCK))?.name;
    if (lock === undefined) throw new Error('nobody leads');
    const channel = new BroadcastChannel(lock);
    const client = crypto.randomUUID();
    let epoch = 0;
    let present = 0;
    const answered = new Promise<number>((resolve) => {
      channel.onmessage = ({ data }) => {
        if (data.kind === 'beat') {
          if (present === 0) present = data.epoch;
          if (data.isReady) epoch = Math.max(epoch, data.epoch);
        }
        if (data.kind !== 'answer' || data.client !== client || data.epoch <= present) return;
        clearInterval(timer);
        channel.postMessage({ kind: 'left', client });
        channel.close();
        resolve(Date.now());
      };
    });
    let id = 0;
    const timer = setInterval(() => {
      if (epoch <= present) return;
      id += 1;
      const message = { jsonrpc: '2.0', id, method: 'node.status', params: {} };
      channel.postMessage({ kind: 'call', client, epoch, message });
    }, EVERY_MS);
    channel.postMessage({ kind: 'ask' });
    while (present === 0) await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    Object.assign(globalThis, { asker: { answered } satisfies Asker });
  });
  return () => page.evaluate(() => (globalThis as unknown as { asker: Asker }).asker.answered);
}
