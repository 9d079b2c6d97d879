import { deleteDB, openDB } from 'idb';
import { hashSuite, loadFastHashing } from '../../src/crypto/index.ts';
import { IndexedDbStore } from '../../src/storage/indexed-db-store.ts';
import { commitMs, WARM_UP_ROUNDS } from './records.ts';
import { referenceUpdateMs } from './reference.ts';
import { rootUpdateMs } from './tree.ts';
import { roundsOf } from './workload.ts';

// What a tab's worker does; runs in Chromium by `openChromiumHome`.

type Durability = 'relaxed' | 'strict';

export async function rootUpdates(rounds: number): Promise<number[]> {
  await loadFastHashing();
  return rootUpdateMs(hashSuite('blake3-256'), rounds);
}

export function referenceUpdates(keys: number, rounds: number): Promise<number[]> {
  return referenceUpdateMs(keys, rounds);
}

export async function commits(rounds: number, durability: Durability): Promise<number[]> {
  await loadFastHashing();
  const name = `commits-${durability}`;
  const store = await IndexedDbStore.open(name, { epoch: 1 });
  try {
    return await commitMs(store, rounds, durability);
  } finally {
    await store.close();
    await IndexedDbStore.destroy(name);
  }
}

/** The same changes as one record a key, all in one transaction. */
export async function recordsPerKey(rounds: number, durability: Durability): Promise<number[]> {
  const name = `records-${durability}`;
  const database = await openDB(name, 1, {
    upgrade: (fresh) => void fresh.createObjectStore('state'),
  });
  const samples: number[] = [];
  for (const changes of roundsOf(WARM_UP_ROUNDS + rounds)) {
    const records = changes.map(({ key, value }) => ({ key: key.slice(), value: value.slice() }));
    const startedMs = performance.now();
    const transaction = database.transaction('state', 'readwrite', { durability });
    for (const { key, value } of records) void transaction.store.put(value, key);
    await transaction.done;
    samples.push(performance.now() - startedMs);
  }
  database.close();
  await deleteDB(name);
  return samples.slice(WARM_UP_ROUNDS);
}
