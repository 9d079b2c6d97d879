import type { Bytes } from '../base/index.ts';
import { errorToData, TabellionError } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type {
  Address,
  CommitCertificate,
  Height,
  Membership,
  MissingKeys,
  StateView,
} from '../ledger/index.ts';
import type { Chain, Head } from './chain.ts';
import type { LightDriver } from './light-driver.ts';
import type { PeerLedger } from './peer-ledger.ts';
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
  Place,
  StoredBlock,
} from './store/index.ts';

export type ChainSourceOptions = {
  readonly chain: Chain;
  readonly store: LedgerStore;
  readonly light: LightDriver;
  readonly peers: PeerLedger;
  trust(): SourceTrust;
};

/** What this node executed itself; older blocks than it keeps are asked of peers, and proven. */
export class ChainSource implements LedgerSource {
  readonly kind = 'chain';
  readonly #options: ChainSourceOptions;
  readonly #chain: Chain;
  readonly #store: LedgerStore;

  constructor(options: ChainSourceOptions) {
    this.#options = options;
    this.#chain = options.chain;
    this.#store = options.store;
  }

  head(): Head {
    return this.#chain.head();
  }

  trust(): SourceTrust {
    return this.#options.trust();
  }

  membership(): Membership {
    return this.#chain.next().membership;
  }

  read<Value>(reading: (view: StateView) => Value): Promise<Exclude<Value, MissingKeys>> {
    return this.#chain.read(reading);
  }

  async prove(keys: readonly Bytes[]): Promise<ProvenState> {
    const { header, hash } = this.head();
    const { height } = header;
    const proof = await this.#store.prove(height, keys).catch((error: unknown) => {
      // A version that is kept no longer; anything else is the store's failure.
      if (errorToData(error).code !== 'version-unavailable') throw error;
      throw new TabellionError('proof-unavailable', { height });
    });
    const summary = await this.summary(height);
    const membership = (await this.membershipAt(height)) ?? this.membership();
    return { header, hash, certificate: summary?.certificate, membership, keys, proof };
  }

  async block(height: Height, { signal }: ReadOptions = {}): Promise<StoredBlock | undefined> {
    if (height > this.head().header.height) return undefined;
    return (await this.#store.block(height)) ?? this.#options.peers.block(height, signal);
  }

  async summary(height: Height, { signal }: ReadOptions = {}): Promise<BlockSummary | undefined> {
    if (height > this.head().header.height) return undefined;
    return (await this.#store.summary(height)) ?? this.#options.peers.summary(height, signal);
  }

  async certificateAt(
    height: Height,
    { signal }: ReadOptions = {},
  ): Promise<CommitCertificate | undefined> {
    if (height > this.head().header.height) return undefined;
    const summary = await this.#store.summary(height);
    if (summary !== undefined) return summary.certificate;
    return (await this.#options.light.prove(height, signal)).block?.certificate;
  }

  async heightOf(hash: Hash, { signal }: ReadOptions = {}): Promise<Height | undefined> {
    const known = await this.#store.heightOf(hash);
    if (known !== undefined || this.#isComplete()) return known;
    return this.#options.peers.heightOf(hash, signal);
  }

  async transaction(
    id: Hash,
    { signal }: ReadOptions = {},
  ): Promise<IncludedTransaction | undefined> {
    const known = await this.#store.transaction(id);
    if (known !== undefined || this.#isComplete()) return known;
    return this.#options.peers.transaction(id, signal);
  }

  /** Whether every block since genesis is in our own index. */
  #isComplete(): boolean {
    return this.#store.historyCompleteFrom() === 0;
  }

  async history(address: Address, query: HistoryOptions): Promise<AccountHistory> {
    const completeFrom = this.#store.historyCompleteFrom();
    const entries = await this.#store.history(address, query);
    const isFull = entries.length >= query.limit;
    const last = entries.at(-1);
    if (isFull || this.#isComplete()) {
      const next = isFull && last ? { height: last.height, index: last.index } : undefined;
      return { entries, next, completeFrom, origin: 'chain' };
    }
    return this.#continued(address, { ...query, entries, completeFrom });
  }

  /** Goes on below our own index with what peers know, if any of them does. */
  async #continued(
    address: Address,
    query: {
      readonly before?: Place;
      readonly limit: number;
      readonly signal?: AbortSignal;
      readonly entries: readonly IncludedTransaction[];
      readonly completeFrom: Height;
    },
  ): Promise<AccountHistory> {
    const { entries, completeFrom, limit, signal } = query;
    const start: Place = { height: completeFrom, index: 0 };
    const { before = start } = query;
    const below = before.height < completeFrom ? before : start;
    const older = await this.#options.peers
      .history(address, { before: below, limit: limit - entries.length, signal })
      .catch((error: unknown) => {
        // Whoever asks for what only peers have is told that nobody gives it now.
        const isAllTheirs = query.before !== undefined && !isAbove(query.before, start);
        if (isAllTheirs || errorToData(error).code === 'aborted') throw error;
        return undefined;
      });
    // What is known here is told in any case, and from where it is complete; the rest is asked for
    // where that ends.
    if (older === undefined) return { entries, next: start, completeFrom, origin: 'chain' };
    const last = older.isWhole ? undefined : older.entries.at(-1);
    return {
      entries: [...entries, ...older.entries],
      next: last && { height: last.height, index: last.index },
      completeFrom,
      origin: older.entries.length === 0 ? 'chain' : 'peers',
      namedBy: older.namedBy,
    };
  }

  async membershipAt(
    height: Height,
    { signal }: ReadOptions = {},
  ): Promise<Membership | undefined> {
    const { height: next, membership } = this.#chain.next();
    if (height >= next) return height === next ? membership : undefined;
    const known = await this.#store.membershipAt(height);
    return known ?? (await this.#options.light.prove(height, signal)).trusted.membership;
  }
}

function isAbove(place: Place, other: Place): boolean {
  return (
    place.height > other.height || (place.height === other.height && place.index > other.index)
  );
}
