/**
 * Hands the events of one machine over one after the other: what comes while one is being handled,
 * an answer to one of its effects perhaps, waits its turn, so that no machine is entered twice.
 */
export class EventQueue<Event> {
  readonly #handle: (event: Event) => void;
  readonly #events: Event[] = [];
  #isHandling = false;

  constructor(handle: (event: Event) => void) {
    this.#handle = handle;
  }

  send(event: Event): void {
    this.#events.push(event);
    if (this.#isHandling) return;
    this.#isHandling = true;
    try {
      for (let next = this.#events.shift(); next !== undefined; next = this.#events.shift()) {
        this.#handle(next);
      }
    } finally {
      this.#isHandling = false;
    }
  }
}
