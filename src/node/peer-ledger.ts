import type { Clock } from '../base/index.ts';
import { equalBytes, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type {
  Address,
  CommitCertificate,
  Header,
  Height,
  Ledger,
  PreparedBlock,
  Receipt,
} from '../ledger/index.ts';
import { certifies, receiptsRootOf, transactionsRootOf } from '../ledger/index.ts';
import { SharedCache } from '../storage/index.ts';
import type { LightDriver, ProvenHeader } from './light-driver.ts';
import { FETCHED_BLOCKS_KEPT_BYTES, SUMMARY_RUN } from './limits.ts';
import { blocksRequestCodec, blocksResponseCodec } from './messages.ts';
import type { HistoryPage } from './peer-history.ts';
import { PeerHistories, unlessAborted } from './peer-history.ts';
import {
  locateAnswerCodec,
  locateRequestCodec,
  receiptsAnswerCodec,
  receiptsRequestCodec,
} from './proof-messages.ts';
import type { Judged, PeerQuestions } from './questions.ts';
import type { BlockSummary, IncludedTransaction, Place, StoredBlock } from './store/index.ts';

/** A block that a proven header binds, without what it did. */
type Fetched = {
  readonly prepared: PreparedBlock;
  readonly bytes: Uint8Array;
  readonly certificate: CommitCertificate | undefined;
};

/** Bytes that a block of few transactions counts for, since its objects take memory too. */
const BLOCK_WEIGHT_MIN = 4 * 1024;

/** Blocks, receipts and places asked of peers; each block must be what a proven header binds. */
export class PeerLedger {
  readonly #ledger: Ledger;
  readonly #light: LightDriver;
  readonly #questions: PeerQuestions;
  readonly #fetched = new SharedCache<number, Fetched>({
    weightMax: FETCHED_BLOCKS_KEPT_BYTES,
    loadsMax: 8,
    weigh: ({ bytes }) => Math.max(bytes.length, BLOCK_WEIGHT_MIN),
  });
  readonly #whole = new SharedCache<number, StoredBlock>({
    weightMax: FETCHED_BLOCKS_KEPT_BYTES,
    loadsMax: 8,
    weigh: ({ blockBytes }) => Math.max(blockBytes.length, BLOCK_WEIGHT_MIN),
  });

  readonly #histories: PeerHistories;

  constructor(ledger: Ledger, light: LightDriver, questions: PeerQuestions, clock: Clock) {
    this.#ledger = ledger;
    this.#light = light;
    this.#questions = questions;
    this.#histories = new PeerHistories({
      ...{ ledger, light, questions, clock },
      includedAt: (place, signal) => this.#includedAt(place, signal),
      block: (height, signal) => this.block(height, signal),
    });
  }

  /**
   * A block with its receipts. Rejects with `proof-unavailable`, `aborted`, and as
   * `LightDriver.prove`.
   */
  block(height: Height, signal?: AbortSignal): Promise<StoredBlock> {
    if (height === 0) return this.#genesis(height);
    // Without the asker's signal: others may wait for the same block.
    return unlessAborted(
      this.#whole.get(height, () => this.#load(height)),
      signal,
    );
  }

  async #load(height: Height): Promise<StoredBlock> {
    // Both are on their way at once; the receipts wait for the header that binds them.
    const proving = this.#light.prove(height);
    // Perhaps nobody waits for it: the block may be here, and the receipts not to be had.
    proving.catch(() => undefined);
    const [fetched, receipts] = await Promise.all([
      this.#fetched.get(height, async () => this.#fetch(await proving)),
      this.#receipts(height, proving),
    ]);
    const { prepared, bytes, certificate } = fetched;
    const { block, hash } = prepared;
    return { block, hash, certificate, receipts, blockBytes: new Uint8Array(bytes) };
  }

  /**
   * A block without its transactions. Blocks are asked for in runs that end at this height, since
   * whoever asks for one mostly asks for those below it next.
   */
  async summary(height: Height, signal?: AbortSignal): Promise<BlockSummary> {
    const whole = height === 0 ? await this.#genesis(height) : this.#whole.peek(height);
    const known = whole === undefined ? this.#fetched.peek(height) : undefined;
    if (whole !== undefined) {
      const { block, hash, certificate, blockBytes } = whole;
      return summaryOf(block.header, hash, certificate, {
        transactionCount: block.transactions.length,
        sizeBytes: blockBytes.length,
      });
    }
    const { prepared, bytes, certificate } = known ?? (await this.#fetchRun(height, signal));
    return summaryOf(prepared.block.header, prepared.hash, certificate, {
      transactionCount: prepared.transactions.length,
      sizeBytes: bytes.length,
    });
  }

  /** Every node has it, whatever became of its record: it holds a header and nothing else. */
  async #genesis(height: Height): Promise<StoredBlock> {
    const { trusted } = await this.#light.prove(height);
    const block = { header: trusted.header, transactions: [] };
    const blockBytes = encode(this.#ledger.codecs.block, block);
    return { block, hash: trusted.hash, certificate: undefined, receipts: [], blockBytes };
  }

  async #fetchRun(height: Height, signal: AbortSignal | undefined): Promise<Fetched> {
    const hash = await this.#hashOf(height, signal);
    const from = Math.max(1, height - SUMMARY_RUN + 1) as Height; // A height at most.
    const count = height - from + 1;
    const run = await this.#questions.ask<readonly Fetched[]>({
      kind: 'blocks',
      body: encode(blocksRequestCodec, { from, count }),
      height,
      signal,
      judge: (answer) => this.#judgeRun(answer, hash),
    });
    if (run === undefined) return this.#fetched.get(height, () => this.#fetchOne(height, hash));
    for (const each of run) {
      await this.#fetched.get(each.prepared.block.header.height, async () => each);
    }
    return run[run.length - 1] ?? unavailable(height);
  }

  /** The hash of a height: bound by the block above where that is known, or proven. */
  async #hashOf(height: Height, signal: AbortSignal | undefined): Promise<Hash> {
    const above = height + 1;
    const child =
      this.#fetched.peek(above)?.prepared.block.header ?? this.#whole.peek(above)?.block.header;
    if (child !== undefined) return child.parentHash;
    return (await this.#light.prove(height, signal)).trusted.hash;
  }

  /** A run of blocks is good if its last is the proven one, and each names the one before it. */
  #judgeRun(answer: Uint8Array, lastHash: Hash): Judged<readonly Fetched[]> {
    const decoded = decode(blocksResponseCodec, answer);
    if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
    const run: Fetched[] = [];
    let expected = lastHash;
    for (const { block } of [...decoded.value.blocks].reverse()) {
      const fetched = this.#open(block, expected);
      // An answer that was cut short ends below what was asked for, and is of no use here.
      if (fetched === undefined) return { kind: run.length === 0 ? 'absent' : 'bad', ...FALSE };
      run.unshift(fetched);
      expected = fetched.prepared.block.header.parentHash;
    }
    return run.length === 0 ? { kind: 'absent' } : { kind: 'good', value: run };
  }

  /** The block of these bytes if it has a hash and is whole. */
  #open(bytes: Uint8Array, hash: Hash): Fetched | undefined {
    const prepared = this.#ledger.prepareBlock(bytes);
    if (!prepared.ok || !equalBytes(prepared.value.hash, hash)) return undefined;
    const { block, transactions } = prepared.value;
    const root = transactionsRootOf(this.#ledger.suite, transactions);
    if (!equalBytes(root, block.header.transactionsRoot)) return undefined;
    return { prepared: prepared.value, bytes, certificate: undefined };
  }

  async #fetch({ trusted, block }: ProvenHeader): Promise<Fetched> {
    const fetched = await this.#fetchOne(trusted.header.height, trusted.hash);
    // Verified with its header; what came with the block is the server's word.
    return { ...fetched, certificate: block?.certificate ?? fetched.certificate };
  }

  async #fetchOne(height: Height, hash: Hash): Promise<Fetched> {
    const found = await this.#questions.ask<Fetched>({
      kind: 'blocks',
      body: encode(blocksRequestCodec, { from: height, count: 1 }),
      height,
      judge: (answer) => {
        const decoded = decode(blocksResponseCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const [served, ...others] = decoded.value.blocks;
        if (served === undefined) return { kind: 'absent' };
        const fetched = others.length === 0 ? this.#open(served.block, hash) : undefined;
        if (fetched === undefined) return FALSE_ANSWER;
        const isAbout = certifies(served.certificate, { hash, height });
        return isAbout ? { kind: 'good', value: fetched } : FALSE_ANSWER;
      },
    });
    return found ?? unavailable(height);
  }

  async #receipts(height: Height, proving: Promise<ProvenHeader>): Promise<readonly Receipt[]> {
    const receipts = await this.#questions.ask<readonly Receipt[]>({
      kind: 'receipts',
      body: encode(receiptsRequestCodec, { height }),
      height,
      judge: async (answer) => {
        const decoded = decode(receiptsAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { receipts: told } = decoded.value;
        if (told === undefined) return { kind: 'absent' };
        const { trusted } = await proving;
        const root = receiptsRootOf(this.#ledger.suite, told);
        const isBound = equalBytes(root, trusted.header.receiptsRoot);
        return isBound ? { kind: 'good', value: told } : FALSE_ANSWER;
      },
    });
    return receipts ?? unavailable(height);
  }

  /** A transaction in a proven block; absent when nobody knows one. */
  async transaction(id: Hash, signal?: AbortSignal): Promise<IncludedTransaction | undefined> {
    const place = await this.#questions.ask<IncludedTransaction>({
      kind: 'locate',
      body: encode(locateRequestCodec, { what: 'transaction', hash: id }),
      signal,
      judge: async (answer) => {
        const decoded = decode(locateAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { place: told } = decoded.value;
        if (told === undefined) return { kind: 'absent' };
        const included = await this.#includedAt(told, signal);
        if (included === undefined) return { kind: 'absent' };
        return equalBytes(included.receipt.transactionId, id)
          ? { kind: 'good', value: included }
          : FALSE_ANSWER;
      },
    });
    return place;
  }

  /** The height of a proven block with a hash; absent when nobody knows one. */
  heightOf(hash: Hash, signal?: AbortSignal): Promise<Height | undefined> {
    return this.#questions.ask<Height>({
      kind: 'locate',
      body: encode(locateRequestCodec, { what: 'block', hash }),
      signal,
      judge: async (answer) => {
        const decoded = decode(locateAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { place } = decoded.value;
        if (place === undefined || place.height > this.#light.head().header.height) {
          return { kind: 'absent' };
        }
        const { height } = place;
        const proven = await this.#light.prove(height, signal).catch(() => undefined);
        if (proven === undefined) return { kind: 'absent' };
        return equalBytes(proven.trusted.hash, hash)
          ? { kind: 'good', value: height }
          : FALSE_ANSWER;
      },
    });
  }

  /** Transactions of an account, as peers name and prove them. */
  history(
    address: Address,
    query: {
      readonly before: Place | undefined;
      readonly limit: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<HistoryPage> {
    return this.#histories.read(address, query);
  }

  /** What stands at a place; absent if nobody serves the block, or it has no such transaction. */
  async #includedAt(
    { height, index }: Place,
    signal: AbortSignal | undefined,
  ): Promise<IncludedTransaction | undefined> {
    if (height > this.#light.head().header.height || height < 1) return undefined;
    const stored = await this.block(height, signal).catch(() => undefined);
    const transaction = stored?.block.transactions[index];
    const receipt = stored?.receipts[index];
    if (stored === undefined || transaction === undefined || receipt === undefined) {
      return undefined;
    }
    const { timestampMs } = stored.block.header;
    return { height, index, timestampMs, transaction, receipt };
  }
}

const FALSE = { fault: 'false-answer' } as const;
const FALSE_ANSWER = { kind: 'bad', ...FALSE } as const;

function unavailable(height: Height): never {
  throw new TabellionError('proof-unavailable', { height });
}

function summaryOf(
  header: Header,
  hash: Hash,
  certificate: CommitCertificate | undefined,
  counts: { readonly transactionCount: number; readonly sizeBytes: number },
): BlockSummary {
  return { header, hash, certificate, ...counts };
}
