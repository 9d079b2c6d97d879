import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { ensureChromium } from '../../deploy/chromium.mjs';
import { killBrowser } from '../../deploy/processes.ts';

/** A real browser with a profile on disk: what is stored there outlives every kill. */
export class Browser {
  readonly profile: string;
  #context: BrowserContext | undefined;
  #page: Page | undefined;
  /** The crash point at which the node's worker halted. */
  halted: string | undefined;

  private constructor(profile: string) {
    this.profile = profile;
  }

  static async create(): Promise<Browser> {
    return new Browser(await mkdtemp(join(tmpdir(), 'tabellion-crash-profile-')));
  }

  /** Its page, while it runs. */
  get page(): Page | undefined {
    return this.#page;
  }

  /** Starts it on its profile, as after a crash; no page is loaded yet. */
  async open(): Promise<Page> {
    this.halted = undefined;
    const context = await chromium.launchPersistentContext(this.profile, {
      executablePath: process.env.TABELLION_CHROMIUM ?? (await ensureChromium()),
      args: ['--no-sandbox', '--disable-quic', '--disable-background-networking'],
      locale: 'en-GB',
    });
    this.#context = context;
    context.on('console', (message) => {
      const [, name] = /^crash point (.+)$/.exec(message.text()) ?? [];
      this.halted ??= name;
    });
    this.#page = context.pages()[0] ?? (await context.newPage());
    return this.#page;
  }

  /** Ends all its processes at once. */
  async kill(): Promise<void> {
    await killBrowser(this.profile);
    await this.#context?.close().catch(() => undefined); // Nobody is there to answer.
    this.#context = undefined;
    this.#page = undefined;
  }

  async remove(): Promise<void> {
    await this.kill();
    await rm(this.profile, { recursive: true, force: true });
  }
}
