/** What became of a message's content. */
export type SeenVerdict = 'accept' | 'reject';

type SeenEntry = { verdict: SeenVerdict; forwardedMs: number };

/**
 * Remembers contents by digest, at most `max` of them; the least recently met goes first. An
 * attacker who fills it can have old messages validated again, at the price of its rate limit.
 */
export class SeenMessages {
  readonly #entries = new Map<string, SeenEntry>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Notes a verdict, or that this node itself published the content. */
  record(digest: string, verdict: SeenVerdict, nowMs: number): void {
    this.#entries.delete(digest);
    this.#entries.set(digest, { verdict, forwardedMs: nowMs });
    if (this.#entries.size > this.#max) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
  }

  /**
   * What to do with a content met before: `repeat` forwards it once more without asking anybody
   * (its first sending may have missed peers), `ignore` drops it, `reject` drops it with blame.
   */
  lookup(
    digest: string,
    nowMs: number,
    repeatMs: number,
  ): 'unknown' | 'repeat' | 'ignore' | 'reject' {
    const entry = this.#entries.get(digest);
    if (entry === undefined) return 'unknown';
    this.#entries.delete(digest);
    this.#entries.set(digest, entry);
    if (entry.verdict === 'reject') return 'reject';
    if (nowMs - entry.forwardedMs < repeatMs) return 'ignore';
    entry.forwardedMs = nowMs;
    return 'repeat';
  }
}
