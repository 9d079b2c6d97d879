import type { Bytes, Result, TimestampMs } from '../base/index.ts';
import {
  assert,
  equalBytes,
  fail,
  formatHex,
  ok,
  TabellionError,
  timestampMs,
} from '../base/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import { mintVerified } from '../crypto/index.ts';
import type {
  Block,
  BlockPlace,
  CommitCertificate,
  Header,
  Height,
  Ledger,
  Membership,
  MissingKeys,
  PreparedBlock,
  PreparedTransaction,
  Sequence,
  StateView,
  TransactionError,
} from '../ledger/index.ts';
import { transactionsRootOf } from '../ledger/index.ts';
import type {
  BlockRefusal,
  ChainDependencies,
  ExecutedBlock,
  Head,
  VerifiedBlock,
} from './chain-types.ts';
import { CLOCK_AHEAD_MS_MAX, CLOCK_BEHIND_MS_MAX, EXECUTED_BLOCKS_KEPT_MAX } from './limits.ts';
import { SerialQueue } from './serial-queue.ts';
import { VerifiedTransactions } from './verified-transactions.ts';

export type {
  BlockRefusal,
  ChainDependencies,
  CommittedEvent,
  ExecutedBlock,
  Head,
  VerifiedBlock,
  Vouching,
} from './chain-types.ts';

/** Verifies, executes, builds and commits blocks; the same for consensus, sync and replay. */
export class Chain {
  readonly #dependencies: ChainDependencies;
  /** Execution and commits happen one after another; verification does not wait for them. */
  readonly #queue = new SerialQueue();
  /** Blocks being verified and executed, by hash. */
  readonly #executing = new Map<string, Promise<Result<ExecutedBlock, BlockRefusal>>>();
  /** Proposed blocks whose headers bind their transactions; forgotten with the block itself. */
  readonly #whole = new WeakMap<Block, PreparedBlock>();
  /**
   * Blocks executed on the present head, by hash. Another map for each head: in V8 what a cleared
   * one held points on to what it holds next, so each block would keep the next one from dying
   * young.
   */
  #executed = new Map<string, ExecutedBlock>();
  readonly #verified = new VerifiedTransactions();
  #membership: Membership;

  constructor(dependencies: ChainDependencies) {
    this.#dependencies = dependencies;
    this.#membership = dependencies.store.membership();
  }

  get ledger(): Ledger {
    return this.#dependencies.ledger;
  }

  head(): Head {
    return this.#dependencies.store.head();
  }

  /** The height being decided, and who decides it. */
  next(): { readonly height: Height; readonly membership: Membership } {
    // One above a height is a height.
    return { height: (this.head().header.height + 1) as Height, membership: this.#membership };
  }

  /** Runs a reading on the state of the head; loads what is missing and runs it again. */
  read<Value>(reading: (view: StateView) => Value): Promise<Exclude<Value, MissingKeys>> {
    return this.#dependencies.store.withState(reading);
  }

  /* ------------------------------------------------------ transactions */

  prepareTransaction(bytes: Uint8Array): Result<PreparedTransaction, TransactionError> {
    return this.ledger.prepareTransaction(bytes);
  }

  validateForm(prepared: PreparedTransaction): TransactionError | undefined {
    return this.ledger.validateForm(prepared.transaction);
  }

  /** Checks the signatures, once per node and signed bytes. */
  async verifyTransaction(
    prepared: PreparedTransaction,
  ): Promise<Result<Verified<PreparedTransaction>, TransactionError>> {
    const known = this.#verified.get(prepared.signedHash);
    if (known !== undefined) return ok(known);
    const verdicts = await this.#dependencies.verifier.verify(prepared.claims);
    const verified = this.ledger.verifyTransaction(prepared, verdicts);
    if (verified.ok) this.#verified.add(verified.value);
    return verified;
  }

  /** Whether the next block could take it; a gap in the sequences is no refusal. */
  async admit(
    prepared: Verified<PreparedTransaction>,
  ): Promise<Result<{ readonly accountSequence: Sequence }, TransactionError>> {
    const { height } = this.next();
    const { sender } = prepared.transaction.body;
    const { verdict, sequence } = await this.read((view) => {
      const judged = this.ledger.validateTransaction(view, prepared, { height });
      if (judged.kind === 'missing-keys') return judged;
      const { sequence: next } = this.ledger.readAccount(view, sender);
      return { kind: 'judged', verdict: judged, sequence: next } as const;
    });
    if (verdict.kind === 'valid') return ok({ accountSequence: sequence });
    const { error } = verdict;
    return error.code === 'sequence-gap' ? ok({ accountSequence: sequence }) : fail(error);
  }

  /** Settles when what was begun is done; the store may be closed then. */
  idle(): Promise<void> {
    return this.#queue.idle();
  }

  /* ------------------------------------------------------------- blocks */

  /** A block for the next height out of pending transactions; absent if the head moved. */
  build(height: Height, proposer: Bytes): Promise<Block | undefined> {
    return this.#queue.run(async () => {
      if (height !== this.next().height) return undefined;
      const { ledger, candidates, onInvalid } = this.#dependencies;
      const parent = this.head().header;
      const place = { height, timestampMs: this.nextTimestamp() };
      const chosen = candidates(height);
      const verdict = await this.read((view) => ledger.executeCandidates(view, place, chosen));
      for (const { id, error } of verdict.skipped) {
        if (error.code !== 'sequence-gap') onInvalid(id, error);
      }
      const staged = await this.#dependencies.store.stage(height, verdict.changes);
      const header = ledger.buildHeader(parent, {
        ...place,
        proposer,
        transactions: verdict.included,
        results: { ...verdict, stateRoot: staged.root() },
      });
      const prepared = ledger.assembleBlock(header, verdict.included);
      const { included, ...execution } = verdict;
      this.#keep({ prepared, transactions: included, execution, staged });
      this.#whole.set(prepared.block, prepared); // Our own proposal comes back to us.
      return prepared.block;
    });
  }

  /** Whether a block's header binds exactly its transactions; none that is malformed does. */
  bindsTransactions(block: Block): boolean {
    return this.#prepareWhole(block).ok;
  }

  #prepareWhole(block: Block): Result<PreparedBlock, BlockRefusal> {
    const known = this.#whole.get(block);
    if (known !== undefined) return ok(known);
    const prepared = this.ledger.prepareBlockValue(block);
    if (!prepared.ok) return fail({ code: 'block-malformed' });
    if (!this.#isWhole(prepared.value)) return fail({ code: 'transactions-root-mismatch' });
    this.#whole.set(block, prepared.value);
    return prepared;
  }

  #isWhole({ block, transactions }: PreparedBlock): boolean {
    const root = transactionsRootOf(this.ledger.suite, transactions);
    return equalBytes(root, block.header.transactionsRoot);
  }

  /** Whether a proposed block may follow the head, and whether its time is near ours. */
  async validate(
    block: Block,
    hash: Hash,
  ): Promise<{ readonly isValid: boolean; readonly isTimely: boolean }> {
    const isTimely = this.#isTimely(block.header);
    const executed = await this.#execute(block, hash);
    if (!executed.ok) {
      this.#dependencies.tracer.trace('warn', 'block-refused', {
        height: block.header.height,
        hash: formatHex(hash),
        code: executed.error.code,
      });
    }
    return { isValid: executed.ok, isTimely };
  }

  /** What this node knows of a block that it executed on the present head. */
  executedOf(header: Header): ExecutedBlock | undefined {
    return this.#executed.get(formatHex(this.ledger.blockHash(header)));
  }

  /**
   * Makes a decided block durable. Rejects with `block-invalid` when execution disagrees with the
   * certificate: then this node, or more than 1/3 of the power, is broken.
   */
  async commit(block: Block, hash: Hash, certificate: CommitCertificate): Promise<void> {
    if (block.header.height <= this.head().header.height) return;
    const executed = await this.#execute(block, hash);
    if (!executed.ok) {
      // Sync may have committed the same block first: then it no longer follows the head.
      if (block.header.height <= this.head().header.height) return;
      throw new TabellionError('block-invalid', {
        height: block.header.height,
        code: executed.error.code,
      });
    }
    await this.#commitExecuted(executed.value, certificate, 'decided');
  }

  /**
   * Decodes a block from a peer and checks the signatures of its transactions: the part of the work
   * that needs no state, so that many blocks can be at it at once.
   *
   * @param certificate Checked on the way, as far as it can be: against those who decide now.
   */
  async verifyBlock(
    bytes: Uint8Array,
    certificate?: CommitCertificate,
  ): Promise<Result<VerifiedBlock, BlockRefusal>> {
    const prepared = this.ledger.prepareBlock(bytes);
    if (!prepared.ok) return fail({ code: 'block-malformed' });
    // Begun before the transactions: it would else wait behind those of all blocks on their way.
    const proof = this.#proofOf(prepared.value.hash, certificate);
    const expected = this.#expect(proof, prepared.value);
    const { height } = prepared.value.block.header;
    const isVouched = this.#dependencies.checkpoints?.vouches(height) === true;
    const transactions = await this.#verifyAll(prepared.value.transactions, isVouched);
    if (!transactions.ok) return transactions;
    await expected; // Executed before, it would miss that, have it read again, and begin anew.
    return ok({
      prepared: prepared.value,
      transactions: transactions.value,
      isVouched,
      proof: await proof,
    });
  }

  /**
   * Has what a block's transactions read of the state loaded while their signatures are checked;
   * not without a good certificate of just these: whoever sent them chose what is read.
   */
  #expect(proof: Promise<VerifiedBlock['proof']>, block: PreparedBlock): Promise<void> {
    const { ledger, store } = this.#dependencies;
    const keys = () => block.block.transactions.flatMap((each) => ledger.keysOfTransaction(each));
    const keysOf = () => (this.#isWhole(block) ? keys() : []);
    return proof
      .then((proven) => (proven === undefined ? undefined : store.expect(keysOf)))
      .catch(() => undefined); // Whoever executes it meets the same failure, and says so.
  }

  /** A certificate checked ahead of its turn; undefined says nothing against it. */
  async #proofOf(
    hash: Hash,
    certificate: CommitCertificate | undefined,
  ): Promise<VerifiedBlock['proof']> {
    if (certificate === undefined || !equalBytes(certificate.blockHash, hash)) return undefined;
    const membership = this.#membership;
    const verified = await this.#verifySignatures(certificate, membership);
    return verified.ok ? { certificate: verified.value, membership } : undefined;
  }

  /**
   * Executes and commits the block after the head, once its certificate was checked. Rejects with
   * `block-invalid` as `commit` does.
   */
  async importBlock(
    block: VerifiedBlock,
    certificate: CommitCertificate,
  ): Promise<Result<'committed' | 'known', { readonly code: string }>> {
    const { header } = block.prepared.block;
    // Whoever asked for a height takes the certificate's word for it.
    if (header.height !== certificate.height) return fail({ code: 'certificate-wrong-height' });
    const { checkpoints } = this.#dependencies;
    if (header.height <= this.head().header.height || checkpoints?.isGivenUp()) return ok('known');
    const proven = await this.#prove(block, certificate);
    if (!proven.ok) {
      // Consensus may have committed it while the signatures were checked.
      if (header.height <= this.head().header.height) return ok('known');
      return (await checkpoints?.suspected()) === true ? ok('known') : proven;
    }
    const { hash } = block.prepared;
    if (checkpoints?.contradicts(header.height, hash)) {
      checkpoints.contradicted();
      return fail({ code: 'checkpoint-conflicts' });
    }
    // What vouched for it when it was verified may do so no longer.
    const isUnchecked = block.isVouched && !checkpoints?.vouches(header.height);
    if (block.isVouched && !isUnchecked) checkpoints?.taken(header.height);
    const checked = isUnchecked
      ? await this.#verifyAll(block.prepared.transactions)
      : ok(block.transactions);
    if (!checked.ok) return checked;
    const executed = await this.#queue.run(() =>
      this.#executeVerified(block.prepared, checked.value),
    );
    if (!executed.ok) {
      if (header.height <= this.head().header.height) return ok('known');
      // The certificate covers the header, and the header its transactions: beyond these it is
      // not the peer who is wrong.
      if (executed.error.code === 'transactions-root-mismatch') return executed;
      if (checkpoints?.doubted()) return ok('known');
      throw new TabellionError('block-invalid', {
        height: header.height,
        code: executed.error.code,
      });
    }
    await this.#commitExecuted(executed.value, certificate, 'imported');
    return ok('committed');
  }

  /** Takes over another state when its turn comes: nothing is executed or committed meanwhile. */
  adopt(switchOver: () => Promise<void>): Promise<void> {
    return this.#queue.run(async () => {
      await switchOver();
      this.#executed = new Map();
      this.#membership = this.#dependencies.store.membership();
      this.#dependencies.onImported(this.head().header.height);
    });
  }

  /** Whether a certificate of the next height proves that the block with this hash is final. */
  async verifyCertificate(
    hash: Hash,
    certificate: CommitCertificate,
  ): Promise<Result<Verified<CommitCertificate>, { readonly code: string }>> {
    if (!equalBytes(certificate.blockHash, hash)) return fail({ code: 'certificate-wrong-block' });
    const { height, membership } = this.next();
    if (certificate.height !== height) return fail({ code: 'certificate-wrong-height' });
    return this.#verifySignatures(certificate, membership);
  }

  async #prove(
    { prepared, proof }: VerifiedBlock,
    certificate: CommitCertificate,
  ): Promise<Result<Verified<CommitCertificate>, { readonly code: string }>> {
    const { height, membership } = this.next();
    const isProven =
      proof?.certificate === certificate &&
      certificate.height === height &&
      this.#isSame(proof.membership, membership);
    if (isProven) return ok(proof.certificate);
    return this.verifyCertificate(prepared.hash, certificate);
  }

  #isSame(left: Membership, right: Membership): boolean {
    const { ledger } = this;
    return left === right || equalBytes(ledger.membershipHash(left), ledger.membershipHash(right));
  }

  async #verifySignatures(
    certificate: CommitCertificate,
    membership: Membership,
  ): Promise<Result<Verified<CommitCertificate>, { readonly code: string }>> {
    const claims = this.ledger.certificateClaims(membership, certificate);
    if (!claims.ok) return claims;
    const verdicts = await this.#dependencies.verifier.verify(claims.value);
    const verified = mintVerified(certificate, claims.value, verdicts);
    return verified === undefined ? fail({ code: 'certificate-signature-invalid' }) : ok(verified);
  }

  /** The time that a block after the head would have if it were made now. */
  nextTimestamp(): TimestampMs {
    const after = this.head().header.timestampMs + 1;
    return timestampMs(Math.max(this.#dependencies.clock.now(), after));
  }

  #isTimely(header: Header): boolean {
    const ahead = header.timestampMs - this.#dependencies.clock.now();
    return ahead <= CLOCK_AHEAD_MS_MAX && -ahead <= CLOCK_BEHIND_MS_MAX;
  }

  #execute(block: Block, hash: Hash): Promise<Result<ExecutedBlock, BlockRefusal>> {
    const key = formatHex(hash);
    const known = this.#executed.get(key);
    if (known !== undefined && this.#dependencies.store.isOnHead(known.staged)) {
      return Promise.resolve(ok(known));
    }
    // Consensus may decide a block whose validation is still under way: once is enough.
    const begun = this.#executing.get(key);
    if (begun !== undefined) return begun;
    // Nothing is remembered under a hash that does not bind the whole block.
    const prepared = this.#prepareWhole(block);
    if (!prepared.ok) return Promise.resolve(prepared);
    assert(equalBytes(prepared.value.hash, hash), 'the hash is of this block');
    const executing = this.#executePrepared(prepared.value).finally(() => {
      this.#executing.delete(key);
    });
    this.#executing.set(key, executing);
    return executing;
  }

  async #executePrepared(prepared: PreparedBlock): Promise<Result<ExecutedBlock, BlockRefusal>> {
    const verified = await this.#verifyAll(prepared.transactions);
    if (!verified.ok) return verified;
    return this.#queue.run(() => this.#executeVerified(prepared, verified.value));
  }

  #verifyAll(transactions: readonly PreparedTransaction[], isVouched = false) {
    return this.#verified.verifyAll(this.#dependencies, transactions, isVouched);
  }

  async #executeVerified(
    prepared: PreparedBlock,
    transactions: readonly Verified<PreparedTransaction>[],
  ): Promise<Result<ExecutedBlock, BlockRefusal>> {
    const { ledger, store } = this.#dependencies;
    const { header } = prepared.block;
    const follows = ledger.validateHeader(this.head().header, header, transactions);
    if (!follows.ok) return follows;
    const place: BlockPlace = { height: header.height, timestampMs: header.timestampMs };
    const verdict = await this.read((view) => ledger.executeBlock(view, place, transactions));
    if (verdict.kind === 'invalid-transaction') return fail(verdict.error);
    if (verdict.kind === 'invalid-block') return fail({ code: 'block-too-large' });
    const staged = await store.stage(header.height, verdict.changes);
    const results = { ...verdict, stateRoot: staged.root() };
    const agrees = ledger.validateResults(header, results);
    if (!agrees.ok) return agrees;
    const executed = { prepared, transactions, execution: verdict, staged };
    this.#keep(executed);
    return ok(executed);
  }

  #keep(executed: ExecutedBlock): void {
    this.#executed.set(formatHex(executed.prepared.hash), executed);
    if (this.#executed.size <= EXECUTED_BLOCKS_KEPT_MAX) return;
    const [oldest] = this.#executed.keys();
    if (oldest !== undefined) this.#executed.delete(oldest);
  }

  #commitExecuted(
    executed: ExecutedBlock,
    certificate: CommitCertificate,
    origin: 'decided' | 'imported',
  ): Promise<void> {
    return this.#queue.run(async () => {
      const { header } = executed.prepared.block;
      const { store, checkpoints } = this.#dependencies;
      const { hash } = executed.prepared;
      if (header.height <= this.head().header.height || checkpoints?.isGivenUp()) return;
      // Decided here by votes: more than 2/3 of the power, or who gave the checkpoint, is wrong.
      if (checkpoints?.contradicts(header.height, hash)) {
        throw new TabellionError('checkpoint-conflicts', { height: header.height });
      }
      await store.commit({
        block: executed.prepared,
        blockBytes: this.ledger.encodeBlock(executed.prepared),
        certificate,
        receipts: executed.execution.receipts,
        receiptBytes: executed.execution.receiptBytes,
        changes: executed.execution.changes,
        staged: executed.staged,
        nextMembership: executed.execution.nextMembership,
      });
      this.#executed = new Map();
      this.#membership = executed.execution.nextMembership;
      this.#verified.deleteAll(executed.transactions);
      if (origin === 'imported') this.#dependencies.onImported(header.height);
      this.#dependencies.onCommitted({ executed, certificate });
    });
  }
}
