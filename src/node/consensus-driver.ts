import type { Bytes, Clock, Tracer } from '../base/index.ts';
import { defined, equalBytes, formatHex } from '../base/index.ts';
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
import { proposalClaim, verifiedWalEntry, voteClaim } from '../consensus/index.ts';
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
import { EARLY_MESSAGES_MAX, MAILBOX_EVENTS_MAX } from './limits.ts';
import { Mailbox } from './mailbox.ts';
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
  readonly signFrom: Height;
  readonly proposalCodec: Codec<SignedProposal>;
  broadcast(topic: 'votes' | 'proposals', message: Bytes): void;
  requestMessages(request: CatchUpRequest): void;
  reportPeer(peerId: string, fault: ConsensusFault): void;
  reportEvidence(evidence: Evidence): void;
  /** A proposal of the current height was found valid: its transactions are `included`. */
  onProposalValid(block: Block): void;
  onViewChanged(): void;
  /** Something that must not happen happened; the node stops. */
  onFatal(error: unknown): void;
};

/** A message for the height after this one, kept until this one is done. */
type EarlyMessage = { readonly event: ConsensusEvent; readonly membership: Membership };

/** The one place where an effect of consensus touches the world. */
export class ConsensusDriver {
  readonly #options: ConsensusDriverOptions;
  readonly #mailbox = new Mailbox<ConsensusEvent>(MAILBOX_EVENTS_MAX);
  readonly #timers = new Set<() => void>();
  #state: ConsensusState;
  #membership: Membership;
  #height: Height;
  #early: EarlyMessage[] = [];
  #loop: Promise<void> = Promise.resolve();
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
      signFrom: options.signFrom,
    });
  }

  /** Reads the log of a former life and begins. Rejects with `wal-corrupt`. */
  async start(): Promise<void> {
    const entries = await this.#recover();
    if (entries.length > 0) this.#mailbox.push({ kind: 'recovered', entries });
    this.#loop = this.#run().catch((error: unknown) => this.#options.onFatal(error));
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#mailbox.close();
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    await this.#loop;
  }

  view(): ConsensusView {
    return this.#options.engine.view(this.#state);
  }

  messagesFor(request: CatchUpRequest): CatchUpAnswer {
    return this.#options.engine.messagesFor(this.#state, request);
  }

  /** Something waits to be put into a block. */
  offerWork(): void {
    // The head's, not the machine's: `height-advanced` may still be on its way to the machine.
    this.#mailbox.push({ kind: 'work-available', height: this.#options.chain.next().height });
  }

  /** The head moved, by whatever means. */
  advance(): void {
    const { height, membership } = this.#options.chain.next();
    this.#mailbox.push({ kind: 'height-advanced', height, membership });
  }

  /** Judges a vote from gossip or a catch-up answer. */
  async receiveVote(message: Uint8Array, from: string | undefined): Promise<GossipVerdict> {
    const decoded = decode(signedVoteCodec, message);
    if (!decoded.ok) return 'reject';
    const { height } = decoded.value.vote;
    const place = this.#placeOf(height);
    if (place === 'elsewhere') return 'ignore';
    const verified = await this.#verify(decoded.value, this.#voteClaim(decoded.value));
    if (verified === undefined) return place === 'now' ? 'reject' : 'ignore';
    const event = { kind: 'vote-received', vote: verified, ...sender(from) } as const;
    return this.#deliver(height, event);
  }

  /** Judges a proposal. Whether its block is valid is asked by the machine, later. */
  async receiveProposal(message: Uint8Array, from: string | undefined): Promise<GossipVerdict> {
    const { chain, proposalCodec, engine } = this.#options;
    const decoded = decode(proposalCodec, message);
    if (!decoded.ok) return 'reject';
    const signed = decoded.value;
    const { height, round, block } = signed.proposal;
    const place = this.#placeOf(height);
    if (place === 'elsewhere') return 'ignore';
    const index = engine.leaderOf(this.#membership, { height, round });
    if (index === undefined) return 'ignore';
    const blockHash = blockHashOf(chain.suite, block.header);
    const claim = proposalClaim(chain, { membership: this.#membership, index }, signed, blockHash);
    const verified = await this.#verify({ ...signed, blockHash }, claim);
    if (verified === undefined) return place === 'now' ? 'reject' : 'ignore';
    const event = { kind: 'proposal-received', proposal: verified, ...sender(from) } as const;
    return this.#deliver(height, event);
  }

  /** A peer proved that this block is decided; the certificate was checked by the caller. */
  receiveDecision(decision: Extract<ConsensusEvent, { kind: 'decision-received' }>): void {
    this.#mailbox.offer(decision);
  }

  #placeOf(height: Height): 'now' | 'next' | 'elsewhere' {
    if (height === this.#height) return 'now';
    return height === this.#height + 1 ? 'next' : 'elsewhere';
  }

  /** `#height` may have moved while a signature was checked, so the place is asked again. */
  #deliver(height: Height, event: ConsensusEvent): GossipVerdict {
    const place = this.#placeOf(height);
    if (place === 'elsewhere') return 'ignore';
    if (place === 'now') return this.#mailbox.offer(event) ? 'accept' : 'ignore';
    if (this.#early.length >= EARLY_MESSAGES_MAX) return 'ignore';
    this.#early.push({ event, membership: this.#membership });
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
      if (verified !== undefined) entries.push(verified);
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
      const index = engine.leaderOf(this.#membership, { height, round });
      const blockHash = blockHashOf(chain.suite, block.header);
      const leader = { membership: this.#membership, index: defined(index, 'a known leader') };
      const claim = proposalClaim(chain, leader, entry.proposal, blockHash);
      proposal = await this.#verify({ ...entry.proposal, blockHash }, claim);
    }
    return verifiedWalEntry(entry, { vote: () => vote, proposal: () => proposal });
  }

  async #run(): Promise<void> {
    for await (const event of this.#mailbox) {
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
    const before = this.#membership;
    this.#membership = event.membership;
    for (const cancel of this.#timers) cancel();
    this.#timers.clear();
    const early = this.#early;
    this.#early = [];
    // Their signatures were checked against the old membership.
    if (isSameMembership(before, event.membership)) {
      for (const each of early) this.#mailbox.offer(each.event);
    }
    this.#options.wal.prune(event.height).catch((error: unknown) => this.#options.onFatal(error));
  }

  async #perform(effect: ConsensusEffect): Promise<void> {
    const options = this.#options;
    switch (effect.kind) {
      case 'append-wal':
        return options.wal.append(this.#height, effect.entries);
      case 'sign-vote': {
        const signer = defined(options.signer, 'only validators sign');
        const claim = defined(
          this.#voteClaim({ vote: effect.vote, signature: new Uint8Array(64) }),
          'own vote names a member',
        );
        const signed = { vote: effect.vote, signature: signer.sign(claim.message) };
        // Signed by our own key this moment: checking it again would prove nothing.
        const vote = defined(mintVerified(signed, [claim], [true]), 'one claim, one verdict');
        this.#mailbox.push({ kind: 'vote-signed', vote });
        return;
      }
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
      case 'schedule-timeout': {
        const cancel = options.clock.after(effect.delayMs, () => {
          this.#timers.delete(cancel);
          this.#mailbox.push({ kind: 'timeout-elapsed', timeout: effect.timeout });
        });
        this.#timers.add(cancel);
        return;
      }
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
      case 'halt':
        options.tracer.trace('error', 'consensus-halted', {
          height: effect.height,
          blockHash: formatHex(effect.blockHash),
        });
        return;
    }
  }

  #signProposal(effect: Extract<ConsensusEffect, { kind: 'sign-proposal' }>): void {
    const { chain, engine, signer: own } = this.#options;
    const signer = defined(own, 'only validators sign');
    const { height, round } = effect.proposal;
    const index = defined(engine.leaderOf(this.#membership, { height, round }), 'our turn');
    const unsigned = { proposal: effect.proposal, signature: new Uint8Array(64) };
    const leader = { membership: this.#membership, index };
    const claim = proposalClaim(chain, leader, unsigned, effect.blockHash);
    const signature = signer.sign(claim.message);
    const value = { proposal: effect.proposal, signature, blockHash: effect.blockHash };
    const proposal = defined(mintVerified(value, [claim], [true]), 'one claim, one verdict');
    this.#mailbox.push({ kind: 'proposal-signed', proposal });
  }

  async #build(height: Height, round: Round): Promise<void> {
    const { chain, signer } = this.#options;
    const block = await chain.build(height, defined(signer, 'only validators build').publicKey);
    if (block === undefined) return;
    const blockHash = blockHashOf(chain.suite, block.header);
    this.#mailbox.push({ kind: 'block-built', height, round, block, blockHash });
  }

  async #validate(effect: Extract<ConsensusEffect, { kind: 'validate-block' }>): Promise<void> {
    const { block, blockHash, height } = effect;
    const { isValid, isTimely } = await this.#options.chain.validate(block, blockHash);
    if (isValid && height === this.#height) this.#options.onProposalValid(block);
    this.#mailbox.push({ kind: 'block-validated', height, blockHash, isValid, isTimely });
  }

  #inBackground(job: Promise<void>): void {
    job.catch((error: unknown) => {
      if (!this.#isStopped) this.#options.onFatal(error);
    });
  }
}

function sender(from: string | undefined): { readonly from?: string } {
  return from === undefined ? {} : { from };
}

function isSameMembership(left: Membership, right: Membership): boolean {
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
