/**
 * A bounded queue between many senders and one driver. Events that must not be lost (answers,
 * timeouts) are never refused; `offer` is for what peers send and may be refused when full.
 */
export class Mailbox<Event> {
  readonly #events: Event[] = [];
  readonly #eventsMax: number;
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(eventsMax: number) {
    this.#eventsMax = eventsMax;
  }

  /** Appends; says whether there was room. */
  offer(event: Event): boolean {
    if (this.#isClosed || this.#events.length >= this.#eventsMax) return false;
    this.push(event);
    return true;
  }

  /** Appends even beyond the bound: the sender is this node, and sends one answer a question. */
  push(event: Event): void {
    if (this.#isClosed) return;
    this.#events.push(event);
    this.#wake?.();
  }

  /** Lets the loop end after what is queued. */
  close(): void {
    this.#isClosed = true;
    this.#events.length = 0;
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void, undefined> {
    while (!this.#isClosed) {
      const batch = this.#events.splice(0);
      for (const event of batch) {
        if (this.#isClosed) return;
        yield event;
      }
      if (this.#events.length === 0 && !this.#isClosed) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        this.#wake = undefined;
      }
    }
  }
}
