import { TabellionError } from '../../base/index.ts';
import { decode } from '../../codec/index.ts';
import type { Height } from '../../ledger/index.ts';
import { SharedCache } from '../../storage/index.ts';
import type { Core } from './core.ts';
import { BLOCK_KEPT_BYTES_MIN, BLOCK_LOADS_MAX, BLOCKS_KEPT_BYTES } from './limits.ts';
import type { CommittedRecord } from './records.ts';
import { committedOf, committedRecordCodec, orderedKey, outlineOf, unseal } from './records.ts';
import type { BlockSummary, IncludedTransaction, ServedBlock, StoredBlock } from './types.ts';

/** Reads committed blocks; heights that are committed are for its user to know. */
export class BlockReader {
  readonly #core: Core;
  /** Decoded blocks by height. */
  readonly #blocks = new SharedCache<number, StoredBlock>({
    weightMax: BLOCKS_KEPT_BYTES,
    loadsMax: BLOCK_LOADS_MAX,
    weigh: ({ blockBytes }) => Math.max(blockBytes.length, BLOCK_KEPT_BYTES_MIN),
  });

  constructor(core: Core) {
    this.#core = core;
  }

  /** A committed block; once read, however many ask for it meanwhile. */
  block(height: Height): Promise<StoredBlock> {
    return this.#blocks.get(height, () => this.#load(height));
  }

  /** A committed block of which nothing but the header is decoded. */
  async summary(height: Height): Promise<BlockSummary> {
    const known = this.#blocks.peek(height);
    if (known !== undefined) {
      const { block, certificate, hash, blockBytes } = known;
      const { header, transactions } = block;
      const transactionCount = transactions.length;
      return { header, certificate, hash, transactionCount, sizeBytes: blockBytes.length };
    }
    const payload = await this.#payload(height);
    const outline = payload === undefined ? undefined : outlineOf(payload);
    if (outline?.header.height !== height) throw corruptBlock(height);
    return { ...outline, hash: this.#core.ledger.blockHash(outline.header) };
  }

  /** A committed block as peers ask for it; `undefined` for genesis, which nobody certified. */
  async served(height: Height): Promise<ServedBlock | undefined> {
    const known = this.#blocks.peek(height);
    if (known?.certificate !== undefined) {
      return { block: known.blockBytes, certificate: known.certificate };
    }
    const stored = await this.#record(height);
    if (stored?.certificate === undefined) return undefined;
    return { block: stored.block, certificate: stored.certificate };
  }

  /** Bytes of the committed record of a height, whose checksum is right. */
  async #payload(height: number): Promise<Uint8Array | undefined> {
    const { store, ledger } = this.#core;
    const key = orderedKey(height);
    const journal = await store.get('journal', key);
    const sealed = journal ?? (await store.get('blocks', key));
    if (sealed === undefined) return undefined;
    const record = unseal(ledger.suite, sealed);
    const isJournal = record !== undefined && journal !== undefined;
    const payload = isJournal ? committedOf(record) : record;
    if (payload === undefined) throw corruptBlock(height);
    return payload;
  }

  async #record(height: number): Promise<CommittedRecord | undefined> {
    const payload = await this.#payload(height);
    if (payload === undefined) return undefined;
    const committed = decode(committedRecordCodec, payload);
    if (!committed.ok) throw corruptBlock(height);
    return committed.value;
  }

  async #load(height: number): Promise<StoredBlock> {
    const { ledger } = this.#core;
    const record = await this.#record(height);
    const block = record === undefined ? undefined : decode(ledger.codecs.block, record.block);
    if (record === undefined || block?.ok !== true || block.value.header.height !== height) {
      throw corruptBlock(height);
    }
    const { certificate, receipts, block: blockBytes } = record;
    const hash = ledger.blockHash(block.value.header);
    return { block: block.value, certificate, receipts, hash, blockBytes };
  }
}

function corruptBlock(height: number): TabellionError {
  return new TabellionError('store-corrupt', { reason: 'block', height });
}

/** A transaction of a block and what it did; `undefined` when there are fewer. */
export function includedIn(
  stored: StoredBlock | undefined,
  index: number,
): IncludedTransaction | undefined {
  const transaction = stored?.block.transactions[index];
  const receipt = stored?.receipts[index];
  if (stored === undefined || transaction === undefined || receipt === undefined) return undefined;
  const { height, timestampMs } = stored.block.header;
  return { height, index, timestampMs, transaction, receipt };
}
