import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BrowserContext, Page } from '@playwright/test';
import { chromium } from '@playwright/test';
import { ensureChromium } from '../../deploy/chromium.mjs';
import { killBrowser } from '../../deploy/processes.ts';
import type { Space } from '../storage/index.ts';
import { MemoryStore, SPACES } from '../storage/index.ts';
import type { SpoiltPage } from './spoilt-pages.ts';

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

type Dump = readonly (readonly [space: string, key: string, value: string])[];

/**
 * A copy of the node's database as a kill left it, read by a page of its origin on which no node
 * runs; absent before the first start made one.
 */
export async function copyDatabase(page: Page): Promise<MemoryStore | undefined> {
  const dump = await page.evaluate(async (spaces): Promise<Dump | undefined> => {
    const resultOf = <Value>(request: IDBRequest<Value>): Promise<Value> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const textOf = (value: unknown): string => {
      // Keys are buffers, values arrays of bytes: `IndexedDbStore` writes nothing else.
      const bytes = value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
      let text = '';
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    };
    const names = (await indexedDB.databases()).map((each) => each.name ?? '');
    const name = names.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each));
    if (name === undefined) return undefined;
    const database = await resultOf(indexedDB.open(name));
    const found: [string, string, string][] = [];
    for (const space of spaces) {
      const drawer = database.transaction(space).objectStore(space);
      const [keys, values] = await Promise.all([
        resultOf(drawer.getAllKeys()),
        resultOf(drawer.getAll()),
      ]);
      keys.forEach((key, at) => {
        found.push([space, textOf(key), textOf(values[at])]);
      });
    }
    database.close();
    return found;
  }, SPACES);
  if (dump === undefined) return undefined;
  const store = new MemoryStore();
  const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
  await store.write(
    dump.map(([space, key, value]) => ({
      kind: 'put' as const,
      space: space as Space, // Asked for by these names.
      key: bytesOf(key),
      value: bytesOf(value),
    })),
    'strict',
  );
  return store;
}

/** Puts, or deletes, records of pages in the node's database, by a page on which no node runs. */
export async function spoilDatabase(page: Page, pages: readonly SpoiltPage[]): Promise<void> {
  const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const changes = pages.map(({ key, spoilt }) => ({
    key: textOf(key),
    value: spoilt === undefined ? undefined : textOf(spoilt),
  }));
  await page.evaluate(async (all) => {
    const bytesOf = (text: string) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    const ended = (request: IDBRequest | IDBTransaction): Promise<void> =>
      new Promise((resolve, reject) => {
        request.addEventListener('complete', () => resolve());
        request.addEventListener('success', () => resolve());
        request.addEventListener('error', () => reject(request.error));
      });
    const names = (await indexedDB.databases()).map((each) => each.name ?? '');
    const opening = indexedDB.open(
      names.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each)) ?? '',
    );
    await ended(opening);
    const writing = opening.result.transaction('pages', 'readwrite', { durability: 'strict' });
    const drawer = writing.objectStore('pages');
    for (const { key, value } of all) {
      if (value === undefined) drawer.delete(bytesOf(key));
      else drawer.put(bytesOf(value), bytesOf(key));
    }
    await ended(writing);
    opening.result.close();
  }, changes);
}
