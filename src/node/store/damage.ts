import type { Bytes } from '../../base/index.ts';
import type { Page, StateTree } from '../../state/index.ts';
import { pageStoreKey } from '../../state/index.ts';
import type { Core } from './core.ts';
import { writeNamed } from './core.ts';
import { DAMAGED_PAGES_MAX } from './limits.ts';
import type { DamagedPage } from './types.ts';

/** Remembers pages of a tree that could not be read, until somebody gives their bytes again. */
export class Damage {
  readonly #core: Core;
  readonly #pages = new Map<string, Page>();
  /** What they are of: another one has pages of its own. */
  #tree: StateTree | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  add(tree: StateTree, page: Page): void {
    if (tree !== this.#tree) this.#pages.clear();
    this.#tree = tree;
    if (this.#pages.size < DAMAGED_PAGES_MAX) this.#pages.set(page.prefix.join(), page);
  }

  pages(tree: StateTree): readonly DamagedPage[] {
    if (tree !== this.#tree) return [];
    return [...this.#pages.values()].map(({ prefix, hash, weight, count }) => {
      return { prefix, hash, weight, count };
    });
  }

  /** Puts a page back; whether the bytes are exactly that page. */
  async repair(tree: StateTree, prefix: Uint8Array, bytes: Bytes): Promise<boolean> {
    const page = tree === this.#tree ? this.#pages.get(prefix.join()) : undefined;
    if (page === undefined || !tree.insertPage(page, bytes).ok) return false;
    const put = { kind: 'put', space: 'pages', key: pageStoreKey(page), value: bytes } as const;
    await writeNamed(this.#core, 'page-repair', [put], 'strict');
    this.#pages.delete(prefix.join());
    return true;
  }
}
