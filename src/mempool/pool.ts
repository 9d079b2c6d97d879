import { assert, formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Sequence } from '../ledger/index.ts';
import type { Entry, SenderQueue } from './entry.ts';
import { compareForBlock, compareForEviction } from './entry.ts';
import type { MempoolLimits } from './limits.ts';
import { SenderHeap } from './sender-heap.ts';
import type { PendingTransaction } from './types.ts';

type PeerUse = { count: number; bytes: number };

/** The first entry of a queue, if its sequence is the sender's next one. */
function firstReady<Payload>(queue: SenderQueue<Payload>): Entry<Payload> | undefined {
  const first = queue.entries[0];
  return first?.transaction.sequence === queue.next ? first : undefined;
}

/**
 * What is pending, found by id, by sender, by worth, by price and by expiry. Each change keeps all
 * five in step. It knows no rule of admission.
 */
export class Pool<Payload> {
  readonly byId = new Map<string, Entry<Payload>>();
  readonly bySender = new Map<string, SenderQueue<Payload>>();
  /** Senders by their first transaction that the next block may take, dearest first. */
  readonly ready = new SenderHeap<Payload>(0, firstReady, compareForBlock);
  /** Senders by their last transaction, cheapest first: taking the last one opens no gap. */
  readonly cheapest = new SenderHeap<Payload>(
    1,
    (queue) => queue.entries.at(-1),
    compareForEviction,
  );
  readonly #byExpiry = new Map<number, Set<Entry<Payload>>>();
  readonly #byPeer = new Map<string, PeerUse>();
  bytes = 0;
  #arrivals = 0;

  get(id: Hash): Entry<Payload> | undefined {
    return this.byId.get(formatHex(id));
  }

  queueOf(sender: Address): SenderQueue<Payload> | undefined {
    return this.bySender.get(formatHex(sender));
  }

  /** What the pool holds that came first from this peer. */
  heldFrom(peerId: string): Readonly<PeerUse> {
    return this.#byPeer.get(peerId) ?? { count: 0, bytes: 0 };
  }

  /** Adds a transaction of a sequence that its sender has not pending. */
  insert(transaction: PendingTransaction<Payload>, accountSequence: number): void {
    const sender = formatHex(transaction.sender);
    let queue = this.bySender.get(sender);
    if (queue === undefined) {
      queue = { key: sender, next: accountSequence, entries: [], slots: [-1, -1] };
      this.bySender.set(sender, queue);
    }
    queue.next = Math.max(queue.next, accountSequence);
    const entry: Entry<Payload> = {
      transaction,
      key: formatHex(transaction.id),
      queue,
      arrival: this.#arrivals++,
      fee: transaction.feeMax,
      size: BigInt(transaction.sizeBytes),
      gas: BigInt(transaction.gasLimit),
      position: 0,
    };
    const { entries } = queue;
    let at = entries.length;
    while (at > 0 && sequenceAt(entries, at - 1) > transaction.sequence) at--;
    assert(at === 0 || sequenceAt(entries, at - 1) < transaction.sequence, 'one a sequence');
    entries.splice(at, 0, entry);
    renumber(entries, at);
    this.byId.set(entry.key, entry);
    this.bytes += transaction.sizeBytes;
    this.#count(entry, 1);
    this.ready.update(queue);
    this.cheapest.update(queue);
  }

  remove(entry: Entry<Payload>): void {
    assert(this.byId.delete(entry.key), 'only what is pending is removed');
    const { queue, transaction } = entry;
    queue.entries.splice(entry.position, 1);
    renumber(queue.entries, entry.position);
    this.bytes -= transaction.sizeBytes;
    this.#count(entry, -1);
    this.ready.update(queue);
    this.cheapest.update(queue);
    if (queue.entries.length === 0) this.bySender.delete(queue.key);
  }

  /** Learns an account's sequence at the head; returns what can never be executed any more. */
  advance(sender: Address, sequence: Sequence): readonly Entry<Payload>[] {
    const queue = this.queueOf(sender);
    if (queue === undefined) return [];
    queue.next = sequence;
    this.ready.update(queue);
    return queue.entries.filter((entry) => entry.transaction.sequence < sequence);
  }

  /** Entries whose last height lies in (after, upTo]. */
  expiring(after: number, upTo: number): readonly Entry<Payload>[] {
    const heights =
      upTo - after <= this.#byExpiry.size
        ? Array.from({ length: Math.max(0, upTo - after) }, (_, index) => after + 1 + index)
        : [...this.#byExpiry.keys()].filter((height) => height <= upTo).sort((a, b) => a - b);
    return heights.flatMap((height) => [...(this.#byExpiry.get(height) ?? [])]);
  }

  /** Whether both totals stay within bounds with these changes. */
  hasRoom(limits: MempoolLimits, count: number, bytes: number): boolean {
    return (
      this.byId.size + count <= limits.transactionsMax && this.bytes + bytes <= limits.bytesMax
    );
  }

  #count(entry: Entry<Payload>, sign: 1 | -1): void {
    const { receivedFrom, sizeBytes, validUntil } = entry.transaction;
    if (receivedFrom !== undefined) {
      const use = this.#byPeer.get(receivedFrom) ?? { count: 0, bytes: 0 };
      use.count += sign;
      use.bytes += sign * sizeBytes;
      if (use.count === 0) this.#byPeer.delete(receivedFrom);
      else this.#byPeer.set(receivedFrom, use);
    }
    const expiring = this.#byExpiry.get(validUntil);
    if (sign === 1) {
      if (expiring === undefined) this.#byExpiry.set(validUntil, new Set([entry]));
      else expiring.add(entry);
      return;
    }
    expiring?.delete(entry);
    if (expiring?.size === 0) this.#byExpiry.delete(validUntil);
  }
}

function sequenceAt<Payload>(entries: readonly Entry<Payload>[], at: number): number {
  return entries[at]?.transaction.sequence ?? -1;
}

function renumber<Payload>(entries: readonly Entry<Payload>[], from: number): void {
  for (let at = from; at < entries.length; at++) {
    const entry = entries[at];
    if (entry !== undefined) entry.position = at;
  }
}
