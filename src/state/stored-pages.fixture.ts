import type { Bytes } from '../base/index.ts';
import { defined, formatHex } from '../base/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import { joinPages } from './chunk.ts';
import type { Page } from './nodes.ts';
import { deltaStoreKey, mergePage, pageStoreKey } from './page.ts';
import type { StateTree } from './tree.ts';
import type { CheckpointPlan } from './types.ts';

/** The records of pages, as a store would keep them. */
export class StoredPages {
  readonly records = new Map<string, Bytes>();
  /** A full layout and the changes since. */
  layouts: Bytes[] = [];
  /** Records of changes written so far. */
  deltaCount = 0;
  readonly #keepsAll: boolean;

  constructor(options: { readonly keepsAll?: boolean } = {}) {
    this.#keepsAll = options.keepsAll === true;
  }

  /** Divides the head; what that needs is in memory afterwards. */
  plan(tree: StateTree, generation: number): CheckpointPlan {
    this.insert(tree, tree.pagesToPlan());
    return tree.planCheckpoint(2 * generation);
  }

  /** Carries a plan out; whether the records are exactly those of its pages. */
  write(tree: StateTree, plan: CheckpointPlan): boolean {
    for (const page of plan.written) {
      const { key, value } = plan.encode(page);
      this.records.set(formatHex(key), value);
      if (page.deltaGeneration !== 0) this.deltaCount += 1;
    }
    this.layouts =
      plan.generation % 3 === 2 ? [plan.fullLayout()] : [...this.layouts, plan.layoutChange()];
    tree.checkpointed(plan);
    if (this.#keepsAll) return true;
    const areThere = plan.replacedKeys.map((key) => this.records.delete(formatHex(key)));
    const kept = plan.pages.filter((page) => this.#recordOf(page) !== undefined);
    const count = kept.length + kept.filter((page) => page.deltaGeneration !== 0).length;
    const isAll = kept.length === plan.pages.length && count === this.records.size;
    return isAll && areThere.every((isThere) => isThere);
  }

  checkpoint(tree: StateTree, generation: number): boolean {
    return this.write(tree, this.plan(tree, generation));
  }

  #recordOf(page: Page): { readonly base: Bytes; readonly delta: Bytes | undefined } | undefined {
    const base = this.records.get(formatHex(pageStoreKey(page)));
    const key = deltaStoreKey(page);
    const delta = key === undefined ? undefined : (page.delta ?? this.records.get(formatHex(key)));
    return base === undefined || (key !== undefined && delta === undefined)
      ? undefined
      : { base, delta };
  }

  /** Whether all were there, and were put into the tree. */
  insert(tree: StateTree, pages: readonly Page[]): boolean {
    for (const page of pages) {
      const found = this.#recordOf(page);
      if (found === undefined || !tree.insertStored(page, found.base, found.delta).ok) return false;
    }
    return true;
  }

  load(tree: StateTree, keys: readonly Bytes[], height?: number): boolean {
    return this.insert(tree, tree.pagesNeeded(keys, height));
  }

  /** All leaves of a page. */
  whole(suite: HashSuite, page: Page): Bytes {
    const { base, delta } = defined(this.#recordOf(page), 'a page that is stored');
    const whole =
      delta === undefined ? joinPages([base]) : mergePage(suite, page.prefix, base, delta);
    return defined(whole, 'as it was written');
  }
}
