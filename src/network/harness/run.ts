import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Browser, chromium, type Page } from '@playwright/test';
import { build } from 'vite';
import { ensureChromium } from '../../../deploy/chromium.mjs';
import { type RunningRelay, startRelay } from '../../../deploy/relay-process.ts';
import { until } from './nodes.ts';
import type { HarnessTab } from './page.ts';
import type { Arrival, TabCommand, TabState } from './tab-messages.ts';

// Proves the browser's half of the network: two Chromium processes, libp2p in their workers, and
// two relay processes that are killed and come back. Prints figures; exits 1 when a step fails.

declare const tab: HarnessTab; // Inside pages.

/** Prints one line. */
const say = (line: string) => process.stdout.write(`${line}\n`);

const here = fileURLToPath(new URL('.', import.meta.url));
const CHAIN = 'beef00';
const seedOf = (number: number) => number.toString(16).padStart(64, '0');

/** All relay processes, so that none outlives a step that failed. */
const relays: RunningRelay[] = [];

type Relay = { readonly address: string; readonly port: string; readonly running: RunningRelay };

async function openRelay(seed: number, port: string, known: string[] = []): Promise<Relay> {
  const words = [CHAIN, seedOf(seed), port, ...known];
  const running = startRelay(words, { program: join(here, 'relay.ts') });
  relays.push(running);
  const { address } = await running.ready<{ readonly address: string }>();
  return { address, port: /\/tcp\/(\d+)\//.exec(address)?.[1] ?? '', running };
}

const TYPES: { readonly [extension: string]: string } = {
  '.html': 'text/html',
  '.js': 'text/javascript',
};

async function serve(folder: string): Promise<{ readonly server: Server; readonly url: string }> {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname;
    readFile(join(folder, path)).then(
      (body) => {
        const type = TYPES[extname(path)] ?? 'application/octet-stream';
        response.writeHead(200, { 'content-type': type }).end(body);
      },
      () => response.writeHead(404).end(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { server, url: `http://localhost:${address.port}/page.html` };
}

type Tab = { readonly page: Page; perform<Value>(command: TabCommand): Promise<Value> };

async function openTab(
  browser: Browser,
  options: { url: string; seed: number; relays: string[]; mustCopy: boolean },
): Promise<Tab> {
  const page = await browser.newPage();
  page.on('pageerror', (error) => say(`page error: ${error.message}`));
  await page.goto(options.url);
  const { seed, relays, mustCopy } = options;
  await page.evaluate(
    (start) =>
      tab.start({ chainId: start.chainId, seed: start.seed, relays: start.relays }, start.mustCopy),
    { chainId: CHAIN, seed: seedOf(seed), relays, mustCopy },
  );
  // The worker's answers are typed by the command they answer.
  const perform = <Value>(command: TabCommand) =>
    page.evaluate((sent) => tab.perform(sent), command) as Promise<Value>;
  return { page, perform };
}

const stateOf = (one: Tab) => one.perform<TabState>({ kind: 'state' });

async function areJoined(left: Tab, right: Tab): Promise<boolean> {
  const [one, other] = await Promise.all([stateOf(left), stateOf(right)]);
  const sees = (from: TabState, to: TabState) =>
    from.peers.some((peer) => peer.peerId === to.peerId && peer.transport === 'webrtc');
  return sees(one, other) && sees(other, one);
}

function figures(values: readonly number[]): string {
  const sorted = [...values].sort((left, right) => left - right);
  const at = (share: number) =>
    (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN).toFixed(
      1,
    );
  return `median ${at(0.5)}, p95 ${at(0.95)}, max ${at(1)} ms`;
}

let lastRun = 0;

async function gossip(what: string, from: Tab, to: Tab, count: number, during?: () => void) {
  lastRun += 1;
  const run = lastRun;
  const publishing = from.perform({ kind: 'publish', topic: 'transactions', count, run });
  during?.();
  await publishing;
  let arrivals: Arrival[] = [];
  await until(`${what}: all messages`, async () => {
    arrivals = await to.perform<Arrival[]>({ kind: 'arrivals', run });
    return arrivals.length >= count;
  }).catch(() => undefined);
  say(`${what}: ${arrivals.length} of ${count}, ${figures(arrivals.map((a) => a.delayMs))}`);
  if (arrivals.length !== count) throw new Error(`${what}: messages were lost`);
}

async function timed(what: string, action: () => Promise<void>): Promise<number> {
  const beganMs = performance.now();
  await action();
  const tookMs = performance.now() - beganMs;
  if (what !== '') say(`${what}: ${tookMs.toFixed(0)} ms`);
  return tookMs;
}

async function scenario(browsers: readonly [Browser, Browser], url: string, mustCopy: boolean) {
  say(mustCopy ? '— channels copied through the page' : '— channels transferred');
  const first = await openRelay(1, '0');
  const second = await openRelay(2, '0', [first.address]);
  // Both tabs are told of one relay only and must learn of the other.
  const relays = [first.address];
  const left = await openTab(browsers[0], { url, seed: 11, relays, mustCopy });
  const right = await openTab(browsers[1], { url, seed: 12, relays, mustCopy });
  await timed('second tab ready → WebRTC between tabs', () =>
    until('tabs joined by WebRTC', () => areJoined(left, right), 20_000),
  );
  const holds = (one: Tab, relay: Relay) => async () =>
    (await stateOf(one)).addresses.some((address) => address.includes(`/tcp/${relay.port}/`));
  for (const one of [left, right]) {
    await until('a reservation at the relay that was told', holds(one, first));
    await until('a reservation at the relay that was learnt', holds(one, second));
  }
  await gossip('gossip with relays up', left, right, 200);
  const { peerId } = await stateOf(right);
  const responseBytes = 8 * 1024 * 1024;
  const bulk = await left.perform<{ bytes: number; tookMs: number }>({
    kind: 'request',
    peerId,
    responseBytes,
  });
  const rate = bulk.bytes / 1e6 / (bulk.tookMs / 1000);
  say(`request of 8 MiB tab to tab: ${bulk.tookMs.toFixed(0)} ms, ${rate.toFixed(1)} MB/s`);
  await Promise.all([first.running.kill(), second.running.kill()]);
  await gossip('gossip with both relays killed', right, left, 200);
  if (!mustCopy) {
    await gossip('the same while the receiving page is blocked 2 s', left, right, 150, () => {
      void right.page.evaluate(() => tab.block(2_000));
    });
  }
  if (!(await areJoined(left, right))) throw new Error('the tabs lost each other');
  const back = await openRelay(1, first.port);
  await timed('relay back → reservations of both tabs', async () => {
    for (const one of [left, right]) await until('reservation back', holds(one, first), 45_000);
  });
  const [one, other] = await Promise.all([stateOf(left), stateOf(right)]);
  say(`start of worker → WebRTC: ${one.webrtcAfterMs} and ${other.webrtcAfterMs} ms`);
  return { left, right, back };
}

async function redials(browser: Browser, url: string, left: Tab, relay: Relay, count: number) {
  const times: number[] = [];
  for (let round = 0; round < count; round++) {
    const options = { url, seed: 100 + round, relays: [relay.address], mustCopy: false };
    const guest = await openTab(browser, options);
    const tookMs = await timed('', () =>
      until('a new tab joins', () => areJoined(left, guest), 20_000),
    );
    times.push(tookMs);
    await guest.perform({ kind: 'stop' });
    await guest.page.close();
  }
  say(`${count} new tabs joined by WebRTC: ${figures(times)}`);
}

async function main() {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-network-'));
  await build({
    root: here,
    configFile: false,
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true, rollupOptions: { input: join(here, 'page.html') } },
    worker: { format: 'es' },
  });
  const { server, url } = await serve(folder);
  const executablePath = process.env.TABELLION_CHROMIUM ?? (await ensureChromium());
  const args = process.getuid?.() === 0 ? ['--no-sandbox'] : [];
  const launch = () => chromium.launch({ executablePath, args });
  const browsers = [await launch(), await launch()] as const;
  try {
    const transferred = await scenario(browsers, url, false);
    await redials(browsers[1], url, transferred.left, transferred.back, 20);
    for (const one of [transferred.left, transferred.right]) {
      const state = await one.perform<{ unhandled: string[] }>({ kind: 'state' });
      if (state.unhandled.length > 0) throw new Error(`unhandled: ${state.unhandled.join()}`);
      await one.perform({ kind: 'stop' });
      await one.perform({ kind: 'stop' }).catch(() => undefined);
      await one.page.close();
    }
    await transferred.back.running.kill();
    await scenario(browsers, url, true);
    say('all steps passed');
  } finally {
    await Promise.all(relays.map((relay) => relay.kill()));
    await Promise.all(browsers.map((browser) => browser.close()));
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

await main();
process.exit(0);
