import type { Bytes } from '../base/index.ts';
import { equalBytes, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type {
  Address,
  CommitCertificate,
  Height,
  Ledger,
  Membership,
  MissingKeys,
  StateView,
} from '../ledger/index.ts';
import { certifies } from '../ledger/index.ts';
import type { TrustedBlock } from '../light/index.ts';
import { lightAnswerCodec, lightRequestCodec } from '../light/index.ts';
import type { SignatureVerifier } from '../verifier/index.ts';
import type { Head } from './chain.ts';
import type { LightDriver } from './light-driver.ts';
import type { PeerLedger } from './peer-ledger.ts';
import type { ProvenStates } from './proven-state.ts';
import type { PeerQuestions } from './questions.ts';
import type {
  AccountHistory,
  LedgerSource,
  ProvenState,
  ReadOptions,
  SourceTrust,
} from './source.ts';
import type {
  BlockSummary,
  HistoryOptions,
  IncludedTransaction,
  LedgerStore,
  StoredBlock,
} from './store/index.ts';

export type LightSourceOptions = {
  readonly ledger: Ledger;
  readonly store: LedgerStore;
  /** How much of our own chain may be told at all. */
  readonly checkpoints: { ownUpTo(): Height };
  readonly light: LightDriver;
  readonly states: ProvenStates;
  readonly peers: PeerLedger;
  readonly questions: PeerQuestions;
  readonly verifier: SignatureVerifier;
  trust(): SourceTrust;
};

/** The newest proven header, and what peers prove below it. */
export class LightSource implements LedgerSource {
  readonly kind = 'light';
  readonly #options: LightSourceOptions;
  /** The one that the last reading saw. */
  #head: TrustedBlock;

  constructor(options: LightSourceOptions) {
    this.#options = options;
    this.#head = options.light.head();
  }

  head(): Head {
    const { header, hash } = this.#head;
    return { header, hash };
  }

  trust(): SourceTrust {
    return this.#options.trust();
  }

  membership(): Membership {
    return this.#head.nextMembership;
  }

  async read<Value>(
    reading: (view: StateView) => Value,
    { signal }: ReadOptions = {},
  ): Promise<Exclude<Value, MissingKeys>> {
    return this.#onNewest((head) =>
      this.#options.states.read(head, reading, {
        signal,
        enter: () => {
          this.#head = head;
        },
      }),
    );
  }

  async prove(keys: readonly Bytes[], { signal }: ReadOptions = {}): Promise<ProvenState> {
    return this.#onNewest(async (head) => {
      const [proof, certificate] = await Promise.all([
        this.#options.states.prove(head, keys, signal),
        this.#certificateOf(head, signal),
      ]);
      this.#head = head;
      const { header, hash, membership } = head;
      return { header, hash, certificate, membership, keys, proof };
    });
  }

  /** Peers keep the state of new heights only: when they have moved on, so do we, if we can. */
  async #onNewest<Value>(attempt: (head: TrustedBlock) => Promise<Value>): Promise<Value> {
    let head = this.#options.light.head();
    for (;;) {
      try {
        return await attempt(head);
      } catch (error) {
        const newest = this.#options.light.head();
        const isStale =
          error instanceof TabellionError &&
          error.code === 'proof-unavailable' &&
          newest.header.height > head.header.height;
        if (!isStale) throw error;
        head = newest;
      }
    }
  }

  async #certificateOf(
    { header, hash, membership }: TrustedBlock,
    signal: AbortSignal | undefined,
  ): Promise<CommitCertificate | undefined> {
    const { light, questions, ledger, verifier } = this.#options;
    const { height } = header;
    if (height === 0) return undefined;
    const proven = light.progress().headBlock;
    if (proven?.header.height === height) return proven.certificate;
    // The head of a former life, whose certificate was not kept.
    const heights = [height];
    const found = await questions.ask<CommitCertificate>({
      kind: 'light',
      body: encode(lightRequestCodec, { from: (height - 1) as Height, heights }), // Above genesis.
      height,
      signal,
      judge: async (answer) => {
        const decoded = decode(lightAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const block = decoded.value.blocks.find((each) => each.header.height === height);
        if (block === undefined) return { kind: 'absent' };
        const { certificate } = block;
        const claims = ledger.certificateClaims(membership, certificate);
        if (!certifies(certificate, { hash, height }) || !claims.ok) return { kind: 'absent' };
        const verdicts = await verifier.verify(claims.value);
        const isValid = verdicts.every((each) => each);
        return isValid ? { kind: 'good', value: certificate } : { kind: 'absent' };
      },
    });
    if (found === undefined) throw new TabellionError('proof-unavailable', { height });
    return found;
  }

  async certificateAt(
    height: Height,
    { signal }: ReadOptions = {},
  ): Promise<CommitCertificate | undefined> {
    if (this.#isAbove(height)) return undefined;
    if (this.#isOwn(height)) return (await this.#options.store.summary(height))?.certificate;
    const { trusted, block } = await this.#options.light.prove(height, signal);
    return block?.certificate ?? this.#certificateOf(trusted, signal);
  }

  async block(height: Height, { signal }: ReadOptions = {}): Promise<StoredBlock | undefined> {
    if (this.#isAbove(height)) return undefined;
    const own = this.#isOwn(height) ? await this.#options.store.block(height) : undefined;
    return own ?? this.#options.peers.block(height, signal);
  }

  async summary(height: Height, { signal }: ReadOptions = {}): Promise<BlockSummary | undefined> {
    if (this.#isAbove(height)) return undefined;
    const own = this.#isOwn(height) ? await this.#options.store.summary(height) : undefined;
    return own ?? this.#options.peers.summary(height, signal);
  }

  async heightOf(hash: Hash, { signal }: ReadOptions = {}): Promise<Height | undefined> {
    const { light, store, peers } = this.#options;
    const { header, hash: headHash } = light.head();
    if (equalBytes(headHash, hash)) return header.height;
    const own = await store.heightOf(hash);
    return own !== undefined && this.#isOwn(own) ? own : peers.heightOf(hash, signal);
  }

  async transaction(
    id: Hash,
    { signal }: ReadOptions = {},
  ): Promise<IncludedTransaction | undefined> {
    const { store, peers } = this.#options;
    const own = await store.transaction(id);
    return own !== undefined && this.#isOwn(own.height) ? own : peers.transaction(id, signal);
  }

  async history(address: Address, query: HistoryOptions): Promise<AccountHistory> {
    const { before, limit, signal } = query;
    const { entries, isWhole, namedBy, upTo } = await this.#options.peers.history(address, {
      before,
      limit,
      signal,
    });
    const last = isWhole ? undefined : entries.at(-1);
    const next = last && { height: last.height, index: last.index };
    return { entries, next, completeFrom: undefined, origin: 'peers', namedBy, upTo };
  }

  async membershipAt(
    height: Height,
    { signal }: ReadOptions = {},
  ): Promise<Membership | undefined> {
    const { light, ledger } = this.#options;
    const head = light.head();
    if (height === head.header.height + 1) return head.nextMembership;
    if (height > head.header.height) return undefined;
    if (height === 0) return ledger.genesis.membership;
    return (await light.prove(height, signal)).trusted.membership;
  }

  #isAbove(height: Height): boolean {
    return height > this.#options.light.head().header.height;
  }

  /** Whether our own chain executed it, keeps it, and may speak of it. */
  #isOwn(height: Height): boolean {
    const { checkpoints, store } = this.#options;
    return height >= store.earliestHeight() && height <= checkpoints.ownUpTo();
  }
}
