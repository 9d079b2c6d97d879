import { compareBytes } from '../base/index.ts';
import type { PendingTransaction } from './types.ts';

/** A pending transaction and its place in the pool. */
export type Entry<Payload> = {
  readonly transaction: PendingTransaction<Payload>;
  /** Hexadecimal id. */
  readonly key: string;
  readonly queue: SenderQueue<Payload>;
  /** Counts admissions: the smaller came earlier. */
  readonly arrival: number;
  /** Fee and size as numbers that multiply exactly. */
  readonly fee: bigint;
  readonly size: bigint;
  readonly gas: bigint;
  /** Index in its sender's queue. */
  position: number;
};

/** What one sender has pending, by ascending sequence; never empty while in the pool. */
export type SenderQueue<Payload> = {
  readonly key: string;
  /** The sequence that the sender's next executed transaction has. */
  next: number;
  readonly entries: Entry<Payload>[];
  /** Places in the heaps of `pool.ts`; -1 when in none. */
  readonly slots: [ready: number, last: number];
};

/** Orders by fee per gas, dearer first; then by arrival, then by id, so that no two are equal. */
export function compareForBlock<Payload>(left: Entry<Payload>, right: Entry<Payload>): number {
  const difference = right.fee * left.gas - left.fee * right.gas;
  if (difference !== 0n) return difference > 0n ? 1 : -1;
  if (left.arrival !== right.arrival) return left.arrival - right.arrival;
  return compareBytes(left.transaction.id, right.transaction.id);
}

/** What eviction weighs: fee, bytes, and how many of its sender stand before it, itself included. */
export type Weight = { readonly fee: bigint; readonly size: bigint; readonly depth: number };

/**
 * Negative when `left` is worth less. A sender's k-th transaction counts as if it paid 1/k per
 * byte: whoever fills the pool from one account must outbid themselves to displace others.
 */
export function compareWorth(left: Weight, right: Weight): number {
  const difference =
    left.fee * right.size * BigInt(right.depth) - right.fee * left.size * BigInt(left.depth);
  return difference === 0n ? 0 : difference > 0n ? 1 : -1;
}

/** Orders by worth, cheapest first; among equals the latest goes first. */
export function compareForEviction<Payload>(left: Entry<Payload>, right: Entry<Payload>): number {
  const difference = compareWorth(weightOf(left), weightOf(right));
  if (difference !== 0) return difference;
  return right.arrival - left.arrival;
}

export function weightOf<Payload>(entry: Entry<Payload>): Weight {
  return { fee: entry.fee, size: entry.size, depth: entry.position + 1 };
}
