/** How much of a measurement is believed over those before it. */
const WEIGHT = 0.3;
/** How much slower machines are taken to be after a round failed. */
const FAILURE_FACTOR = 1.5;
/** How much slower at most; 18 blocks in time take this back to within 5 %. */
const SLOWNESS_MAX = 32;
/** Blocks of fewer transactions say little: what a block costs without any would count. */
const SAMPLE_TRANSACTIONS_MIN = 32;

/**
 * How many transactions a block may hold so that it is made, and checked by the others, well
 * within the time that a round waits for it. A block that comes too late is work for nothing, and
 * a machine that is too slow for its blocks would make no progress at all; so each node measures
 * how long a transaction takes here and now, whatever else the machine has to do.
 */
export class BlockPace {
  readonly #targetMs: number;
  readonly #countMin: number;
  #msPerTransaction = 0;
  /** 1 and more: failed rounds raise it, blocks that were made or checked bring it back. */
  #slowness = 1;

  /**
   * @param options.targetMs Time that making or checking a block may take.
   * @param options.countMin Transactions that are never too many.
   */
  constructor(options: { readonly targetMs: number; readonly countMin: number }) {
    this.#targetMs = options.targetMs;
    this.#countMin = options.countMin;
  }

  /** A block of so many transactions was made or checked in so much time. */
  measured(count: number, elapsedMs: number): void {
    if (count < SAMPLE_TRANSACTIONS_MIN || !Number.isFinite(elapsedMs) || elapsedMs < 0) return;
    // A machine that slept would else be slow for long: nothing below `countMin` is asked for.
    const sample = Math.min(elapsedMs / count, this.#targetMs / this.#countMin);
    const before = this.#msPerTransaction;
    this.#msPerTransaction = before === 0 ? sample : before + WEIGHT * (sample - before);
    this.#slowness -= WEIGHT * (this.#slowness - 1);
  }

  /**
   * A height took more than one round: somebody did not keep up, here or elsewhere.
   *
   * @param count Transactions of its block: of few no machine is late, so others were away.
   */
  roundFailed(count: number): void {
    if (count < SAMPLE_TRANSACTIONS_MIN) return;
    this.#slowness = Math.min(this.#slowness * FAILURE_FACTOR, SLOWNESS_MAX);
  }

  /** Transactions for the next block. */
  countMax(): number {
    if (this.#msPerTransaction === 0) return Number.MAX_SAFE_INTEGER;
    const ms = this.#msPerTransaction * this.#slowness;
    return Math.max(this.#countMin, Math.floor(this.#targetMs / ms));
  }
}
