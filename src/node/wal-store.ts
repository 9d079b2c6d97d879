import type { Bytes } from '../base/index.ts';
import { equalBytes, TabellionError } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { WalEntry } from '../consensus/index.ts';
import type { HashSuite } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Entry, KeyValueStore, WriteOperation } from '../storage/index.ts';
import type { OnCrashPoint } from './crash-points.ts';
import { walRecordCodec } from './messages.ts';
import type { SigningMark } from './types.ts';

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
  readonly #onCrashPoint: OnCrashPoint | undefined;
  #height: Height | undefined;
  #count = 0;
  #digest: Bytes;

  constructor(
    store: KeyValueStore,
    suite: HashSuite,
    codec: Codec<WalEntry>,
    onCrashPoint?: OnCrashPoint,
  ) {
    this.#store = store;
    this.#onCrashPoint = onCrashPoint;
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

  /** Whether the log of a mark's height reaches the mark, and holds there what it then held. */
  static async reaches(store: KeyValueStore, mark: SigningMark): Promise<boolean> {
    if (mark.entries === 0) return true;
    const value = await store.get('wal', keyOf(mark.height, mark.entries - 1));
    const record = value === undefined ? undefined : decode(walRecordCodec, value);
    return record?.ok === true && equalBytes(record.value.digest, mark.digest);
  }

  /**
   * Returns once the entries survive a crash, and whatever is written along with them.
   *
   * @param along What else belongs into the same write, for a log that reaches `mark`.
   */
  async append(
    height: Height,
    entries: readonly WalEntry[],
    along: (mark: SigningMark) => readonly WriteOperation[] = () => [],
  ): Promise<SigningMark> {
    if (this.#height !== height) this.#begin(height);
    const operations = entries.map((entry) => {
      const bytes = encode(this.#codec, entry);
      this.#digest = this.#digestOf(bytes);
      const key = keyOf(height, this.#count);
      this.#count += 1;
      const value = encode(walRecordCodec, { digest: this.#digest, entry: bytes });
      return { kind: 'put', space: 'wal', key, value } as const;
    });
    const mark = { height, entries: this.#count, digest: this.#digest };
    await this.#onCrashPoint?.('wal-append-begun');
    await this.#store.write([...along(mark), ...operations], 'strict');
    await this.#onCrashPoint?.('wal-append-done');
    return mark;
  }

  /** Forgets everything below a height whose parent is committed. */
  async prune(height: Height): Promise<void> {
    await this.#onCrashPoint?.('wal-prune-begun');
    await this.#store.write(
      [{ kind: 'delete-range', space: 'wal', from: Uint8Array.of(0), to: keyOf(height, 0) }],
      'relaxed',
    );
    await this.#onCrashPoint?.('wal-prune-done');
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
