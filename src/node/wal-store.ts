import type { Bytes } from '../base/index.ts';
import { equalBytes, TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { WalEntry } from '../consensus/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Entry, KeyValueStore, WriteOperation } from '../storage/index.ts';
import { walRecordCodec } from './messages.ts';

/** Entries read at once; a height that stood still for days has many such pages. */
const PAGE_ENTRIES = 1_000;

/**
 * The write-ahead log of consensus: entries of the height being decided, in order. Each record's
 * digest covers the one before it, so a missing or changed record in the middle is found.
 */
export class WalStore {
  readonly #store: KeyValueStore;
  readonly #suite: HashSuite;
  readonly #codec: Codec<WalEntry>;
  #height: Height | undefined;
  #count = 0;
  #digest: Bytes;

  constructor(store: KeyValueStore, suite: HashSuite, codec: Codec<WalEntry>) {
    this.#store = store;
    this.#suite = suite;
    this.#codec = codec;
    this.#digest = new Uint8Array(32);
  }

  /**
   * Reads the entries of `height` and continues after them.
   * Rejects with `wal-corrupt`: a validator must not sign on top of a log it cannot trust.
   */
  async load(height: Height): Promise<WalEntry[]> {
    this.#begin(height);
    const entries: WalEntry[] = [];
    for (;;) {
      const records = await this.#store.list('wal', {
        ...rangeOf(height),
        from: keyOf(height, this.#count),
        limit: PAGE_ENTRIES,
      });
      this.#take(height, records, entries);
      if (records.length < PAGE_ENTRIES) return entries;
    }
  }

  #take(height: Height, records: readonly Entry[], entries: WalEntry[]): void {
    for (const { key, value } of records) {
      const record = decode(walRecordCodec, value);
      const isNext = equalBytes(key, keyOf(height, this.#count));
      if (!record.ok || !isNext) throw new TabellionError('wal-corrupt', { height });
      const digest = this.#digestOf(record.value.entry);
      const entry = decode(this.#codec, record.value.entry);
      if (!equalBytes(digest, record.value.digest) || !entry.ok) {
        throw new TabellionError('wal-corrupt', { height, entry: this.#count });
      }
      this.#digest = digest;
      this.#count += 1;
      entries.push(entry.value);
    }
  }

  /** Whether a store holds anything that was logged at a height. */
  static async hasEntries(store: KeyValueStore, height: Height): Promise<boolean> {
    return (await store.list('wal', { ...rangeOf(height), limit: 1 })).length > 0;
  }

  /** Returns once the entries survive a crash, and whatever is written along with them. */
  async append(
    height: Height,
    entries: readonly WalEntry[],
    along: readonly WriteOperation[] = [],
  ): Promise<void> {
    if (this.#height !== height) this.#begin(height);
    const operations = entries.map((entry) => {
      const bytes = encode(this.#codec, entry);
      this.#digest = this.#digestOf(bytes);
      const key = keyOf(height, this.#count);
      this.#count += 1;
      const value = encode(walRecordCodec, { digest: this.#digest, entry: bytes });
      return { kind: 'put', space: 'wal', key, value } as const;
    });
    await this.#store.write([...along, ...operations], 'strict');
  }

  /** Forgets everything below a height whose parent is committed. */
  async prune(height: Height): Promise<void> {
    await this.#store.write(
      [{ kind: 'delete-range', space: 'wal', from: Uint8Array.of(0), to: keyOf(height, 0) }],
      'relaxed',
    );
  }

  #begin(height: Height): void {
    this.#height = height;
    this.#count = 0;
    this.#digest = keyOf(height, 0);
  }

  #digestOf(entry: Uint8Array): Bytes {
    return this.#suite.hash('journal', this.#digest, entry);
  }
}

function rangeOf(height: Height) {
  // A height and one is a height.
  return { from: keyOf(height, 0), to: keyOf((height + 1) as Height, 0) };
}

/** Height u64 ‖ place u32, big-endian: the order of keys is the order of entries. */
function keyOf(height: Height, place: number): Bytes {
  const key = new Uint8Array(12);
  const view = new DataView(key.buffer);
  view.setBigUint64(0, BigInt(height));
  view.setUint32(8, place);
  return key;
}
