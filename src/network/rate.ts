/** What a bucket holds: it fills with time and is emptied by use. */
export type RateLimit = { readonly perSecond: number; readonly burst: number };

/** A token bucket: `burst` at once, `perSecond` for ever. */
export class TokenBucket {
  readonly #limit: RateLimit;
  #tokens: number;
  #filledMs: number;

  constructor(limit: RateLimit, nowMs: number) {
    this.#limit = limit;
    this.#tokens = limit.burst;
    this.#filledMs = nowMs;
  }

  /** Takes `count` tokens if there are so many; takes none otherwise. */
  take(count: number, nowMs: number): boolean {
    // A clock set back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, nowMs - this.#filledMs);
    this.#filledMs = nowMs;
    const filled = this.#tokens + (elapsedMs / 1000) * this.#limit.perSecond;
    this.#tokens = Math.min(this.#limit.burst, filled);
    if (this.#tokens < count) return false;
    this.#tokens -= count;
    return true;
  }
}
