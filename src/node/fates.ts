import type { Tracer } from '../base/index.ts';
import { errorToData, formatHex } from '../base/index.ts';
import type {
  Address,
  Height,
  Ledger,
  PreparedTransaction,
  Receipt,
  Sequence,
  StateView,
} from '../ledger/index.ts';
import { FATE_BLOCKS_MAX } from './limits.ts';
import type { MempoolDriver } from './mempool-driver.ts';
import type { PeerLedger } from './peer-ledger.ts';
import type { LedgerSource } from './source.ts';
import type { StoredBlock } from './store/index.ts';
import type { TransactionTracker } from './tracker.ts';

export type FateWatcherOptions = {
  readonly ledger: Ledger;
  readonly peers: PeerLedger;
  readonly mempool: MempoolDriver;
  readonly tracker: TransactionTracker;
  readonly tracer: Tracer;
  /** Height of the newest proven block. */
  head(): Height;
  /** Reads the state after it. */
  read<Value>(reading: (view: StateView) => { readonly value: Value }): Promise<{
    readonly value: Value;
  }>;
};

/**
 * Finds out what became of pending transactions while this node executes no blocks: it looks
 * through those that come, as peers serve them and headers prove them. Where too many came at once,
 * it asks where each transaction stands.
 */
export class FateWatcher {
  readonly #options: FateWatcherOptions;
  /** Up to here everything that waits was looked for; absent while nothing waits. */
  #seenHeight: number | undefined;
  /** All blocks between were looked through. */
  #fromHeight = 0;
  /** By the state of which height a transaction was admitted. */
  readonly #judgedAt = new WeakMap<PreparedTransaction, Height>();
  #isLooking = false;
  #isStale = false;

  constructor(options: FateWatcherOptions) {
    this.#options = options;
  }

  /** Something waits from now on; a block above a height may hold it. */
  waits(height: Height): void {
    if (this.#seenHeight !== undefined) return;
    this.#seenHeight = height;
    this.#fromHeight = height;
  }

  /**
   * A transaction was judged by the state of a height: blocks above may hold it. Those of the chain
   * are told as they are executed.
   */
  judged(prepared: PreparedTransaction, source: LedgerSource['kind'], height: Height): void {
    this.#judgedAt.set(prepared, height);
    if (source === 'light') this.waits(height);
  }

  /** By the state of which height a transaction was admitted. */
  judgedAt(prepared: PreparedTransaction): Height {
    return this.#judgedAt.get(prepared) ?? (0 as Height); // Genesis holds none.
  }

  /** A newer block was proven. */
  headMoved(): void {
    this.#isStale = true;
    if (this.#isLooking) return;
    this.#isLooking = true;
    this.#look()
      .catch((error: unknown) => {
        const { code } = errorToData(error);
        // Looked for again with the next block.
        this.#options.tracer.trace('debug', 'fate-unknown', { code });
      })
      .finally(() => {
        this.#isLooking = false;
      });
  }

  async #look(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      const { mempool } = this.#options;
      const head = this.#options.head();
      const seen = this.#seenHeight;
      if (seen === undefined || mempool.size().count === 0) {
        this.#seenHeight = undefined;
        mempool.heightAdvanced(head);
        continue;
      }
      if (head - seen > FATE_BLOCKS_MAX) await this.#leap(head);
      else {
        for (let height = seen + 1; height <= head; height++) {
          await this.#walk(height as Height); // Between two heights.
        }
      }
    }
  }

  /** One block further. */
  async #walk(height: Height): Promise<void> {
    const { peers, mempool, tracker } = this.#options;
    const stored = await peers.block(height);
    const ids = this.#settleIn(stored);
    const sequences = sequencesAfter(stored);
    tracker.advanced(height, sequences, this.#fromHeight as Height); // One was looked at.
    mempool.blockCommitted(height, ids, sequences);
    this.#seenHeight = height;
  }

  /** Tells the fate of all transactions of a block. */
  #settleIn({ block, receipts }: StoredBlock) {
    const { height, timestampMs } = block.header;
    return receipts.map((receipt, index) => {
      const { transactionId } = receipt;
      const place = { height, index, timestampMs };
      this.#options.tracker.committed(transactionId, place, failureOf(receipt));
      return transactionId;
    });
  }

  /**
   * Over many blocks at once. What stands in one of them is found by asking for it; what is not
   * found has no fate yet, unless the state says that nobody can execute it any more.
   */
  async #leap(head: Height): Promise<void> {
    const { mempool, tracker, peers, ledger } = this.#options;
    const pending = mempool.list(FATE_BLOCKS_MAX);
    const found = [];
    for (const { id } of pending) {
      const included = await peers.transaction(id);
      if (included === undefined) continue;
      found.push(id);
      const { height, index, timestampMs, receipt } = included;
      tracker.committed(id, { height, index, timestampMs }, failureOf(receipt));
    }
    const senders = new Map(pending.map(({ sender }) => [formatHex(sender), sender]));
    const { value: sequences } = await this.#options.read((view) => ({
      value: [...senders.values()].map((address) => ({
        address,
        sequence: ledger.readAccount(view, address).sequence,
      })),
    }));
    for (const { id, sender, sequence, validUntil } of pending) {
      const now = sequences.find(({ address }) => formatHex(address) === formatHex(sender));
      const isUnused = now !== undefined && now.sequence <= sequence;
      if (isUnused && validUntil <= head) tracker.expired(id);
    }
    mempool.blockCommitted(head, found, sequences);
    this.#seenHeight = head;
    this.#fromHeight = head;
  }
}

function failureOf({ outcome }: Receipt) {
  return outcome.kind === 'failed' ? outcome : undefined;
}

/** The next sequence of each sender in a block. */
function sequencesAfter({ block }: StoredBlock) {
  const sequences = new Map<string, { readonly address: Address; readonly sequence: Sequence }>();
  for (const { body } of block.transactions) {
    const { sender: address, sequence } = body;
    // One above a used sequence is a sequence.
    sequences.set(formatHex(address), { address, sequence: (sequence + 1) as Sequence });
  }
  return [...sequences.values()];
}
