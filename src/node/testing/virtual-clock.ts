import type { Clock, TimestampMs } from '../../base/index.ts';
import { timestampMs } from '../../base/index.ts';

type Timer = { readonly atMs: number; readonly order: number; readonly callback: () => void };

/**
 * A clock that stands still until a test lets it go on. Whatever a node does between two timers
 * are promises that settle by themselves, so one turn of the event loop lets all of it happen, and
 * the same test always takes the same steps.
 */
export class VirtualClock implements Clock {
  #nowMs: number;
  #order = 0;
  #timers: Timer[] = [];

  constructor(startMs: number) {
    this.#nowMs = startMs;
  }

  now(): TimestampMs {
    return timestampMs(this.#nowMs);
  }

  after(delayMs: number, callback: () => void): () => void {
    this.#order += 1;
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order, callback };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((each) => each !== timer);
    };
  }

  /** Timers that wait: none once everything was stopped. */
  get timerCount(): number {
    return this.#timers.length;
  }

  /** Moves the wall clock without letting time pass: a clock that was wrong. */
  shift(byMs: number): void {
    this.#nowMs += byMs;
  }

  /** Lets everything happen that waits for no timer. */
  settle(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  /** Lets time pass. */
  async pass(forMs: number): Promise<void> {
    const endMs = this.#nowMs + forMs;
    await this.settle();
    while (this.#fireNext(endMs)) await this.settle();
    this.#nowMs = endMs;
  }

  /** Lets time pass until a condition holds; rejects with its name when it does not in time. */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    limitMs = 60_000,
  ): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    for (;;) {
      await this.settle();
      if (await condition()) return;
      if (!this.#fireNext(endMs)) throw new Error(`not within ${limitMs} ms: ${what}`);
    }
  }

  /** Passes the time of a promise that waits for timers. */
  async run<Value>(promise: Promise<Value>, limitMs = 60_000): Promise<Value> {
    let isDone = false;
    const done = () => {
      isDone = true;
    };
    promise.then(done, done);
    await this.until('the promise settles', () => isDone, limitMs);
    return promise;
  }

  /** Fires all timers of the next moment, in the order they were set. */
  #fireNext(endMs: number): boolean {
    let atMs = Number.POSITIVE_INFINITY;
    for (const timer of this.#timers) atMs = Math.min(atMs, timer.atMs);
    if (atMs > endMs) return false;
    this.#nowMs = Math.max(this.#nowMs, atMs);
    const due = this.#timers.filter((timer) => timer.atMs <= atMs);
    due.sort((left, right) => left.atMs - right.atMs || left.order - right.order);
    for (const timer of due) {
      // One of those before it may have cancelled it.
      if (!this.#timers.includes(timer)) continue;
      this.#timers = this.#timers.filter((each) => each !== timer);
      timer.callback();
    }
    return true;
  }
}
