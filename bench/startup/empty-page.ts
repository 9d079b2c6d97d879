import { createServer } from 'node:http';
import { firstPage, openBrowser } from './visit.ts';

const HTML = '<!doctype html><title>empty</title><script type="module" src="/empty.js"></script>';
const SCRIPT = 'globalThis.ranMs = performance.now();';

/** Milliseconds from navigation to the end of an empty page's script: what no app can beat. */
export async function emptyPageMs(profile: string): Promise<number> {
  const server = createServer((request, response) => {
    const isScript = request.url === '/empty.js';
    const type = isScript ? 'text/javascript' : 'text/html';
    response.writeHead(200, { 'content-type': type }).end(isScript ? SCRIPT : HTML);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const context = await openBrowser(profile);
  try {
    const page = await firstPage(context);
    await page.goto(`http://localhost:${port}/`, { waitUntil: 'load' });
    // What the script set a moment ago.
    return await page.evaluate(() => (globalThis as unknown as { ranMs: number }).ranMs);
  } finally {
    await context.close();
    await new Promise((resolve) => server.close(resolve));
  }
}
