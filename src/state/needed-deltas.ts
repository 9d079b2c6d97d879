import type { Page } from './page-memory.ts';

/**
 * Pages in whose place something staged has other nodes. When that is adopted, their deltas are
 * asked for, also of those that were let go of meanwhile.
 */
export class NeededDeltas {
  /** Height of the highest that replaces it. */
  readonly #heights = new Map<Page, number>();

  note(pages: readonly Page[], height: number): void {
    for (const page of pages) {
      page.isDeltaNeeded = true;
      this.#heights.set(page, Math.max(height, this.#heights.get(page) ?? 0));
    }
  }

  /** Lets go of what was kept for states that will not be adopted any more: the head is there. */
  settle(headHeight: number): void {
    for (const [page, height] of this.#heights) {
      if (height > headHeight) continue;
      this.#heights.delete(page);
      if (!page.isCurrent) continue; // It is needed.
      page.isDeltaNeeded = false;
      if (!page.isLoaded && page.isStored) page.delta = undefined;
    }
  }
}
