import type { Bytes } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { Page, StateTree } from '../../state/index.ts';
import { deltaStoreKey, EMPTY_DELTA, pageStoreKey } from '../../state/index.ts';
import type { Core } from './core.ts';
import { writeNamed } from './core.ts';
import type { DamagedPage } from './types.ts';

/** Asks whoever has it for the bytes of a page that is lost or spoilt here; absent: nobody has. */
export type AskForPage = (page: DamagedPage) => Promise<Bytes | undefined>;

/** Puts damaged pages of the head back while a reading waits for them. */
export class Mending {
  readonly #ask: AskForPage;
  /** Readings that need the same page wait for one answer. */
  readonly #running = new Map<Page, Promise<boolean>>();

  constructor(ask: AskForPage) {
    this.#ask = ask;
  }

  /** Whether the page is in memory afterwards, and on the disk again. */
  mend(core: Core, tree: StateTree, page: Page): Promise<boolean> {
    const running = this.#running.get(page);
    if (running !== undefined) return running;
    const mending = this.#mend(core, tree, page).finally(() => this.#running.delete(page));
    this.#running.set(page, mending);
    return mending;
  }

  async #mend(core: Core, tree: StateTree, page: Page): Promise<boolean> {
    const { prefix, hash, weight, count } = page;
    const value = await this.#ask({ prefix, hash, weight, count });
    // Whoever gave them: only exactly the bytes of that page go in.
    if (value === undefined || !tree.insertPage(page, value).ok) return false;
    const put = { kind: 'put', space: 'pages', key: pageStoreKey(page), value } as const;
    // These bytes have what changed since as well.
    const key = deltaStoreKey(page);
    const delta = { kind: 'put', space: 'pages', value: EMPTY_DELTA } as const;
    const puts = key === undefined ? [put] : [put, { ...delta, key }];
    await writeNamed(core, 'page-repair', puts, 'strict');
    core.tracer.trace('info', 'page-mended', { prefix: formatHex(prefix), bytes: value.length });
    return true;
  }
}
