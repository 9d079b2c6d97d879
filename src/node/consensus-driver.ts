import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { defined, equalBytes, errorToData, formatHex, TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import type {
  CatchUpAnswer,
  CatchUpRequest,
  ConsensusEffect,
  ConsensusEngine,
  ConsensusEvent,
  ConsensusFault,
  ConsensusState,
  ConsensusView,
  SignedProposal,
  VerifiedProposal,
  VerifiedVote,
  VerifiedWalEntry,
  WalEntry,
} from '../consensus/index.ts';
import { isHeaderProper, proposalClaim, verifiedWalEntry, voteClaim } from '../consensus/index.ts';
import type { Hash, HashSuite, SignatureClaim } from '../crypto/index.ts';
import { mintVerified } from '../crypto/index.ts';
import type {
  Block,
  CommitCertificate,
  Evidence,
  Height,
  Membership,
  Round,
  SignedVote,
} from '../ledger/index.ts';
import { blockHashOf, signedVoteCodec } from '../ledger/index.ts';
import type { GossipVerdict } from '../network/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import { MAILBOX_EVENTS_MAX, PROPOSALS_WAITING_MAX } from './limits.ts';
import { Mailbox } from './mailbox.ts';
import type { SigningGuard } from './signing-guard.ts';
import type { WalStore } from './wal-store.ts';

/** The key of a validator. It never leaves the home that made it. */
export type ValidatorSigner = {
  readonly publicKey: Bytes;
  sign(message: Uint8Array): Bytes;
};

/** What the driver needs of the chain; `chain.ts` provides it. */
export type ConsensusChain = {
  readonly suite: HashSuite;
  readonly chainId: Hash;
  readonly blockCodec: Codec<Block>;
  /** Height after the head, and who decides it. */
  next(): { readonly height: Height; readonly membership: Membership };
  build(height: Height, proposer: Bytes): Promise<Block | undefined>;
  /** Whether the header binds exactly these transactions: a proposer signs the header alone. */
  bindsTransactions(block: Block): boolean;
  validate(
    block: Block,
    hash: Hash,
  ): Promise<{ readonly isValid: boolean; readonly isTimely: boolean }>;
  /** Returns once the block is durable; does nothing for one that already is. */
  commit(block: Block, hash: Hash, certificate: CommitCertificate): Promise<void>;
};

export type ConsensusDriverOptions = {
  readonly engine: ConsensusEngine;
  readonly chain: ConsensusChain;
  readonly wal: WalStore;
  readonly verifier: SignatureVerifier;
  readonly clock: Clock;
  readonly tracer: Tracer;
  /** Absent on nodes that only watch. */
  readonly signer: ValidatorSigner | undefined;
  /** Asked before every signature. */
  readonly guard: SigningGuard;
  readonly proposalCodec: Codec<SignedProposal>;
  broadcast(topic: 'votes' | 'proposals', message: Bytes): void;
  requestMessages(request: CatchUpRequest): void;
  /** A peer sent a message of a height beyond the one being decided here. */
  onAhead(peerId: string): void;
  reportPeer(peerId: string, fault: ConsensusFault): void;
  reportEvidence(evidence: Evidence): void;
  /** A proposal of the current height was found valid: its transactions are `included`. */
  onProposalValid(block: Block): void;
  onViewChanged(): void;
  /** Something that must not happen happened; the node stops. */
  onFatal(error: unknown): void;
};

/** An event, and for peers' messages the members against whom its signature was checked. */
type Delivery = { readonly event: ConsensusEvent; readonly checkedBy?: Membership };

/** The one place where an effect of consensus touches the world. */
export class ConsensusDriver {
  readonly #options: ConsensusDriverOptions;
  readonly #mailbox = new Mailbox<Delivery>(MAILBOX_EVENTS_MAX);
  readonly #timers = new Set<() => void>();
  /** Work that the loop does not wait for, and `stop` does. */
  readonly #background = new Set<Promise<void>>();
  #state: ConsensusState;
  #membership: Membership;
  #height: Height;
  #proposalsWaiting = 0;
  /** The height for which work was offered: once is enough. */
  #workHeight: Height | undefined;
  #loop: Promise<void> = Promise.resolve();
  /** Nothing is taken in before the log is: recovery needs a fresh machine. */
  #isReady = false;
  #isStopped = false;

  constructor(options: ConsensusDriverOptions) {
    this.#options = options;
    const { height, membership } = options.chain.next();
    this.#height = height;
    this.#membership = membership;
    this.#state = options.engine.start({
      height,
      membership,
      ownPublicKey: options.signer?.publicKey,
      signFrom: 0 as Height, // From genesis on: the log and the guard know better.
    });
  }

  /** Reads the log of a former life and begins. Rejects with `wal-corrupt`. */
  async start(): Promise<void> {
    const entries = await this.#recover();
    if (entries.length > 0) this.#push({ kind: 'recovered', entries });
    this.#isReady = true;
    // The head may have moved since this was made, or while the log was read.
    if (this.#options.chain.next().height > this.#height) this.advance();
    this.#loop = this.#run().catch((error: unknown) => this.#options.onFatal(error));
  }

  /** Signs and commits nothing more, and waits for what was begun. May be called twice. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#isReady = false;
    this.#mailbox.close();
    this.#options.guard.close();
    this.#cancelTimers();
    await this.#loop;
    await Promise.allSettled([...this.#background]);
    this.#cancelTimers();
  }

  #cancelTimers(): void {
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
  }

  #push(event: ConsensusEvent): void {
    this.#mailbox.push({ event });
  }

  view(): ConsensusView {
    return this.#options.engine.view(this.#state);
  }

  messagesFor(request: CatchUpRequest): CatchUpAnswer {
    return this.#options.engine.messagesFor(this.#state, request);
  }

  /** Whether nothing was offered yet for the height being decided. */
  wantsWork(): boolean {
    return this.#isReady && this.#workHeight !== this.#options.chain.next().height;
  }

  /** Something waits to be put into a block; offered again after `start`, if it was before. */
  offerWork(): void {
    // The head's, not the machine's: `height-advanced` may still be on its way to the machine.
    const { height } = this.#options.chain.next();
    if (!this.#isReady || this.#workHeight === height) return;
    this.#workHeight = height;
    this.#push({ kind: 'work-available', height });
  }

  /** The head moved, by whatever means; before `start` nobody needs to know. */
  advance(): void {
    if (!this.#isReady) return;
    const { height, membership } = this.#options.chain.next();
    this.#push({ kind: 'height-advanced', height, membership });
  }

  /** Judges a vote from gossip or a catch-up answer. */
  async receiveVote(message: Uint8Array, from: string | undefined): Promise<GossipVerdict> {
    const decoded = decode(signedVoteCodec, message);
    if (!decoded.ok) return 'reject';
    const { height } = decoded.value.vote;
    const checkedBy = this.#membership;
    const isCertain = this.#knowsMembersOf(height);
    if (!this.#isNear(height, from)) return 'ignore';
    const verified = await this.#verify(decoded.value, this.#voteClaim(decoded.value));
    if (verified === undefined) return isCertain ? 'reject' : 'ignore';
    const event = { kind: 'vote-received', vote: verified, ...sender(from) } as const;
    return this.#deliver(height, { event, checkedBy });
  }

  /** Judges a proposal. Whether its block is valid is asked by the machine, later. */
  async receiveProposal(message: Uint8Array, from: string | undefined): Promise<GossipVerdict> {
    const { chain, proposalCodec, engine } = this.#options;
    const decoded = decode(proposalCodec, message);
    if (!decoded.ok) return 'reject';
    const signed = decoded.value;
    const { height, round, block } = signed.proposal;
    const checkedBy = this.#membership;
    const isCertain = this.#knowsMembersOf(height);
    if (!this.#isNear(height, from)) return 'ignore';
    const index = engine.leaderOf(checkedBy, { height, round });
    if (index === undefined) return 'ignore';
    const blockHash = blockHashOf(chain.suite, block.header);
    const claim = proposalClaim(chain, { membership: checkedBy, index }, signed, blockHash);
    const verified = await this.#verify({ ...signed, blockHash }, claim);
    if (verified === undefined) return isCertain ? 'reject' : 'ignore';
    // Before the machine knows the hash: what it hears of a hash, it hears once.
    if (!chain.bindsTransactions(block)) return 'reject';
    if (!isHeaderProper({ membership: checkedBy, index }, signed.proposal)) {
      return isCertain ? 'reject' : 'ignore';
    }
    const event = { kind: 'proposal-received', proposal: verified, ...sender(from) } as const;
    return this.#deliver(height, { event, checkedBy });
  }

  /** A peer proved that this block is decided; the certificate was checked by the caller. */
  receiveDecision(decision: Extract<ConsensusEvent, { kind: 'decision-received' }>): void {
    if (this.#isReady) this.#mailbox.offer({ event: decision });
  }

  /** Of the height being decided or the next one, of which the machine keeps a little. */
  #isNear(height: Height, from: string | undefined): boolean {
    if (!this.#isReady) return false;
    if (height > this.#height && from !== undefined) this.#options.onAhead(from);
    return height === this.#height || height === this.#height + 1;
  }

  /** Whether a signature that does not hold is the sender's fault. */
  #knowsMembersOf(height: Height): boolean {
    return height === this.#height || this.#options.engine.options.membership === 'fixed';
  }

  /** `#height` may have moved while a signature was checked, so the place is asked again. */
  #deliver(height: Height, delivery: Delivery): GossipVerdict {
    if (!this.#isNear(height, undefined)) return 'ignore';
    const isProposal = delivery.event.kind === 'proposal-received';
    if (isProposal && this.#proposalsWaiting >= PROPOSALS_WAITING_MAX) return 'ignore';
    if (!this.#mailbox.offer(delivery)) return 'ignore';
    if (isProposal) this.#proposalsWaiting += 1;
    return 'accept';
  }

  #voteClaim(signed: SignedVote): SignatureClaim | undefined {
    return voteClaim(this.#options.chain, this.#membership, signed);
  }

  async #verify<Value extends object>(value: Value, claim: SignatureClaim | undefined) {
    if (claim === undefined) return undefined;
    const verdicts = await this.#options.verifier.verify([claim]);
    return mintVerified(value, [claim], verdicts);
  }

  async #recover(): Promise<VerifiedWalEntry[]> {
    const { chain, engine, wal } = this.#options;
    const entries: VerifiedWalEntry[] = [];
    for (const entry of await wal.load(this.#height)) {
      const verified = await this.#verifyWalEntry(entry, chain, engine);
      // A log with a bad signature is not ours; leaving the entry out could make us vote twice.
      if (verified === undefined) throw new TabellionError('wal-corrupt', { height: this.#height });
      entries.push(verified);
    }
    return entries;
  }

  async #verifyWalEntry(
    entry: WalEntry,
    chain: ConsensusChain,
    engine: ConsensusEngine,
  ): Promise<VerifiedWalEntry | undefined> {
    let vote: VerifiedVote | undefined;
    let proposal: VerifiedProposal | undefined;
    if (entry.kind === 'vote-received' || entry.kind === 'vote-signed') {
      vote = await this.#verify(entry.vote, this.#voteClaim(entry.vote));
    } else if (entry.kind === 'proposal-received' || entry.kind === 'proposal-signed') {
      const { height, round, block } = entry.proposal.proposal;
      if (!chain.bindsTransactions(block)) return undefined;
      const index = engine.leaderOf(this.#membership, { height, round });
      const blockHash = blockHashOf(chain.suite, block.header);
      const leader = { membership: this.#membership, index: defined(index, 'a known leader') };
      const claim = proposalClaim(chain, leader, entry.proposal, blockHash);
      proposal = await this.#verify({ ...entry.proposal, blockHash }, claim);
    }
    return verifiedWalEntry(entry, { vote: () => vote, proposal: () => proposal });
  }

  async #run(): Promise<void> {
    for await (const { event, checkedBy } of this.#mailbox) {
      if (event.kind === 'proposal-received') this.#proposalsWaiting -= 1;
      if (checkedBy !== undefined && !isSameMembership(checkedBy, this.#membership)) continue;
      if (event.kind === 'height-advanced') this.#enterHeight(event);
      const transition = this.#options.engine.step(this.#state, event);
      for (const effect of transition.effects) await this.#perform(effect);
      this.#state = transition.state;
      this.#options.onViewChanged();
    }
  }

  #enterHeight(event: Extract<ConsensusEvent, { kind: 'height-advanced' }>): void {
    if (event.height <= this.#height) return;
    this.#height = event.height;
    this.#membership = event.membership;
    this.#cancelTimers();
    // It may have been offered before the machine was here.
    if (this.#workHeight === event.height) {
      this.#push({ kind: 'work-available', height: event.height });
    }
    if (this.#options.signer !== undefined) this.#prune(event.height);
  }

  /** What stays of the log by a failure is deleted at the next height, and harms nothing. */
  #prune(height: Height): void {
    const { wal, tracer } = this.#options;
    const pruning = wal.prune(height).catch((error: unknown) => {
      tracer.trace('warn', 'wal-not-pruned', { code: errorToData(error).code });
    });
    this.#remember(pruning);
  }

  async #perform(effect: ConsensusEffect): Promise<void> {
    const options = this.#options;
    switch (effect.kind) {
      case 'append-wal':
        return this.#appendWal(effect.entries);
      case 'sign-vote':
        return this.#signVote(effect);
      case 'sign-proposal':
        return this.#signProposal(effect);
      case 'broadcast-vote': {
        const { vote, signature } = effect.vote;
        return options.broadcast('votes', encode(signedVoteCodec, { vote, signature }));
      }
      case 'broadcast-proposal': {
        const { proposal, signature } = effect.proposal;
        return options.broadcast(
          'proposals',
          encode(options.proposalCodec, { proposal, signature }),
        );
      }
      case 'build-block':
        this.#inBackground(this.#build(effect.height, effect.round));
        return;
      case 'validate-block':
        this.#inBackground(this.#validate(effect));
        return;
      case 'schedule-timeout':
        return this.#schedule(effect);
      case 'request-messages':
        return options.requestMessages({ height: effect.height, round: effect.round });
      case 'commit-block':
        await options.chain.commit(effect.block, effect.blockHash, effect.certificate);
        this.advance();
        return;
      case 'report-evidence':
        return options.reportEvidence(effect.evidence);
      case 'report-peer':
        return options.reportPeer(effect.peerId, effect.fault);
      case 'halt': {
        const { height, blockHash } = effect;
        throw new TabellionError('consensus-halted', { height, blockHash: formatHex(blockHash) });
      }
    }
  }

  /** What follows in the same list of effects may say aloud what was signed. */
  async #appendWal(entries: EffectOf<'append-wal'>['entries']): Promise<void> {
    const { guard, wal } = this.#options;
    const mark = await wal.append(this.#height, entries, (reached) => guard.recordsOf(reached));
    const isSigned = entries.some(
      ({ kind }) => kind === 'vote-signed' || kind === 'proposal-signed',
    );
    if (isSigned) await guard.keep(mark);
  }

  #schedule(effect: EffectOf<'schedule-timeout'>): void {
    if (this.#isStopped) return;
    const cancel = this.#options.clock.after(effect.delayMs, () => {
      this.#timers.delete(cancel);
      this.#push({ kind: 'timeout-elapsed', timeout: effect.timeout });
    });
    this.#timers.add(cancel);
  }

  async #signVote({ vote }: EffectOf<'sign-vote'>): Promise<void> {
    const { guard, signer: own } = this.#options;
    const signer = defined(own, 'only validators sign');
    if (!(await guard.admits(vote.height))) return;
    const unsigned = { vote, signature: new Uint8Array(64) };
    const claim = defined(this.#voteClaim(unsigned), 'own vote names a member');
    const signed = { vote, signature: signer.sign(claim.message) };
    // Signed by our own key this moment: checking it again would prove nothing.
    const verified = defined(mintVerified(signed, [claim], [true]), 'one claim, one verdict');
    this.#push({ kind: 'vote-signed', vote: verified });
  }

  async #signProposal(effect: EffectOf<'sign-proposal'>): Promise<void> {
    const { chain, engine, guard, signer: own } = this.#options;
    const signer = defined(own, 'only validators sign');
    const { height, round } = effect.proposal;
    if (!(await guard.admits(height))) return;
    const index = defined(engine.leaderOf(this.#membership, { height, round }), 'our turn');
    const unsigned = { proposal: effect.proposal, signature: new Uint8Array(64) };
    const leader = { membership: this.#membership, index };
    const claim = proposalClaim(chain, leader, unsigned, effect.blockHash);
    const signature = signer.sign(claim.message);
    const value = { proposal: effect.proposal, signature, blockHash: effect.blockHash };
    const proposal = defined(mintVerified(value, [claim], [true]), 'one claim, one verdict');
    this.#push({ kind: 'proposal-signed', proposal });
  }

  async #build(height: Height, round: Round): Promise<void> {
    const { chain, signer } = this.#options;
    const block = await chain.build(height, defined(signer, 'only validators build').publicKey);
    if (block === undefined) return;
    const blockHash = blockHashOf(chain.suite, block.header);
    this.#push({ kind: 'block-built', height, round, block, blockHash });
  }

  async #validate(effect: EffectOf<'validate-block'>): Promise<void> {
    const { block, blockHash, height } = effect;
    const { isValid, isTimely } = await this.#options.chain.validate(block, blockHash);
    if (isValid && height === this.#height) this.#options.onProposalValid(block);
    this.#push({ kind: 'block-validated', height, blockHash, isValid, isTimely });
  }

  #inBackground(job: Promise<void>): void {
    const guarded = job.catch((error: unknown) => {
      if (!this.#isStopped) this.#options.onFatal(error);
    });
    this.#remember(guarded);
  }

  #remember(job: Promise<void>): void {
    this.#background.add(job);
    job.finally(() => this.#background.delete(job));
  }
}

type EffectOf<Kind extends ConsensusEffect['kind']> = Extract<ConsensusEffect, { kind: Kind }>;

function sender(from: string | undefined): { readonly from?: string } {
  return from === undefined ? {} : { from };
}

function isSameMembership(left: Membership, right: Membership): boolean {
  if (left === right) return true;
  return (
    left.validators.length === right.validators.length &&
    left.validators.every((validator, index) => {
      const other = right.validators[index];
      return (
        other !== undefined &&
        other.power === validator.power &&
        equalBytes(other.publicKey, validator.publicKey)
      );
    })
  );
}
