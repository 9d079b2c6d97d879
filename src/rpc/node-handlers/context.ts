import { TabellionError } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type {
  AssetId,
  CommitCertificate,
  Height,
  Membership,
  PreparedBlock,
  Receipt,
  StateView,
} from '../../ledger/index.ts';
import { headerCodec, readAsset } from '../../ledger/index.ts';
import type { CommittedEvent, Head, NodeStatus, TabellionNode } from '../../node/index.ts';
import { rpcError } from '../errors.ts';
import type { BlockSummary, BlockView } from '../transaction-views.ts';
import type { HeadView, Trust } from '../views.ts';

/** A committed block with everything computed from its bytes. */
export type IncludedBlock = {
  readonly prepared: PreparedBlock;
  readonly certificate: CommitCertificate | undefined;
  readonly receipts: readonly Receipt[];
};

/** Blocks kept decoded for questions that come in flocks, such as a page of an explorer. */
const BLOCKS_KEPT = 128;
/** Transactions in these together; a decoded one takes a few KB. */
const TRANSACTIONS_KEPT = 8_000;

/** Blocks by which a node may be behind the highest head it was told, and still be at it. */
const NEAR_BLOCKS = 5;
/** Peers that must have told their heads: what one alone withholds cannot be noticed. */
const PEERS_COMPARED_MIN = 2;

/**
 * This node executed every block it holds, whatever the word. The word says how much its head is
 * worth: `validated` beside what at least two peers told, or where it helps to decide itself;
 * `reported` while a single peer says that nothing newer is there; `cached` while nobody does
 * (alone, paused, failed), or newer blocks are known to be missing.
 */
export function trustOf(status: NodeStatus): Trust {
  const { stage, head, targetHeight, comparedPeers, isMember } = status;
  if (stage !== 'following' && stage !== 'syncing') return 'cached';
  if (stage === 'following' && isMember) return 'validated';
  const isNear = head !== undefined && targetHeight - head.header.height <= NEAR_BLOCKS;
  if (!isNear || comparedPeers === 0) return 'cached';
  return comparedPeers < PEERS_COMPARED_MIN ? 'reported' : 'validated';
}

/** What several handlers need of a node. */
export class NodeContext {
  readonly node: TabellionNode;
  /** By height; heights never change their block, and a reset makes the old ones unreachable. */
  readonly #blocks = new Map<number, IncludedBlock>();
  #transactionsKept = 0;

  constructor(node: TabellionNode) {
    this.node = node;
  }

  get parts(): TabellionNode['parts'] {
    return this.node.parts;
  }

  /** How far this node's view may be believed now; it falls when peers go. */
  trust(): Trust {
    return trustOf(this.node.status());
  }

  head(): Head {
    return this.parts.chain.head();
  }

  /** A committed block. Refuses with `height-unknown` above the head, `height-pruned` below. */
  async block(height: Height): Promise<IncludedBlock> {
    const known = this.#blocks.get(height);
    if (known !== undefined && height <= this.head().header.height) return known;
    const stored = await this.parts.store.block(height);
    if (stored === undefined) {
      const { height: headHeight } = this.head().header;
      throw height > headHeight
        ? rpcError('height-unknown', { height, head: headHeight })
        : rpcError('height-pruned', { height });
    }
    const prepared = this.node.ledger.prepareBlock(stored.blockBytes);
    if (!prepared.ok) throw new TabellionError('store-corrupt', { height });
    const { certificate, receipts } = stored;
    const block = { prepared: prepared.value, certificate, receipts };
    this.#keep(height, block);
    return block;
  }

  #keep(height: Height, block: IncludedBlock): void {
    this.#forget(height);
    this.#blocks.set(height, block);
    this.#transactionsKept += block.prepared.transactions.length;
    for (const oldest of this.#blocks.keys()) {
      const isFull = this.#blocks.size > BLOCKS_KEPT || this.#transactionsKept > TRANSACTIONS_KEPT;
      if (!isFull) return;
      this.#forget(oldest);
    }
  }

  #forget(height: number): void {
    this.#transactionsKept -= this.#blocks.get(height)?.prepared.transactions.length ?? 0;
    this.#blocks.delete(height);
  }

  /** Who decided a height: with a fixed membership, those whom genesis names. */
  membershipAt(_height: Height): Membership {
    return this.node.ledger.genesis.membership;
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

/** Bytes of a block on the wire. */
export function sizeOf(stored: IncludedBlock): number {
  let bytes = encode(headerCodec, stored.prepared.block.header).length;
  for (const transaction of stored.prepared.transactions) bytes += transaction.bytes.length;
  return bytes;
}

export function headViewOf(head: Head, transactionCount: number): HeadView {
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

export function blockViewOf(
  stored: IncludedBlock,
  options: { isHeaderOnly: boolean; trust: Trust },
): BlockView {
  const { prepared, certificate, receipts } = stored;
  const transactions = options.isHeaderOnly
    ? []
    : prepared.transactions.map(({ id, bytes, transaction }, index) => {
        const receipt = receipts[index];
        if (receipt === undefined) throw new TabellionError('internal-error');
        return { id, index, sizeBytes: bytes.length, transaction, receipt };
      });
  return {
    header: prepared.block.header,
    hash: prepared.hash,
    certificate,
    transactionCount: prepared.transactions.length,
    sizeBytes: sizeOf(stored),
    transactions,
    trust: options.trust,
  };
}

export function summaryOf(stored: IncludedBlock): BlockSummary {
  const { header } = stored.prepared.block;
  return {
    height: header.height,
    hash: stored.prepared.hash,
    timestampMs: header.timestampMs,
    proposer: header.proposer,
    transactionCount: stored.prepared.transactions.length,
    sizeBytes: sizeOf(stored),
    gasUsed: header.gasUsed,
  };
}

/** A count from a question, within what one answer may hold. */
export function limitOf(asked: number | undefined, maximum: number): number {
  return Math.min(Math.max(asked ?? Math.min(20, maximum), 1), maximum);
}
