import type { Page } from '@playwright/test';
import type { Entry, Space } from '../storage/index.ts';
import { MemoryStore, SPACES } from '../storage/index.ts';

// The node's IndexedDB in a tab, read and changed by a page of its origin on which no node runs.

type Dump = readonly (readonly [space: string, key: string, value: string])[];

type StoredRecord = Entry & { readonly space: Space };

/** Every record of the node's database, sorted by key in each space; absent before there is one. */
async function readDatabase(page: Page): Promise<readonly StoredRecord[] | undefined> {
  const dump = await page.evaluate(async (spaces): Promise<Dump | undefined> => {
    const resultOf = <Value>(request: IDBRequest<Value>): Promise<Value> =>
      new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    const textOf = (value: unknown): string => {
      // Keys are buffers, values arrays of bytes: `IndexedDbStore` writes nothing else.
      const bytes = value instanceof Uint8Array ? value : new Uint8Array(value as ArrayBuffer);
      let text = '';
      for (const byte of bytes) text += String.fromCharCode(byte);
      return btoa(text);
    };
    const names = (await indexedDB.databases()).map((each) => each.name ?? '');
    const name = names.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each));
    if (name === undefined) return undefined;
    const database = await resultOf(indexedDB.open(name));
    const found: [string, string, string][] = [];
    for (const space of spaces) {
      const drawer = database.transaction(space).objectStore(space);
      const [keys, values] = await Promise.all([
        resultOf(drawer.getAllKeys()),
        resultOf(drawer.getAll()),
      ]);
      keys.forEach((key, at) => {
        found.push([space, textOf(key), textOf(values[at])]);
      });
    }
    database.close();
    return found;
  }, SPACES);
  const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
  return dump?.map(([space, key, value]) => {
    // Asked for by these names.
    return { space: space as Space, key: bytesOf(key), value: bytesOf(value) };
  });
}

/** A copy of the node's database as it was left; absent before the first start made one. */
export async function copyDatabase(page: Page): Promise<MemoryStore | undefined> {
  const records = await readDatabase(page);
  if (records === undefined) return undefined;
  const store = new MemoryStore();
  await store.write(
    records.map((record) => ({ kind: 'put', ...record }) as const),
    'strict',
  );
  return store;
}

/** All records of one space of that database, sorted by key. */
export async function recordsOf(page: Page, space: Space): Promise<readonly Entry[]> {
  return ((await readDatabase(page)) ?? []).filter((record) => record.space === space);
}

/** A record as a disk left it; without a value it is lost. */
export type DamagedRecord = {
  readonly key: Uint8Array;
  readonly value: Uint8Array | undefined;
};

/** Puts, or deletes, records of one space of the node's database. */
export async function damageDatabase(
  page: Page,
  space: Space,
  records: readonly DamagedRecord[],
): Promise<void> {
  const textOf = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const changes = records.map(({ key, value }) => ({
    key: textOf(key),
    value: value === undefined ? undefined : textOf(value),
  }));
  const damage = async ([name, all]: readonly [string, typeof changes]): Promise<void> => {
    const bytesOf = (text: string) => Uint8Array.from(atob(text), (each) => each.charCodeAt(0));
    const ended = (request: IDBRequest | IDBTransaction): Promise<void> =>
      new Promise((resolve, reject) => {
        request.addEventListener('complete', () => resolve());
        request.addEventListener('success', () => resolve());
        request.addEventListener('error', () => reject(request.error));
      });
    const names = (await indexedDB.databases()).map((each) => each.name ?? '');
    const opening = indexedDB.open(
      names.find((each) => /^tabellion-[0-9a-f]{16}$/.test(each)) ?? '',
    );
    await ended(opening);
    const writing = opening.result.transaction(name, 'readwrite', { durability: 'strict' });
    const drawer = writing.objectStore(name);
    for (const { key, value } of all) {
      if (value === undefined) drawer.delete(bytesOf(key));
      else drawer.put(bytesOf(value), bytesOf(key));
    }
    await ended(writing);
    opening.result.close();
  };
  await page.evaluate(damage, [space, changes] as const);
}
