import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Ledger } from '../ledger/index.ts';
import { openLedgerStore } from '../node/index.ts';
import type { KeyValueStore, WriteOperation } from '../storage/index.ts';
import { LevelDbStore } from '../storage/level-db-store.ts';
import { Broken } from './failure.ts';
import type { Random } from './random.ts';
import type { VoteBook } from './votes.ts';
import type { Witness } from './witness.ts';

/** By what a store that nobody runs on is judged. */
export type Judges = {
  readonly ledger: Ledger;
  readonly witness: Witness;
  readonly votes: VoteBook;
};

/** Opens what a killed node left, checks all of it, and returns the height of its head. */
export async function judgeStore(store: KeyValueStore, judges: Judges): Promise<number> {
  const { ledger, witness, votes } = judges;
  await votes.read(store, ledger);
  const ledgerStore = await openLedgerStore({ store, ledger }).catch((error: unknown) => {
    throw new Broken(`the store does not open: ${String(error)}`);
  });
  await witness.compare(ledgerStore);
  const { height } = ledgerStore.head().header;
  await ledgerStore.close();
  return height;
}

/** Judges a copy of a database: the node itself finds what the kill left, untouched. */
export function judgeDatabase(database: string, judges: Judges): Promise<number> {
  return withCopy(database, (store) => judgeStore(store, judges));
}

/** Lets somebody read, and write, a copy of a database on which nobody runs now. */
export async function withCopy<Value>(
  database: string,
  use: (store: KeyValueStore) => Promise<Value>,
): Promise<Value> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-dead-'));
  try {
    const copy = join(folder, 'database');
    await cp(database, copy, { recursive: true });
    const store = await LevelDbStore.open(copy);
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Changes a database itself, on which nobody runs now. */
export async function writeDead(
  database: string,
  operations: readonly WriteOperation[],
): Promise<void> {
  const store = await LevelDbStore.open(database);
  try {
    await store.write(operations, 'strict');
  } finally {
    await store.close();
  }
}

/** Flips a bit of the newest journal record, as a bad sector would; false when there is none. */
export async function spoilJournal(database: string): Promise<boolean> {
  const store = await LevelDbStore.open(database);
  try {
    const newest = (await store.list('journal', { reverse: true, limit: 1 }))[0];
    if (newest === undefined || newest.value.length === 0) return false;
    const middle = newest.value.length >> 1;
    const value = newest.value.map((byte, at) => (at === middle ? byte ^ 8 : byte));
    await store.write([{ kind: 'put', space: 'journal', key: newest.key, value }], 'strict');
    return true;
  } finally {
    await store.close();
  }
}

/**
 * Damages the newest log file of a LevelDB folder near its end, as a disk would that lied about
 * what it wrote: the file ends early, or one bit of it is another.
 */
export async function tearDatabase(database: string, random: Random): Promise<string> {
  const logs = (await readdir(database)).filter((name) => name.endsWith('.log')).sort();
  const path = join(database, logs.at(-1) ?? '');
  const content = await readFile(path);
  const byte = Math.max(0, content.length - random.whole(1, Math.min(8_000, content.length)));
  if (random.next() < 0.5) {
    await writeFile(path, content.subarray(0, byte));
    return `log file cut at ${byte} of ${content.length}`;
  }
  content[byte] = (content[byte] ?? 0) ^ (1 << random.whole(0, 7));
  await writeFile(path, content);
  return `log file flipped at ${byte} of ${content.length}`;
}

/** A copy of a database beside it, to be put back. */
export async function keepDatabase(database: string): Promise<() => Promise<void>> {
  const copy = `${database}.kept`;
  await cp(database, copy, { recursive: true });
  return async () => {
    await rm(database, { recursive: true, force: true });
    await cp(copy, database, { recursive: true });
    await rm(copy, { recursive: true, force: true });
  };
}
