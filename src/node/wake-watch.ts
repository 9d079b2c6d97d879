import type { Clock } from '../base/index.ts';
import { AWAKE_TICK_MS, SLEPT_MS } from './limits.ts';

/**
 * Notices that this program did not run for a while: the machine slept, or a browser froze it. No
 * platform tells that reliably, and overdue timers fire in any order afterwards, so whoever is
 * about to do something that must not be stale calls `look` first.
 */
export class WakeWatch {
  readonly #clock: Clock;
  readonly #onSlept: (forMs: number) => void;
  #lastMs: number;
  #cancel: () => void = () => undefined;
  #isStopped = false;

  /** @param onSlept Told once for each pause, as soon as anybody looks. */
  constructor(clock: Clock, onSlept: (forMs: number) => void) {
    this.#clock = clock;
    this.#onSlept = onSlept;
    this.#lastMs = clock.now();
  }

  start(): void {
    this.look();
    if (this.#isStopped) return;
    this.#cancel = this.#clock.after(AWAKE_TICK_MS, () => this.start());
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancel();
  }

  look(): void {
    const nowMs = this.#clock.now();
    const forMs = nowMs - this.#lastMs;
    this.#lastMs = nowMs;
    if (forMs >= SLEPT_MS && !this.#isStopped) this.#onSlept(forMs);
  }
}
