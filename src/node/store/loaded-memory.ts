import type { Bytes } from '../../base/index.ts';
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
   * Loads what somebody will read at the head soon; rejects where that reading would. As long as
   * readings find in memory what they need, nobody is asked for the keys.
   */
  async expect(core: Core, keysOf: () => Iterable<Bytes>): Promise<void> {
    const isShort = this.#height - this.#missedAt <= MISSES_COUNT_BLOCKS;
    const { tree } = this.#state;
    const pages = isShort ? tree.pagesNeeded(keysOf()) : [];
    if (pages.length === 0) return;
    this.noteMiss();
    await this.during(insertPages(core, tree, pages));
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
