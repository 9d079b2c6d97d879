import type { Clock, Json, Result } from '../base/index.ts';
import {
  defined,
  equalBytes,
  fail,
  ok,
  systemClock,
  TabellionError,
  unreachable,
} from '../base/index.ts';
import { parseJson, toJson } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Address, Amount, AssetId, GenesisError, Header, Height } from '../ledger/index.ts';
import {
  blockHashOf,
  createLedger,
  membershipHashOf,
  NATIVE_ASSET,
  parseGenesis,
} from '../ledger/index.ts';
import type {
  HeightFailure,
  LightEffect,
  LightEvent,
  LightEvidence,
  LightFault,
  LightState,
  TrustedBlock,
} from '../light/index.ts';
import {
  createLight,
  lightOptions,
  lightProgress,
  step,
  trustedBlockCodec,
} from '../light/index.ts';
import type { Finality, TransactionProof } from '../rpc/index.ts';
import { StateTree } from '../state/index.ts';
import type { Client } from './client.ts';
import type { CallOptions } from './transport.ts';
import type { Trusted } from './trust.ts';
import { mapTrusted, mintTrusted } from './trust.ts';
import type { ProofAnchor, ProofRefusal, ProvenAccount } from './verify.ts';
import { firstForged, readAccountProof, readTransactionProof } from './verify.ts';

/** Why nothing was proven, beyond what a proof itself can lack. */
export type ProverRefusal =
  | ProofRefusal
  /** The headers that should prove it do not: by what their server did, or could not do. */
  | { readonly code: 'header-unproven'; readonly reason: LightFault | HeightFailure }
  /** What is asked for now was answered with a state from before one that was proven already. */
  | { readonly code: 'header-stale'; readonly height: Height; readonly provenHeight: Height }
  /** A proof is certified, and so is another block of its height: more than 1/3 broke the rules. */
  | { readonly code: 'light-alarm'; readonly height: Height };

/**
 * Proves what a node that nobody need trust says, for apps without a node of their own: it follows
 * who decides from genesis, by headers that enough of the members known before signed.
 */
export interface LightProver {
  /** The newest block proven so far; start from it the next time. */
  head(): TrustedBlock;
  /** Two certified blocks of one height: from then on this prover proves nothing more. */
  alarm(): LightEvidence | undefined;
  /**
   * Proves the newest header that the node tells; refused below what was proven before the call.
   * How old it is by the clock is for the caller to look at: a single server can stand still.
   */
  newest(options?: CallOptions): Promise<Result<Trusted<ProvenHeader, 'proven'>, ProverRefusal>>;
  /** Whether a header is final. */
  finality<Of extends Finality>(
    finality: Of,
    options?: CallOptions,
  ): Promise<Result<Trusted<Of, 'proven'>, ProverRefusal>>;
  /** An account and its balances, at the newest height that the node proves. */
  account(
    address: Address,
    assets?: readonly AssetId[],
    options?: CallOptions,
  ): Promise<Result<Trusted<ProvenAccount, 'proven'>, ProverRefusal>>;
  /** What an account holds of one asset, the native one when absent. */
  balance(
    address: Address,
    asset?: AssetId,
    options?: CallOptions,
  ): Promise<Result<Trusted<Amount, 'proven'>, ProverRefusal>>;
  /** Whether a final block holds a transaction. */
  transaction(
    id: Hash,
    options?: CallOptions,
  ): Promise<Result<Trusted<TransactionProof, 'proven'>, ProverRefusal>>;
}

/** A final header. */
export type ProvenHeader = Pick<Finality, 'header' | 'hash'>;

/** What a prover is sure of before asking anybody: taken from the genesis document. */
export type ProverAnchor = ProofAnchor & {
  /** Whether the members stay for ever, and what they signed can be built on as long. */
  readonly isFixed: boolean;
  /** The block that needs no proof. */
  readonly genesis: TrustedBlock;
};

/** Reads the anchor from the genesis document; costs what the accounts in it are many. */
export function proverAnchorOf(genesis: Json): Result<ProverAnchor, GenesisError> {
  const document = parseGenesis(genesis);
  if (!document.ok) return document;
  const made = createLedger(document.value);
  if (!made.ok) return made;
  const ledger = made.value;
  const { suite, chainId } = ledger;
  const { changes, membership } = ledger.genesis;
  const state = StateTree.empty(suite).stage(0 as Height, changes); // Genesis has height 0.
  const header = ledger.genesisHeader(state.root());
  const hash = ledger.blockHash(header);
  return ok({
    suite,
    chainId,
    membership,
    isFixed: document.value.consensus.membership === 'fixed',
    genesis: { header, hash, membership, nextMembership: membership },
  });
}

export type ProverOptions = {
  /** Where a prover of before had come, or a checkpoint that is trusted; genesis when absent. */
  readonly trusted?: TrustedBlock;
  readonly clock?: Clock;
};

/** Calls reject as those of the client do; a proof that is none is an answer. */
export function createProver(
  client: Client,
  anchor: ProverAnchor,
  options: ProverOptions = {},
): LightProver {
  const light = new HeaderProver(client, anchor, options);
  const finality: LightProver['finality'] = (claim, call) => light.prove(claim, call);
  /** Asks for what is newest, and proves that it is final and no older than what was known. */
  const current = async <Of extends ProvenHeader>(
    ask: () => Promise<Of>,
    call?: CallOptions,
  ): Promise<Result<Trusted<Of, 'proven'>, ProverRefusal>> => {
    const provenHeight = light.head().header.height;
    const claim = await ask();
    const { height } = claim.header;
    if (height < provenHeight) return fail({ code: 'header-stale', height, provenHeight });
    return light.prove(claim, call);
  };
  const account: LightProver['account'] = async (address, assets = [], call) => {
    const ask = () => client.call('account.proof', { address, assets }, call);
    const final = await current(ask, call);
    return final.ok ? readAccountProof(anchor, final.value, { address, assets }) : final;
  };
  return {
    head: () => light.head(),
    alarm: () => light.alarm(),
    finality,
    newest: (call) =>
      current(async () => {
        const { header, hash } = await client.call('block.get', { isHeaderOnly: true }, call);
        return { header, hash };
      }, call),
    account,
    async balance(address, asset = NATIVE_ASSET, call) {
      const proven = await account(address, [asset], call);
      if (!proven.ok) return proven;
      const heldOf = ({ balances }: ProvenAccount): Amount =>
        defined(
          balances.find((each) => equalBytes(each.asset, asset)),
          'the balance asked for is proven',
        ).amount;
      return ok(mapTrusted(proven.value, heldOf));
    },
    async transaction(id, call) {
      const proof = await client.call('transaction.proof', { id }, call);
      if (!equalBytes(proof.id, id)) return fail({ code: 'transaction-not-in-block' });
      const final = await finality(proof, call);
      return final.ok ? readTransactionProof(anchor, final.value) : final;
    },
  };
}

/** The one whom everything is asked: from height 0 on, for what it lacks it says itself. */
const SERVER = { peerId: 'server', voice: 'server', earliestHeight: 0 as Height } as const;

/** Runs the light client of `light` with a single server, one question after the other. */
class HeaderProver {
  readonly #client: Client;
  readonly #anchor: ProverAnchor;
  readonly #clock: Clock;
  #state: LightState;
  readonly #roots: readonly TrustedBlock[];
  #turn: Promise<unknown> = Promise.resolve();
  #nextId = 1;

  constructor(client: Client, anchor: ProverAnchor, options: ProverOptions) {
    this.#client = client;
    this.#anchor = anchor;
    this.#clock = options.clock ?? systemClock;
    this.#roots = [anchor.genesis];
    this.#state = this.#fresh(options.trusted ?? anchor.genesis);
  }

  head(): TrustedBlock {
    return lightProgress(this.#state).head;
  }

  alarm(): LightEvidence | undefined {
    return lightProgress(this.#state).alarm;
  }

  prove<Of extends ProvenHeader>(
    claim: Of,
    options: CallOptions = {},
  ): Promise<Result<Trusted<Of, 'proven'>, ProverRefusal>> {
    const proving = this.#turn.then(() => this.#prove(claim, options));
    this.#turn = proving.catch(() => undefined); // The asker hears of it.
    return proving;
  }

  async #prove<Of extends ProvenHeader>(
    claim: Of,
    options: CallOptions,
  ): Promise<Result<Trusted<Of, 'proven'>, ProverRefusal>> {
    const { suite, chainId } = this.#anchor;
    const { header, hash } = claim;
    if (!equalBytes(header.chainId, chainId)) return fail({ code: 'wrong-network' });
    if (!equalBytes(blockHashOf(suite, header), hash)) {
      return fail({ code: 'header-hash-mismatch' });
    }
    const alarm = this.alarm();
    if (alarm !== undefined) return fail(alarmedAt(alarm));
    let isProven = false;
    try {
      const found = await this.#trustedAt(header, hash, options);
      if (!found.ok) return found;
      isProven = equalBytes(found.value.hash, hash);
      if (!isProven) return fail({ code: 'certificate-mismatch' });
      return ok(mintTrusted(claim, 'proven', header.height));
    } finally {
      // What it holds against its server is forgotten: the next answer is judged afresh.
      if (!isProven && this.alarm() === undefined) this.#state = this.#fresh(this.head());
    }
  }

  async #trustedAt(
    { height }: Header,
    hash: Hash,
    options: CallOptions,
  ): Promise<Result<TrustedBlock, ProverRefusal>> {
    const head = this.head();
    if (height === head.header.height) return ok(head);
    const isAbove = height > head.header.height;
    const told = isAbove
      ? { headHeight: height, headHash: hash }
      : { headHeight: head.header.height, headHash: head.hash };
    const id = this.#nextId++;
    const run = new Run(this.#client, this.#clock, (event) => this.#step(event), options);
    await run.send({ kind: 'peer-status', ...SERVER, ...told, nowMs: this.#clock.now() });
    if (!isAbove) await run.send({ kind: 'height-wanted', id, height, nowMs: this.#clock.now() });
    const { alarm, expired } = lightProgress(this.#state);
    if (alarm !== undefined) return fail(alarmedAt(alarm));
    const proven = isAbove ? this.head() : run.proven.get(id);
    if (proven?.header.height === height) return ok(proven);
    const reason = run.fault ?? (expired ? 'trust-expired' : 'nobody-proves-it');
    return fail({ code: 'header-unproven', reason });
  }

  #step(event: LightEvent): readonly LightEffect[] {
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    return effects;
  }

  #fresh(trusted: TrustedBlock): LightState {
    const { suite, chainId, isFixed } = this.#anchor;
    return createLight({
      anchor: { suite, chainId },
      options: lightOptions(isFixed),
      trusted,
      roots: this.#roots,
      nowMs: this.#clock.now(),
    });
  }
}

function alarmedAt({ trusted }: LightEvidence): ProverRefusal {
  return { code: 'light-alarm', height: trusted.header.height };
}

/** Performs the effects of one question until nothing is left to do. */
class Run {
  readonly #client: Client;
  readonly #step: (event: LightEvent) => readonly LightEffect[];
  readonly #clock: Clock;
  readonly #options: CallOptions;
  readonly proven = new Map<number, TrustedBlock>();
  fault: LightFault | HeightFailure | undefined;

  constructor(
    client: Client,
    clock: Clock,
    step: (event: LightEvent) => readonly LightEffect[],
    options: CallOptions,
  ) {
    this.#client = client;
    this.#clock = clock;
    this.#step = step;
    this.#options = options;
  }

  async send(first: LightEvent): Promise<void> {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      for (const effect of this.#step(event)) {
        const answer = await this.#perform(effect);
        if (answer !== undefined) events.push(answer);
      }
    }
  }

  async #perform(effect: LightEffect): Promise<LightEvent | undefined> {
    switch (effect.kind) {
      case 'request-light-blocks':
        return this.#request(effect);
      case 'verify-claims': {
        const isValid = (await firstForged(effect.claims)) === undefined;
        return { kind: 'claims-verified', ticket: effect.ticket, isValid };
      }
      case 'height-proven':
        this.proven.set(effect.id, effect.trusted);
        return undefined;
      case 'height-failed':
        this.fault ??= effect.code;
        return undefined;
      case 'report-peer':
        this.fault ??= effect.fault;
        return undefined;
      case 'trust-block':
      case 'raise-alarm':
      case 'light-changed':
        return undefined; // The state tells.
      default:
        return unreachable(effect);
    }
  }

  async #request({
    ticket,
    from,
    heights,
  }: LightEffect & { readonly kind: 'request-light-blocks' }): Promise<LightEvent> {
    try {
      const { blocks } = await this.#client.call('light.blocks', { from, heights }, this.#options);
      return { kind: 'light-blocks-received', ticket, blocks, nowMs: this.#clock.now() };
    } catch (error) {
      const isMalformed = error instanceof TabellionError && error.code === 'answer-malformed';
      if (!isMalformed) throw error;
      return { kind: 'request-failed', ticket, reason: 'malformed', nowMs: this.#clock.now() };
    }
  }
}

/** A trusted block as JSON, to be kept until the next time. */
export function trustedBlockToJson(trusted: TrustedBlock): Json {
  return toJson(trustedBlockCodec, trusted);
}

/**
 * A trusted block that was kept, or given as a checkpoint; absent when it is none of this network.
 * Whoever can write where it lies decides what is trusted.
 */
export function trustedBlockOfJson(anchor: ProofAnchor, json: Json): TrustedBlock | undefined {
  const parsed = parseJson(trustedBlockCodec, json);
  if (!parsed.ok) return undefined;
  const { suite, chainId } = anchor;
  const { header, hash, nextMembership } = parsed.value;
  const isWhole =
    equalBytes(header.chainId, chainId) &&
    equalBytes(blockHashOf(suite, header), hash) &&
    equalBytes(membershipHashOf(suite, nextMembership), header.nextMembershipHash);
  return isWhole ? parsed.value : undefined;
}
