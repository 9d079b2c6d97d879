import type { Bytes, ErrorData, Result, TimestampMs } from '../base/index.ts';
import { encodeUtf8, errorToData, fail, formatHex, TabellionError } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { ConsensusEngine, ConsensusView } from '../consensus/index.ts';
import { combineEngine, consensusCodecsOf, describeEngineError } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Evidence, Height, Ledger } from '../ledger/index.ts';
import { createLedger, evidenceCodec } from '../ledger/index.ts';
import type { Network, PeerView } from '../network/index.ts';
import type { SyncProgress } from '../sync/index.ts';
import type { CommittedEvent, Head } from './chain.ts';
import { Chain } from './chain.ts';
import { ConsensusDriver } from './consensus-driver.ts';
import type { Diagnostics, TraceLine } from './diagnostics.ts';
import { createDiagnostics } from './diagnostics.ts';
import { Emitter } from './emitter.ts';
import type { FaucetError } from './faucet.ts';
import { FaucetService } from './faucet.ts';
import type { SubmissionError } from './mempool-driver.ts';
import { MempoolDriver } from './mempool-driver.ts';
import { PeerBook } from './peer-book.ts';
import type { Fault } from './penalties.ts';
import { penaltyOf } from './penalties.ts';
import { Protocols } from './protocols.ts';
import { RateMeter } from './rate-meter.ts';
import type { LedgerStore } from './store/index.ts';
import { openLedgerStore } from './store/index.ts';
import { SyncDriver } from './sync-driver.ts';
import { TransactionTracker } from './tracker.ts';
import type { NodeHome, NodeOptions } from './types.ts';
import { WalStore } from './wal-store.ts';

/** Where the node is in its life. */
export type NodeStage = 'starting' | 'connecting' | 'syncing' | 'following' | 'paused' | 'failed';

export type NodeStatus = {
  readonly stage: NodeStage;
  readonly head: Head | undefined;
  /** Transactions in the block of the head. */
  readonly headTransactionCount: number;
  readonly startHeight: Height;
  readonly targetHeight: Height;
  readonly blocksPerSecond: number;
  readonly bytesReceived: number;
  readonly etaMs: number | undefined;
  readonly peers: number;
  /** Whether this node compared its head with a peer's since it started, or decides itself. */
  readonly hasCompared: boolean;
  readonly isValidator: boolean;
  readonly pendingTransactions: number;
  readonly startedAtMs: TimestampMs;
  readonly error: ErrorData | undefined;
};

/** What a node tells those inside its process. */
export type NodeEvents = {
  readonly head: CommittedEvent;
  readonly status: undefined;
  readonly consensus: undefined;
  readonly mempool: undefined;
  readonly peers: undefined;
  readonly trace: TraceLine;
  readonly evidence: Evidence;
};

/** The parts that exist while a store is open; `reset` makes them anew. */
type Parts = {
  readonly store: LedgerStore;
  readonly chain: Chain;
  readonly mempool: MempoolDriver;
  readonly sync: SyncDriver;
  readonly tracker: TransactionTracker;
  readonly faucet: FaucetService | undefined;
};

/** The parts that exist while it is not paused. */
type Running = {
  readonly consensus: ConsensusDriver;
  readonly network: Network;
  readonly peers: PeerBook;
};

/** A full node: wires the rooms together, schedules, and performs effects. */
export class TabellionNode {
  readonly home: NodeHome;
  readonly options: NodeOptions;
  readonly ledger: Ledger;
  readonly events = new Emitter<NodeEvents>();
  readonly diagnostics: Diagnostics;
  readonly #engine: ConsensusEngine;
  readonly #startedAtMs: TimestampMs;
  readonly #rate: RateMeter;
  #parts: Parts | undefined;
  #running: Running | undefined;
  #cacheBytesMax: number;
  #headTransactionCount = 0;
  #startHeight = 0 as Height; // Nothing is known before the store is open.
  #bytesReceived = 0;
  #hasCompared = false;
  #isPaused = false;
  #failure: ErrorData | undefined;
  #cancelHeartbeat: () => void = () => undefined;
  #changing: Promise<void> = Promise.resolve();
  #isStopped = false;

  private constructor(
    home: NodeHome,
    options: NodeOptions,
    ledger: Ledger,
    engine: ConsensusEngine,
  ) {
    this.home = home;
    this.options = options;
    this.ledger = ledger;
    this.#engine = engine;
    this.#startedAtMs = home.clock.now();
    this.#cacheBytesMax = options.cacheBytesMax;
    this.#rate = new RateMeter(home.clock);
    this.diagnostics = createDiagnostics(home.clock, home.tracer);
    this.diagnostics.subscribe((line) => this.events.emit('trace', line));
  }

  /**
   * Makes a node for a network. Throws `TabellionError` `genesis-invalid` or `engine-impossible`:
   * both are faults of the document, told with their reason.
   */
  static create(home: NodeHome, options: NodeOptions): TabellionNode {
    const ledger = createLedger(options.genesis);
    if (!ledger.ok) {
      throw new TabellionError('genesis-invalid', { reason: ledger.error.code });
    }
    const { genesis } = ledger.value;
    const engine = combineEngine(genesis.document.consensus, genesis.membership);
    if (!engine.ok) {
      const message = describeEngineError(engine.error);
      throw new TabellionError('engine-impossible', { reason: engine.error.code }, { message });
    }
    return new TabellionNode(home, options, ledger.value, engine.value);
  }

  /** Opens the store: from then on questions about stored blocks are answered. */
  open(): Promise<void> {
    return this.#change(() => this.#open());
  }

  /** Opens the store unless it is open, then the network. */
  start(): Promise<void> {
    return this.#change(async () => {
      await this.#open();
      await this.#connect();
    });
  }

  /** Waits for what was begun. May be called twice. */
  stop(): Promise<void> {
    this.#isStopped = true;
    return this.#change(async () => {
      await this.#disconnect();
      await this.#close();
    });
  }

  pause(): Promise<void> {
    return this.#change(async () => {
      if (this.#isPaused) return;
      this.#isPaused = true;
      await this.#disconnect();
      this.diagnostics.trace('info', 'node-paused');
    });
  }

  resume(): Promise<void> {
    return this.#change(async () => {
      if (!this.#isPaused) return;
      this.#isPaused = false;
      await this.#connect();
      this.diagnostics.trace('info', 'node-resumed');
    });
  }

  /** Deletes everything this node stored, and starts again from genesis. */
  reset(): Promise<void> {
    return this.#change(async () => {
      await this.#disconnect();
      await this.#close();
      await this.home.store.clear();
      this.#isPaused = false;
      this.#failure = undefined;
      await this.#open();
      await this.#connect();
      this.diagnostics.trace('info', 'node-reset');
    });
  }

  /* ------------------------------------------------------------ reading */

  get parts(): Parts {
    const parts = this.#parts;
    if (parts === undefined) throw new TabellionError('node-not-ready');
    return parts;
  }

  status(): NodeStatus {
    const parts = this.#parts;
    const head = parts?.chain.head();
    const height = head?.header.height ?? (0 as Height); // Before the store is open: genesis.
    const progress = parts?.sync.progress();
    const target = Math.max(progress?.target ?? 0, height) as Height; // One of two heights.
    const rate = this.#rate.perSecond();
    const isBehind = target > height && rate > 0;
    return {
      stage: this.#stage(progress),
      head,
      headTransactionCount: this.#headTransactionCount,
      startHeight: this.#startHeight,
      targetHeight: target,
      blocksPerSecond: Math.round(rate),
      bytesReceived: this.#bytesReceived,
      etaMs: isBehind ? Math.round(((target - height) / rate) * 1000) : undefined,
      peers: this.peers().length,
      hasCompared: this.#hasCompared,
      isValidator: this.options.signer !== undefined,
      pendingTransactions: parts?.mempool.size().count ?? 0,
      startedAtMs: this.#startedAtMs,
      error: this.#failure,
    };
  }

  #stage(progress: SyncProgress | undefined): NodeStage {
    if (this.#failure !== undefined) return 'failed';
    if (progress === undefined) return 'starting';
    if (this.#isPaused) return 'paused';
    if (progress.stage !== 'waiting') return progress.stage;
    return this.#decidesAlone() ? 'following' : 'connecting';
  }

  /** Whether no other member is needed, and so nobody can be behind of anybody. */
  #decidesAlone(): boolean {
    const { signer } = this.options;
    return signer !== undefined && this.ledger.genesis.membership.validators.length === 1;
  }

  peers(): readonly PeerView[] {
    return this.#running?.network.peers() ?? [];
  }

  /** Head that a peer told last. */
  peerHeight(peerId: string): Height | undefined {
    return this.#running?.peers.heightOf(peerId);
  }

  /** Memory for pages of state, in bytes. */
  cacheBytesMax(): number {
    return this.#cacheBytesMax;
  }

  network(): Network | undefined {
    return this.#running?.network;
  }

  consensus(): ConsensusView | undefined {
    return this.#running?.consensus.view();
  }

  /** What the network calls a faucet, whoever runs it. */
  hasFaucet(): boolean {
    return this.ledger.genesis.document.modules['faucet'] !== undefined;
  }

  /* ------------------------------------------------------------- acting */

  /** Admits signed bytes and gossips them. */
  submit(bytes: Uint8Array): Promise<Result<Hash, SubmissionError>> {
    return this.parts.mempool.submit(bytes);
  }

  /** Asks this node's own faucet, or those of the relays it is connected to. */
  async requestCoins(
    recipient: Address,
    caller: string,
    signal: AbortSignal,
  ): Promise<Result<Hash, FaucetError>> {
    if (!this.hasFaucet()) return fail({ code: 'faucet-absent' });
    const own = this.parts.faucet;
    if (own !== undefined) return own.request(recipient, caller);
    const running = this.#running;
    if (running === undefined) throw new TabellionError('node-stopped');
    return running.peers.requestCoins(recipient, signal);
  }

  addRelay(multiaddr: string): Promise<void> {
    const running = this.#running;
    if (running === undefined) throw new TabellionError('node-stopped');
    return running.network.addRelay(multiaddr);
  }

  configure(settings: { readonly cacheBytesMax: number | undefined }): void {
    const { cacheBytesMax } = settings;
    if (cacheBytesMax === undefined) return;
    this.#cacheBytesMax = cacheBytesMax;
    this.parts.store.setCacheBytesMax(cacheBytesMax);
  }

  report(peerId: string, fault: Fault): void {
    this.diagnostics.trace('debug', 'peer-blamed', { peerId, fault });
    this.#running?.network.penalize(peerId, penaltyOf(fault), fault);
  }

  /* --------------------------------------------------------------- life */

  /** Changes of life happen one after another. */
  #change(job: () => Promise<void>): Promise<void> {
    const change = this.#changing.then(job).catch((error: unknown) => {
      this.#fail(error);
      throw error;
    });
    this.#changing = change.catch(() => undefined);
    return change;
  }

  async #open(): Promise<void> {
    if (this.#parts !== undefined || this.#isStopped) return;
    const { home, options, ledger, diagnostics } = this;
    const store = await openLedgerStore({
      store: home.store,
      ledger,
      tracer: diagnostics,
      options: { cacheBytesMax: this.#cacheBytesMax },
    });
    const tracker = new TransactionTracker(home.clock);
    const chain: Chain = new Chain({
      ledger,
      store,
      verifier: home.verifier,
      clock: home.clock,
      tracer: diagnostics,
      candidates: (height) => mempool.select({ height, ...this.#selectionLimits() }),
      onInvalid: (id) => mempool.invalidate(id),
      onCommitted: (event) => this.#onCommitted(event),
    });
    const mempool: MempoolDriver = new MempoolDriver({
      chain: {
        prepareTransaction: (bytes) => chain.prepareTransaction(bytes),
        validateForm: (prepared) => chain.validateForm(prepared),
        verifyTransaction: (prepared) => chain.verifyTransaction(prepared),
        admit: (prepared) => chain.admit(prepared),
        nextHeight: () => chain.next().height,
      },
      clock: home.clock,
      tracer: diagnostics,
      gossip: (bytes) => this.#publish('transactions', bytes),
      onSeen: ({ id, transaction }) => tracker.seen(id, transaction.body.validUntil),
      onDropped: (id, reason, code) => tracker.dropped(id, reason, code),
      reportPeer: (peerId, fault) => this.report(peerId, fault),
      onChanged: () => this.#onMempoolChanged(),
    });
    const sync = new SyncDriver({
      chain,
      clock: home.clock,
      tracer: diagnostics,
      network: () => this.#running?.network,
      reportPeer: (peerId, fault) => this.report(peerId, fault),
      onProgress: () => this.events.emit('status', undefined),
      onBytes: (count) => {
        this.#bytesReceived += count;
      },
      onFatal: (error) => this.#fail(error),
    });
    const { faucet: signer } = options;
    const faucet =
      signer === undefined
        ? undefined
        : new FaucetService({ chain, mempool, signer, clock: home.clock });
    this.#parts = { store, chain, mempool, sync, tracker, faucet };
    this.#startHeight = chain.head().header.height;
    const stored = await store.block(this.#startHeight);
    this.#headTransactionCount = stored?.block.transactions.length ?? 0;
    diagnostics.trace('info', 'store-opened', { height: this.#startHeight });
    this.events.emit('status', undefined);
  }

  #selectionLimits() {
    const { blockTransactionsMax, blockBytesMax } = this.ledger.genesis.document.consensus;
    // Gas is bounded by execution itself, which knows the parameters of the height.
    return {
      transactionsMax: blockTransactionsMax,
      bytesMax: blockBytesMax,
      gasMax: Number.MAX_SAFE_INTEGER,
    };
  }

  async #close(): Promise<void> {
    const parts = this.#parts;
    this.#parts = undefined;
    await parts?.sync.stop();
    await parts?.store.close();
  }

  async #connect(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined || this.#running !== undefined || this.#isPaused) return;
    const { home, ledger } = this;
    const chainId = formatHex(ledger.chainId);
    const codecs = consensusCodecsOf(ledger.codecs.block);
    const protocols = new Protocols({
      node: this,
      codecs,
      consensus: () => this.#running?.consensus,
      peers: () => this.#running?.peers,
    });
    const network = await home.openNetwork(protocols.handlers(), chainId);
    const peers = new PeerBook({
      network,
      clock: home.clock,
      tracer: this.diagnostics,
      ledger,
      sync: parts.sync,
      catchUp: codecs,
      consensus: () => this.#running?.consensus,
      reportPeer: (peerId, fault) => this.report(peerId, fault),
      onCompared: () => {
        this.#hasCompared = true;
        this.events.emit('status', undefined);
      },
    });
    const consensus = this.#createConsensus(parts, codecs, peers);
    this.#running = { consensus, network, peers };
    await consensus.start();
    parts.sync.start();
    peers.start();
    this.#offerWork();
    this.diagnostics.trace('info', 'network-opened', { peerId: network.peerId });
    this.events.emit('status', undefined);
  }

  #createConsensus(
    parts: Parts,
    codecs: ReturnType<typeof consensusCodecsOf>,
    peers: PeerBook,
  ): ConsensusDriver {
    const { home, ledger, options } = this;
    return new ConsensusDriver({
      engine: this.#engine,
      chain: {
        suite: ledger.suite,
        chainId: ledger.chainId,
        blockCodec: ledger.codecs.block,
        next: () => parts.chain.next(),
        build: (height, proposer) => parts.chain.build(height, proposer),
        validate: (block, hash) => parts.chain.validate(block, hash),
        commit: (block, hash, certificate) => parts.chain.commit(block, hash, certificate),
      },
      wal: new WalStore(home.store, ledger.suite, codecs.walEntry),
      verifier: home.verifier,
      clock: home.clock,
      tracer: this.diagnostics,
      signer: options.signer,
      signFrom: 0 as Height, // From genesis on: the log says what was signed.
      proposalCodec: codecs.proposal,
      broadcast: (topic, message) => this.#publish(topic, message),
      requestMessages: (request) => peers.requestMessages(request),
      reportPeer: (peerId, fault) => this.report(peerId, fault),
      reportEvidence: (evidence) => this.#onEvidence(evidence),
      onProposalValid: (block) => this.#onProposalValid(block),
      onViewChanged: () => this.events.emit('consensus', undefined),
      onFatal: (error) => this.#fail(error),
    });
  }

  async #disconnect(): Promise<void> {
    this.#cancelHeartbeat();
    const running = this.#running;
    this.#running = undefined;
    running?.peers.stop();
    await running?.consensus.stop();
    await running?.network.stop();
    this.events.emit('status', undefined);
    this.events.emit('peers', undefined);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = errorToData(error);
    const { code, message } = this.#failure;
    this.diagnostics.trace('error', 'node-failed', { code, message });
    this.events.emit('status', undefined);
    // Nothing is signed or committed after a failure nobody foresaw.
    this.#disconnect().catch(() => undefined);
  }

  /* ------------------------------------------------------------- events */

  #publish(topic: 'transactions' | 'votes' | 'proposals' | 'blocks', message: Bytes): void {
    this.#running?.network.publish(topic, message).catch((error: unknown) => {
      const { code } = errorToData(error);
      this.diagnostics.trace('debug', 'publish-failed', { topic, code });
    });
  }

  #onProposalValid(block: CommittedEvent['executed']['prepared']['block']): void {
    const { header } = block;
    const executed = this.parts.chain.executedOf(header);
    for (const [index, { id }] of (executed?.transactions ?? []).entries()) {
      const { height, timestampMs } = header;
      this.parts.tracker.included(id, { height, index, timestampMs });
    }
  }

  #onCommitted(event: CommittedEvent): void {
    const { mempool, sync, tracker } = this.parts;
    const { prepared, transactions, execution } = event.executed;
    const { header } = prepared.block;
    for (const [index, { id }] of transactions.entries()) {
      const outcome = execution.receipts[index]?.outcome;
      const failure = outcome?.kind === 'failed' ? outcome : undefined;
      const { height, timestampMs } = header;
      tracker.committed(id, { height, index, timestampMs }, failure);
    }
    const sequences = new Map<string, { readonly address: Address; readonly sequence: number }>();
    for (const { transaction } of transactions) {
      const { sender: address, sequence } = transaction.body;
      sequences.set(formatHex(address), { address, sequence: sequence + 1 });
    }
    mempool.blockCommitted(
      header.height,
      transactions.map(({ id }) => id),
      // One above a used sequence is a sequence.
      [...sequences.values()] as Parameters<MempoolDriver['blockCommitted']>[2][number][],
    );
    this.#rate.count();
    this.#headTransactionCount = transactions.length;
    sync.headAdvanced(header.height);
    this.#running?.consensus.advance();
    this.#announce(event);
    this.#offerWork();
    this.events.emit('head', event);
    this.events.emit('status', undefined);
  }

  /** The proposer tells everybody that its block is final. */
  #announce({ executed, certificate }: CommittedEvent): void {
    const { header } = executed.prepared.block;
    const own = this.options.signer?.publicKey;
    if (own === undefined || formatHex(own) !== formatHex(header.proposer)) return;
    const message = Protocols.encodeAnnouncement({ header, certificate });
    this.#publish('blocks', message);
  }

  #onMempoolChanged(): void {
    this.events.emit('mempool', undefined);
    if (this.#running !== undefined && this.options.signer !== undefined) {
      if (this.parts.mempool.hasWork()) this.#running.consensus.offerWork();
    }
  }

  /** Validators propose when something waits, and after a long silence. */
  #offerWork(): void {
    this.#cancelHeartbeat();
    const running = this.#running;
    if (running === undefined || this.options.signer === undefined) return;
    if (this.parts.mempool.hasWork()) {
      running.consensus.offerWork();
      return;
    }
    const { heartbeatMs } = this.ledger.genesis.document.consensus;
    const dueMs = this.parts.chain.head().header.timestampMs + heartbeatMs;
    const delayMs = Math.max(0, dueMs - this.home.clock.now());
    this.#cancelHeartbeat = this.home.clock.after(delayMs, () => running.consensus.offerWork());
  }

  #onEvidence(evidence: Evidence): void {
    const { height, validatorIndex } = evidence.first.vote;
    this.diagnostics.trace('warn', 'equivocation', { height, validatorIndex });
    const key = encodeUtf8(`evidence/${height}/${validatorIndex}/${evidence.first.vote.kind}`);
    const value = encode(evidenceCodec, evidence);
    this.home.store
      .write([{ kind: 'put', space: 'meta', key, value }], 'relaxed')
      .catch((error: unknown) => this.#fail(error));
    this.events.emit('evidence', evidence);
  }
}
