import type { Clock, TimestampMs } from '../base/index.ts';
import { formatHex } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Height, Sequence } from '../ledger/index.ts';
import { NotedBlocks } from '../mempool/index.ts';
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
  /** Why it failed; before a verdict, why this node's mempool let it go. */
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

/** What tells when a transaction can never be executed any more. */
export type SignedFacts = {
  readonly sender: Address;
  readonly sequence: Sequence;
  readonly validUntil: Height;
};

type Listener = (transaction: TrackedTransaction) => void;
/** Why a transaction of a block was charged for nothing. */
type Failure = { readonly code: string; readonly actionIndex: number };
/** A committed block, and which of its transactions failed. */
type BlockFacts = {
  readonly height: Height;
  readonly timestampMs: TimestampMs;
  readonly finalAtMs: TimestampMs;
  readonly failures: ReadonlyMap<number, Failure>;
};
const ID_BYTES = 32;
type Open = {
  readonly sender: string;
  readonly sequence: Sequence;
  readonly validUntil: Height;
  /** No block up to this height holds it, or another of its sequence. */
  readonly judgedAt: Height;
};

/** In no block, or in none that counts. */
const NOWHERE = { height: undefined, index: undefined, includedAtMs: undefined } as const;

const VERDICTS: readonly TrackedTransaction['stage'][] = ['final', 'failed', 'expired'];

function isSettled({ stage }: TrackedTransaction): boolean {
  return VERDICTS.includes(stage);
}

/**
 * Remembers the steps of recent transactions, and tells subscribers of each. A verdict (final,
 * failed, expired) is given once, and only when nothing else can follow: a block holds it, a block
 * holds another of its sequence, or its last height is committed. Blocks that nobody told of may
 * hold it as well: whoever was judged below such has no verdict but by the block that holds it, or
 * by the chain that passes them later. That a pool dropped it is no verdict, since whoever has the
 * signed bytes may send them again. What was forgotten is answered from the chain.
 */
export class TransactionTracker {
  readonly #clock: Clock;
  readonly #transactions = new Map<string, TrackedTransaction>();
  readonly #listeners = new Map<string, Set<Listener>>();
  /** Transactions without a verdict; the two indices below hold the same. */
  readonly #open = new Map<string, Open>();
  readonly #bySender = new Map<string, Set<string>>();
  /** By the last height that can take them. */
  readonly #expiring = new Map<number, Set<string>>();
  /** Those `included` now, by id. */
  readonly #proposed = new Set<string>();

  /** Blocks whose transactions are not among these yet; see `committedBlock`. */
  readonly #noted = new NotedBlocks<BlockFacts>(TRACKED_TRANSACTIONS_MAX);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get(id: Hash): TrackedTransaction | undefined {
    this.#recall();
    return this.#transactions.get(formatHex(id));
  }

  /** Calls back on each further step; the returned function ends it. */
  subscribe(id: Hash, listener: Listener): () => void {
    this.#recall();
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

  /** Whether anything has no verdict yet. */
  isFollowing(): boolean {
    return this.#open.size > 0;
  }

  /**
   * In the mempool, perhaps once more after it was dropped.
   *
   * @param judgedAt By the state of which height it could be executed.
   */
  seen(id: Hash, facts: SignedFacts, judgedAt: Height): void {
    this.#recall();
    const { validUntil } = facts;
    const key = formatHex(id);
    const known = this.#transactions.get(key);
    if (known === undefined || !isSettled(known)) this.#watch(key, facts, judgedAt);
    this.#update(id, (before) => {
      if (before === undefined) return { seenAtMs: this.#clock.now(), validUntil };
      return isSettled(before) || before.code === undefined ? undefined : { code: undefined };
    });
  }

  /**
   * A block was committed, and its own transactions were told. What it or an earlier one should
   * have taken comes too late, and so does what has a sequence that its sender used. What stood in
   * another proposal of its height is as it was before.
   *
   * @param sequences The next sequence of at least every sender in the block.
   * @param from All blocks above this height, up to the block, were told.
   */
  advanced(
    height: Height,
    sequences: readonly { readonly address: Address; readonly sequence: Sequence }[],
    from: Height,
  ): void {
    const isSure = (key: string): boolean => (this.#open.get(key)?.judgedAt ?? from) >= from;
    for (const key of [...this.#proposed]) {
      const lost = this.#transactions.get(key);
      if (lost === undefined) this.#proposed.delete(key);
      else if ((lost.height ?? 0) <= height) {
        this.#update(lost.id, () => ({ stage: 'seen', ...NOWHERE }));
      }
    }
    for (const { address, sequence } of this.#bySender.size === 0 ? [] : sequences) {
      for (const key of [...(this.#bySender.get(formatHex(address)) ?? [])]) {
        const isUsed = (this.#open.get(key)?.sequence ?? sequence) < sequence;
        if (isUsed && isSure(key)) this.#settle(key, 'failed', 'sequence-used');
      }
    }
    for (const key of [...(this.#expiring.get(height) ?? [])]) {
      if (isSure(key)) this.#settle(key, 'expired', 'expired');
    }
  }

  /**
   * In a proposal that this node found valid; another block may still be decided. The proposal may
   * be the first that this node hears of the transaction.
   */
  included(id: Hash, placement: Placement, facts: SignedFacts): void {
    this.#recall();
    const key = formatHex(id);
    // Found valid on the block before.
    const judgedAt = (placement.height - 1) as Height;
    if (!this.#transactions.has(key)) this.#watch(key, facts, judgedAt);
    this.#update(id, (before) =>
      before !== undefined && before.stage !== 'seen'
        ? undefined
        : {
            stage: 'included',
            code: undefined,
            height: placement.height,
            index: placement.index,
            includedAtMs: placement.timestampMs,
            validUntil: facts.validUntil,
          },
    );
  }

  /** In a committed block; `failure` if it was charged for nothing. */
  committed(id: Hash, placement: Placement, failure: Failure | undefined): void {
    this.#recall();
    this.#commit(id, placement, failure, this.#clock.now());
  }

  /**
   * As `committed`, of all transactions of a block. While nobody follows any, ids and failures are
   * only noted: a node that syncs has ten thousands a second, and is asked for none.
   */
  committedBlock(
    { height, timestampMs }: Omit<Placement, 'index'>,
    ids: readonly Hash[],
    failures: ReadonlyMap<number, Failure>,
  ): void {
    const finalAtMs = this.#clock.now();
    if (this.#open.size > 0 || this.#listeners.size > 0) {
      this.#recall();
      for (const [index, id] of ids.entries()) {
        this.#commit(id, { height, index, timestampMs }, failures.get(index), finalAtMs);
      }
      return;
    }
    this.#noted.note(ids, { height, timestampMs, finalAtMs, failures });
  }

  /** Somebody may ask: what was noted is as if it had been told one by one. */
  #recall(): void {
    if (this.#noted.length === 0) return;
    for (const { ids, facts } of this.#noted.take()) {
      const { height, timestampMs, finalAtMs, failures } = facts;
      for (let index = 0; ID_BYTES * index < ids.length; index++) {
        const at = ID_BYTES * index;
        const id = ids.slice(at, at + ID_BYTES) as Hash; // As they were told.
        this.#commit(id, { height, index, timestampMs }, failures.get(index), finalAtMs);
      }
    }
  }

  #commit(
    id: Hash,
    placement: Placement,
    failure: Failure | undefined,
    finalAtMs: TimestampMs,
  ): void {
    const key = formatHex(id);
    const before = this.#transactions.get(key);
    if (before !== undefined && isSettled(before)) return;
    // Written out, not copied from two objects: a slow path of the engine.
    this.#put(key, {
      id,
      stage: failure === undefined ? 'final' : 'failed',
      height: placement.height,
      index: placement.index,
      seenAtMs: before?.seenAtMs,
      includedAtMs: placement.timestampMs,
      finalAtMs,
      validUntil: before?.validUntil,
      code: failure?.code,
      actionIndex: failure?.actionIndex,
    });
  }

  /** Its last height passed, and its sequence was used by nothing else: nobody can execute it. */
  expired(id: Hash): void {
    this.#recall();
    this.#update(id, (before) =>
      before === undefined || isSettled(before)
        ? undefined
        : { stage: 'expired', code: 'expired', ...NOWHERE },
    );
  }

  /** Left the mempool without a block: tells why, and is no verdict. */
  dropped(id: Hash, code: string): void {
    this.#recall();
    this.#update(id, (before) =>
      before === undefined || isSettled(before) || before.code === code ? undefined : { code },
    );
  }

  #settle(key: string, stage: 'failed' | 'expired', code: string): void {
    const id = this.#transactions.get(key)?.id;
    if (id !== undefined) this.#update(id, () => ({ stage, code, ...NOWHERE }));
  }

  #watch(key: string, { sender, sequence, validUntil }: SignedFacts, judgedAt: Height): void {
    const senderKey = formatHex(sender);
    this.#open.set(key, { sender: senderKey, sequence, validUntil, judgedAt });
    this.#bySender.set(senderKey, (this.#bySender.get(senderKey) ?? new Set()).add(key));
    this.#expiring.set(validUntil, (this.#expiring.get(validUntil) ?? new Set()).add(key));
  }

  #unwatch(key: string): void {
    const open = this.#open.get(key);
    if (open === undefined) return;
    this.#open.delete(key);
    const { sender, validUntil } = open;
    const ofSender = this.#bySender.get(sender);
    ofSender?.delete(key);
    if (ofSender?.size === 0) this.#bySender.delete(sender);
    const expiring = this.#expiring.get(validUntil);
    expiring?.delete(key);
    if (expiring?.size === 0) this.#expiring.delete(validUntil);
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
    this.#put(key, { ...(before ?? blank), ...changes });
  }

  #put(key: string, after: TrackedTransaction): void {
    this.#transactions.delete(key); // Moves it to the newest end.
    this.#transactions.set(key, after);
    if (after.stage === 'included') this.#proposed.add(key);
    else this.#proposed.delete(key);
    if (isSettled(after)) this.#unwatch(key);
    if (this.#transactions.size > TRACKED_TRANSACTIONS_MAX) {
      for (const oldest of this.#transactions.keys()) {
        this.#transactions.delete(oldest);
        this.#unwatch(oldest);
        break;
      }
    }
    if (this.#listeners.size === 0) return;
    for (const listener of this.#listeners.get(key) ?? []) listener(after);
  }
}
