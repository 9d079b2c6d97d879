import type { Result } from '../base/index.ts';
import { errorToData } from '../base/index.ts';
import type { Hash, Verified } from '../crypto/index.ts';
import type {
  CommitCertificate,
  Header,
  Height,
  Membership,
  PreparedTransaction,
  Sequence,
  TransactionError,
} from '../ledger/index.ts';
import type { LightBlock, TrustedBlock } from '../light/index.ts';
import type { Topic } from '../network/index.ts';
import type { CommittedEvent } from './chain.ts';
import { ChainSource } from './chain-source.ts';
import { FateWatcher } from './fates.ts';
import { admitOn } from './light-admission.ts';
import { LightDriver } from './light-driver.ts';
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
import type { LightStatus, NodeStage, Promotion, SnapshotStatus } from './status.ts';
import { chainTrust, NEAR_BLOCKS } from './trust.ts';

const TOPICS: readonly Topic[] = ['transactions', 'proposals', 'votes', 'blocks'];

/** Parts that stand beside this one on the same store. */
type Beside = Pick<Parts, 'store' | 'chain' | 'sync' | 'mempool' | 'tracker'>;

/**
 * Whether the way from light to full may be gone: on a metered line or a low battery somebody is
 * asked first.
 */
type Consent = 'unknown' | 'given' | 'missing';

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
  readonly #questions: PeerQuestions;
  readonly #states: ProvenStates;
  readonly #fates: FateWatcher;
  #mode: NodeMode;
  #consent: Consent;
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
    made: { light: LightDriver; mode: NodeMode },
  ) {
    const { ledger, home, diagnostics } = core;
    this.#core = core;
    this.#beside = beside;
    this.#mode = made.mode;
    this.light = made.light;
    this.#membership = beside.chain.next().membership;
    this.#questions = new PeerQuestions({
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
    this.peers = new PeerLedger(ledger, this.light, this.#questions);
    this.#states = new ProvenStates(ledger.suite, this.#questions);
    const { chain, mempool, tracker } = beside;
    this.#fates = new FateWatcher({
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
      questions: this.#questions,
      onProgress: () => core.onProgress(),
      onAdopted: (height) => this.#adopted(height),
      onEnded: () => this.#decision.ended(),
    });
    this.#decision = this.#createDecision();
    this.#consent = this.#asksFirst() ? 'unknown' : 'given';
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
      network: () => core.running()?.network,
      reportPeer: (peerId, fault) => core.report(peerId, fault),
      onBytes: (count) => core.onBytes(count),
      onChanged: () => core.onLightChanged(),
    });
    const mode = await loadMode(core);
    const following = new Following(core, beside, { light, mode });
    following.#setRetention();
    await following.#trustChain();
    return following;
  }

  /** What our chain executed needs no proof. */
  async #trustChain(): Promise<void> {
    const { chain, store } = this.#beside;
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
    this.#askConsent();
  }

  /** The network is about to close. */
  pause(): void {
    this.#isRunning = false;
    this.light.pause();
    this.snapshot.pause();
    this.#decision.stop();
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
    this.light.peerStatus(peerId, { voice, head, hash });
    this.snapshot.peerStatus(peerId);
  }

  peerGone(peerId: string): void {
    this.#beside.sync.peerGone(peerId);
    this.light.peerGone(peerId);
    this.snapshot.peerGone(peerId);
    this.#questions.forget(peerId);
    this.#watchSource();
  }

  /** Our own chain committed a block. */
  committed({ executed, certificate }: CommittedEvent): void {
    const { prepared, execution } = executed;
    const { header } = prepared.block;
    const { nextMembership } = execution;
    const membership = this.#membership;
    this.#membership = nextMembership;
    const trusted: TrustedBlock = { header, hash: prepared.hash, membership, nextMembership };
    this.light.chainAdvanced(trusted, this.#lightBlockOf(trusted, certificate));
    this.#parent = header;
    this.#watchSource();
  }

  /** Whoever shows figures asks again when they come from elsewhere. */
  #watchSource(): void {
    const kind = this.isChainLeading() ? 'chain' : 'light';
    if (kind === this.#sourceTold) return;
    this.#sourceTold = kind;
    this.#core.diagnostics.trace('info', 'source-changed', { source: kind });
    this.#core.events.emit('light', undefined);
  }

  #lightBlockOf(trusted: TrustedBlock, certificate: CommitCertificate): LightBlock | undefined {
    const { header, membership, nextMembership } = trusted;
    const parent = this.#parent;
    if (parent === undefined || parent.height !== header.height - 1) return undefined;
    const isSame = nextMembership === membership;
    const next = isSame ? undefined : nextMembership;
    return { parent, header, certificate, membership, nextMembership: next };
  }

  /** The newest proven header, its confirmation, or what peers tell, is another one. */
  lightChanged(): void {
    this.#decision.look();
    this.#watchSource();
    if (!this.isChainLeading()) this.#fates.headMoved();
  }

  /* -------------------------------------------------------- transactions */

  /** The first height that could hold a new transaction, as far as is known. */
  nextHeight(): Height {
    // One above a height.
    return (this.source().head().header.height + 1) as Height;
  }

  /**
   * Whether the next block could take a transaction, by the chain or by the newest proven state. A
   * gap in the sequences is no refusal. Rejects as the source does.
   */
  async admit(
    prepared: Verified<PreparedTransaction>,
  ): Promise<Result<{ readonly accountSequence: Sequence }, TransactionError>> {
    const { chain } = this.#beside;
    if (this.isChainLeading()) return chain.admit(prepared);
    const admission = await admitOn(this.source(), this.#core.ledger, prepared);
    // Blocks from here on may hold it.
    this.#fates.submitted();
    return admission;
  }

  /** Whether a block holds a transaction, as far as anybody says. */
  async isIncluded(id: Hash): Promise<boolean> {
    return (await this.source().transaction(id)) !== undefined;
  }

  /* ------------------------------------------------------------- sources */

  /** Whether questions are answered from what was executed here. */
  isChainLeading(): boolean {
    const { height } = this.light.head().header;
    const own = this.#beside.chain.head().header.height;
    if (height <= own) return true;
    if (!this.isChainHeld() && height - own <= NEAR_BLOCKS) return true;
    // Nobody proves anything: what is here, however old, says more than nothing.
    return own > 0 && !this.#questions.hasPeers();
  }

  source(): LedgerSource {
    const { ledger, home } = this.#core;
    const { chain, store } = this.#beside;
    if (this.isChainLeading()) {
      const trust = () => this.#chainTrust();
      return new ChainSource({ chain, store, peers: this.peers, light: this.light, trust });
    }
    return new LightSource({
      ledger,
      chain,
      store,
      light: this.light,
      states: this.#states,
      peers: this.peers,
      questions: this.#questions,
      verifier: home.verifier,
      trust: () => this.#lightTrust(),
    });
  }

  /** Beside conflicting certificates nobody knows which chain is the one, ours least of all. */
  #chainTrust(): SourceTrust {
    const trust = chainTrust(this.#core.status());
    const isAlarmed = this.light.progress().alarm !== undefined;
    return isAlarmed && trust === 'validated' ? 'reported' : trust;
  }

  #lightTrust(): Exclude<SourceTrust, 'validated'> {
    if (!this.#isRunning || !this.#questions.hasPeers()) return 'cached';
    return this.light.isConfirmed() ? 'proven' : 'reported';
  }

  /* --------------------------------------------------------------- modes */

  mode(): NodeMode {
    return this.#mode;
  }

  /** Rejects with the store's codes; the mode is the old one then. */
  async setMode(mode: NodeMode): Promise<void> {
    const { home, ledger, diagnostics } = this.#core;
    if (mode === this.#mode) return;
    await storeMode(home.store, ledger.suite, mode);
    diagnostics.trace('info', 'mode-changed', { from: this.#mode, to: mode });
    this.#mode = mode;
    // Who chooses a mode by hand wants it, whatever it costs.
    this.#consent = 'given';
    this.#setRetention();
    if (mode !== 'full') this.snapshot.cancel();
    this.#holdOrNot();
    this.#core.onProgress();
    this.#core.onLightChanged();
  }

  /** The way from light to full may be gone now. */
  promote(): void {
    if (this.#consent === 'given') return;
    this.#consent = 'given';
    this.#core.diagnostics.trace('info', 'promotion-begun');
    this.#holdOrNot();
    this.#core.onProgress();
  }

  /** Whether the chain stays where it is: the mode says so, or somebody has to agree first. */
  isChainHeld(): boolean {
    return this.#mode === 'light' || this.#consent !== 'given';
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

  #asksFirst(): boolean {
    const { home, options } = this.#core;
    const isFresh = this.#beside.chain.head().header.height === 0;
    return home.mayPromote !== undefined && options.signer === undefined && isFresh;
  }

  #askConsent(): void {
    const { home, diagnostics } = this.#core;
    if (this.#consent !== 'unknown' || this.#mode === 'light') return;
    const settle = (mayPromote: boolean): void => {
      if (this.#consent !== 'unknown') return;
      this.#consent = mayPromote ? 'given' : 'missing';
      if (!mayPromote) diagnostics.trace('info', 'promotion-waits');
      this.#holdOrNot();
      this.#core.onProgress();
    };
    home.mayPromote?.().then(settle, (error: unknown) => {
      diagnostics.trace('warn', 'promotion-unknown', { code: errorToData(error).code });
      settle(false);
    });
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

  #createDecision(): SnapshotDecision {
    const { home, options } = this.#core;
    const { chain } = this.#beside;
    return new SnapshotDecision({
      clock: home.clock,
      worthBlocks: options.snapshotWorthBlocks ?? SNAPSHOT_WORTH_BLOCKS,
      lead: () => this.light.head().header.height - chain.head().header.height,
      mayBegin: () => this.#mode === 'full' && !this.isChainHeld() && !this.snapshot.isRunning(),
      canReplay: () => this.#questions.hasPeers(chain.next().height),
      begin: (worthBlocks) => this.snapshot.begin(worthBlocks),
      onChanged: () => {
        this.#holdOrNot();
        this.#core.onProgress();
      },
    });
  }

  #adopted(height: Height): void {
    const { chain } = this.#beside;
    this.#membership = chain.next().membership;
    const { header, hash } = chain.head();
    const next = this.#membership;
    this.light.chainAdvanced({ header, hash, membership: next, nextMembership: next });
    this.#core.onAdopted(height);
    this.#fates.submitted();
    this.#fates.headMoved();
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

  snapshotStatus(): SnapshotStatus | undefined {
    return this.snapshot.status();
  }

  promotion(): Promotion {
    if (this.#mode === 'light') return 'none';
    if (this.#consent === 'missing') return 'waiting-consent';
    const own = this.#beside.chain.head().header.height;
    return this.light.head().header.height - own > NEAR_BLOCKS ? 'running' : 'none';
  }

  /** The stage that proven headers give, while the chain says nothing of it. */
  stage(): NodeStage | undefined {
    if (!this.#isRunning) return undefined;
    if (this.snapshot.isRunning() || this.#decision.isWaiting()) return 'syncing';
    if (!this.isChainHeld()) return undefined;
    switch (this.light.progress().stage) {
      case 'waiting':
        return this.#questions.hasPeers() ? 'syncing' : 'connecting';
      case 'proving':
        return 'syncing';
      case 'following':
        return 'following';
    }
  }
}
