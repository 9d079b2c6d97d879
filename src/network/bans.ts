/**
 * Peers and addresses refused for a while, at most `max`; beyond, the oldest ban is lifted, so an
 * attacker must be caught with `max` identities to free one.
 */
export class BanBook {
  readonly #untilMs = new Map<string, number>();
  readonly #max: number;

  constructor(max: number) {
    this.#max = max;
  }

  get size(): number {
    return this.#untilMs.size;
  }

  /** Refuses a peer id or host until a time. */
  ban(name: string, untilMs: number): void {
    this.#untilMs.delete(name);
    this.#untilMs.set(name, untilMs);
    if (this.#untilMs.size > this.#max) {
      for (const oldest of this.#untilMs.keys()) {
        this.#untilMs.delete(oldest);
        break;
      }
    }
  }

  isBanned(name: string, nowMs: number): boolean {
    const untilMs = this.#untilMs.get(name);
    if (untilMs === undefined) return false;
    if (nowMs < untilMs) return true;
    this.#untilMs.delete(name);
    return false;
  }
}
