import type { Bytes, Clock } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import {
  TRANSACTIONS_GATHER_MS,
  TRANSACTIONS_MESSAGE_BYTES_MAX,
  TRANSACTIONS_PER_MESSAGE_MAX,
} from './limits.ts';
import { transactionsMessageCodec } from './messages.ts';

export type TransactionOutboxOptions = {
  readonly clock: Clock;
  publish(message: Bytes): void;
};

/**
 * Gathers the transactions that this node vouches for into messages: its own, and those that it
 * took out of messages which it does not pass on. A message costs each of some dozen hops
 * (signing, framing, encryption, a write to a socket) far more than the few hundred bytes of a
 * transaction, so under load they travel together; a lone one leaves at once.
 */
export class TransactionOutbox {
  readonly #options: TransactionOutboxOptions;
  /** By content: a message that holds one twice costs its sender. */
  readonly #waiting = new Map<string, Bytes>();
  #bytes = 0;
  /** Ends the wait; absent unless a message left so lately that what comes waits for company. */
  #cancelWait: (() => void) | undefined;

  constructor(options: TransactionOutboxOptions) {
    this.#options = options;
  }

  add(transaction: Bytes): void {
    const key = formatHex(transaction);
    if (this.#waiting.has(key)) return;
    const size = transaction.length + 4; // Its length takes at most four bytes.
    if (this.#bytes + size > TRANSACTIONS_MESSAGE_BYTES_MAX) this.#flush();
    this.#waiting.set(key, transaction);
    this.#bytes += size;
    if (this.#waiting.size >= TRANSACTIONS_PER_MESSAGE_MAX) this.#flush();
    if (this.#cancelWait === undefined) this.#gather();
  }

  /** Sends what waits, and waits for nothing more; the next one begins anew. */
  pause(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
    this.#flush();
  }

  #gather(): void {
    this.#flush();
    this.#cancelWait = this.#options.clock.after(TRANSACTIONS_GATHER_MS, () => {
      this.#cancelWait = undefined;
      if (this.#waiting.size > 0) this.#gather();
    });
  }

  #flush(): void {
    if (this.#waiting.size === 0) return;
    const message = encode(transactionsMessageCodec, [...this.#waiting.values()]);
    this.#waiting.clear();
    this.#bytes = 0;
    this.#options.publish(message);
  }
}
