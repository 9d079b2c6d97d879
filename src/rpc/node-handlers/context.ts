import { errorToData, TabellionError } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type {
  AssetId,
  CommitCertificate,
  Height,
  Membership,
  PreparedBlock,
  Receipt,
  StateView,
} from '../../ledger/index.ts';
import { readAsset } from '../../ledger/index.ts';
import type {
  BlockSummary as BlockOutline,
  CommittedEvent,
  Head,
  IncludedTransaction,
  LedgerSource,
  TabellionNode,
} from '../../node/index.ts';
import { SharedCache } from '../../storage/index.ts';
import { rpcError } from '../errors.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import type { HeadView } from '../node-views.ts';
import type { BlockSummary, BlockView } from '../transaction-views.ts';
import type { Trust } from '../views.ts';
import { StrangersBudget, sourceForStrangers } from './strangers.ts';

/** A committed block with everything computed from its bytes. */
export type IncludedBlock = {
  readonly prepared: PreparedBlock;
  readonly certificate: CommitCertificate | undefined;
  readonly receipts: readonly Receipt[];
  /** Bytes of the block on the wire. */
  readonly sizeBytes: number;
};

/**
 * Encoded bytes of the blocks kept prepared for questions that come in flocks, such as a page of
 * an explorer; prepared they take some ten times as much. One counts as 16 KB at least.
 */
const BLOCKS_KEPT_BYTES = 2 * 1024 * 1024;
const BLOCK_KEPT_BYTES_MIN = 16 * 1024;

/** Blocks that are asked of peers at once. */
const FETCHES_AT_ONCE = 4;

/** Transactions that peers are asked for at once. */
const LOOKUPS_AT_ONCE = 8;

function blockCache(loadsMax: number): SharedCache<number, IncludedBlock> {
  return new SharedCache({
    weightMax: BLOCKS_KEPT_BYTES,
    loadsMax,
    weigh: ({ sizeBytes }) => Math.max(sizeBytes, BLOCK_KEPT_BYTES_MIN),
  });
}

type BlockCaches = {
  /** By height; heights never change their block, and a reset makes the old ones unreachable. */
  readonly own: SharedCache<number, IncludedBlock>;
  /** Blocks of peers: one that waits for a slow one must not hold up the others. */
  readonly fetched: SharedCache<number, IncludedBlock>;
};

/** What was executed or checked elsewhere, and bound to a proven header here, is no more than that. */
const TRUST_OF_VOUCHED = 'proven';

/**
 * What several handlers need of a node. A handler that answers for one moment takes the source once
 * and asks it for everything: the chain may overtake the light head between two questions.
 */
export class NodeContext {
  readonly node: TabellionNode;
  /** What strangers may make this node ask its peers; absent in answers to its own people. */
  readonly strangers: StrangersBudget | undefined;
  readonly #caches: BlockCaches;

  constructor(
    node: TabellionNode,
    shared: { readonly caches?: BlockCaches; readonly strangers?: StrangersBudget } = {},
  ) {
    this.node = node;
    this.strangers = shared.strangers;
    this.#caches = shared.caches ?? { own: blockCache(1), fetched: blockCache(FETCHES_AT_ONCE) };
  }

  /** The same node as strangers may use it. */
  forStrangers(): NodeContext {
    const strangers = new StrangersBudget(this.node.home.clock);
    return new NodeContext(this.node, { caches: this.#caches, strangers });
  }

  get parts(): TabellionNode['parts'] {
    return this.node.parts;
  }

  /** What questions are answered from now: the executed chain, or the proven head. */
  source(): LedgerSource {
    const source = this.node.source();
    if (this.strangers === undefined) return source;
    return sourceForStrangers(source, this.parts, this.strangers);
  }

  /** How far this node's view may be believed now; it falls when peers go. */
  trust(): Trust {
    // Before the store is open nothing can be told at all.
    return this.node.isOpen() ? this.source().trust() : 'cached';
  }

  /**
   * How far the block of a height may be believed: as the source, unless peers had to give it, or
   * a checkpoint stands for the signatures in it.
   */
  trustAt(source: LedgerSource, height: Height): Trust {
    const trust = source.trust();
    const { store, checkpoints } = this.parts;
    const isFetched = source.kind === 'chain' && height < store.earliestHeight();
    const isVouched = isFetched || checkpoints.isUnsigned(height);
    return isVouched && trust === 'validated' ? TRUST_OF_VOUCHED : trust;
  }

  /** How far the blocks of some heights may be believed together. */
  trustOver(source: LedgerSource, heights: readonly Height[]): Trust {
    const trust = source.trust();
    const isLess = heights.some((height) => this.trustAt(source, height) !== trust);
    return isLess ? TRUST_OF_VOUCHED : trust;
  }

  /**
   * A committed block, prepared: ask for less where less will do. Refuses with `height-unknown`
   * above the head, `height-pruned` below what is kept and can be had.
   */
  async block(source: LedgerSource, height: Height): Promise<IncludedBlock> {
    if (height > source.head().header.height) throw absent(source, height);
    const isOwn = source.kind === 'chain' && height >= this.parts.store.earliestHeight();
    // Without the asker's signal: others may wait for the same block.
    return (isOwn ? this.#caches.own : this.#caches.fetched).get(height, async () => {
      const stored = await source.block(height).catch(this.#pruned(source, height));
      if (stored === undefined) throw absent(source, height);
      const { block, certificate, receipts, blockBytes } = stored;
      const prepared = this.node.ledger.prepareBlockValue(block);
      if (!prepared.ok) throw new TabellionError('store-corrupt', { height });
      return { prepared: prepared.value, certificate, receipts, sizeBytes: blockBytes.length };
    });
  }

  /** A committed block without its transactions. Refuses as `block`. */
  async outline(source: LedgerSource, height: Height, signal?: AbortSignal): Promise<BlockOutline> {
    const options = readOptions(signal);
    const outline = await source.summary(height, options).catch(this.#pruned(source, height));
    if (outline === undefined) throw absent(source, height);
    return outline;
  }

  /** Tells a height that is kept here no longer, and that no peer proves, as what it is. */
  #pruned(source: LedgerSource, height: Height): (error: unknown) => never {
    return (error) => {
      const earliest = this.parts.store.earliestHeight();
      const isPruned = source.kind === 'chain' && height < earliest;
      if (!isPruned || errorToData(error).code !== 'proof-unavailable') throw error;
      throw rpcError('height-pruned', { height, earliest });
    };
  }

  /** What proves a block to others; peers' blocks come without where they were not proven alone. */
  async certificateOf(
    source: LedgerSource,
    block: { readonly height: Height; readonly certificate: CommitCertificate | undefined },
    signal?: AbortSignal,
  ): Promise<CommitCertificate | undefined> {
    const { height, certificate } = block;
    if (certificate !== undefined || height === 0) return certificate;
    return source.certificateAt(height, readOptions(signal));
  }

  /** Transactions in blocks, in the order of their ids; absent those that nobody knows. */
  async transactions(
    source: LedgerSource,
    ids: readonly Hash[],
    signal?: AbortSignal,
  ): Promise<(IncludedTransaction | undefined)[]> {
    const options = readOptions(signal);
    const isStored = source.kind === 'chain' || this.strangers !== undefined;
    // The store reads each block once for all of them.
    const { store, checkpoints } = this.parts;
    const found = isStored
      ? (await store.transactions(ids, signal)).map((each) =>
          (each?.height ?? 0) > checkpoints.ownUpTo() ? undefined : each,
        )
      : new Array<IncludedTransaction | undefined>(ids.length).fill(undefined);
    // Of those that its own index lacks, peers are asked for one at a time; for a node that has no
    // chain they are asked for all, by its own people.
    if (isStored && ids.length > 1) return found;
    for (let from = 0; from < ids.length; from += LOOKUPS_AT_ONCE) {
      signal?.throwIfAborted();
      const part = ids.slice(from, from + LOOKUPS_AT_ONCE);
      const asked = part.map((id, at) => found[from + at] ?? source.transaction(id, options));
      for (const [at, included] of (await Promise.all(asked)).entries())
        found[from + at] = included;
    }
    return found;
  }

  /** Who decided a height. Refuses with `height-unknown` above the one that is decided now. */
  async membershipAt(
    source: LedgerSource,
    height: Height,
    signal?: AbortSignal,
  ): Promise<Membership> {
    const membership = await source.membershipAt(height, readOptions(signal));
    if (membership === undefined) throw absent(source, height);
    return membership;
  }

  /** Symbol and decimals of an asset, for people. */
  assetWords(view: StateView, asset: AssetId): { symbol: string; name: string; decimals: number } {
    const { symbol, name, decimals } = readAsset(view, asset) ?? {
      symbol: '?',
      name: '?',
      decimals: 0,
    };
    return { symbol, name, decimals };
  }
}

/** Refuses what would be forgotten by a node that runs beside its store. */
export function refuseHeld({ home }: TabellionNode): void {
  if (home.isShelter === true) throw rpcError('store-held');
}

export function readOptions(signal: AbortSignal | undefined) {
  return signal === undefined ? {} : { signal };
}

/** Why there is no block of a height. */
function absent(source: LedgerSource, height: Height): TabellionError {
  const { height: head } = source.head().header;
  return height > head
    ? rpcError('height-unknown', { height, head })
    : rpcError('height-pruned', { height });
}

export function headViewOf(head: Head, transactionCount: number | undefined): HeadView {
  const { height, timestampMs } = head.header;
  return { height, hash: head.hash, timestampMs, transactionCount };
}

export function headViewOfEvent({ executed }: CommittedEvent): HeadView {
  const { prepared } = executed;
  return headViewOf(
    { header: prepared.block.header, hash: prepared.hash },
    prepared.transactions.length,
  );
}

export function blockViewOf(stored: IncludedBlock): Omit<BlockView, 'trust'> {
  const { prepared, certificate, receipts, sizeBytes } = stored;
  const transactions = prepared.transactions.map(({ id, bytes, transaction }, index) => {
    const receipt = receipts[index];
    if (receipt === undefined) throw new TabellionError('internal-error');
    return { id, index, sizeBytes: bytes.length, transaction, receipt };
  });
  return {
    header: prepared.block.header,
    hash: prepared.hash,
    certificate,
    transactionCount: transactions.length,
    sizeBytes,
    transactions,
  };
}

export function summaryOf(outline: BlockOutline): BlockSummary {
  const { header, hash, transactionCount, sizeBytes } = outline;
  const { height, timestampMs, proposer, gasUsed } = header;
  return { height, hash, timestampMs, proposer, transactionCount, sizeBytes, gasUsed };
}

/** A count from a question, within what one answer may hold. */
export function limitOf(asked: number | undefined, maximum: number): number {
  return Math.min(Math.max(asked ?? PAGE_DEFAULT, 1), maximum);
}
