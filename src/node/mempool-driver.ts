import type { Bytes, Clock, Result, TimestampMs, Tracer } from '../base/index.ts';
import { equalBytes, fail, formatHex, ok } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type {
  Address,
  Height,
  PreparedTransaction,
  Sequence,
  TransactionError,
} from '../ledger/index.ts';
import type {
  AccountSequence,
  AdmissionError,
  MempoolEffect,
  MempoolSize,
  MempoolState,
  PendingTransaction,
  SelectionLimits,
} from '../mempool/index.ts';
import {
  createMempool,
  firstFreeSequence,
  getPending,
  isKnown,
  listPending,
  mempoolSize,
  selectForBlock,
  step,
} from '../mempool/index.ts';
import type { GossipVerdict } from '../network/index.ts';
import type { Judged } from './gossip-allowance.ts';
import { GossipAllowance } from './gossip-allowance.ts';
import {
  GOSSIPED_AGAIN_MS,
  HELD_PER_USELESS,
  OWN_PENDING_MAX,
  VERIFIED_FIRST,
  VERIFIED_GROWTH,
} from './limits.ts';
import { transactionsMessageCodec } from './messages.ts';

/** What the pool keeps for each transaction. */
export type Pooled = {
  readonly prepared: Verified<PreparedTransaction>;
  readonly seenAtMs: TimestampMs;
  /** When this node last passed it on; absent until it did. */
  gossipedAtMs: TimestampMs | undefined;
};

/** Why a submission is refused. */
export type SubmissionError = TransactionError | AdmissionError;

/** What admission needs of the chain. */
export type AdmissionChain = {
  prepareTransaction(bytes: Uint8Array): Result<PreparedTransaction, TransactionError>;
  /** Rules that need no state, asked before any signature is checked. */
  validateForm(prepared: PreparedTransaction): TransactionError | undefined;
  verifyTransaction(
    prepared: PreparedTransaction,
  ): Promise<Result<Verified<PreparedTransaction>, TransactionError>>;
  /** Rules at the head; `accountSequence` is the sender's. A gap in sequences is no refusal. */
  admit(
    prepared: Verified<PreparedTransaction>,
  ): Promise<Result<{ readonly accountSequence: Sequence }, TransactionError>>;
  nextHeight(): Height;
  /** Whether a block holds the transaction. */
  isIncluded(id: Hash): Promise<boolean>;
};

export type MempoolDriverOptions = {
  readonly chain: AdmissionChain;
  readonly clock: Clock;
  readonly tracer: Tracer;
  gossip(bytes: Bytes): void;
  onSeen(prepared: PreparedTransaction): void;
  /** It left the pool without a block: no verdict, since others may hold it. */
  onDropped(id: Hash, code: string): void;
  onChanged(): void;
};

type Prepared = PreparedTransaction;

/** What became of one transaction of a message. */
type Fate =
  /** In the pool now, with these very bytes; not passed on of late by this node. */
  | { readonly kind: 'fresh'; readonly pooled: Pooled }
  /** In the pool, with these very bytes, and passed on. */
  | { readonly kind: 'held' }
  /** A block holds it, with these or other signatures: nobody needs it any more. */
  | { readonly kind: 'finished' }
  | { readonly kind: 'refused' };

const HELD: Fate = { kind: 'held' };

/** Transactions of a message in their order; with the fate of those that need no check. */
type Sorted = readonly { readonly prepared: Prepared; readonly fate: Fate | undefined }[];

/** Judges transactions from gossip and RPC, and performs the effects of the mempool's machine. */
export class MempoolDriver {
  readonly #options: MempoolDriverOptions;
  #state: MempoolState<Pooled>;
  /** Pending transactions that came from nobody else: whether others heard them is not known. */
  readonly #own = new Map<string, Bytes>();
  readonly #allowance: GossipAllowance;
  /** Why a candidate was found invalid, while it is being dropped for that. */
  #invalidCode: string | undefined;

  constructor(options: MempoolDriverOptions) {
    this.#options = options;
    this.#allowance = new GossipAllowance(options.clock);
    this.#state = createMempool<Pooled>((options.chain.nextHeight() - 1) as Height);
  }

  /**
   * A transaction that somebody asked this node to send. The same one again is no error while it
   * waits, or once a block holds it; while it waits it is gossiped again.
   */
  async submit(bytes: Uint8Array): Promise<Result<Hash, SubmissionError>> {
    const admitted = await this.#receive(bytes, undefined);
    const isOld = !admitted.ok && ['duplicate', 'sequence-used'].includes(admitted.error.code);
    if (!isOld) return admitted;
    const prepared = this.#options.chain.prepareTransaction(bytes);
    if (!prepared.ok) return admitted;
    const { id } = prepared.value;
    const pending = this.get(id);
    if (pending !== undefined) this.#sendAgain(pending.payload);
    const isThere = pending !== undefined || (await this.#options.chain.isIncluded(id));
    return isThere ? ok(id) : admitted;
  }

  /** Pending transactions that this node was asked to send, oldest first. */
  ownPending(limit: number): readonly Bytes[] {
    return [...this.#own.values()].slice(0, limit);
  }

  /**
   * Transactions from a peer. The message is passed on only if this node vouches for every one of
   * them, byte by byte, and most are news; else those that are news leave in messages of its own.
   * So whoever receives a message may blame its sender for what no honest node can have checked.
   */
  async receiveGossip(message: Uint8Array, from: string): Promise<GossipVerdict> {
    if (this.#allowance.isSpent(from)) return 'ignore';
    const decoded = decode(transactionsMessageCodec, message);
    if (!decoded.ok || decoded.value.length === 0) return 'reject';
    const { value } = decoded;
    return this.#allowance.judge(from, value.length, () => this.#judge(value, from));
  }

  /** Takes out what a block included or outdated. */
  blockCommitted(
    height: Height,
    transactionIds: readonly Hash[],
    accountSequences: readonly AccountSequence[],
  ): void {
    if (this.#own.size > 0) for (const id of transactionIds) this.#own.delete(formatHex(id));
    this.#step({ kind: 'block-committed', height, transactionIds, accountSequences });
  }

  /** Blocks were decided that this node does not look through. */
  heightAdvanced(height: Height): void {
    if (height > this.#state.height) this.#step({ kind: 'height-advanced', height });
  }

  /** Execution showed that no block can take it now, and why. */
  invalidate(id: Hash, code: string): void {
    this.#invalidCode = code;
    this.#step({ kind: 'transaction-invalidated', id });
    this.#invalidCode = undefined;
  }

  select(limits: SelectionLimits): Verified<PreparedTransaction>[] {
    return selectForBlock(this.#state, limits).map(({ payload }) => payload.prepared);
  }

  hasWork(): boolean {
    const height = this.#options.chain.nextHeight();
    const limits = { height, transactionsMax: 1, bytesMax: 2 ** 31, gasMax: 2 ** 52 };
    return selectForBlock(this.#state, limits).length > 0;
  }

  get(id: Hash): PendingTransaction<Pooled> | undefined {
    return getPending(this.#state, id);
  }

  list(limit: number): readonly PendingTransaction<Pooled>[] {
    return listPending(this.#state, limit);
  }

  size(): MempoolSize {
    return mempoolSize(this.#state);
  }

  limits(): { readonly countMax: number; readonly bytesMax: number } {
    const { transactionsMax, bytesMax } = this.#state.limits;
    return { countMax: transactionsMax, bytesMax };
  }

  /** The sequence that the account's next transaction should have. */
  nextSequence(address: Address, accountSequence: Sequence): Sequence {
    return firstFreeSequence(this.#state, address, accountSequence);
  }

  async #receive(
    bytes: Uint8Array,
    from: string | undefined,
  ): Promise<Result<Hash, SubmissionError>> {
    const { chain } = this.#options;
    const prepared = chain.prepareTransaction(bytes);
    if (!prepared.ok) return prepared;
    if (this.#heldAs(prepared.value) !== undefined) return fail({ code: 'duplicate' });
    const form = chain.validateForm(prepared.value);
    if (form !== undefined) return fail(form);
    const verified = await chain.verifyTransaction(prepared.value);
    return verified.ok ? this.#admit(verified.value, from) : verified;
  }

  /** Nothing is admitted before all of it was looked at: a rejected message leaves no trace. */
  async #judge(items: readonly Bytes[], from: string): Promise<Judged> {
    const sorted = this.#sort(items);
    if (sorted === undefined) return { verdict: 'reject', useful: 0, useless: 1 };
    const unknown = sorted.filter(({ fate }) => fate === undefined);
    const verified = new Map<Prepared, Verified<Prepared>>();
    let size = VERIFIED_FIRST;
    for (let at = 0; at < unknown.length; at += size, size *= VERIFIED_GROWTH) {
      const group = unknown.slice(at, at + size).map(({ prepared }) => prepared);
      const verdicts = await Promise.all(
        group.map((prepared) => this.#options.chain.verifyTransaction(prepared)),
      );
      for (const [index, verdict] of verdicts.entries()) {
        // What signatures say depends on no state: no honest node passes on a bad one.
        if (!verdict.ok) return { verdict: 'reject', useful: 0, useless: at + group.length };
        const prepared = group[index];
        if (prepared !== undefined) verified.set(prepared, verdict.value);
      }
    }
    const fates: Fate[] = [];
    let useful = 0;
    // One after another: those of one sender came in the order of their sequences.
    for (const { prepared, fate } of sorted) {
      const checked = verified.get(prepared);
      const isAdmitted = checked !== undefined && (await this.#admit(checked, from)).ok;
      if (isAdmitted) useful += 1;
      fates.push(fate ?? this.#fateOf(prepared) ?? { kind: 'refused' });
    }
    return { verdict: this.#passOn(fates), useful, useless: uselessOf(fates) };
  }

  /** The cheap part first. Absent if one of them is such that no honest node sends the message. */
  #sort(items: readonly Bytes[]): Sorted | undefined {
    const { chain } = this.#options;
    const met = new Set<string>();
    const sorted: { readonly prepared: Prepared; readonly fate: Fate | undefined }[] = [];
    for (const bytes of items) {
      const prepared = chain.prepareTransaction(bytes);
      if (!prepared.ok) return undefined;
      const key = formatHex(prepared.value.signedHash);
      if (met.has(key)) return undefined; // No honest node says the same twice.
      met.add(key);
      const fate = this.#fateOf(prepared.value);
      if (fate === undefined && chain.validateForm(prepared.value) !== undefined) return undefined;
      sorted.push({ prepared: prepared.value, fate });
    }
    return sorted;
  }

  /**
   * What is known of a transaction before its signatures are checked. An id covers the body alone:
   * what is pending under the same id says nothing of other signatures.
   */
  #fateOf(prepared: Prepared): Fate | undefined {
    const held = this.#heldAs(prepared);
    if (held !== undefined) return this.#isDue(held) ? { kind: 'fresh', pooled: held } : HELD;
    const isFinished = this.get(prepared.id) === undefined && isKnown(this.#state, prepared.id);
    return isFinished ? { kind: 'finished' } : undefined;
  }

  /** What the pool keeps of exactly these signed bytes. */
  #heldAs({ id, signedHash }: Prepared): Pooled | undefined {
    const payload = this.get(id)?.payload;
    const isSame = payload !== undefined && equalBytes(payload.prepared.signedHash, signedHash);
    return isSame ? payload : undefined;
  }

  #isDue({ gossipedAtMs }: Pooled): boolean {
    const nowMs = this.#options.clock.now();
    return gossipedAtMs === undefined || nowMs - gossipedAtMs >= GOSSIPED_AGAIN_MS;
  }

  /** Lets go on what is news: with the message if all of it may go on, or else by itself. */
  #passOn(fates: readonly Fate[]): GossipVerdict {
    const fresh = fates.flatMap((fate) => (fate.kind === 'fresh' ? [fate.pooled] : []));
    const held = fates.filter(({ kind }) => kind === 'held').length;
    // One payment must not carry a message of others around the world again.
    const isWhole = fresh.length + held === fates.length && fresh.length >= held;
    if (!isWhole) for (const pooled of fresh) this.#gossip(pooled);
    const nowMs = this.#options.clock.now();
    for (const pooled of fresh) pooled.gossipedAtMs = nowMs;
    return isWhole ? 'accept' : 'ignore';
  }

  #gossip(pooled: Pooled): void {
    pooled.gossipedAtMs = this.#options.clock.now();
    this.#options.gossip(pooled.prepared.bytes);
  }

  /** Somebody asks for a transaction that waits already, perhaps because nobody heard of it. */
  #sendAgain(pooled: Pooled): void {
    this.#keepOwn(pooled.prepared);
    if (this.#isDue(pooled)) this.#gossip(pooled);
  }

  async #admit(
    prepared: Verified<PreparedTransaction>,
    from: string | undefined,
  ): Promise<Result<Hash, SubmissionError>> {
    const { chain, clock } = this.#options;
    const { id, transaction } = prepared;
    const admission = await chain.admit(prepared);
    if (!admission.ok) return admission;
    const { body } = transaction;
    const effects = this.#step({
      kind: 'transaction-verified',
      accountSequence: admission.value.accountSequence,
      transaction: {
        id,
        sender: body.sender,
        sequence: body.sequence,
        feeMax: body.feeMax,
        gasLimit: body.gasLimit,
        validFrom: body.validFrom,
        validUntil: body.validUntil,
        sizeBytes: prepared.bytes.length,
        receivedFrom: from,
        payload: { prepared, seenAtMs: clock.now(), gossipedAtMs: undefined },
      },
    });
    const refusal = effects.find((effect) => effect.kind === 'transaction-refused');
    return refusal === undefined ? ok(id) : fail(refusal.error);
  }

  #keepOwn(prepared: PreparedTransaction): void {
    this.#own.set(formatHex(prepared.id), prepared.bytes);
    if (this.#own.size <= OWN_PENDING_MAX) return;
    const [oldest] = this.#own.keys();
    if (oldest !== undefined) this.#own.delete(oldest);
  }

  #step(event: Parameters<typeof step<Pooled>>[1]): readonly MempoolEffect<Pooled>[] {
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
    if (effects.length > 0 || event.kind === 'block-committed') this.#options.onChanged();
    return effects;
  }

  #perform(effect: MempoolEffect<Pooled>): void {
    const options = this.#options;
    switch (effect.kind) {
      case 'transaction-admitted': {
        const { payload, receivedFrom } = effect.transaction;
        options.onSeen(payload.prepared);
        // What a peer sent goes on by the verdict on its message.
        if (receivedFrom !== undefined) return;
        this.#keepOwn(payload.prepared);
        this.#gossip(payload);
        return;
      }
      case 'transaction-refused':
        options.tracer.trace('debug', 'transaction-refused', {
          id: formatHex(effect.id),
          code: effect.error.code,
        });
        return;
      case 'transaction-dropped': {
        const { id, reason } = effect;
        this.#own.delete(formatHex(id));
        options.onDropped(id, reason === 'invalid' ? (this.#invalidCode ?? reason) : reason);
        return;
      }
      case 'report-peer':
        return; // Each refusal is charged with its message, where its useful ones count, too.
    }
  }
}

/** What a judged message cost: in full where signatures were checked, little otherwise. */
function uselessOf(fates: readonly Fate[]): number {
  const refused = fates.filter(({ kind }) => kind === 'refused').length;
  const known = fates.filter(({ kind }) => kind === 'held' || kind === 'finished').length;
  return refused + Math.ceil(known / HELD_PER_USELESS);
}
