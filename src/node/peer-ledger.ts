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
import { FETCHED_BLOCKS_KEPT_BYTES, HISTORY_PLACES_MAX, SUMMARY_RUN } from './limits.ts';
import { blocksRequestCodec, blocksResponseCodec } from './messages.ts';
import {
  entriesAnswerCodec,
  entriesRequestCodec,
  historyAnswerCodec,
  historyRequestCodec,
  locateAnswerCodec,
  locateRequestCodec,
  receiptsAnswerCodec,
  receiptsRequestCodec,
} from './proof-messages.ts';
import { concerns, readEntries, verifyEntry } from './proven-entries.ts';
import type { Judged, PeerQuestions } from './questions.ts';
import type { BlockSummary, IncludedTransaction, Place, StoredBlock } from './store/index.ts';

/** A block that a proven header binds, without what it did. */
type Fetched = {
  readonly prepared: PreparedBlock;
  readonly bytes: Uint8Array;
  readonly certificate: CommitCertificate | undefined;
};

/** A part of what is known of an account, newest first. */
type HistoryPage = {
  readonly entries: readonly IncludedTransaction[];
  /** Whether whoever told it knows of nothing older. */
  readonly isWhole: boolean;
};

type HistoryQuery = {
  readonly before: Place | undefined;
  readonly limit: number;
  readonly signal: AbortSignal | undefined;
  /** Only peers are asked that keep the block of this height. */
  readonly height: Height | undefined;
};

/** Bytes that a block of few transactions counts for, since its objects take memory too. */
const BLOCK_WEIGHT_MIN = 4 * 1024;
/** Blocks of a history fetched at once. */
const FETCHED_AT_ONCE = 4;
/** Headers of a history proven at once, and how many are remembered. */
const HEADERS_AT_ONCE = 4;
const HEADERS_KEPT_MAX = 2_048;

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

  readonly #headers = new SharedCache<number, Header>({
    weightMax: HEADERS_KEPT_MAX,
    loadsMax: 2 * HEADERS_AT_ONCE,
    weigh: () => 1,
  });

  constructor(ledger: Ledger, light: LightDriver, questions: PeerQuestions) {
    this.#ledger = ledger;
    this.#light = light;
    this.#questions = questions;
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

  /**
   * Transactions of an account at places that a peer names, each in a proven block and concerning
   * that account; that none is missing is nobody's proof.
   */
  async history(
    address: Address,
    query: {
      readonly before: Place | undefined;
      readonly limit: number;
      readonly signal?: AbortSignal | undefined;
    },
  ): Promise<HistoryPage> {
    const { before, signal } = query;
    const limit = Math.min(query.limit, HISTORY_PLACES_MAX);
    const ask = (height: Height | undefined) =>
      this.#askEntries(address, { before, limit, signal, height });
    // Those first who keep all blocks: the index of others begins where their snapshot did.
    const told = (await ask(1 as Height)) ?? (await ask(undefined));
    if (told !== undefined) return told;
    // Where all are of the time before entries were proven by themselves, or all are busy.
    const entries = await this.#askHistory(address, { before, limit, signal, height: undefined });
    if (entries === undefined) throwUnavailable();
    return { entries, isWhole: entries.length < limit };
  }

  #askEntries(address: Address, query: HistoryQuery): Promise<HistoryPage | undefined> {
    const { before, limit, signal, height } = query;
    return this.#questions.ask<HistoryPage>({
      kind: 'entries',
      ...(height === undefined ? {} : { height }),
      body: encode(entriesRequestCodec, { address, before, limit }),
      signal,
      judge: async (answer) => {
        const decoded = decode(entriesAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { entries: told, isWhole } = decoded.value;
        const places = told.map(({ place }) => place);
        if (places.length > limit || !descends(places, before)) return FALSE_ANSWER;
        if (places.some(({ height }) => height < 1)) return FALSE_ANSWER; // Genesis holds none.
        // Nothing at all, and yet not the end, would be asked for again and again.
        if (places.length === 0 && !isWhole) return { kind: 'absent' };
        // What costs nothing is looked at before anybody is asked for headers.
        const read = readEntries(this.#ledger, address, told);
        if (read === undefined) return FALSE_ANSWER;
        const headers = await this.#headersOf(places, signal);
        if (headers === undefined) return { kind: 'absent' };
        const entries: IncludedTransaction[] = [];
        for (const each of read) {
          const { height } = each.told.place;
          const header = headers.get(height) ?? unavailable(height);
          const included = verifyEntry(this.#ledger, header, each);
          if (included === undefined) return FALSE_ANSWER;
          entries.push(included);
        }
        return { kind: 'good', value: { entries, isWhole } };
      },
    });
  }

  /** The proven headers of places, one a block; absent if one of them cannot be had. */
  async #headersOf(
    places: readonly Place[],
    signal: AbortSignal | undefined,
  ): Promise<ReadonlyMap<Height, Header> | undefined> {
    const head = this.#light.head().header.height;
    const heights = [...new Set(places.map(({ height }) => height))];
    if (heights.some((height) => height > head)) return undefined;
    const headers = new Map<Height, Header>();
    for (let at = 0; at < heights.length; at += HEADERS_AT_ONCE) {
      const part = heights.slice(at, at + HEADERS_AT_ONCE);
      const proving = part.map((height) =>
        this.#headers.get(height, async () => (await this.#light.prove(height)).trusted.header),
      );
      const proven = await unlessAborted(Promise.all(proving), signal).catch(() => undefined);
      if (proven === undefined) return undefined;
      for (const header of proven) headers.set(header.height, header);
    }
    return headers;
  }

  #askHistory(
    address: Address,
    query: HistoryQuery,
  ): Promise<readonly IncludedTransaction[] | undefined> {
    const { before, limit, signal, height } = query;
    return this.#questions.ask<readonly IncludedTransaction[]>({
      kind: 'history',
      ...(height === undefined ? {} : { height }),
      body: encode(historyRequestCodec, { address, before, limit }),
      signal,
      judge: async (answer) => {
        const decoded = decode(historyAnswerCodec, answer);
        if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
        const { places } = decoded.value;
        if (places.length > limit || !descends(places, before)) return FALSE_ANSWER;
        return this.#entriesAt(places, address, signal);
      },
    });
  }

  async #entriesAt(
    places: readonly Place[],
    address: Address,
    signal: AbortSignal | undefined,
  ): Promise<Judged<readonly IncludedTransaction[]>> {
    const entries: IncludedTransaction[] = [];
    for (let at = 0; at < places.length; at += FETCHED_AT_ONCE) {
      const part = places.slice(at, at + FETCHED_AT_ONCE);
      const found = await Promise.all(part.map((place) => this.#includedAt(place, signal)));
      for (const included of found) {
        if (included === undefined) return { kind: 'absent' };
        if (!concerns(included, address)) return FALSE_ANSWER;
        entries.push(included);
      }
    }
    return { kind: 'good', value: entries };
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

function throwUnavailable(): never {
  throw new TabellionError('proof-unavailable');
}

/** Settles as the promise does, or rejects with `aborted` as soon as nobody waits for it. */
function unlessAborted<Value>(promise: Promise<Value>, signal?: AbortSignal): Promise<Value> {
  if (signal === undefined) return promise;
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(new TabellionError('aborted'));
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function descends(places: readonly Place[], before: Place | undefined): boolean {
  let last = before;
  for (const place of places) {
    const isBelow =
      last === undefined ||
      place.height < last.height ||
      (place.height === last.height && place.index < last.index);
    if (!isBelow) return false;
    last = place;
  }
  return true;
}

function summaryOf(
  header: Header,
  hash: Hash,
  certificate: CommitCertificate | undefined,
  counts: { readonly transactionCount: number; readonly sizeBytes: number },
): BlockSummary {
  return { header, hash, certificate, ...counts };
}
