import type { Clock } from '../base/index.ts';

const WINDOW_SECONDS = 5;

/** How many things happened a second, over the last five seconds. */
export class RateMeter {
  readonly #clock: Clock;
  /** Counts by second; at most one more than the window holds. */
  readonly #counts = new Map<number, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(): void {
    const second = this.#forget();
    this.#counts.set(second, (this.#counts.get(second) ?? 0) + 1);
  }

  perSecond(): number {
    this.#forget();
    let sum = 0;
    for (const count of this.#counts.values()) sum += count;
    return sum / WINDOW_SECONDS;
  }

  #forget(): number {
    const second = Math.floor(this.#clock.now() / 1000);
    for (const each of this.#counts.keys()) {
      // Clocks may be set back: what lies ahead is as gone as what lies behind.
      if (each <= second - WINDOW_SECONDS || each > second) this.#counts.delete(each);
    }
    return second;
  }
}
