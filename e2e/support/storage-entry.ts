import { errorToData } from '../../src/base/index.ts';
import type { StoreLoss } from '../../src/storage/indexed-db-store.ts';
import { IndexedDbStore } from '../../src/storage/indexed-db-store.ts';

// What happens to a store in a browser: run inside a dedicated worker, one call after another.

type Opened = { readonly store: IndexedDbStore; readonly losses: StoreLoss[] };
const opened = new Map<string, Opened>();

const keyOf = (value: number) => Uint8Array.of(value >> 8, value & 255);

function openedAs(handle: string): Opened {
  const found = opened.get(handle);
  if (found === undefined) throw new Error(`nothing is open as ${handle}`);
  return found;
}

/** `done`, or the code of what went wrong. */
async function outcomeOf(task: Promise<unknown>): Promise<string> {
  return task.then(
    () => 'done',
    (error: unknown) => errorToData(error).code,
  );
}

/** Opens a database under a handle. */
export function open(handle: string, name: string, epoch?: number): Promise<string> {
  const losses: StoreLoss[] = [];
  const options = { onLost: (loss: StoreLoss) => void losses.push(loss) };
  const opening = IndexedDbStore.open(name, epoch === undefined ? options : { ...options, epoch });
  return outcomeOf(opening.then((store) => opened.set(handle, { store, losses })));
}

/** Writes records of some bytes each, all in one batch. */
export function write(handle: string, keys: readonly number[], bytes = 1): Promise<string> {
  const value = crypto.getRandomValues(new Uint8Array(Math.min(bytes, 65_536)));
  const operations = keys.map((key) => {
    const whole = new Uint8Array(bytes);
    for (let at = 0; at < bytes; at += value.length) {
      whole.set(value.subarray(0, bytes - at), at);
    }
    return { kind: 'put', space: 'journal', key: keyOf(key), value: whole } as const;
  });
  return outcomeOf(openedAs(handle).store.write(operations, 'relaxed'));
}

export function clear(handle: string): Promise<string> {
  return outcomeOf(openedAs(handle).store.clear());
}

/** Keys in the journal, or the code of what went wrong. */
export async function keys(handle: string): Promise<readonly number[] | string> {
  try {
    const entries = await openedAs(handle).store.list('journal', { limit: 1000 });
    return entries.map(({ key }) => (key[0] ?? 0) * 256 + (key[1] ?? 0));
  } catch (error) {
    return errorToData(error).code;
  }
}

/** Bytes that the store counts in its journal. */
export async function journalBytes(handle: string): Promise<number> {
  const usage = await openedAs(handle).store.usage();
  return usage.find(({ space }) => space === 'journal')?.bytes ?? 0;
}

/** Why connections were taken away. */
export function losses(handle: string): readonly StoreLoss[] {
  return openedAs(handle).losses;
}

/** Lets one writer write on and on while a later one opens; says what each saw. */
export async function race(name: string): Promise<{
  readonly outcomes: readonly string[];
  readonly atOpening: number;
  readonly afterwards: number;
}> {
  await open('early', name, 1);
  const writes = Array.from({ length: 200 }, (_, at) => write('early', [at], 2_000));
  await writes[20];
  await open('late', name, 2);
  const { store } = openedAs('late');
  const atOpening = (await store.list('journal', { limit: 1000 })).length;
  const outcomes = await Promise.all(writes);
  const afterwards = (await store.list('journal', { limit: 1000 })).length;
  return { outcomes, atOpening, afterwards };
}

/** Deletes a database as another tab would; waits for whoever has it open. */
export function destroy(name: string): Promise<string> {
  return outcomeOf(IndexedDbStore.destroy(name));
}

/** Makes a database as a later version of this program would. */
export function makeLater(name: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1_000);
    request.onsuccess = () => {
      request.result.close();
      resolve('done');
    };
    request.onerror = () => reject(request.error);
  });
}
