import { TabellionError } from '../../base/index.ts';
import type { OnCrashPoint } from '../../node/index.ts';

/** A counter shared by all tabs: whoever begins to lead takes the next number, durably. */
export interface EpochStore {
  /** Takes a number above every one taken before and above `atLeast`. */
  next(atLeast: number): Promise<number>;
  /** The highest number taken; 0 before the first. */
  current(): Promise<number>;
  close(): void;
}

const STORE = 'epochs';
const KEY = 'leader';

/**
 * The counter in a small IndexedDB database of its own, apart from the node's, whose opening and
 * upgrades it must not wait for. A transaction makes `next` atomic over all tabs.
 */
export async function openIndexedDbEpochs(
  name: string,
  onCrashPoint?: OnCrashPoint,
): Promise<EpochStore> {
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => void opening.result.createObjectStore(STORE);
  const database = await resultOf(opening);
  // Deleting the data of the site must not wait for us.
  database.onversionchange = () => database.close();
  return {
    async next(atLeast) {
      await onCrashPoint?.('epoch-begun');
      const transaction = begin(database, 'readwrite');
      const store = transaction.objectStore(STORE);
      const taken = numberOf(await resultOf(store.get(KEY)));
      const epoch = Math.max(taken, atLeast) + 1;
      store.put(epoch, KEY);
      await new Promise<void>((resolve, reject) => {
        transaction.oncomplete = () => resolve();
        transaction.onabort = () => reject(failure(transaction.error));
      });
      await onCrashPoint?.('epoch-done');
      return epoch;
    },
    async current() {
      return numberOf(await resultOf(begin(database, 'readonly').objectStore(STORE).get(KEY)));
    },
    close: () => database.close(),
  };
}

function begin(database: IDBDatabase, mode: IDBTransactionMode): IDBTransaction {
  try {
    return database.transaction(STORE, mode, { durability: 'strict' });
  } catch (cause) {
    throw failure(cause);
  }
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}

function failure(cause: unknown): TabellionError {
  return new TabellionError('store-failed', {}, { cause });
}

function resultOf<Value>(request: IDBRequest<Value>): Promise<Value> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(failure(request.error));
  });
}
