import { createServer } from 'node:http';
import type { OwnBrowser } from '../../e2e/support/own-browser.ts';

/**
 * How long the browser itself takes to hand a Web Lock over from a page that crashed to one that
 * waits for it, in milliseconds: no tab can take over sooner.
 */
export async function lockHandoverMs(browser: OwnBrowser): Promise<number> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const url = `http://localhost:${port}/`;
  const holder = await browser.open(url);
  await holder.evaluate(
    () =>
      new Promise<void>((resolve) => {
        void navigator.locks.request('lock', () => {
          resolve();
          return new Promise(() => undefined);
        });
      }),
  );
  const waiter = await browser.open(url);
  await waiter.evaluate(() => {
    const granted = navigator.locks.request('lock', async () => Date.now());
    Object.assign(globalThis, { granted });
  });
  const session = await browser.context.newCDPSession(holder);
  const crashedAtMs = Date.now();
  session.send('Page.crash').catch(() => undefined); // The one asked is no more.
  const grantedAtMs = await waiter.evaluate(
    () => (globalThis as unknown as { granted: Promise<number> }).granted,
  );
  await Promise.all([holder.close(), waiter.close()]);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  return grantedAtMs - crashedAtMs;
}
