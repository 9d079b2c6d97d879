import type { Bytes, Clock } from '../base/index.ts';
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
 * Gathers this node's own transactions into messages. A message costs each of some dozen hops
 * (signing, framing, encryption, a write to a socket) far more than the few hundred bytes of a
 * transaction, so under load they travel together; a lone one leaves at once.
 */
export class TransactionOutbox {
  readonly #options: TransactionOutboxOptions;
  #waiting: Bytes[] = [];
  #bytes = 0;
  /** Ends the wait; absent unless a message left so lately that what comes waits for company. */
  #cancelWait: (() => void) | undefined;

  constructor(options: TransactionOutboxOptions) {
    this.#options = options;
  }

  add(transaction: Bytes): void {
    const size = transaction.length + 4; // Its length takes at most four bytes.
    if (this.#bytes + size > TRANSACTIONS_MESSAGE_BYTES_MAX) this.#flush();
    this.#waiting.push(transaction);
    this.#bytes += size;
    if (this.#waiting.length >= TRANSACTIONS_PER_MESSAGE_MAX) this.#flush();
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
      if (this.#waiting.length > 0) this.#gather();
    });
  }

  #flush(): void {
    if (this.#waiting.length === 0) return;
    const message = encode(transactionsMessageCodec, this.#waiting);
    this.#waiting = [];
    this.#bytes = 0;
    this.#options.publish(message);
  }
}
