import type { Bytes } from '../../base/index.ts';
import type { Page } from '../../state/index.ts';
import { memoryOf } from '../../state/index.ts';
import type { Core } from './core.ts';
import { insertPages } from './core.ts';
import type { StoreState } from './upkeep.ts';

/** Pages that readings may load beyond what the cache may hold before some are let go of. */
const SLACK_SHARE = 1 / 8;
const SLACK_BYTES_MIN = 1024 * 1024;
/** So many times that while other readings run, of which some may need what would go. */
const SLACK_TIMES_BUSY = 8;
/** Blocks after a reading that missed something in which others are taken to do so too. */
const MISSES_COUNT_BLOCKS = 16;
/** Of the cache, what one block may have loaded ahead: beyond, it would push out its own. */
const EXPECTED_SHARE = 1 / 2;
/** Of the cache, what is loaded ahead at a time; then it is looked whether others have to go. */
const EXPECTED_STEP_SHARE = 1 / 16;

/**
 * Lets go of pages that readings loaded. Commits do so as well, but none may come for long, and
 * peers choose what is read for them.
 */
export class LoadedMemory {
  readonly #state: StoreState;
  /** Readings that run: what they loaded had better stay until they are done. */
  #running = 0;
  /** What was left when pages were last let go of: some hold changes, and stay. */
  #left = 0;
  /** Height of the head when a reading last missed something. */
  #missedAt = Number.NEGATIVE_INFINITY;

  constructor(state: StoreState) {
    this.#state = state;
  }

  get #height(): number {
    return this.#state.head.header.height;
  }

  /** Notes that a reading of the head missed something. */
  noteMiss(): void {
    this.#missedAt = this.#height;
  }

  /**
   * Loads what somebody will read at the head soon, as far as there is room; rejects where that
   * reading would. As long as readings find in memory what they need, nobody is asked for the keys.
   */
  async expect(core: Core, keysOf: () => Iterable<Bytes>): Promise<void> {
    const isShort = this.#height - this.#missedAt <= MISSES_COUNT_BLOCKS;
    const { tree, cacheBytesMax } = this.#state;
    const pages = isShort ? tree.pagesNeeded(keysOf()) : [];
    if (pages.length === 0) return;
    this.noteMiss();
    for (const step of stepsOf(pages, cacheBytesMax)) {
      if (tree !== this.#state.tree) return; // A snapshot was adopted meanwhile.
      await this.during(insertPages(core, tree, step));
    }
  }

  /** Runs a reading, and looks afterwards what it and those beside it left in memory. */
  async during<Value>(reading: Promise<Value>): Promise<Value> {
    this.#running += 1;
    try {
      return await reading;
    } finally {
      this.#running -= 1;
      this.#trim(this.#running === 0 ? 1 : SLACK_TIMES_BUSY);
    }
  }

  #trim(slackTimes: number): void {
    const { tree, cacheBytesMax } = this.#state;
    const bytes = tree.memoryBytes();
    this.#left = Math.min(this.#left, bytes);
    // Some at once, so that not every reading pays for the next.
    const slack = slackTimes * Math.max(SLACK_BYTES_MIN, cacheBytesMax * SLACK_SHARE);
    if (bytes <= Math.max(cacheBytesMax, this.#left) + slack) return;
    tree.evict(cacheBytesMax);
    this.#left = tree.memoryBytes();
  }
}

/** Of some pages those that are loaded ahead, in the groups in which they are. */
function stepsOf(pages: readonly Page[], cacheBytesMax: number): Page[][] {
  const steps: Page[][] = [];
  let left = EXPECTED_SHARE * cacheBytesMax;
  let leftOfStep = 0;
  for (const page of pages) {
    const bytes = memoryOf(page);
    left -= bytes;
    leftOfStep -= bytes;
    if (left < 0) break;
    if (leftOfStep < 0) {
      steps.push([]);
      leftOfStep = EXPECTED_STEP_SHARE * cacheBytesMax - bytes;
    }
    steps.at(-1)?.push(page);
  }
  return steps;
}
