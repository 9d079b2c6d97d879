import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContext, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { build } from 'vite';
import { ensureChromium } from './chromium.mjs';

/** What a home is made from. */
export type ChromiumHomeOptions = {
  /** A TypeScript module; its exported functions become callable. */
  readonly entry: URL;
  /** Bytes that the module may `fetch` as `/files/NAME`. */
  readonly files?: ReadonlyMap<string, Uint8Array>;
  /** Where the functions run: a dedicated worker (default), or the page. */
  readonly place?: 'worker' | 'page';
  /** A folder for the browser's profile, kept on close; a temporary one by default. */
  readonly profile?: string;
  /** More words for the command line of the browser. */
  readonly args?: readonly string[];
  /** Functions keep their names, for profiles; code is larger then. */
  readonly hasNames?: boolean;
};

/** A module that runs in a real Chromium, with storage on disk. */
export type ChromiumHome = {
  /** Calls an exported function; arguments and result are plain JSON values. */
  call<Result>(name: string, ...args: readonly unknown[]): Promise<Result>;
  readonly page: Page;
  readonly context: BrowserContext;
  readonly origin: string;
  close(): Promise<void>;
};

const TYPES: { readonly [extension: string]: string } = {
  '.js': 'text/javascript',
  '.wasm': 'application/wasm',
  '.json': 'application/json',
};
const PAGE =
  '<!doctype html><title>home</title><script type="module" src="/assets/page.js"></script>';

/** Answers calls one by one; what a function throws comes back as its message. */
const CALLS = `
export async function answer({ name, args }) {
  try {
    return { value: await home[name](...args) };
  } catch (cause) {
    return { failure: String(cause?.stack ?? cause) };
  }
}`;
const IN_PAGE = `${CALLS}
globalThis.callHome = answer;`;
const IN_WORKER = `${CALLS}
addEventListener('message', async ({ data }) => {
  postMessage({ id: data.id, ...(await answer(data)) });
});
postMessage({ ready: true });`;
const PAGE_OF_WORKER = `
const worker = new Worker('/assets/worker.js', { type: 'module' });
const waiting = new Map();
let last = 0;
worker.onerror = ({ message }) => {
  globalThis.homeFailure = message;
  for (const resolve of waiting.values()) resolve({ failure: message });
};
worker.onmessage = ({ data }) => {
  if (data.ready) {
    globalThis.callHome = (call) =>
      new Promise((resolve) => {
        waiting.set(++last, resolve);
        worker.postMessage({ id: last, ...call });
      });
    return;
  }
  waiting.get(data.id)(data);
  waiting.delete(data.id);
};`;

/** Builds the module, starts a browser, and opens a page around the module. */
export async function openChromiumHome(options: ChromiumHomeOptions): Promise<ChromiumHome> {
  const place = options.place ?? 'worker';
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-home-'));
  const built = join(folder, 'built');
  const hasNames = options.hasNames ?? false;
  await bundle({ entry: fileURLToPath(options.entry), place, outDir: built, hasNames });
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? '/', 'http://home').pathname));
    const file = path.startsWith('/files/') ? options.files?.get(path.slice(7)) : undefined;
    const content =
      path === '/' ? PAGE : (file ?? readFile(join(built, path)).catch(() => undefined));
    void Promise.resolve(content).then((body) => {
      const type =
        path === '/' ? 'text/html' : (TYPES[extname(path)] ?? 'application/octet-stream');
      response.writeHead(body === undefined ? 404 : 200, { 'content-type': type }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const origin = `http://localhost:${address.port}`;
  const context = await chromium.launchPersistentContext(
    options.profile ?? join(folder, 'profile'),
    { executablePath: await ensureChromium(), args: ['--no-sandbox', ...(options.args ?? [])] },
  );
  const page = context.pages()[0] ?? (await context.newPage());
  await page.goto(origin);
  await page.waitForFunction(() => 'callHome' in globalThis || 'homeFailure' in globalThis);
  return {
    page,
    context,
    origin,
    call: (name, ...args) => callHome(page, name, args),
    async close() {
      await context.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

type Answer = { readonly value?: unknown; readonly failure?: string };

async function callHome<Result>(
  page: Page,
  name: string,
  args: readonly unknown[],
): Promise<Result> {
  const answer = await page.evaluate(
    async (call): Promise<Answer> => {
      // The scripts above define it, or the reason why they could not.
      const home = globalThis as unknown as {
        callHome?(call: object): Promise<Answer>;
        homeFailure?: string;
      };
      return home.callHome?.(call) ?? { failure: home.homeFailure ?? 'not started' };
    },
    { name, args },
  );
  if (answer.failure !== undefined) throw new Error(`${name} in Chromium: ${answer.failure}`);
  // The caller names the type of the function that it calls.
  return answer.value as Result;
}

/** Bundles the module and the few lines around it; workers that it starts become files of their own. */
async function bundle({
  entry,
  place,
  outDir,
  hasNames,
}: {
  readonly entry: string;
  readonly place: 'worker' | 'page';
  readonly outDir: string;
  readonly hasNames: boolean;
}): Promise<void> {
  const importing = `import * as home from ${JSON.stringify(entry)};\n`;
  const sources: { readonly [name: string]: string } =
    place === 'page'
      ? { page: importing + IN_PAGE }
      : { page: PAGE_OF_WORKER, worker: importing + IN_WORKER };
  const prefix = '\0home:';
  await build({
    configFile: false,
    logLevel: 'error',
    worker: { format: 'es' },
    define: { 'process.env.NODE_ENV': '"production"' },
    plugins: [
      {
        name: 'tabellion-home',
        resolveId: (id) => (id.startsWith('home:') ? `\0${id}` : undefined),
        load: (id) => (id.startsWith(prefix) ? sources[id.slice(prefix.length)] : undefined),
      },
    ],
    build: {
      outDir,
      target: 'es2023',
      ...(hasNames ? { minify: false } : {}),
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      rolldownOptions: {
        input: Object.fromEntries(Object.keys(sources).map((name) => [name, `home:${name}`])),
        output: { entryFileNames: 'assets/[name].js' },
      },
    },
  });
}
