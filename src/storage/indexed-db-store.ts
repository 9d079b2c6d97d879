import type { IDBPDatabase, IDBPObjectStore, IDBPTransaction } from 'idb';
import { deleteDB, openDB } from 'idb';
import type { Bytes } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import type { StoreErrorCode } from './errors.ts';
import { storeError } from './errors.ts';
import type { UsageTable } from './operations.ts';
import {
  assertKey,
  assertOperations,
  assertRange,
  spacesOf,
  Turnstile,
  UsageDelta,
} from './operations.ts';
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

/** Version of the database's object stores; a database of a higher one is `store-too-new`. */
const FORMAT = 1;
/** The store's own object store: one record of usage counters. */
const COUNTERS = 'counters';

type Database = IDBPDatabase<unknown>;
type WriteTransaction = IDBPTransaction<unknown, string[], 'readwrite'>;
type WriteDrawer = IDBPObjectStore<unknown, string[], Space, 'readwrite'>;

/** Options of {@link IndexedDbStore.open}. */
export type IndexedDbStoreOptions = CrashPointOptions & {
  /** Called once when the browser or another tab took the connection away. */
  readonly onLost?: () => void;
};

/** Keeps everything in one IndexedDB database (tab or worker), one object store a space. */
export class IndexedDbStore implements KeyValueStore {
  readonly #database: Database;
  readonly #options: IndexedDbStoreOptions;
  readonly #writes = new Turnstile();
  #usage: UsageTable;
  #isClosed = false;
  /** Closed by the browser or for another tab: what was queued cannot be written any more. */
  #isLost = false;

  private constructor(database: Database, usage: UsageTable, options: IndexedDbStoreOptions) {
    this.#database = database;
    this.#usage = usage;
    this.#options = options;
  }

  /**
   * Opens or makes the database `name` of this origin. Whoever writes must hold the node's Web
   * Lock: IndexedDB itself lets two tabs write.
   */
  static async open(name: string, options: IndexedDbStoreOptions = {}): Promise<IndexedDbStore> {
    let store: IndexedDbStore | undefined;
    try {
      const database = await openDB(name, FORMAT, {
        upgrade(fresh) {
          for (const space of SPACES) {
            if (!fresh.objectStoreNames.contains(space)) fresh.createObjectStore(space);
          }
          if (!fresh.objectStoreNames.contains(COUNTERS)) fresh.createObjectStore(COUNTERS);
        },
        // Another tab wants to upgrade or delete: holding on would block it for ever.
        blocking: () => {
          if (store !== undefined) store.#lose();
        },
        terminated: () => {
          if (store !== undefined) store.#lose();
        },
      });
      // Read by the same code that wrote it; absent before the first write.
      const counters = (await database.get(COUNTERS, 'usage')) as SpaceUsage[] | undefined;
      const usage = new Map((counters ?? []).map(({ space, ...rest }) => [space, rest]));
      store = new IndexedDbStore(database, usage, options);
      return store;
    } catch (error) {
      throw translate(error);
    }
  }

  /** Deletes the database `name` of this origin with everything in it. */
  static async destroy(name: string): Promise<void> {
    try {
      await deleteDB(name);
    } catch (error) {
      throw translate(error);
    }
  }

  #lose(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLost = true;
    this.#database.close();
    this.#options.onLost?.();
  }

  get(space: Space, key: Uint8Array): Promise<Bytes | undefined> {
    assertKey(key);
    return this.#guard(async () => ownValue(await this.#database.get(space, exact(key))));
  }

  getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Bytes | undefined)[]> {
    for (const key of keys) assertKey(key);
    return this.#guard(async () => {
      if (keys.length === 0) return [];
      const drawer = this.#database.transaction(space, 'readonly').store;
      const values = await Promise.all(keys.map((key) => drawer.get(exact(key))));
      return values.map(ownValue);
    });
  }

  list(space: Space, range: KeyRange): Promise<Entry[]> {
    assertRange(range);
    return this.#guard(async () => {
      if (isEmptyRange(range)) return [];
      const bounds = keyRange(range);
      const drawer = this.#database.transaction(space, 'readonly').store;
      if (range.reverse === true) {
        const entries: Entry[] = [];
        let cursor = await drawer.openCursor(bounds, 'prev');
        while (cursor !== null && entries.length < range.limit) {
          entries.push({ key: ownKey(cursor.key), value: requiredValue(cursor.value) });
          if (entries.length < range.limit) cursor = await cursor.continue();
        }
        return entries;
      }
      const [keys, values] = await Promise.all([
        drawer.getAllKeys(bounds, range.limit),
        drawer.getAll(bounds, range.limit),
      ]);
      return keys.map((key, at) => ({ key: ownKey(key), value: requiredValue(values[at]) }));
    });
  }

  write(operations: readonly WriteOperation[], durability: 'relaxed' | 'strict'): Promise<void> {
    assertOperations(operations);
    return this.#guard(() =>
      this.#writes.run(async () => {
        if (this.#isLost) throw storeError('store-closed');
        await this.#options.onCrashPoint?.('store-write-begun');
        const transaction = this.#database.transaction(
          [...spacesOf(operations), COUNTERS],
          'readwrite',
          { durability },
        );
        // An aborted transaction must not also count as an unhandled rejection of `done`.
        transaction.done.catch(() => undefined);
        try {
          const delta = new UsageDelta();
          await performAll(transaction, operations, delta);
          const usage = delta.addTo(this.#usage);
          await transaction.objectStore(COUNTERS).put(usageList(usage), 'usage');
          await transaction.done;
          this.#usage = usage;
        } catch (error) {
          abortQuietly(transaction);
          throw error;
        }
        await this.#options.onCrashPoint?.('store-write-done');
      }),
    );
  }

  usage(): Promise<SpaceUsage[]> {
    return this.#guard(async () => usageList(this.#usage));
  }

  clear(): Promise<void> {
    return this.#guard(() =>
      this.#writes.run(async () => {
        const transaction = this.#database.transaction([...SPACES, COUNTERS], 'readwrite', {
          durability: 'strict',
        });
        await Promise.all([
          ...[...SPACES, COUNTERS].map((name) => transaction.objectStore(name).clear()),
          transaction.done,
        ]);
        this.#usage = new Map();
      }),
    );
  }

  async close(): Promise<void> {
    if (this.#isClosed) return this.#writes.idle();
    this.#isClosed = true;
    await this.#writes.idle();
    this.#database.close();
  }

  async #guard<Value>(task: () => Promise<Value>): Promise<Value> {
    if (this.#isClosed) throw storeError('store-closed');
    try {
      return await task();
    } catch (error) {
      throw translate(error);
    }
  }
}

/**
 * Performs operations in order. Awaits only requests of this transaction, so it stays alive, and
 * asks for everything before it waits: IndexedDB keeps the order, and waiting for each answer took
 * as long again as the writing.
 */
async function performAll(
  transaction: WriteTransaction,
  operations: readonly WriteOperation[],
  delta: UsageDelta,
): Promise<void> {
  const pending: Promise<void>[] = [];
  for (const operation of operations) {
    const drawer = transaction.objectStore(operation.space);
    if (operation.kind === 'delete-range') {
      await deleteRange(drawer, operation, delta);
      continue;
    }
    const done = performOne(drawer, operation, delta);
    done.catch(() => undefined); // Seen below, unless a range fails before.
    pending.push(done);
  }
  await Promise.all(pending);
}

async function deleteRange(
  drawer: WriteDrawer,
  operation: WriteOperation & { readonly kind: 'delete-range' },
  delta: UsageDelta,
): Promise<void> {
  if (isEmptyRange(operation)) return;
  const bounds = keyRange(operation);
  let cursor = await drawer.openCursor(bounds);
  while (cursor !== null) {
    const removed = ownKey(cursor.key).length + requiredValue(cursor.value).length;
    delta.note(operation.space, { removed });
    cursor = await cursor.continue();
  }
  if (bounds !== null) await drawer.delete(bounds);
}

/** Puts or deletes, and notes what the key held just before. */
async function performOne(
  drawer: WriteDrawer,
  operation: WriteOperation & { readonly kind: 'put' | 'delete' },
  delta: UsageDelta,
): Promise<void> {
  const { space } = operation;
  const key = exact(operation.key);
  const before = drawer.get(key);
  if (operation.kind === 'delete') {
    const [old] = await Promise.all([before, drawer.delete(key)]);
    if (old !== undefined) delta.note(space, { removed: key.length + requiredValue(old).length });
    return;
  }
  const [old] = await Promise.all([before, drawer.put(exact(operation.value), key)]);
  if (old !== undefined) delta.note(space, { removed: key.length + requiredValue(old).length });
  delta.note(space, { added: key.length + operation.value.length });
}

function abortQuietly(transaction: WriteTransaction): void {
  try {
    transaction.abort();
  } catch {
    // It had aborted by itself (quota), which is what the caller is told.
  }
}

/** Bytes that own their whole buffer: structured clone would copy all of a shared one. */
function exact(bytes: Uint8Array): Bytes {
  return new Uint8Array(bytes);
}

function ownKey(key: IDBValidKey): Bytes {
  if (key instanceof ArrayBuffer) return new Uint8Array(key);
  throw storeError('store-failed', new Error('a key is not binary'));
}

function ownValue(value: unknown): Bytes | undefined {
  return value === undefined ? undefined : requiredValue(value);
}

function requiredValue(value: unknown): Bytes {
  // Every value was written by `performOne`, and is read as a fresh clone.
  if (value instanceof Uint8Array) return value as Bytes;
  throw storeError('store-failed', new Error('a value is not binary'));
}

function usageList(usage: UsageTable): SpaceUsage[] {
  return SPACES.map((space) => ({ space, ...(usage.get(space) ?? { count: 0, bytes: 0 }) }));
}

type Bounds = { readonly from?: Uint8Array; readonly to?: Uint8Array };

/** IndexedDB throws on a range whose bounds cross, where ours is merely empty. */
function isEmptyRange(range: Bounds): boolean {
  return (
    range.from !== undefined &&
    range.to !== undefined &&
    indexedDB.cmp(exact(range.from), exact(range.to)) >= 0
  );
}

function keyRange({ from, to }: Bounds): IDBKeyRange | null {
  if (from !== undefined && to !== undefined) {
    return IDBKeyRange.bound(exact(from), exact(to), false, true);
  }
  if (from !== undefined) return IDBKeyRange.lowerBound(exact(from));
  return to === undefined ? null : IDBKeyRange.upperBound(exact(to), true);
}

const CODES: { readonly [name: string]: StoreErrorCode } = {
  QuotaExceededError: 'store-full',
  VersionError: 'store-too-new',
  InvalidStateError: 'store-closed',
};

function translate(error: unknown): unknown {
  if (error instanceof TabellionError) return error;
  if (!(error instanceof DOMException)) return error;
  return storeError(CODES[error.name] ?? 'store-failed', error);
}
