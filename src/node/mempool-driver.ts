import type { Bytes, Clock, Result, TimestampMs, Tracer } from '../base/index.ts';
import { fail, formatHex, ok } from '../base/index.ts';
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
import {
  OWN_PENDING_MAX,
  REFUSALS_PER_PEER_MAX,
  REFUSED_PEERS_MAX,
  VERIFIED_AT_ONCE_MAX,
} from './limits.ts';
import { transactionsMessageCodec } from './messages.ts';

/** What the pool keeps for each transaction. */
export type Pooled = {
  readonly prepared: Verified<PreparedTransaction>;
  readonly seenAtMs: TimestampMs;
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
  reportPeer(peerId: string, reason: 'useless-gossip'): void;
  onChanged(): void;
};

/** Refusals that cost the peer who forwarded the transaction: no honest state makes them right. */
const HOSTILE: ReadonlySet<string> = new Set([
  'malformed',
  'too-large',
  'wrong-network',
  'version-unsupported',
  'sponsor-missing',
  'sponsor-unexpected',
  'sponsor-is-sender',
  'duplicate-signature',
  'signature-invalid',
  'signature-high-s',
]);

/** Judges transactions from gossip and RPC, and performs the effects of the mempool's machine. */
export class MempoolDriver {
  readonly #options: MempoolDriverOptions;
  #state: MempoolState<Pooled>;
  /** Pending transactions that came from nobody else: whether others heard them is not known. */
  readonly #own = new Map<string, Bytes>();
  /** Refusals at the present head, by the peer that sent the transaction. */
  readonly #refusals = new Map<string, number>();
  /** Why a candidate was found invalid, while it is being dropped for that. */
  #invalidCode: string | undefined;

  constructor(options: MempoolDriverOptions) {
    this.#options = options;
    this.#state = createMempool<Pooled>((options.chain.nextHeight() - 1) as Height);
  }

  /**
   * A transaction that somebody asked this node to send. The same one again is no error while it
   * waits or once a block holds it.
   */
  async submit(bytes: Uint8Array): Promise<Result<Hash, SubmissionError>> {
    const admitted = await this.#receive(bytes, undefined);
    const isOld = !admitted.ok && ['duplicate', 'sequence-used'].includes(admitted.error.code);
    if (!isOld) return admitted;
    const prepared = this.#options.chain.prepareTransaction(bytes);
    if (!prepared.ok) return admitted;
    const { id } = prepared.value;
    const isThere = this.get(id) !== undefined || (await this.#options.chain.isIncluded(id));
    return isThere ? ok(id) : admitted;
  }

  /** Pending transactions that this node was asked to send, oldest first. */
  ownPending(limit: number): readonly Bytes[] {
    return [...this.#own.values()].slice(0, limit);
  }

  /**
   * Transactions from a peer, judged as one: forwarded if any of them is news here, and rejected
   * for the first that no honest node forwards, before the signatures of many others cost us.
   */
  async receiveGossip(message: Uint8Array, from: string): Promise<GossipVerdict> {
    const decoded = decode(transactionsMessageCodec, message);
    if (!decoded.ok || decoded.value.length === 0) return 'reject';
    let isNews = false;
    for (let at = 0; at < decoded.value.length; at += VERIFIED_AT_ONCE_MAX) {
      const some = decoded.value.slice(at, at + VERIFIED_AT_ONCE_MAX);
      const checked = await Promise.all(some.map((bytes) => this.#check(bytes)));
      const isHostile = checked.some((each) => !each.ok && HOSTILE.has(each.error.code));
      if (isHostile) return 'reject';
      // One after another: those of one sender came in the order of their sequences.
      for (const each of checked) {
        const admitted = each.ok ? await this.#admit(each.value, from) : each;
        isNews ||= admitted.ok;
        if (!admitted.ok && HOSTILE.has(admitted.error.code)) return 'reject';
      }
    }
    return isNews ? 'accept' : 'ignore';
  }

  /** Takes out what a block included or outdated. */
  blockCommitted(
    height: Height,
    transactionIds: readonly Hash[],
    accountSequences: readonly AccountSequence[],
  ): void {
    this.#refusals.clear();
    for (const id of transactionIds) this.#own.delete(formatHex(id));
    this.#step({ kind: 'block-committed', height, transactionIds, accountSequences });
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
    const checked = await this.#check(bytes);
    return checked.ok ? this.#admit(checked.value, from) : checked;
  }

  /** What can be said without the state: form, then signatures. */
  async #check(bytes: Uint8Array): Promise<Result<Verified<PreparedTransaction>, SubmissionError>> {
    const { chain } = this.#options;
    const prepared = chain.prepareTransaction(bytes);
    if (!prepared.ok) return prepared;
    if (isKnown(this.#state, prepared.value.id)) return fail({ code: 'duplicate' });
    const form = chain.validateForm(prepared.value);
    if (form !== undefined) return fail(form);
    return chain.verifyTransaction(prepared.value);
  }

  async #admit(
    prepared: Verified<PreparedTransaction>,
    from: string | undefined,
  ): Promise<Result<Hash, SubmissionError>> {
    const { chain, clock } = this.#options;
    const { id, transaction } = prepared;
    const admission = await chain.admit(prepared);
    if (!admission.ok) {
      if (from !== undefined) this.#countRefusal(from);
      return admission;
    }
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
        payload: { prepared, seenAtMs: clock.now() },
      },
    });
    const refusal = effects.find((effect) => effect.kind === 'transaction-refused');
    return refusal === undefined ? ok(id) : fail(refusal.error);
  }

  /** Heads differ by a block, so some refusals are ordinary; a flood of them is not. */
  #countRefusal(from: string): void {
    const count = (this.#refusals.get(from) ?? 0) + 1;
    if (count >= REFUSALS_PER_PEER_MAX) {
      this.#refusals.delete(from);
      this.#options.reportPeer(from, 'useless-gossip');
      return;
    }
    this.#refusals.set(from, count);
    if (this.#refusals.size <= REFUSED_PEERS_MAX) return;
    const [oldest] = this.#refusals.keys();
    if (oldest !== undefined) this.#refusals.delete(oldest);
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
        const { prepared } = effect.transaction.payload;
        options.onSeen(prepared);
        // What a peer sent, the verdict `accept` lets the network forward.
        if (effect.transaction.receivedFrom !== undefined) return;
        this.#keepOwn(prepared);
        options.gossip(prepared.bytes);
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
        options.reportPeer(effect.peerId, effect.reason);
        return;
    }
  }
}
