import type { Result } from '../base/index.ts';
import { errorToData, TabellionError } from '../base/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type {
  Header,
  Height,
  Membership,
  PreparedTransaction,
  Sequence,
  TransactionError,
} from '../ledger/index.ts';
import type { TrustedBlock } from '../light/index.ts';
import type { Topic } from '../network/index.ts';
import type { CommittedEvent } from './chain.ts';
import { ChainSource } from './chain-source.ts';
import type { ConsentOptions } from './consent.ts';
import { Consent } from './consent.ts';
import { FateWatcher } from './fates.ts';
import { admitOn } from './light-admission.ts';
import { LightDriver } from './light-driver.ts';
import { lightBlockOf } from './light-record.ts';
import { LightSource } from './light-source.ts';
import { SNAPSHOT_WORTH_BLOCKS, TAB_BLOCKS_KEPT } from './limits.ts';
import type { PeerStatus } from './messages.ts';
import { genesisBlock, loadMode, storeMode } from './mode-record.ts';
import type { NodeCore, Parts } from './parts.ts';
import { PeerLedger } from './peer-ledger.ts';
import { ProvenStates } from './proven-state.ts';
import { PeerQuestions } from './questions.ts';
import { SnapshotDecision } from './snapshot-decision.ts';
import { SnapshotDriver } from './snapshot-driver.ts';
import type { LedgerSource, NodeMode, SourceTrust } from './source.ts';
import type { LightStatus, NodeStage, Promotion } from './status.ts';
import { chainTrust, NEAR_BLOCKS } from './trust.ts';

const TOPICS: readonly Topic[] = ['transactions', 'proposals', 'votes', 'blocks'];

/** Parts that stand beside this one on the same store. */
type Beside = Pick<Parts, 'store' | 'checkpoints' | 'chain' | 'sync' | 'mempool' | 'tracker'>;

/**
 * How a node comes to the newest block and stays there: by proven headers at once, by a snapshot or
 * blocks after that, as its mode says. Decides what questions are answered from meanwhile.
 */
export class Following {
  readonly light: LightDriver;
  readonly peers: PeerLedger;
  readonly snapshot: SnapshotDriver;
  readonly #core: NodeCore;
  readonly #beside: Beside;
  readonly questions: PeerQuestions;
  readonly #states: ProvenStates;
  readonly fates: FateWatcher;
  #mode: NodeMode;
  readonly #consent: Consent;
  /** Members of the next height, as the chain knew them before its newest block. */
  #membership: Membership;
  #isRunning = false;
  readonly #decision: SnapshotDecision;
  #proofBytes = 0;
  #sourceTold: LedgerSource['kind'] = 'chain';
  /** The header committed last, the parent of the next one. */
  #parent: Header | undefined;

  private constructor(
    core: NodeCore,
    beside: Beside,
    made: { light: LightDriver; mode: NodeMode; isAgreed: boolean },
  ) {
    const { ledger, home, diagnostics } = core;
    this.#core = core;
    this.#beside = beside;
    this.#mode = made.mode;
    this.light = made.light;
    this.#membership = beside.chain.next().membership;
    this.questions = new PeerQuestions({
      clock: home.clock,
      tracer: diagnostics,
      network: () => core.running()?.network,
      rangeOf: (peerId) => core.running()?.peers.rangeOf(peerId),
      reportPeer: (peerId, fault) => core.report(peerId, fault),
      onBytes: (count) => {
        this.#proofBytes += count;
        core.onBytes(count);
      },
    });
    this.peers = new PeerLedger(ledger, this.light, this.questions, home.clock);
    this.#states = new ProvenStates(ledger.suite, this.questions);
    const { chain, mempool, tracker } = beside;
    this.fates = new FateWatcher({
      ledger,
      peers: this.peers,
      mempool,
      tracker,
      tracer: diagnostics,
      head: () => this.source().head().header.height,
      read: (reading) => this.source().read(reading),
    });
    this.snapshot = new SnapshotDriver({
      core,
      chain,
      store: beside.store,
      light: this.light,
      questions: this.questions,
      onProgress: () => core.onProgress(),
      worthBlocks: this.#worthBlocks,
      onSwitched: () => {
        this.#membership = beside.store.membership();
        this.#parent = undefined;
      },
      onAdopted: (height) => this.#adopted(height),
      onOffered: () => this.#decision.offered(),
      onEnded: (end) => this.#decision.ended(end),
    });
    this.#decision = this.#createDecision();
    const consent: ConsentOptions = {
      core,
      isFresh: () => chain.head().header.height === 0,
      isFarBehind: () => this.#isFarBehind(),
      mode: () => this.#mode,
      onChanged: () => this.#mayFetch(),
    };
    this.#consent = Consent.create(consent, made.isAgreed);
    this.#holdOrNot();
  }

  /** Reads the mode and the newest proven head from the store. */
  static async open(core: NodeCore, beside: Beside): Promise<Following> {
    const { home, ledger, diagnostics } = core;
    const genesis = await genesisBlock(ledger, beside.store);
    const light = await LightDriver.load({
      ledger,
      store: home.store,
      verifier: home.verifier,
      clock: home.clock,
      tracer: diagnostics,
      genesis,
      checkpoint: beside.checkpoints.record(),
      trustingPeriodMs: core.options.trustingPeriodMs,
      network: () => core.running()?.network,
      reportPeer: (peerId, fault) => core.report(peerId, fault),
      onBytes: (count) => core.onBytes(count),
      onChanged: () => core.onLightChanged(),
    });
    const mode = await loadMode(core);
    const isAgreed = await Consent.wasGiven(core, mode);
    const following = new Following(core, beside, { light, mode, isAgreed });
    const historyFrom = beside.store.historyCompleteFrom();
    if (mode === 'archive' && historyFrom > 0) {
      diagnostics.trace('warn', 'archive-incomplete', { historyFrom });
    }
    following.#setRetention();
    await following.#trustChain();
    return following;
  }

  /** What our chain executed needs no proof. */
  async #trustChain(): Promise<void> {
    const { chain, store } = this.#beside;
    if (this.#beside.checkpoints.isChainHidden()) return;
    const { header, hash } = chain.head();
    const { membership: nextMembership } = chain.next();
    const membership = (await store.membershipAt(header.height)) ?? nextMembership;
    this.light.chainAdvanced({ header, hash, membership, nextMembership });
  }

  /* --------------------------------------------------------------- life */

  /** The network is open. */
  start(): void {
    this.#isRunning = true;
    this.#followTopics();
    this.light.start();
    this.snapshot.start();
    this.#decision.start();
    this.#consent.start();
  }

  /** The network is about to close. */
  pause(): void {
    this.#isRunning = false;
    this.light.pause();
    this.snapshot.pause();
    this.#decision.stop();
    this.#consent.pause();
  }

  /** Ends it for good. */
  async stop(): Promise<void> {
    this.pause();
    await this.snapshot.stop();
    await this.light.stop();
  }

  peerStatus(peerId: string, status: PeerStatus, voice: string): void {
    const { sync, chain } = this.#beside;
    const { headHeight: head, headHash: hash, earliestHeight: earliest } = status;
    // Decided before sync asks for the first block of a long way.
    this.#decision.told(head - chain.head().header.height);
    sync.peerStatus(peerId, { head, earliest });
    this.light.peerStatus(peerId, { voice, head, hash, earliest });
    this.snapshot.peerStatus(peerId, this.#mode === 'full' && this.#isFarBehind());
  }

  peerGone(peerId: string): void {
    this.#beside.sync.peerGone(peerId);
    this.light.peerGone(peerId);
    this.snapshot.peerGone(peerId);
    this.questions.forget(peerId);
    this.#watchSource();
  }

  /** Our own chain committed a block. */
  committed({ executed, certificate }: CommittedEvent): void {
    const { hash, block: own } = executed.prepared;
    const { header } = own;
    const { nextMembership } = executed.execution;
    const trusted: TrustedBlock = { header, hash, membership: this.#membership, nextMembership };
    this.#membership = nextMembership;
    const block = lightBlockOf(this.#parent, trusted, certificate);
    // What has not led to its checkpoint proves nothing.
    if (!this.#beside.checkpoints.isChainHidden()) this.light.chainAdvanced(trusted, block);
    this.#parent = header;
    this.#watchSource();
    this.#tidySnapshot();
  }

  /** A state that our chain has passed, or that an archive has no use for. */
  #tidySnapshot(): void {
    const own = this.#beside.chain.head().header.height;
    this.snapshot
      .tidy((height) => height <= own || this.#mode === 'archive')
      .catch((error: unknown) => {
        const { code } = errorToData(error);
        this.#core.diagnostics.trace('warn', 'snapshot-not-discarded', { code });
      });
  }

  /** Whoever shows figures asks again when they come from elsewhere. */
  #watchSource(): void {
    const kind = this.isChainLeading() ? 'chain' : 'light';
    if (kind === this.#sourceTold) return;
    this.#sourceTold = kind;
    this.#core.diagnostics.trace('info', 'source-changed', { source: kind });
    this.#core.events.emit('light', undefined);
  }

  /** The newest proven header, its confirmation, or what peers tell, is another one. */
  lightChanged(): void {
    // Whichever chain it is of, nobody knows whether it is the one.
    if (this.light.progress().alarm !== undefined) this.snapshot.cancel();
    this.#consent.weigh();
    this.#decision.look();
    this.snapshot.headProven();
    this.#watchSource();
    if (!this.isChainLeading()) this.fates.headMoved();
  }

  /* -------------------------------------------------------- transactions */

  /** The first height that could hold a new transaction, as far as is known. */
  nextHeight(): Height {
    return (this.source().head().header.height + 1) as Height; // One above a height.
  }

  /**
   * Whether the next block could take a transaction, by the chain or by the newest proven state. A
   * gap in the sequences is no refusal. Rejects as the source does.
   */
  async admit(
    prepared: Verified<PreparedTransaction>,
  ): Promise<Result<{ readonly accountSequence: Sequence }, TransactionError>> {
    const source = this.source();
    const { height } = source.head().header;
    const admission = await (source.kind === 'chain'
      ? this.#beside.chain.admit(prepared)
      : admitOn(source, this.#core.ledger, prepared));
    this.fates.judged(prepared, source.kind, height);
    return admission;
  }

  /** Whether a block holds a transaction, as far as anybody says. */
  async isIncluded(id: Hash): Promise<boolean> {
    return (await this.source().transaction(id)) !== undefined;
  }

  /* ------------------------------------------------------------- sources */

  /** Whether questions are answered from what was executed here. */
  isChainLeading(): boolean {
    if (this.#beside.checkpoints.isChainHidden()) return false;
    const lag = this.#lead();
    if (lag <= 0) return true;
    if (this.#beside.chain.head().header.height === 0) return false;
    // Nobody proves anything: what is here, however old, says more than nothing.
    if (!this.questions.hasPeers()) return true;
    // It may lag a little where it answered before; elsewhere answers would go back in time.
    return this.#sourceTold === 'chain' && !this.isChainHeld() && lag <= NEAR_BLOCKS;
  }

  source(): LedgerSource {
    const { ledger, home } = this.#core;
    const { chain, store, checkpoints } = this.#beside;
    if (this.isChainLeading()) {
      const trust = () => this.#chainTrust();
      return new ChainSource({ chain, store, peers: this.peers, light: this.light, trust });
    }
    return new LightSource({
      ...{ ledger, store, checkpoints },
      light: this.light,
      states: this.#states,
      peers: this.peers,
      questions: this.questions,
      verifier: home.verifier,
      trust: () => this.#lightTrust(),
    });
  }

  /** Beside conflicting certificates nobody knows which chain is the one, ours least of all. */
  #chainTrust(): SourceTrust {
    const trust = chainTrust(this.#core.status());
    const isDoubtful = this.#core.home.isShelter || this.light.progress().alarm !== undefined;
    return isDoubtful && trust === 'validated' ? 'reported' : trust;
  }

  #lightTrust(): Exclude<SourceTrust, 'validated'> {
    if (!this.#isRunning || !this.questions.hasPeers()) return 'cached';
    // Connected, and silent.
    if (!this.light.progress().isHeard) return 'cached';
    return this.light.isConfirmed() && this.#core.home.isShelter !== true ? 'proven' : 'reported';
  }

  /* --------------------------------------------------------------- modes */

  mode(): NodeMode {
    return this.#mode;
  }

  /**
   * Rejects with `mode-needs-reset` when an archive would lack what was let go of before, and with
   * the store's codes; the mode is the old one then.
   */
  async setMode(mode: NodeMode): Promise<void> {
    const { home, ledger, diagnostics } = this.#core;
    // It may have been a default until now.
    if (mode === this.#mode) return storeMode(home.store, ledger.suite, mode);
    if (mode !== 'full') await this.snapshot.cancel();
    const historyFrom = this.#beside.store.historyCompleteFrom();
    if (mode === 'archive' && historyFrom > 0) {
      throw new TabellionError('mode-needs-reset', { historyFrom });
    }
    await storeMode(home.store, ledger.suite, mode);
    diagnostics.trace('info', 'mode-changed', { from: this.#mode, to: mode });
    this.#mode = mode;
    // Who chooses a mode by hand wants it, whatever it costs.
    await this.#consent.modeChanged();
    this.#setRetention();
    this.#tidySnapshot();
    this.#mayFetch();
    this.#core.onLightChanged();
  }

  /** The way from light to full may be gone now. */
  promote(): void {
    this.#core.diagnostics.trace('info', 'promotion-begun');
    this.#consent.give(); // Tells by itself when it cannot be kept.
    this.#mayFetch();
  }

  /** What held the chain back is gone: a snapshot that is less work comes before blocks. */
  #mayFetch(): void {
    this.#decision.look();
    this.#holdOrNot();
    this.#core.onProgress();
  }

  /** Whether the chain stays where it is: the mode says so, or somebody has to agree first. */
  isChainHeld(): boolean {
    return this.#mode === 'light' || this.#consent.isHolding();
  }

  /** What cannot be judged without a chain is not even heard. */
  #followTopics(): void {
    const network = this.#core.running()?.network;
    network?.follow?.(this.isChainHeld() ? ['blocks'] : TOPICS);
  }

  #setRetention(): void {
    const blocks = this.keepBlocks();
    this.#beside.store.setRetention(
      blocks === undefined ? { kind: 'all' } : { kind: 'recent', blocks },
    );
  }

  /** How many of the newest blocks are kept; absent: all of them. */
  keepBlocks(): number | undefined {
    const { options, home } = this.#core;
    if (this.#mode !== 'full') return undefined;
    return options.keepBlocks ?? (home.kind === 'tab' ? TAB_BLOCKS_KEPT : undefined);
  }

  #holdOrNot(): void {
    this.#followTopics();
    const { sync } = this.#beside;
    const isBusy = this.#decision.isWaiting() || this.snapshot.isRunning();
    if (this.isChainHeld() || isBusy) sync.hold();
    else {
      sync.release();
      this.#core.onChainReleased();
    }
  }

  /* ----------------------------------------------------------- snapshots */

  get #worthBlocks(): number {
    return this.#core.options.snapshotWorthBlocks ?? SNAPSHOT_WORTH_BLOCKS;
  }

  #lead(): number {
    return this.light.head().header.height - this.#beside.chain.head().header.height;
  }

  #isFarBehind(): boolean {
    return this.#lead() >= this.#worthBlocks;
  }

  #mayBegin(): boolean {
    const isAlarmed = this.light.progress().alarm !== undefined;
    return this.#mode === 'full' && !isAlarmed && !this.isChainHeld() && !this.snapshot.isRunning();
  }

  #createDecision(): SnapshotDecision {
    const { chain } = this.#beside;
    return new SnapshotDecision({
      clock: this.#core.home.clock,
      worthBlocks: this.#worthBlocks,
      lead: () => this.#lead(),
      mayBegin: () => this.#mayBegin(),
      canReplay: () => this.questions.hasPeers(chain.next().height),
      begin: () => this.snapshot.begin(),
      onChanged: () => {
        this.#holdOrNot();
        this.#core.onProgress();
      },
    });
  }

  #adopted(height: Height): void {
    const anchor = this.#beside.store.anchor();
    // A block may have followed already; then the light client knows of that one.
    if (anchor?.header.height === height) {
      const { header, hash, membership, nextMembership } = anchor;
      this.light.chainAdvanced({ header, hash, membership, nextMembership });
    }
    this.#core.onAdopted(height);
    this.fates.waits(this.light.head().header.height);
    this.fates.headMoved();
  }

  /* -------------------------------------------------------------- status */

  lightStatus(): LightStatus {
    const { head, targetHeight, stage, expired, alarm } = this.light.progress();
    return {
      head: { header: head.header, hash: head.hash },
      trust: this.#lightTrust(),
      stage: this.#isRunning ? stage : 'waiting',
      targetHeight,
      comparedVoices: this.light.voices(),
      isExpired: expired,
      bytesReceived: this.light.bytesReceived() + this.#proofBytes,
      alarm: alarm && {
        height: alarm.other.header.height,
        first: alarm.trusted.hash,
        second: this.#core.ledger.blockHash(alarm.other.header),
      },
    };
  }

  promotion(): Promotion {
    if (this.#mode === 'light') return 'none';
    if (this.#consent.isMissing()) return 'waiting-consent';
    return this.#lead() > NEAR_BLOCKS ? 'running' : 'none';
  }

  /** The stage that proven headers give, while the chain says nothing of it. */
  stage(): NodeStage | undefined {
    if (!this.#isRunning) return undefined;
    if (this.snapshot.isRunning() || this.#decision.isWaiting()) return 'syncing';
    if (!this.isChainHeld()) return undefined;
    switch (this.light.progress().stage) {
      case 'waiting':
        return this.questions.hasPeers() ? 'syncing' : 'connecting';
      case 'proving':
        return 'syncing';
      case 'following':
        return 'following';
    }
  }
}
