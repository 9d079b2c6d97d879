import type { Bytes, ErrorData, Result, TimestampMs } from '../base/index.ts';
import { errorFromData, errorToData, fail, TabellionError } from '../base/index.ts';
import type { ConsensusEngine, ConsensusView } from '../consensus/index.ts';
import { combineEngine, describeEngineError } from '../consensus/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Evidence, Height, Ledger } from '../ledger/index.ts';
import { createLedger } from '../ledger/index.ts';
import type { LightAnswer, LightEvidence, LightRequest } from '../light/index.ts';
import type { Network, PeerView, Topic } from '../network/index.ts';
import type { CommittedEvent } from './chain.ts';
import { clearButCheckpoint } from './checkpoint-record.ts';
import type { Diagnostics } from './diagnostics.ts';
import { createDiagnostics } from './diagnostics.ts';
import { Emitter } from './emitter.ts';
import type { FaucetError } from './faucet.ts';
import type { SubmissionError } from './mempool-driver.ts';
import type { StatusFacts } from './node-status.ts';
import { stageOf, statusOf } from './node-status.ts';
import type { NodeCore, Parts } from './parts.ts';
import { closeParts, headHeight, openParts } from './parts.ts';
import type { Fault } from './penalties.ts';
import { penaltyOf } from './penalties.ts';
import { RateMeter } from './rate-meter.ts';
import { Reactions } from './reactions.ts';
import type { Running } from './running.ts';
import { connect, disconnect } from './running.ts';
import { ServedProofs } from './served-proofs.ts';
import type { LedgerSource, NodeMode } from './source.ts';
import type { NodeEvents, NodeStatus } from './status.ts';
import type { NodeHome, NodeOptions } from './types.ts';

/** A full node: wires the rooms together, schedules, and performs effects. */
export class TabellionNode {
  readonly home: NodeHome;
  readonly options: NodeOptions;
  readonly ledger: Ledger;
  readonly events: Emitter<NodeEvents>;
  readonly diagnostics: Diagnostics;
  readonly #core: NodeCore;
  readonly #reactions: Reactions;
  readonly #startedAtMs: TimestampMs;
  readonly #rate: RateMeter;
  #parts: Parts | undefined;
  #running: Running | undefined;
  #cacheBytesMax: number;
  #headTransactionCount = 0;
  #startHeight = 0 as Height; // Nothing is known before the store is open.
  #bytesReceived = 0;
  #isPaused = false;
  #failure: ErrorData | undefined;
  #changing: Promise<void> = Promise.resolve();
  readonly #stopping = new AbortController();

  private constructor(
    home: NodeHome,
    options: NodeOptions,
    ledger: Ledger,
    engine: ConsensusEngine,
  ) {
    this.home = home;
    this.options = options;
    this.ledger = ledger;
    this.#startedAtMs = home.clock.now();
    this.#cacheBytesMax = options.cacheBytesMax;
    this.#rate = new RateMeter(home.clock);
    // Not by the diagnostics, whose listeners could be the ones that fail.
    this.events = new Emitter((error) => {
      const { code, message } = errorToData(error);
      home.tracer.trace('error', 'listener-failed', { code, message });
    });
    this.diagnostics = createDiagnostics(home.clock, home.tracer);
    this.diagnostics.subscribe((line) => this.events.emit('trace', line));
    this.#core = this.#createCore(engine);
    this.#reactions = new Reactions(this.#core);
  }

  /**
   * Makes a node for a network. Throws `TabellionError` `genesis-invalid` or `engine-impossible`:
   * both are faults of the document, told with their reason; `not-permitted` for a validator that
   * should execute nothing.
   */
  static create(home: NodeHome, options: NodeOptions): TabellionNode {
    const ledger = createLedger(options.genesis);
    if (!ledger.ok) {
      throw new TabellionError('genesis-invalid', { reason: ledger.error.code });
    }
    if (options.mode === 'light' && options.signer !== undefined) {
      throw new TabellionError('not-permitted', { reason: 'validator' });
    }
    const { genesis } = ledger.value;
    // Headers bind the results of their own block: a network that wants its parent's cannot start.
    if (genesis.document.execution !== 'state') {
      throw new TabellionError('genesis-invalid', { reason: 'execution-unsupported' });
    }
    const engine = combineEngine(genesis.document.consensus, genesis.membership);
    if (!engine.ok) {
      const message = describeEngineError(engine.error);
      throw new TabellionError('engine-impossible', { reason: engine.error.code }, { message });
    }
    return new TabellionNode(home, options, ledger.value, engine.value);
  }

  #createCore(engine: ConsensusEngine): NodeCore {
    const { home, options, ledger, diagnostics, events } = this;
    return {
      home,
      options,
      ledger,
      engine,
      diagnostics,
      events,
      running: () => this.#running,
      stopping: this.#stopping.signal,
      publish: (topic, message) => this.#publish(topic, message),
      report: (peerId, fault) => this.report(peerId, fault),
      fail: (error) => this.#fail(error),
      onBytes: (count) => {
        this.#bytesReceived += count;
      },
      onCommitted: (event) => this.#onCommitted(event),
      onProgress: () => this.#onProgress(),
      onCompared: () => this.#onProgress(),
      status: () => this.status(),
      onLightChanged: () => this.#onLightChanged(),
      onChainReleased: () => this.#onProgress(),
      onAdopted: (height) => this.#onAdopted(height),
      readAgain: () => {
        this.#openAgain(async () => undefined).catch(() => undefined); // It tells of itself.
      },
      onMempoolChanged: () => {
        if (this.#parts !== undefined) this.#reactions.mempoolChanged(this.#parts);
      },
    };
  }

  /* --------------------------------------------------------------- life */

  /** Opens the store: from then on questions about stored blocks are answered. */
  open(): Promise<void> {
    return this.#orFail(() => this.#open());
  }

  /**
   * Opens the store unless it is open, then the network. Rejects with what either says; the node
   * has failed then.
   */
  start(): Promise<void> {
    return this.#orFail(async () => {
      if (this.#failure !== undefined) throw errorFromData(this.#failure);
      await this.#open();
      await this.#connect();
    });
  }

  /** Waits for what was begun. May be called twice. */
  stop(): Promise<void> {
    this.#stopping.abort();
    return this.#change(async () => {
      await this.#disconnect();
      await this.#close();
    });
  }

  /** Leaves the network; questions are still answered. */
  pause(): Promise<void> {
    return this.#change(async () => {
      if (this.#isPaused || this.#failure !== undefined) return;
      this.#isPaused = true;
      await this.#disconnect();
      this.diagnostics.trace('info', 'node-paused');
    });
  }

  /** Ends a pause. Rejects with what the network's opening says, and stays paused then. */
  resume(): Promise<void> {
    return this.#change(async () => {
      if (!this.#isPaused) return;
      this.#isPaused = false;
      try {
        await this.#connect();
      } catch (error) {
        await this.#disconnect();
        this.#isPaused = true;
        this.events.emit('status', undefined);
        throw error;
      }
      this.diagnostics.trace('info', 'node-resumed');
    });
  }

  /**
   * Looks after what a pause of this program, or of its line, may have ended: connections that are
   * dead without a word, and what peers told before. Never waits.
   */
  wake(): void {
    const running = this.#running;
    if (running === undefined) return;
    this.diagnostics.trace('debug', 'node-woke');
    running.network.wake?.();
    running.peers.wake();
  }

  /**
   * Deletes everything this node stored but a checkpoint that nothing contradicts, and starts again
   * from genesis. Rejects with `not-permitted` on a validator: without its log it could vote twice.
   */
  async reset(): Promise<void> {
    if (this.options.signer !== undefined) {
      throw new TabellionError('not-permitted', { reason: 'validator' });
    }
    const hasConflict = this.#failure?.code === 'checkpoint-conflicts';
    const isDoubtful = hasConflict || this.alarms().length > 0;
    return this.#openAgain(async () => {
      await clearButCheckpoint(this.#core, isDoubtful);
      this.#isPaused = false;
      this.#failure = undefined;
      this.#bytesReceived = 0;
      this.diagnostics.trace('info', 'node-reset');
    });
  }

  #openAgain(between: () => Promise<void>): Promise<void> {
    return this.#orFail(async () => {
      if (this.#stopping.signal.aborted) throw new TabellionError('node-stopped');
      await this.#disconnect();
      await this.#close();
      await between();
      await this.#open();
      await this.#connect();
    });
  }

  /** Changes of life happen one after another. */
  #change(job: () => Promise<void>): Promise<void> {
    const change = this.#changing.then(job);
    this.#changing = change.catch(() => undefined);
    return change;
  }

  #orFail(job: () => Promise<void>): Promise<void> {
    return this.#change(() =>
      job().catch((error: unknown) => {
        this.#fail(error);
        throw error;
      }),
    );
  }

  async #open(): Promise<void> {
    if (this.#parts !== undefined || this.#stopping.signal.aborted) return;
    const parts = await openParts(this.#core, this.#cacheBytesMax);
    this.#parts = parts;
    this.#startHeight = headHeight(parts);
    const stored = await parts.store.block(this.#startHeight);
    this.#headTransactionCount = stored?.block.transactions.length ?? 0;
    this.diagnostics.trace('info', 'store-opened', { height: this.#startHeight });
    this.events.emit('status', undefined);
  }

  async #close(): Promise<void> {
    if (this.#parts !== undefined) await closeParts(this.#parts);
    this.#parts = undefined;
  }

  async #connect(): Promise<void> {
    const parts = this.#parts;
    if (parts === undefined || this.#running !== undefined) return;
    if (this.#isPaused || this.#stopping.signal.aborted) return;
    await connect(this.#core, parts, this.#reactions, (running) => {
      this.#running = running;
    });
    this.events.emit('status', undefined);
  }

  async #disconnect(): Promise<void> {
    this.#reactions.cancelHeartbeat();
    const running = this.#running;
    const parts = this.#parts;
    this.#running = undefined;
    if (running !== undefined && parts !== undefined) {
      await disconnect(this.#core, parts, running);
    }
    this.events.emit('status', undefined);
    this.events.emit('peers', undefined);
  }

  #fail(error: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = errorToData(error);
    const { code, message } = this.#failure;
    this.diagnostics.trace('error', 'node-failed', { code, message });
    // Nothing is signed or committed after a failure nobody foresaw.
    this.#running?.consensus.stop().catch(() => undefined); // It reports failures itself.
    this.#change(() => this.#disconnect()).catch(() => undefined); // Nor is there more to tell.
    this.events.emit('status', undefined);
  }

  /* ------------------------------------------------------------ reading */

  /** The parts that stand on the store. Throws `node-not-ready` while it is not open. */
  get parts(): Parts {
    const parts = this.#parts;
    if (parts === undefined) throw new TabellionError('node-not-ready');
    return parts;
  }

  /** Whether the store is open, so that questions can be answered. */
  isOpen(): boolean {
    return this.#parts !== undefined;
  }

  status(): NodeStatus {
    return statusOf(this.#facts());
  }

  #facts(): StatusFacts {
    const { home, options, ledger } = this;
    return {
      ...{ home, options, ledger, parts: this.#parts, running: this.#running },
      isPaused: this.#isPaused,
      failure: this.#failure,
      blocksPerSecond: this.#rate.perSecond(),
      headTransactionCount: this.#headTransactionCount,
      startHeight: this.#startHeight,
      bytesReceived: this.#bytesReceived,
      startedAtMs: this.#startedAtMs,
    };
  }

  /** How much of the chain this node keeps, or is on its way to. */
  mode(): NodeMode {
    return this.#parts?.following.mode() ?? this.options.mode ?? 'full';
  }

  /** What questions are answered from now. Throws `node-not-ready` while the store is closed. */
  source(): LedgerSource {
    return this.parts.following.source();
  }

  /** Pairs of blocks of one height, both certified, that were seen in this life. */
  alarms(): readonly LightEvidence[] {
    return this.#parts?.following.light.alarms() ?? [];
  }

  /** Headers with their proofs, as peers are answered who ask for them. */
  lightAnswer(request: LightRequest): Promise<LightAnswer> {
    if (this.parts.checkpoints.isChainHidden()) return Promise.resolve({ blocks: [] });
    return new ServedProofs(this.ledger, this.parts.store, this.home.clock).lightAnswer(request);
  }

  /** A person looked at the alarm: new heads are trusted again. */
  clearAlarm(): void {
    this.#parts?.following.light.clearAlarm();
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

  /** Proofs that members voted twice, newest first. */
  evidence(): Promise<readonly Evidence[]> {
    return this.#reactions.evidence();
  }

  /** What the network calls a faucet, whoever runs it. */
  hasFaucet(): boolean {
    return this.ledger.genesis.document.modules.faucet !== undefined;
  }

  /* ------------------------------------------------------------- acting */

  /**
   * Changes the mode while running; resolves once it is stored. Rejects with `not-permitted` for
   * `light` on a validator.
   */
  setMode(mode: NodeMode): Promise<void> {
    return this.#change(async () => {
      if (mode === 'light' && this.options.signer !== undefined) {
        throw new TabellionError('not-permitted', { reason: 'validator' });
      }
      await this.parts.following.setMode(mode);
      if (mode !== 'light' || this.#running === undefined) return;
      // Nothing of the chain is followed any more, votes and proposals least of all.
      await this.#disconnect();
      await this.#connect();
    });
  }

  /** The way from light to full may be gone now, whatever it costs. */
  promote(): void {
    this.parts.following.promote();
  }

  /** Admits signed bytes and gossips them. */
  async submit(bytes: Uint8Array): Promise<Result<Hash, SubmissionError>> {
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
    if (own !== undefined) return own.request(recipient, { address: caller });
    const { peers } = this.#connected();
    if (this.home.kind !== 'relay') {
      return peers.requestCoins(recipient, { isForwarded: false, signal });
    }
    // Others see this relay's address, so it counts its callers itself.
    return this.parts.forwarding.grant({ address: caller }, () =>
      peers.requestCoins(recipient, { isForwarded: true, signal }),
    );
  }

  /** Dials a relay and keeps it. Rejects as the network does. */
  async addRelay(multiaddr: string): Promise<void> {
    return this.#connected().network.addRelay(multiaddr);
  }

  #connected(): Running {
    if (this.#running === undefined) throw new TabellionError('node-stopped');
    return this.#running;
  }

  configure({ cacheBytesMax }: { readonly cacheBytesMax: number | undefined }): void {
    if (cacheBytesMax === undefined) return;
    this.#cacheBytesMax = cacheBytesMax;
    this.#parts?.store.setCacheBytesMax(cacheBytesMax);
  }

  /** Takes points from a peer, by the one table of penalties. */
  report(peerId: string, fault: Fault): void {
    this.diagnostics.trace('debug', 'peer-blamed', { peerId, fault });
    this.#running?.network.penalize(peerId, penaltyOf(fault), fault);
  }

  #publish(topic: Topic, message: Bytes): void {
    this.#running?.network.publish(topic, message).catch((error: unknown) => {
      const { code } = errorToData(error);
      this.diagnostics.trace('debug', 'publish-failed', { topic, code });
    });
  }

  /* ------------------------------------------------------------- events */

  #onCommitted(event: CommittedEvent): void {
    this.#rate.count();
    this.#parts?.following.committed(event);
    this.#headTransactionCount = event.executed.transactions.length;
    if (this.#parts !== undefined) this.#reactions.committed(this.#parts, event);
    this.events.emit('head', event);
    this.events.emit('status', undefined);
  }

  #onProgress(): void {
    const running = this.#running;
    const stage = stageOf(this.#facts());
    const hasCompared = (running?.peers.comparedCount() ?? 0) > 0;
    if (hasCompared && stage !== 'syncing') running?.guard.release();
    if (stage === 'following' && this.#parts?.following.isChainHeld() === false) {
      running?.startConsensus().catch((error: unknown) => this.#fail(error));
    }
    this.events.emit('status', undefined);
  }

  #onLightChanged(): void {
    this.#parts?.following.lightChanged();
    this.events.emit('light', undefined);
    this.events.emit('status', undefined);
  }

  /** The head made a leap: whatever stands on it is told. */
  #onAdopted(height: Height): void {
    const parts = this.#parts;
    if (parts === undefined) return;
    this.#headTransactionCount = 0;
    this.#reactions.adopted(parts, height);
  }
}
