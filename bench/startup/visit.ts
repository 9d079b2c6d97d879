import type { BrowserContext, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { ensureChromium } from '../../deploy/chromium.mjs';
import { SYNCING_MARK } from './tasks.ts';

/** What happened until the first screen could be used. */
export type Opening = {
  /** From the beginning of the navigation to a primary button that works, the node at the head. */
  readonly usableMs: number;
  /** Bytes as they were transferred, heads of answers included. */
  readonly bytes: number;
};

/** A browser with a profile in a folder. */
export async function openBrowser(profile: string): Promise<BrowserContext> {
  const executablePath = process.env.TABELLION_CHROMIUM ?? (await ensureChromium());
  return chromium.launchPersistentContext(profile, {
    executablePath,
    args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
    viewport: { width: 1280, height: 860 },
    locale: 'en-GB',
    timezoneId: 'UTC',
  });
}

export async function firstPage(context: BrowserContext): Promise<Page> {
  return context.pages()[0] ?? (await context.newPage());
}

/**
 * Notes in the page itself when a screen may be used: the node says `Validated`, which it does from
 * five blocks before the head, and is at `height` or above; the button that makes an account, where
 * there is one, is enabled.
 */
async function watchForUse(
  page: Page,
  height: number,
): Promise<{ readonly usableMs: Promise<number> }> {
  const usable = Promise.withResolvers<number>();
  await page.exposeFunction('tellUsable', (ms: number) => usable.resolve(ms));
  const given = { wanted: height, mark: SYNCING_MARK };
  await page.addInitScript(({ wanted, mark }) => {
    let isMarked = false;
    const isReady = () => {
      if (location.pathname !== '/') return document.querySelector('main h1') !== null;
      const buttons = [...document.querySelectorAll('main button')];
      const create = buttons.find((each) => each.textContent?.trim() === 'Create account');
      return create instanceof HTMLButtonElement && !create.disabled;
    };
    const observer = new MutationObserver(() => {
      const state = document.querySelector('[aria-label="State of this node"]');
      const link = state?.querySelector('a[href^="/block/"]')?.getAttribute('href');
      if (link == null) return;
      if (!isMarked) performance.mark(mark);
      isMarked = true;
      if (state?.textContent?.includes('Validated') !== true || !isReady()) return;
      if (!(Number(link.replace('/block/', '')) >= wanted)) return;
      const nowMs = performance.now();
      observer.disconnect();
      // The function that was exposed a line above.
      (globalThis as unknown as { tellUsable(ms: number): void }).tellUsable(nowMs);
    });
    const options = { subtree: true, childList: true, attributes: true, characterData: true };
    observer.observe(document, options);
  }, given);
  return { usableMs: usable.promise };
}

/** Opens the app in the first page of a browser and waits until it may be used. */
export async function openApp(
  page: Page,
  url: string,
  { height, timeoutMs }: { readonly height: number; readonly timeoutMs: number },
): Promise<Opening> {
  const sizes: Promise<number>[] = [];
  page.on('requestfinished', (request) => {
    sizes.push(
      request.sizes().then(
        ({ responseHeadersSize, responseBodySize }) => responseHeadersSize + responseBodySize,
        () => 0, // Of a page that was left meanwhile.
      ),
    );
  });
  const watched = await watchForUse(page, height);
  await page.goto(url, { waitUntil: 'commit' });
  const overdue = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => overdue.reject(new Error(`the app could not be used within ${timeoutMs} ms`)),
    timeoutMs,
  );
  const usableMs = await Promise.race([watched.usableMs, overdue.promise]).finally(() =>
    clearTimeout(timer),
  );
  const transferred = await Promise.all(sizes);
  return { usableMs, bytes: transferred.reduce((sum, each) => sum + each, 0) };
}
