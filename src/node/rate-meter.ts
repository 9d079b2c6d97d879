import type { Clock } from '../base/index.ts';

const WINDOW_MS = 5_000;

/** How many things happened a second, over the last five seconds. */
export class RateMeter {
  readonly #clock: Clock;
  #times: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  count(): void {
    this.#times.push(this.#clock.now());
    if (this.#times.length > 4096) this.#forget();
  }

  perSecond(): number {
    this.#forget();
    return (this.#times.length * 1000) / WINDOW_MS;
  }

  #forget(): void {
    const from = this.#clock.now() - WINDOW_MS;
    this.#times = this.#times.filter((time) => time > from);
  }
}
