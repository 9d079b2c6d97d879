import type { Clock, TimestampMs } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { TRACKED_TRANSACTIONS_MAX } from './limits.ts';

/** How far one transaction has come on this node. */
export type TrackedTransaction = {
  readonly id: Hash;
  readonly stage: 'seen' | 'included' | 'final' | 'failed' | 'expired';
  readonly height: Height | undefined;
  readonly index: number | undefined;
  readonly seenAtMs: TimestampMs | undefined;
  readonly includedAtMs: TimestampMs | undefined;
  readonly finalAtMs: TimestampMs | undefined;
  readonly validUntil: Height | undefined;
  readonly code: string | undefined;
  /** Which action failed, if one did. */
  readonly actionIndex: number | undefined;
};

/** Where in the chain a transaction stands. */
export type Placement = {
  readonly height: Height;
  readonly index: number;
  readonly timestampMs: TimestampMs;
};

type Listener = (transaction: TrackedTransaction) => void;

/**
 * Remembers the steps of recent transactions, and tells subscribers of each. A verdict (final,
 * failed, expired) is given once; what was forgotten is answered from the chain.
 */
export class TransactionTracker {
  readonly #clock: Clock;
  readonly #transactions = new Map<string, TrackedTransaction>();
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Transactions without a verdict, by the last height that can take them. */
  readonly #expiring = new Map<number, Set<string>>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(id: Hash): TrackedTransaction | undefined {
    return this.#transactions.get(formatHex(id));
  }

  /** Calls back on each further step; the returned function ends it. */
  subscribe(id: Hash, listener: Listener): () => void {
    const key = formatHex(id);
    const listeners = this.#listeners.get(key) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(key, listeners);
    return () => {
      listeners.delete(listener);
      const isOurs = this.#listeners.get(key) === listeners;
      if (listeners.size === 0 && isOurs) this.#listeners.delete(key);
    };
  }

  /** In the mempool, perhaps once more after it was dropped. */
  seen(id: Hash, validUntil: Height): void {
    this.#update(id, (before) =>
      before !== undefined && (before.finalAtMs !== undefined || before.code === undefined)
        ? undefined
        : { stage: 'seen', seenAtMs: this.#clock.now(), validUntil, code: undefined },
    );
    const expiring = this.#expiring.get(validUntil) ?? new Set();
    this.#expiring.set(validUntil, expiring.add(formatHex(id)));
  }

  /** A block was committed: what it or an earlier one should have taken comes too late. */
  advanced(height: Height): void {
    const keys = this.#expiring.get(height) ?? [];
    this.#expiring.delete(height);
    for (const key of keys) {
      const { id, finalAtMs } = this.#transactions.get(key) ?? {};
      if (id !== undefined && finalAtMs === undefined) this.dropped(id, 'expired', 'expired');
    }
  }

  /** In a proposal that this node found valid; another block may still be decided. */
  included(id: Hash, placement: Placement): void {
    this.#update(id, (before) =>
      before !== undefined && before.stage !== 'seen'
        ? undefined
        : {
            stage: 'included',
            height: placement.height,
            index: placement.index,
            includedAtMs: placement.timestampMs,
          },
    );
  }

  /** In a committed block; `failure` if it was charged for nothing. */
  committed(
    id: Hash,
    placement: Placement,
    failure: { readonly code: string; readonly actionIndex: number } | undefined,
  ): void {
    this.#update(id, (before) =>
      before?.finalAtMs !== undefined
        ? undefined
        : {
            stage: failure === undefined ? 'final' : 'failed',
            height: placement.height,
            index: placement.index,
            includedAtMs: placement.timestampMs,
            finalAtMs: this.#clock.now(),
            code: failure?.code,
            actionIndex: failure?.actionIndex,
          },
    );
  }

  /** Left the mempool without a block. */
  dropped(id: Hash, reason: 'expired' | 'refused', code: string | undefined): void {
    this.#update(id, (before) =>
      before === undefined || before.finalAtMs !== undefined
        ? undefined
        : { stage: reason === 'expired' ? 'expired' : 'failed', code },
    );
  }

  #forgetExpiry(key: string, validUntil: Height | undefined): void {
    const expiring = this.#expiring.get(validUntil ?? -1);
    expiring?.delete(key);
    if (expiring?.size === 0) this.#expiring.delete(validUntil ?? -1);
  }

  #update(
    id: Hash,
    change: (before: TrackedTransaction | undefined) => Partial<TrackedTransaction> | undefined,
  ): void {
    const key = formatHex(id);
    const before = this.#transactions.get(key);
    const changes = change(before);
    if (changes === undefined) return;
    const blank: TrackedTransaction = {
      id,
      stage: 'seen',
      height: undefined,
      index: undefined,
      seenAtMs: undefined,
      includedAtMs: undefined,
      finalAtMs: undefined,
      validUntil: undefined,
      code: undefined,
      actionIndex: undefined,
    };
    const after = { ...(before ?? blank), ...changes };
    this.#transactions.delete(key); // Moves it to the newest end.
    this.#transactions.set(key, after);
    if (this.#transactions.size > TRACKED_TRANSACTIONS_MAX) {
      for (const [oldest, { validUntil }] of this.#transactions) {
        this.#transactions.delete(oldest);
        this.#forgetExpiry(oldest, validUntil);
        break;
      }
    }
    for (const listener of this.#listeners.get(key) ?? []) listener(after);
  }
}
