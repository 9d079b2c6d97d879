import type { Page } from './nodes.ts';
import { pruned } from './prune.ts';

/**
 * Pages in the order in which they are let go of: those unused for longest first, and each that was
 * read since it came here once more. Of a page that goes, the way to leaves that are read again and
 * again stays; such parts are let go of last, for a leaf of them is worth more than a page of which
 * one was read once.
 */
export class EvictionQueue {
  readonly #whole = new Set<Page>();
  readonly #partly = new Set<Page>();
  #partlyBytes = 0;

  /** Puts a page behind those that go before it. */
  add(page: Page): void {
    this.delete(page);
    page.queuedAt = page.usedAt;
    if (!page.isPartly) {
      this.#whole.add(page);
      return;
    }
    page.queuedBytes = page.memoryBytes;
    this.#partlyBytes += page.queuedBytes;
    this.#partly.add(page);
  }

  delete(page: Page): void {
    this.#whole.delete(page);
    if (this.#partly.delete(page)) this.#partlyBytes -= page.queuedBytes;
  }

  /**
   * Lets go of pages until there is enough room, or none is left. Costs what goes, and what was
   * read since it came here.
   *
   * @param partlyBytesMax Parts that take more go before whole pages do.
   */
  evict(partlyBytesMax: number, isEnough: () => boolean): void {
    this.#evictFrom(this.#partly, () => isEnough() || this.#partlyBytes <= partlyBytesMax);
    this.#evictFrom(this.#whole, isEnough);
    this.#evictFrom(this.#partly, isEnough);
  }

  #evictFrom(pages: ReadonlySet<Page>, isEnough: () => boolean): void {
    if (isEnough()) return;
    for (const page of pages) {
      const isElsewhere = page.isPartly && pages !== this.#partly; // It became a part here.
      if (page.usedAt > page.queuedAt || isElsewhere) {
        this.add(page);
        continue;
      }
      this.delete(page);
      this.#shrink(page);
      if (isEnough()) return;
    }
  }

  #shrink(page: Page): void {
    if (!page.isStored) {
      page.forgetRecorded();
      if (page.isPartly) this.add(page);
      return;
    }
    const rest = page.isPartly ? undefined : pruned(page);
    if (rest === undefined) page.forget();
    else {
      page.remember(rest);
      this.add(page);
    }
  }
}
