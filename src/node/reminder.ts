import type { Bytes, Clock } from '../base/index.ts';
import { REMINDER_DELAY_MS, REMINDERS_MAX, STATUS_INTERVAL_MS } from './limits.ts';

export type ReminderOptions = {
  readonly clock: Clock;
  ownPending(limit: number): readonly Bytes[];
  gossip(transaction: Bytes): void;
};

/**
 * Gossips this node's own pending transactions again: when they were made, perhaps nobody was
 * connected. Now and then, and soon after a peer came.
 */
export class Reminder {
  readonly #options: ReminderOptions;
  #cancelRound: () => void = () => undefined;
  #cancelSoon: (() => void) | undefined;
  #isStopped = false;

  constructor(options: ReminderOptions) {
    this.#options = options;
  }

  start(): void {
    const round = (): void => {
      this.#cancelRound = this.#options.clock.after(STATUS_INTERVAL_MS, () => {
        round();
        this.#remind();
      });
    };
    round();
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelRound();
    this.#cancelSoon?.();
  }

  peerConnected(): void {
    if (this.#isStopped || this.#cancelSoon !== undefined) return;
    this.#cancelSoon = this.#options.clock.after(REMINDER_DELAY_MS, () => {
      this.#cancelSoon = undefined;
      this.#remind();
    });
  }

  #remind(): void {
    for (const bytes of this.#options.ownPending(REMINDERS_MAX)) this.#options.gossip(bytes);
  }
}
