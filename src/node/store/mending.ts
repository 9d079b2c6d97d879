import type { Bytes } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { Page, StateTree } from '../../state/index.ts';
import { deltaStoreKey, pageStoreKey, wholeDelta } from '../../state/index.ts';
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

  /** Whether the page is in memory afterwards; as long as the head has it, on the disk again too. */
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
    if (value === undefined) return false;
    const deltaKey = deltaStoreKey(page);
    // Earlier states of the page, those of kept snapshots, stand on the record of its leaves too.
    const record =
      deltaKey === undefined
        ? { key: pageStoreKey(page), value }
        : { key: deltaKey, value: wholeDelta(value) };
    // Whoever gave them: only exactly the bytes of that page go in.
    const delta = deltaKey === undefined ? undefined : record.value;
    if (!tree.insertPage(page, value, delta).ok) return false;
    // A checkpoint wrote another in its place meanwhile: nobody would ever delete this record.
    if (!page.isCurrent && !page.isChanged) return true;
    await writeNamed(core, 'page-repair', [{ kind: 'put', space: 'pages', ...record }], 'strict');
    core.tracer.trace('info', 'page-mended', { prefix: formatHex(prefix), bytes: value.length });
    return true;
  }
}
