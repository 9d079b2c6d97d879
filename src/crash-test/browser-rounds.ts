import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import type { Page } from '@playwright/test';
import type { NodeOptions } from '../node/index.ts';
import { Browser } from './browser.ts';
import { judgeStore } from './dead-store.ts';
import type { Told } from './failure.ts';
import { expectThat, pause, until } from './failure.ts';
import type { Random } from './random.ts';
import type { RelayWorld } from './relay-rounds.ts';
import { copyDatabase } from './tab-database.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const namedFolder = process.env.CRASH_TEST_APP;
const CACHE = join(ROOT, 'node_modules', '.cache', 'tabellion');
/**
 * The app with crash points; `npm run build` makes one without them. Each run has its own: what it
 * orders stands there, and is for its own tabs. Whoever wants to look at it names the folder.
 */
export const APP_FOLDER = namedFolder ?? join(CACHE, `crash-test-app-${process.pid}`);
/** A point that is not passed by then is replaced by a kill at this very moment. */
const ARMED_MS_MAX = 20_000;

/** Points that a tab passes while it follows, and how often at most before it is killed there. */
export const TAB_POINTS: { readonly [name: string]: number } = {
  'commit-begun': 10,
  'commit-done': 10,
  'store-write-begun': 12,
  'store-write-done': 12,
  'checkpoint-clean-begun': 1,
  'checkpoint-clean-done': 1,
  'checkpoint-pages-begun': 1,
  'checkpoint-pages-done': 1,
  'checkpoint-blocks-begun': 1,
  'checkpoint-blocks-done': 1,
  'checkpoint-index-begun': 1,
  'checkpoint-index-done': 1,
  'checkpoint-switch-begun': 1,
  'checkpoint-switch-done': 1,
  'checkpoint-garbage-begun': 1,
  'checkpoint-garbage-done': 1,
  'epoch-begun': 1,
  'epoch-done': 1,
  'tab-relays-begun': 1,
  'tab-relays-done': 1,
};

/** Points of the first visit with a new profile. */
export const FIRST_VISIT_POINTS = [
  'genesis-begun',
  'genesis-done',
  'tab-identity-begun',
  'tab-identity-done',
  'tab-marker-begun',
  'tab-marker-done',
] as const;

/** Builds the app with crash points in it. */
export function buildApp(): Promise<void> {
  if (namedFolder === undefined) {
    process.once('exit', () => rmSync(APP_FOLDER, { recursive: true, force: true }));
  }
  const vite = join(ROOT, 'node_modules', 'vite', 'bin', 'vite.js');
  const words = ['build', '--mode', 'crash-test', '--outDir', APP_FOLDER, '--logLevel', 'error'];
  const child = spawn(process.execPath, [vite, ...words, '--emptyOutDir'], {
    cwd: ROOT,
    stdio: 'inherit',
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) =>
      code === 0 ? resolve() : reject(new Error(`the build ended with code ${code}`)),
    );
  });
}

/** Where the next worker halts, and what its node is told otherwise. */
export function order(
  name: string,
  count: number,
  nodeOptions: Partial<NodeOptions> = {},
): Promise<void> {
  const text = JSON.stringify({ name, count, nodeOptions });
  return writeFile(join(APP_FOLDER, 'crash-point.json'), text);
}

/** Height that the strip at the top of the page shows, 0 before there is one, and its trust. */
async function shown(page: Page): Promise<{ readonly height: number; readonly trust: string }> {
  const strip = page.getByRole('region', { name: 'State of this node' });
  // Both of one moment: the next one may tell another height, and believe it less.
  const read = (element: Element) => ({
    text: element.querySelector('a[href^="/block/"]')?.textContent ?? '',
    trust: element.getAttribute('data-trust') ?? '',
  });
  const { text, trust } = await strip
    .evaluate(read, undefined, { timeout: 300 })
    .catch(() => ({ text: '', trust: '' }));
  return { height: Number(/#([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0), trust };
}

/** A tab that follows a network, in a browser that is killed. */
export class TabWorld {
  readonly #world: RelayWorld;
  readonly #url: string;
  #browser: Browser;

  private constructor(world: RelayWorld, browser: Browser) {
    this.#world = world;
    this.#browser = browser;
    // A page of a bare address could not hold keys.
    this.#url = (world.rpcs[0] ?? '').replace('127.0.0.1', 'localhost').replace(/\/rpc$/, '');
  }

  static async open(world: RelayWorld): Promise<TabWorld> {
    const tab = new TabWorld(world, await Browser.create());
    await order('', 0);
    await tab.#follow(await tab.#browser.open(), -1);
    return tab;
  }

  /** One kill of the browser at a point that its worker passes, or at any moment. */
  async round(random: Random, point: string): Promise<Told> {
    if (FIRST_VISIT_POINTS.some((each) => each === point)) {
      await this.#browser.remove();
      this.#browser = await Browser.create();
    }
    const browser = this.#browser;
    const count = random.whole(1, TAB_POINTS[point] ?? 1);
    const isPoint = point !== 'moment';
    await order(isPoint ? point : '', count);
    const page = browser.page ?? (await browser.open());
    const isOfRelays = point.startsWith('tab-relays-');
    const place = isOfRelays ? 'settings' : 'node';
    await page.goto(`${this.#url}/${place}`, { waitUntil: 'commit' });
    if (isOfRelays) await this.#addRelay(page);
    const endMs = performance.now() + (isPoint ? ARMED_MS_MAX : random.whole(0, 3_000));
    let seen = 0;
    while (browser.halted === undefined && performance.now() < endMs) {
      const { height, trust } = await shown(page);
      // A proven header is known before its block is executed and stored here.
      if (trust === 'validated') seen = Math.max(seen, height);
      await pause(5);
    }
    await browser.kill();
    const isMissed = isPoint && browser.halted === undefined;
    const words = isMissed ? ', not passed: killed then' : isPoint ? `, pass ${count}` : '';
    await order('', 0);
    const next = await browser.open();
    const dead = await this.#judge(next);
    expectThat(dead >= seen, `it showed ${seen} as validated and holds ${dead}`);
    const head = await this.#world.head();
    expectThat(dead <= head, `it holds ${dead} where the network is at ${head}`);
    const opened = await this.#follow(next, dead);
    return { words: `head ${seen} → ${dead}, opened at ${opened}${words}`, isMissed };
  }

  /** As a person does: the tab remembers whom it was told to dial. */
  async #addRelay(page: Page): Promise<void> {
    const answer = await fetch(`${this.#url}/network.json`);
    const { relays } = await answer.json();
    await page.getByRole('textbox', { name: 'Add a relay' }).fill(relays[1]);
    await until('peers', async () => {
      const strip = page.getByRole('region', { name: 'State of this node' });
      return /[1-9]\d* peers?/.test((await strip.textContent()) ?? '');
    });
    // The worker may halt before the page hears of it.
    await page.getByRole('button', { name: 'Connect' }).click({ noWaitAfter: true });
  }

  /** Height of what the kill left; -1 without any. */
  async #judge(page: Page): Promise<number> {
    await page.goto(`${this.#url}/network.json`);
    const store = await copyDatabase(page);
    if (store === undefined) return -1;
    return judgeStore(store, this.#world.judges);
  }

  /** Opens the app and waits until it shows the network's head. */
  async #follow(page: Page, dead: number): Promise<number> {
    await page.goto(`${this.#url}/node`);
    const started = page
      .locator('dl > div')
      .filter({ has: page.getByRole('term').getByText('Started from', { exact: true }) })
      .getByRole('definition');
    const text = (await started.textContent({ timeout: 30_000 })) ?? '';
    const opened = Number(/#([\d,]+)/.exec(text)?.[1]?.replaceAll(',', '') ?? 0);
    expectThat(opened >= Math.max(0, dead), `it opened at ${opened} with ${dead} stored`);
    const words = page.getByRole('heading', { name: 'Following the network' });
    await until('the tab follows the network', () => words.isVisible());
    const head = await this.#world.head();
    await until(`the tab shows block ${head}`, async () => (await shown(page)).height >= head);
    return opened;
  }

  async close(): Promise<void> {
    await this.#browser.remove();
  }
}
