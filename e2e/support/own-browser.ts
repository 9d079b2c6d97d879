import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { BrowserContext, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { ensureChromium } from '../../deploy/chromium.mjs';

/**
 * A browser that treats its tabs as it treats a person's: only the one in front is visible, and
 * those behind can be frozen, cached or discarded. One that tests launch keeps all of them awake.
 */
export type OwnBrowser = {
  readonly context: BrowserContext;
  readonly profile: string;
  /** Opens a tab in front of the others. */
  open(url: string): Promise<Page>;
  /** Freezes a tab behind others, its workers included, as a browser does to save power. */
  freeze(page: Page): Promise<void>;
  /** The same without a word to the page. */
  freezeSilently(page: Page): Promise<void>;
  thaw(page: Page): Promise<void>;
  /** Ends all its processes at once, and leaves the profile. */
  kill(): Promise<void>;
  /** Ends it in order, what it put off written, and leaves the profile. */
  quit(): Promise<void>;
  /** Ends it, and deletes the profile unless it was given. */
  close(): Promise<void>;
};

const PORT_FILE = 'DevToolsActivePort';
const START_TIMEOUT_MS = 30_000;
/** Looking without a pause would take the core that the browser starts on. */
const LOOK_MS = 10;

/** Starts a browser on a fresh profile, or on that of an earlier one. */
export async function openOwnBrowser(
  options: { readonly profile?: string; readonly args?: readonly string[] } = {},
): Promise<OwnBrowser> {
  const profile = options.profile ?? (await mkdtemp(join(tmpdir(), 'tabellion-own-')));
  await rm(join(profile, PORT_FILE), { force: true });
  const executable = process.env.TABELLION_CHROMIUM ?? (await ensureChromium());
  const child = spawn(
    executable,
    [
      ...['--headless=new', '--no-sandbox', '--no-first-run', '--disable-quic'],
      ...['--disable-background-networking', '--lang=en-GB', '--window-size=1280,860'],
      ...['--remote-debugging-port=0', `--user-data-dir=${profile}`],
      ...(options.args ?? []),
      'about:blank',
    ],
    // A group of its own: its helpers end with it.
    { stdio: 'ignore', detached: true },
  );
  const ended = once(child, 'exit');
  const killGroup = (): void => {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    process.kill(-child.pid, 'SIGKILL');
  };
  // It would outlive whoever ends without a word.
  process.once('exit', killGroup);
  void ended.then(() => process.off('exit', killGroup));
  const browser = await chromium.connectOverCDP(`http://127.0.0.1:${await portOf(profile)}`, {
    noDefaults: true,
  });
  const context = browser.contexts()[0];
  if (context === undefined) throw new Error('a browser without tabs');

  const setState = async (page: Page, state: 'frozen' | 'active'): Promise<void> => {
    const session = await context.newCDPSession(page);
    await session.send('Page.setWebLifecycleState', { state });
    await session.detach();
  };
  const kill = async (): Promise<void> => {
    killGroup();
    await ended;
    await browser.close().catch(() => undefined); // Nobody is there to answer.
  };
  return {
    context,
    profile,
    async open(url) {
      const page = await context.newPage();
      await page.bringToFront();
      await page.goto(url);
      return page;
    },
    freeze: (page) => setState(page, 'frozen'),
    async freezeSilently(page) {
      await page.evaluate(() => {
        const stop = (event: Event) => event.stopImmediatePropagation();
        addEventListener('freeze', stop, { capture: true, once: true });
      });
      await setState(page, 'frozen');
    },
    thaw: (page) => setState(page, 'active'),
    kill,
    async quit() {
      const session = await browser.newBrowserCDPSession();
      session.send('Browser.close').catch(() => undefined); // It is gone before it answers.
      await ended;
    },
    async close() {
      await kill();
      // Helpers that outlive it for a moment may still write.
      const remove = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 } as const;
      if (options.profile === undefined) await rm(profile, remove);
    },
  };
}

/** The port that the browser writes down once it listens. */
async function portOf(profile: string): Promise<number> {
  const endMs = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < endMs) {
    const text = await readFile(join(profile, PORT_FILE), 'utf8').catch(() => '');
    const port = Number(text.split('\n')[0]);
    if (text.includes('\n') && port > 0) return port;
    await delay(LOOK_MS);
  }
  throw new Error('the browser did not start in time');
}
