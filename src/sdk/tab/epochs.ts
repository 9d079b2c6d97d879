import { TabellionError } from '../../base/index.ts';
import type { OnCrashPoint } from '../../node/index.ts';

/** What is remembered of a profile's store outside of it. */
export type StoreMarker = {
  /** Absent while it is emptied on purpose. */
  readonly storeId: string | undefined;
  /** Whether the page's own storage knew of it too, for so long that this is surely on the disk. */
  readonly isWitnessed: boolean;
};

/**
 * Two small records that all tabs of a network share, outside of the node's database: who led last,
 * and which store this profile had.
 */
export interface EpochStore {
  /** Takes a number above every one taken before and above `atLeast`. */
  next(atLeast: number): Promise<number>;
  /** The highest number taken; 0 before the first. */
  current(): Promise<number>;
  /** Absent before the first store; `spoilt` when what is there is no mark. */
  marker(): Promise<StoreMarker | 'spoilt' | undefined>;
  /** Returns once the mark would survive a loss of power. */
  setMarker(marker: StoreMarker): Promise<void>;
  close(): void;
}

const STORE = 'epochs';
const KEY = 'leader';
const MARKER_KEY = 'store';
/** Sixteen bytes in hexadecimal. */
const STORE_ID = /^[0-9a-f]{32}$/;

/**
 * The records in a small IndexedDB database of its own, apart from the node's, whose opening and
 * upgrades it must not wait for. A transaction makes `next` atomic over all tabs. A database that
 * the browser deletes meanwhile is made again.
 */
export async function openIndexedDbEpochs(
  name: string,
  onCrashPoint?: OnCrashPoint,
): Promise<EpochStore> {
  const epochs = new IndexedDbEpochs(name, onCrashPoint);
  await epochs.current();
  return epochs;
}

class IndexedDbEpochs implements EpochStore {
  readonly #name: string;
  readonly #onCrashPoint: OnCrashPoint | undefined;
  #database: IDBDatabase | undefined;
  #isClosed = false;

  constructor(name: string, onCrashPoint: OnCrashPoint | undefined) {
    this.#name = name;
    this.#onCrashPoint = onCrashPoint;
  }

  async next(atLeast: number): Promise<number> {
    await this.#onCrashPoint?.('epoch-begun');
    const epoch = await this.#change(async (store) => {
      const next = Math.max(parseEpoch(await resultOf(store.get(KEY))), atLeast) + 1;
      store.put(next, KEY);
      return next;
    });
    await this.#onCrashPoint?.('epoch-done');
    return epoch;
  }

  async current(): Promise<number> {
    return parseEpoch(await this.#read(KEY));
  }

  async marker(): Promise<StoreMarker | 'spoilt' | undefined> {
    return parseMarker(await this.#read(MARKER_KEY));
  }

  async setMarker(marker: StoreMarker): Promise<void> {
    await this.#onCrashPoint?.('tab-marker-begun');
    await this.#change(async (store) => void store.put(marker, MARKER_KEY));
    await this.#onCrashPoint?.('tab-marker-done');
  }

  close(): void {
    this.#isClosed = true;
    this.#database?.close();
    this.#database = undefined;
  }

  async #read(key: string): Promise<unknown> {
    const transaction = await this.#begin('readonly');
    return resultOf(transaction.objectStore(STORE).get(key));
  }

  async #change<Value>(task: (store: IDBObjectStore) => Promise<Value>): Promise<Value> {
    const transaction = await this.#begin('readwrite');
    const done = new Promise<void>((resolve, reject) => {
      transaction.oncomplete = () => resolve();
      transaction.onabort = () => reject(failure(transaction.error));
    });
    done.catch(() => undefined); // Awaited below, unless the task fails before.
    const value = await task(transaction.objectStore(STORE));
    await done;
    return value;
  }

  async #begin(mode: IDBTransactionMode): Promise<IDBTransaction> {
    const options = { durability: 'strict' } as const;
    try {
      return (await this.#open()).transaction(STORE, mode, options);
    } catch (cause) {
      // The connection was closing under us, without a word yet: once more on a fresh one.
      if (this.#isClosed || !(cause instanceof DOMException)) throw cause;
      this.#database?.close();
      this.#database = undefined;
    }
    const database = await this.#open();
    try {
      return database.transaction(STORE, mode, options);
    } catch (cause) {
      throw failure(cause);
    }
  }

  async #open(): Promise<IDBDatabase> {
    if (this.#database !== undefined) return this.#database;
    if (this.#isClosed) throw new TabellionError('store-closed');
    const opening = indexedDB.open(this.#name, 1);
    opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE);
    const database = await resultOf(opening);
    const forget = (): void => {
      if (this.#database === database) this.#database = undefined;
    };
    database.onclose = forget;
    // Deleting the data of the site must not wait for us.
    database.onversionchange = () => {
      database.close();
      forget();
    };
    if (this.#isClosed) database.close();
    else this.#database = database;
    return database;
  }
}

/** An epoch as it is stored; any other value is as good as none: stores remember their own. */
export function parseEpoch(value: unknown): number {
  return Number.isSafeInteger(value) ? Math.max(Number(value), 0) : 0;
}

/** A mark as it is stored, and `spoilt` for any other value but none at all. */
export function parseMarker(value: unknown): StoreMarker | 'spoilt' | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== 'object' || value === null) return 'spoilt';
  const { storeId, isWitnessed, ...strange } = value as Partial<StoreMarker>; // Looked at below.
  const isId = storeId === undefined || (typeof storeId === 'string' && STORE_ID.test(storeId));
  const isMark = isId && typeof isWitnessed === 'boolean' && Object.keys(strange).length === 0;
  return isMark ? { storeId, isWitnessed } : 'spoilt';
}

function failure(cause: unknown): TabellionError {
  const isFull = cause instanceof DOMException && cause.name === 'QuotaExceededError';
  return new TabellionError(isFull ? 'store-full' : 'store-failed', {}, { cause });
}

function resultOf<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failure(request.error));
  });
}
