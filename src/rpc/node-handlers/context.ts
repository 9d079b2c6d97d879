import { TabellionError } from '../../base/index.ts';
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
  NodeStatus,
  TabellionNode,
} from '../../node/index.ts';
import { SharedCache } from '../../storage/index.ts';
import { rpcError } from '../errors.ts';
import { PAGE_DEFAULT } from '../limits.ts';
import type { BlockSummary, BlockView } from '../transaction-views.ts';
import type { HeadView, Trust } from '../views.ts';

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
  readonly #blocks = new SharedCache<number, IncludedBlock>({
    weightMax: BLOCKS_KEPT_BYTES,
    loadsMax: 1,
    weigh: ({ sizeBytes }) => Math.max(sizeBytes, BLOCK_KEPT_BYTES_MIN),
  });

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

  /**
   * A committed block, prepared: ask for less where less will do. Refuses with `height-unknown`
   * above the head, `height-pruned` below what is kept.
   */
  async block(height: Height): Promise<IncludedBlock> {
    if (height > this.head().header.height) throw this.#absent(height);
    return this.#blocks.get(height, async () => {
      const stored = await this.parts.store.block(height);
      if (stored === undefined) throw this.#absent(height);
      const { block, certificate, receipts, blockBytes } = stored;
      const prepared = this.node.ledger.prepareBlockValue(block);
      if (!prepared.ok) throw new TabellionError('store-corrupt', { height });
      return { prepared: prepared.value, certificate, receipts, sizeBytes: blockBytes.length };
    });
  }

  /** A committed block without its transactions. Refuses as `block`. */
  async outline(height: Height): Promise<BlockOutline> {
    const outline = await this.parts.store.summary(height);
    if (outline === undefined) throw this.#absent(height);
    return outline;
  }

  /** Why this node has no block of a height. */
  #absent(height: Height): TabellionError {
    const { height: head } = this.head().header;
    return height > head
      ? rpcError('height-unknown', { height, head })
      : rpcError('height-pruned', { height });
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

export function blockViewOf(stored: IncludedBlock, trust: Trust): BlockView {
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
    trust,
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
