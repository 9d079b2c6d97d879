import { ClassicLevel } from 'classic-level';
import type { Bytes } from '../base/index.ts';
import { concatBytes, TabellionError } from '../base/index.ts';
import type { StoreErrorCode } from './errors.ts';
import { storeError } from './errors.ts';
import type { UsageTable } from './operations.ts';
import { assertKey, assertOperations, assertRange, Turnstile, UsageDelta } from './operations.ts';
import type {
  CrashPointOptions,
  Entry,
  KeyRange,
  KeyValueStore,
  Space,
  SpaceUsage,
  WriteOperation,
} from './types.ts';
import { SPACES } from './types.ts';

type Database = ClassicLevel<Uint8Array, Uint8Array>;
type BatchOperation =
  | { readonly type: 'put'; readonly key: Uint8Array; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: Uint8Array };

/** Version of the layout below; a higher one is refused as `store-too-new`. */
const FORMAT = 1;
/** The store's own record: format and usage counters. Spaces begin at 1. */
const COUNTERS_KEY = Uint8Array.of(0);

/**
 * Keeps everything in a LevelDB folder (Node.js). A key is the number of its space (its place in
 * `SPACES`, from 1) and the key itself, so each space is one contiguous range.
 */
export class LevelDbStore implements KeyValueStore {
  /** A read costs some ten microseconds beside what is read. */
  readonly valueBytesBest = 8 * 1024;
  readonly #database: Database;
  readonly #options: CrashPointOptions;
  readonly #writes = new Turnstile();
  #usage: UsageTable;
  /** A key of each space (all of its bytes) that nothing kept lies beyond; absent: nothing is. */
  #lastKeys: Map<Space, Uint8Array>;
  #closing: Promise<void> | undefined;

  private constructor(
    database: Database,
    known: { readonly usage: UsageTable; readonly lastKeys: Map<Space, Uint8Array> },
    options: CrashPointOptions,
  ) {
    this.#database = database;
    this.#usage = known.usage;
    this.#lastKeys = known.lastKeys;
    this.#options = options;
  }

  /** Opens or makes the folder; rejects with `store-in-use` while another process holds it. */
  static async open(location: string, options: CrashPointOptions = {}): Promise<LevelDbStore> {
    const database: Database = new ClassicLevel(location, {
      keyEncoding: 'view',
      valueEncoding: 'view',
      // Journal records and pages hold hashes and signatures, which Snappy cannot shrink.
      compression: false,
    });
    try {
      await database.open();
    } catch (error) {
      throw storeError(openErrorCode(error), error);
    }
    const counters = await database.get(COUNTERS_KEY);
    const parsed = counters === undefined ? new Map() : parseCounters(counters);
    if (parsed === undefined) {
      await database.close();
      throw storeError('store-too-new');
    }
    const lastKeys = new Map<Space, Uint8Array>();
    for (const space of SPACES) {
      const last = database.keys({ ...levelRange(space, {}), reverse: true, limit: 1 });
      for (const key of await last.all()) lastKeys.set(space, own(key));
    }
    return new LevelDbStore(database, { usage: parsed, lastKeys }, options);
  }

  async get(space: Space, key: Uint8Array): Promise<Bytes | undefined> {
    const [value] = await this.getMany(space, [key]);
    return value;
  }

  getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Bytes | undefined)[]> {
    for (const key of keys) assertKey(key);
    return this.#guard(async () => {
      const values = await this.#database.getMany(keys.map((key) => levelKey(space, key)));
      return values.map((value) => (value === undefined ? undefined : own(value)));
    });
  }

  list(space: Space, range: KeyRange): Promise<Entry[]> {
    assertRange(range);
    return this.#guard(async () => {
      const iterator = this.#database.iterator({
        ...levelRange(space, range),
        reverse: range.reverse === true,
        limit: range.limit,
      });
      const found = await iterator.all();
      return found.map(([key, value]) => ({ key: own(key.subarray(1)), value: own(value) }));
    });
  }

  write(operations: readonly WriteOperation[], durability: 'relaxed' | 'strict'): Promise<void> {
    assertOperations(operations);
    // One at a time, since the counters of one batch stand on those of the batch before.
    return this.#guard(() =>
      this.#writes.run(async () => {
        const delta = new UsageDelta();
        const batch = await this.#plan(operations, delta);
        const usage = delta.addTo(this.#usage);
        batch.push({ type: 'put', key: COUNTERS_KEY, value: formatCounters(usage) });
        await this.#options.onCrashPoint?.('store-write-begun');
        this.#noteLastKeys(operations);
        await this.#database.batch(batch, { sync: durability === 'strict' });
        this.#usage = usage;
        await this.#options.onCrashPoint?.('store-write-done');
      }),
    );
  }

  /** Turns operations into LevelDB's, in order, and learns what they replace. */
  async #plan(operations: readonly WriteOperation[], delta: UsageDelta): Promise<BatchOperation[]> {
    const batch: BatchOperation[] = [];
    /** Sizes after the operations so far, of keys already touched by this batch. */
    const touched = new Map<string, number | undefined>();
    const remove = (space: Space, key: Uint8Array, size: number | undefined): void => {
      const name = Buffer.from(key).toString('latin1');
      const removed = touched.has(name) ? touched.get(name) : size;
      if (removed !== undefined) delta.note(space, { removed });
      touched.set(name, undefined);
    };
    const keys = operations.flatMap((operation) =>
      operation.kind === 'delete-range' ? [] : [levelKey(operation.space, operation.key)],
    );
    const old = await this.#replacedBy(operations, keys);
    let at = 0;
    for (const operation of operations) {
      const { space } = operation;
      if (operation.kind === 'delete-range') {
        const ranges = levelRange(space, operation);
        const put = batch.filter((each) => each.type === 'put' && isInside(each.key, ranges));
        for await (const [key, value] of this.#database.iterator(ranges)) {
          remove(space, key, value.length + key.length - 1);
          batch.push({ type: 'del', key });
        }
        for (const each of put) {
          remove(space, each.key, undefined);
          batch.push({ type: 'del', key: each.key });
        }
        continue;
      }
      const key = levelKey(space, operation.key);
      const previous = old[at++];
      remove(space, key, previous === undefined ? undefined : previous.length + key.length - 1);
      if (operation.kind === 'put') {
        const added = operation.value.length + operation.key.length;
        delta.note(space, { added });
        touched.set(Buffer.from(key).toString('latin1'), added);
        batch.push({ type: 'put', key, value: operation.value });
      } else {
        batch.push({ type: 'del', key });
      }
    }
    return batch;
  }

  /**
   * What stands under some keys. Nothing does beyond the last key of a space, where a journal
   * grows: asking for each of its records was a twentieth of the time of a commit.
   */
  async #replacedBy(
    operations: readonly WriteOperation[],
    keys: readonly Bytes[],
  ): Promise<(Uint8Array | undefined)[]> {
    const isBeyond = operations.every(({ kind, space }, at) => {
      const [last, key] = [this.#lastKeys.get(space), keys[at]];
      // A range among them shifts the places: rare, and looked up as before.
      if (kind === 'delete-range' || key === undefined) return false;
      return last === undefined || Buffer.compare(key, last) > 0;
    });
    return isBeyond ? new Array(keys.length).fill(undefined) : this.#database.getMany([...keys]);
  }

  /** Before the write itself: one that fails half-way may have written any of its keys. */
  #noteLastKeys(operations: readonly WriteOperation[]): void {
    for (const operation of operations) {
      if (operation.kind !== 'put') continue;
      const key = levelKey(operation.space, operation.key);
      const last = this.#lastKeys.get(operation.space);
      if (last === undefined || Buffer.compare(key, last) > 0) {
        this.#lastKeys.set(operation.space, key);
      }
    }
  }

  usage(): Promise<SpaceUsage[]> {
    return this.#guard(async () =>
      SPACES.map((space) => ({
        space,
        ...(this.#usage.get(space) ?? { count: 0, bytes: 0 }),
      })),
    );
  }

  clear(): Promise<void> {
    return this.#guard(() =>
      this.#writes.run(async () => {
        await this.#database.clear();
        this.#usage = new Map();
        this.#lastKeys = new Map();
      }),
    );
  }

  close(): Promise<void> {
    this.#closing ??= this.#writes.idle().then(() => this.#database.close());
    return this.#closing;
  }

  async #guard<Value>(task: () => Promise<Value>): Promise<Value> {
    if (this.#closing !== undefined) throw storeError('store-closed');
    try {
      return await task();
    } catch (error) {
      throw translate(error);
    }
  }
}

/** Bytes in a buffer of their own: LevelDB may hand out views of a shared one. */
function own(value: Uint8Array): Bytes {
  const { buffer, byteLength } = value;
  const isOwn = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  // A plain array, for a view of Node.js is none.
  return isOwn ? new Uint8Array(buffer) : new Uint8Array(value);
}

function levelKey(space: Space, key: Uint8Array): Bytes {
  return concatBytes(Uint8Array.of(SPACES.indexOf(space) + 1), key);
}

type LevelRange = { readonly gte: Uint8Array; readonly lt: Uint8Array };

function levelRange(
  space: Space,
  range: { readonly from?: Uint8Array; readonly to?: Uint8Array },
): LevelRange {
  const number = SPACES.indexOf(space) + 1;
  return {
    gte: range.from === undefined ? Uint8Array.of(number) : levelKey(space, range.from),
    lt: range.to === undefined ? Uint8Array.of(number + 1) : levelKey(space, range.to),
  };
}

function isInside(key: Uint8Array, range: LevelRange): boolean {
  return Buffer.compare(key, range.gte) >= 0 && Buffer.compare(key, range.lt) < 0;
}

/** Format u8, then count f64 and bytes f64 of each space in the order of `SPACES`. */
function formatCounters(usage: UsageTable): Bytes {
  const bytes = new Uint8Array(1 + 16 * SPACES.length);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, FORMAT);
  SPACES.forEach((space, at) => {
    view.setFloat64(1 + 16 * at, usage.get(space)?.count ?? 0);
    view.setFloat64(9 + 16 * at, usage.get(space)?.bytes ?? 0);
  });
  return bytes;
}

function parseCounters(bytes: Uint8Array): UsageTable | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length === 0 || view.getUint8(0) > FORMAT) return undefined;
  const usage = new Map<Space, { count: number; bytes: number }>();
  SPACES.forEach((space, at) => {
    if (bytes.length < 17 + 16 * at) return; // A space added since the record was written.
    usage.set(space, {
      count: view.getFloat64(1 + 16 * at),
      bytes: view.getFloat64(9 + 16 * at),
    });
  });
  return usage;
}

/** Codes and messages along the chain of causes, where LevelDB's own words are. */
function wordsOf(error: unknown): string {
  let words = '';
  for (let at: unknown = error; at instanceof Error; at = at.cause) {
    words += ` ${'code' in at ? String(at.code) : ''} ${at.message}`;
  }
  return words;
}

/** The disk, a quota of its owner, or the largest file that a process may write. */
const FULL = /ENOSPC|No space left|Disk quota|EFBIG|File too large/i;

function openErrorCode(error: unknown): StoreErrorCode {
  if (FULL.test(wordsOf(error))) return 'store-full';
  return /LEVEL_LOCKED|lock/i.test(wordsOf(error)) ? 'store-in-use' : 'store-failed';
}

function translate(error: unknown): unknown {
  if (error instanceof TabellionError || !(error instanceof Error)) return error;
  const words = wordsOf(error);
  if (/LEVEL_DATABASE_NOT_OPEN|LEVEL_ITERATOR_NOT_OPEN/.test(words)) {
    return storeError('store-closed', error);
  }
  if (FULL.test(words)) return storeError('store-full', error);
  return 'code' in error ? storeError('store-failed', error) : error;
}
