import { ClassicLevel } from 'classic-level';
import type { Bytes } from '../base/index.ts';
import { compareBytes, concatBytes, defined, TabellionError } from '../base/index.ts';
import type { StoreErrorCode } from './errors.ts';
import { storeError } from './errors.ts';
import {
  LEVEL_DB_CACHE_BYTES,
  LEVEL_DB_OPEN_FILES_MAX,
  LEVEL_DB_WRITE_BUFFER_BYTES,
} from './limits.ts';
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
type SingleOperation =
  | Extract<WriteOperation, { kind: 'put' }>
  | (Extract<WriteOperation, { kind: 'delete' }> & {
      /** Of the value that goes, where it is known. */
      readonly length?: number;
    });

/** What becomes of one key. */
type Change = {
  readonly space: Space;
  /** As LevelDB has it. */
  readonly key: Uint8Array;
  /** Absent when it is deleted. */
  readonly value: Uint8Array | undefined;
  /** Length of the value that stands there, where it is known. */
  readonly replaced: number | undefined;
};

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
      cacheSize: LEVEL_DB_CACHE_BYTES,
      writeBufferSize: LEVEL_DB_WRITE_BUFFER_BYTES,
      maxOpenFiles: LEVEL_DB_OPEN_FILES_MAX,
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
      const values = await this.#database.getMany(levelKeys(keys.map((key) => ({ space, key }))));
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
        const changes = await this.#changesOf(operations);
        const usage = await this.#usageAfter(changes);
        await this.#options.onCrashPoint?.('store-write-begun');
        this.#noteLastKeys(changes);
        // Half of what an array of operations costs, each of which is copied twice on its way.
        const batch = this.#database.batch();
        for (const { key, value } of changes) {
          if (value === undefined) batch.del(key);
          else batch.put(key, value);
        }
        batch.put(COUNTERS_KEY, formatCounters(usage));
        await batch.write({ sync: durability === 'strict' });
        this.#usage = usage;
        await this.#options.onCrashPoint?.('store-write-done');
      }),
    );
  }

  /** What operations do to single keys, in order. */
  async #changesOf(operations: readonly WriteOperation[]): Promise<Change[]> {
    const single: SingleOperation[] = [];
    for (const operation of operations) {
      if (operation.kind !== 'delete-range') {
        single.push(operation);
        continue;
      }
      const { space } = operation;
      const range = levelRange(space, operation);
      for (const each of [...single]) {
        if (each.kind !== 'put' || each.space !== space) continue;
        if (isInside(levelKey(space, each.key), range)) {
          single.push({ kind: 'delete', space, key: each.key });
        }
      }
      for await (const [key, { length }] of this.#database.iterator(range)) {
        single.push({ kind: 'delete', space, key: key.subarray(1), length });
      }
    }
    const keys = levelKeys(single);
    return single.map((operation, at) => ({
      space: operation.space,
      key: defined(keys[at], 'one a change'),
      value: operation.kind === 'put' ? operation.value : undefined,
      replaced: operation.kind === 'put' ? undefined : operation.length,
    }));
  }

  /** The counters after some changes. */
  async #usageAfter(changes: readonly Change[]): Promise<UsageTable> {
    const delta = new UsageDelta();
    const old = await this.#replacedBy(changes);
    /** Sizes after the changes so far; none is looked up where keys rise, for they are distinct. */
    const touched = isRising(changes) ? undefined : new Map<string, number | undefined>();
    for (const [at, { space, key, value }] of changes.entries()) {
      const name = touched && nameOf(key);
      const length = old[at];
      let removed = length === undefined ? undefined : length + key.length - 1;
      if (name !== undefined && touched?.has(name)) removed = touched.get(name);
      const added = value === undefined ? undefined : value.length + key.length - 1;
      if (removed !== undefined) delta.note(space, { removed });
      if (added !== undefined) delta.note(space, { added });
      if (name !== undefined) touched?.set(name, added);
    }
    return delta.addTo(this.#usage);
  }

  /**
   * Lengths of what stands under some keys. Nothing does beyond the last key of a space, where a
   * journal grows: asking for each of its records was a twentieth of the time of a commit.
   */
  async #replacedBy(changes: readonly Change[]): Promise<(number | undefined)[]> {
    const lengths = changes.map(({ replaced }) => replaced);
    const places: number[] = [];
    const keys: Uint8Array[] = [];
    for (const [at, { space, key, replaced }] of changes.entries()) {
      const last = this.#lastKeys.get(space);
      if (replaced !== undefined || last === undefined || compareBytes(key, last) > 0) continue;
      places.push(at);
      keys.push(key);
    }
    if (keys.length === 0) return lengths;
    const values = await this.#database.getMany(keys);
    for (const [place, at] of places.entries()) lengths[at] = values[place]?.length;
    return lengths;
  }

  /** Before the write itself: one that fails half-way may have written any of its keys. */
  #noteLastKeys(changes: readonly Change[]): void {
    const highest = new Map<Space, Uint8Array>();
    for (const { space, key, value } of changes) {
      const last = highest.get(space) ?? this.#lastKeys.get(space);
      if (value === undefined || (last !== undefined && compareBytes(key, last) <= 0)) continue;
      highest.set(space, key);
    }
    // Copies, for each is a view of all keys of the batch.
    for (const [space, key] of highest) this.#lastKeys.set(space, key.slice());
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

  /** Gives room that deleted records take back to the disk now, not when LevelDB comes by. */
  compact(): Promise<void> {
    return this.#guard(() =>
      this.#writes.run(() => this.#database.compactRange(COUNTERS_KEY, Uint8Array.of(255))),
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

/**
 * The same for many keys, side by side in one buffer: V8 has small arrays among its own objects,
 * and the binding has each moved to a buffer before it reads it, which took longer than the rest.
 */
function levelKeys(keys: readonly { readonly space: Space; readonly key: Uint8Array }[]): Bytes[] {
  let length = 0;
  for (const { key } of keys) length += 1 + key.length;
  const bytes = new Uint8Array(length);
  let end = 0;
  return keys.map(({ space, key }) => {
    const at = end;
    bytes[at] = SPACES.indexOf(space) + 1;
    bytes.set(key, at + 1);
    end += 1 + key.length;
    return bytes.subarray(at, end);
  });
}

/** A key as text of one character a byte. */
function nameOf({ buffer, byteOffset, length }: Uint8Array): string {
  return Buffer.from(buffer, byteOffset, length).toString('latin1');
}

/** Whether each key lies above the one before. */
function isRising(changes: readonly Change[]): boolean {
  let before: Uint8Array | undefined;
  for (const { key } of changes) {
    if (before !== undefined && compareBytes(before, key) >= 0) return false;
    before = key;
  }
  return true;
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
