/** How much of a measurement is believed over those before it. */
const WEIGHT = 0.3;
/** How much slower a machine is taken to be after a round failed. */
const FAILURE_FACTOR = 1.5;
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
    if (count < SAMPLE_TRANSACTIONS_MIN || elapsedMs < 0) return;
    const sample = elapsedMs / count;
    const before = this.#msPerTransaction;
    this.#msPerTransaction = before === 0 ? sample : before + WEIGHT * (sample - before);
  }

  /** A height took more than one round: somebody did not keep up, here or elsewhere. */
  roundFailed(): void {
    this.#msPerTransaction *= FAILURE_FACTOR; // Measurements take it back.
  }

  /** Transactions for the next block. */
  countMax(): number {
    if (this.#msPerTransaction === 0) return Number.MAX_SAFE_INTEGER;
    return Math.max(this.#countMin, Math.floor(this.#targetMs / this.#msPerTransaction));
  }
}
