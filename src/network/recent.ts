import type { Topic } from './types.ts';

type Publication = { readonly topic: Topic; readonly message: Uint8Array; readonly atMs: number };

/**
 * What this node published in the last seconds. A peer that comes while a message is on its way
 * has not subscribed yet and would miss it: it is published once more when the peer subscribes.
 */
export class RecentPublications {
  readonly #limit: {
    readonly windowMs: number;
    readonly countMax: number;
    readonly bytesMax: number;
  };
  #publications: Publication[] = [];
  #bytes = 0;

  constructor(limit: {
    readonly windowMs: number;
    readonly countMax: number;
    readonly bytesMax: number;
  }) {
    this.#limit = limit;
  }

  add(topic: Topic, message: Uint8Array, atMs: number): void {
    if (message.length > this.#limit.bytesMax) return;
    this.#publications.push({ topic, message, atMs });
    this.#bytes += message.length;
    this.#trim(atMs);
  }

  /** Those still recent, oldest first. */
  list(nowMs: number): readonly Publication[] {
    this.#trim(nowMs);
    return this.#publications;
  }

  #trim(nowMs: number): void {
    const { windowMs, countMax, bytesMax } = this.#limit;
    let dropped = 0;
    for (const { atMs, message } of this.#publications) {
      const isOld = nowMs - atMs > windowMs;
      const isTooMuch = this.#publications.length - dropped > countMax || this.#bytes > bytesMax;
      if (!isOld && !isTooMuch) break;
      dropped += 1;
      this.#bytes -= message.length;
    }
    if (dropped > 0) this.#publications = this.#publications.slice(dropped);
  }
}
