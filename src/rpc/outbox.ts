import type { Json, JsonObject } from '../base/index.ts';
import { EVENTS_IN_FLIGHT_MAX, EVENTS_PENDING_MAX } from './limits.ts';

/** Takes one message to the reader; settles when the reader, or the system below, has it. */
export type Send = (message: JsonObject) => Promise<void>;

type Lane = { readonly keep: 'latest' | 'every'; pending: Json[]; dropped: number };

/**
 * Events of one connection on their way to a reader who may be slow. At most
 * {@link EVENTS_IN_FLIGHT_MAX} are under way; beyond them a `latest` lane keeps its newest event
 * only, an `every` lane a bounded queue whose overflow is counted in the next event's `dropped`.
 */
export class Outbox {
  readonly #send: Send;
  readonly #lanes = new Map<number, Lane>();
  #inFlight = 0;

  constructor(send: Send) {
    this.#send = send;
  }

  open(subscription: number, keep: 'latest' | 'every'): void {
    this.#lanes.set(subscription, { keep, pending: [], dropped: 0 });
  }

  close(subscription: number): void {
    this.#lanes.delete(subscription);
  }

  get size(): number {
    return this.#lanes.size;
  }

  push(subscription: number, event: Json): void {
    const lane = this.#lanes.get(subscription);
    if (lane === undefined) return; // Ended while the event was made.
    if (lane.keep === 'latest') lane.pending = [event];
    else {
      lane.pending.push(event);
      if (lane.pending.length > EVENTS_PENDING_MAX) {
        lane.pending.shift();
        lane.dropped++;
      }
    }
    this.#flush();
  }

  #flush(): void {
    for (const [subscription, lane] of this.#lanes) {
      while (this.#inFlight < EVENTS_IN_FLIGHT_MAX) {
        const event = lane.pending.shift();
        if (event === undefined) break;
        const params = { subscription, event, dropped: lane.dropped };
        lane.dropped = 0;
        this.#inFlight++;
        const done = () => {
          this.#inFlight--;
          this.#flush();
        };
        // A reader that is gone is noticed by its connection; here it only frees the place.
        this.#send({ jsonrpc: '2.0', method: 'rpc.event', params }).then(done, done);
      }
    }
  }
}
