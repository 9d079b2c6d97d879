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
/** The store's own object store: usage counters, and the epoch of the newest writer. */
const COUNTERS = 'counters';
const USAGE_KEY = 'usage';
const FENCE_KEY = 'fence';

type Database = IDBPDatabase<unknown>;
type WriteTransaction = IDBPTransaction<unknown, string[], 'readwrite'>;
type WriteDrawer = IDBPObjectStore<unknown, string[], Space, 'readwrite'>;

/**
 * Why a store that was open is no more: the browser closed it (its data were deleted, or the disk
 * failed), another tab upgrades or deletes the database, or a writer of a later epoch opened it.
 */
export type StoreLoss = 'terminated' | 'version-change' | 'fenced';

/** Options of {@link IndexedDbStore.open}. */
export type IndexedDbStoreOptions = CrashPointOptions & {
  /**
   * Counts writers. Opening takes the database for this epoch, durably; each write reads it again
   * inside of its own transaction, so that one of an earlier epoch, thawed late, writes nothing
   * however its clock and its messages went. Without it nobody is kept out.
   */
  readonly epoch?: number;
  /** Called once when the connection was taken away. */
  readonly onLost?: (loss: StoreLoss) => void;
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
    let lost: StoreLoss | undefined;
    const lose = (loss: StoreLoss): void => {
      if (store === undefined) lost = loss;
      else store.#lose(loss);
    };
    try {
      const database = await openDB(name, FORMAT, {
        upgrade(fresh) {
          for (const space of SPACES) {
            if (!fresh.objectStoreNames.contains(space)) fresh.createObjectStore(space);
          }
          if (!fresh.objectStoreNames.contains(COUNTERS)) fresh.createObjectStore(COUNTERS);
        },
        // Another tab wants to upgrade or delete: holding on would block it for ever.
        blocking: () => lose('version-change'),
        terminated: () => lose('terminated'),
      });
      const usage = await enter(database, options.epoch).catch((error: unknown) => {
        database.close();
        throw error;
      });
      store = new IndexedDbStore(database, usage, options);
      if (lost !== undefined) store.#lose(lost);
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

  #lose(loss: StoreLoss): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#isLost = true;
    this.#database.close();
    this.#options.onLost?.(loss);
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
        await this.#perform(transaction, async () => {
          const delta = new UsageDelta();
          await performAll(transaction, operations, delta);
          return delta.addTo(this.#usage);
        });
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
        await this.#perform(transaction, async () => {
          // The fence stays: whoever was kept out is not let in by this.
          await Promise.all(SPACES.map((name) => transaction.objectStore(name).clear()));
          return new Map();
        });
      }),
    );
  }

  /** Runs a transaction to its end: all of `task`, its new usage, and the fence, or nothing. */
  async #perform(transaction: WriteTransaction, task: () => Promise<UsageTable>): Promise<void> {
    // An aborted transaction must not also count as an unhandled rejection of `done`.
    transaction.done.catch(() => undefined);
    const { epoch } = this.#options;
    try {
      const counters = transaction.objectStore(COUNTERS);
      // Asked first, answered first: nothing is waited for twice.
      const fence = epoch === undefined ? undefined : counters.get(FENCE_KEY);
      fence?.catch(() => undefined); // Seen below, unless the task fails before.
      const usage = await task();
      const held = await fence;
      if (held !== epoch) throw fencedAt(held);
      await counters.put(usageList(usage), USAGE_KEY);
      await transaction.done;
      this.#usage = usage;
    } catch (error) {
      abortQuietly(transaction);
      const failure = await causeOf(transaction, error);
      if (failure instanceof TabellionError && failure.code === 'store-in-use')
        this.#lose('fenced');
      // What the browser took away fails in the middle of a write, under many names.
      throw this.#isLost && failure instanceof DOMException ? storeError('store-closed') : failure;
    }
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

/** Takes the database for an epoch, and reads the usage that the writers before left. */
async function enter(database: Database, epoch: number | undefined): Promise<UsageTable> {
  if (epoch === undefined) return usageOf(await database.get(COUNTERS, USAGE_KEY));
  const transaction = database.transaction([COUNTERS], 'readwrite', { durability: 'strict' });
  transaction.done.catch(() => undefined);
  try {
    const counters = transaction.objectStore(COUNTERS);
    const [usage, fence] = await Promise.all([counters.get(USAGE_KEY), counters.get(FENCE_KEY)]);
    if (typeof fence === 'number' && fence > epoch) throw fencedAt(fence);
    await counters.put(epoch, FENCE_KEY);
    await transaction.done;
    return usageOf(usage);
  } catch (error) {
    abortQuietly(transaction);
    throw await causeOf(transaction, error);
  }
}

/** A later writer has the database; its epoch is told, for who rightly comes after it. */
function fencedAt(fence: unknown): TabellionError {
  const code: StoreErrorCode = 'store-in-use';
  return new TabellionError(code, typeof fence === 'number' ? { fence } : {});
}

/** Written by this code; absent before the first write. */
function usageOf(record: unknown): UsageTable {
  const list = (record ?? []) as readonly SpaceUsage[];
  return new Map(list.map(({ space, ...rest }) => [space, rest]));
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

/** What is used of a transaction that may have to be given up. */
type Abortable = Pick<WriteTransaction, 'abort' | 'done' | 'error'>;

function abortQuietly(transaction: Abortable): void {
  try {
    transaction.abort();
  } catch {
    // It had aborted by itself (quota), which is what the caller is told.
  }
}

/**
 * What made a transaction fail: where the browser aborts it (quota, a failing disk), each of its
 * requests says no more than that it was aborted.
 */
async function causeOf(transaction: Abortable, error: unknown): Promise<unknown> {
  if (!(error instanceof DOMException) || error.name !== 'AbortError') return error;
  await transaction.done.catch(() => undefined);
  return transaction.error ?? error;
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
