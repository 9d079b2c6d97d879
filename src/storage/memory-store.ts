import type { Bytes } from '../base/index.ts';
import { defined } from '../base/index.ts';
import { storeError } from './errors.ts';
import { assertKey, assertOperations, assertRange, Turnstile } from './operations.ts';
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

/** Faults that a test may ask for. */
export type MemoryStoreOptions = CrashPointOptions & {
  /** The n-th write (from 1) and all later ones reject with `store-full`. */
  readonly fullAtWrite?: number;
};

/** Keys as text of one character a byte, whose order is that of the bytes. */
type Drawer = { readonly entries: Map<string, Bytes>; sorted: string[] | undefined };

type Batch = readonly WriteOperation[];

/** Keeps everything in memory: for tests, simulations, and nodes that need not remember. */
export class MemoryStore implements KeyValueStore {
  #drawers: Map<Space, Drawer>;
  /** What the last strict write made durable, and the relaxed batches since. */
  #durable: Map<Space, ReadonlyMap<string, Bytes>> | undefined;
  #unsynced: Batch[] = [];
  #isClosed = false;
  #isKilled = false;
  #writes = 0;
  readonly #turnstile = new Turnstile();
  readonly #options: MemoryStoreOptions;

  constructor(options: MemoryStoreOptions = {}) {
    this.#options = options;
    this.#drawers = emptyDrawers();
  }

  /**
   * What a new process would find after this one was killed: a fresh store with all durable
   * writes, and the first `unsyncedKept` (default: all, as after a mere kill of the process) of
   * the relaxed writes since the last strict one. This store is closed.
   */
  crash(options: MemoryStoreOptions & { readonly unsyncedKept?: number } = {}): MemoryStore {
    const survivor = new MemoryStore(options);
    const kept = options.unsyncedKept ?? this.#unsynced.length;
    for (const space of SPACES) {
      const target = drawerOf(survivor.#drawers, space).entries;
      for (const [key, value] of this.#durable?.get(space) ?? []) target.set(key, value);
    }
    for (const batch of this.#unsynced.slice(0, kept)) perform(survivor.#drawers, batch);
    survivor.#markDurable();
    this.#isClosed = true;
    this.#isKilled = true;
    return survivor;
  }

  /** A store of its own with the same content, all of it durable; this one goes on. */
  copy(): MemoryStore {
    const copy = new MemoryStore();
    for (const [space, { entries }] of this.#drawers) {
      const target = drawerOf(copy.#drawers, space).entries;
      for (const [key, value] of entries) target.set(key, value);
    }
    copy.#markDurable();
    return copy;
  }

  /** Relaxed writes since the last strict one. */
  get unsyncedCount(): number {
    return this.#unsynced.length;
  }

  /** Writes accepted or refused so far. */
  get writeCount(): number {
    return this.#writes;
  }

  #assertOpen(): void {
    if (this.#isClosed) throw storeError('store-closed');
  }

  #markDurable(): void {
    this.#durable = new Map(
      SPACES.map((space) => [space, new Map(drawerOf(this.#drawers, space).entries)]),
    );
    this.#unsynced = [];
  }

  async get(space: Space, key: Uint8Array): Promise<Bytes | undefined> {
    this.#assertOpen();
    assertKey(key);
    return drawerOf(this.#drawers, space).entries.get(keyText(key))?.slice();
  }

  async getMany(space: Space, keys: readonly Uint8Array[]): Promise<(Bytes | undefined)[]> {
    this.#assertOpen();
    const { entries } = drawerOf(this.#drawers, space);
    return keys.map((key) => {
      assertKey(key);
      return entries.get(keyText(key))?.slice();
    });
  }

  async list(space: Space, range: KeyRange): Promise<Entry[]> {
    this.#assertOpen();
    assertRange(range);
    const drawer = drawerOf(this.#drawers, space);
    const found = keysInRange(drawer, range);
    if (range.reverse === true) found.reverse();
    return found.slice(0, range.limit).map((text) => ({
      key: keyBytes(text),
      value: defined(drawer.entries.get(text), 'listed key').slice(),
    }));
  }

  async write(
    operations: readonly WriteOperation[],
    durability: 'relaxed' | 'strict',
  ): Promise<void> {
    this.#assertOpen();
    assertOperations(operations);
    const batch = operations.map(copyOperation);
    return this.#turnstile.run(() => this.#perform(batch, durability));
  }

  async #perform(batch: Batch, durability: 'relaxed' | 'strict'): Promise<void> {
    this.#writes += 1;
    const { fullAtWrite } = this.#options;
    if (fullAtWrite !== undefined && this.#writes >= fullAtWrite) throw storeError('store-full');
    await this.#options.onCrashPoint?.('store-write-begun');
    if (this.#isKilled) throw storeError('store-closed');
    perform(this.#drawers, batch);
    this.#unsynced.push(batch);
    if (durability === 'strict') this.#makeDurable();
    await this.#options.onCrashPoint?.('store-write-done');
  }

  /** Folds the relaxed batches into what a crash leaves; cheaper than copying everything. */
  #makeDurable(): void {
    const durable = new Map<Space, Drawer>();
    for (const space of SPACES) {
      const entries = this.#durable?.get(space) ?? new Map<string, Bytes>();
      // The map is this store's own: `#markDurable` or this function made it.
      durable.set(space, { entries: entries as Map<string, Bytes>, sorted: undefined });
    }
    for (const batch of this.#unsynced) perform(durable, batch);
    this.#durable = new Map([...durable].map(([space, drawer]) => [space, drawer.entries]));
    this.#unsynced = [];
  }

  async usage(): Promise<SpaceUsage[]> {
    this.#assertOpen();
    return SPACES.map((space) => {
      const { entries } = drawerOf(this.#drawers, space);
      let bytes = 0;
      for (const [key, value] of entries) bytes += key.length + value.length;
      return { space, count: entries.size, bytes };
    });
  }

  async clear(): Promise<void> {
    this.#assertOpen();
    this.#drawers = emptyDrawers();
    this.#markDurable();
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#turnstile.idle();
  }
}

function emptyDrawers(): Map<Space, Drawer> {
  return new Map(SPACES.map((space) => [space, { entries: new Map(), sorted: undefined }]));
}

function drawerOf(drawers: ReadonlyMap<Space, Drawer>, space: Space): Drawer {
  return defined(drawers.get(space), 'one drawer a space');
}

function keyText(key: Uint8Array): string {
  return String.fromCharCode(...key);
}

function keyBytes(text: string): Bytes {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function copyOperation(operation: WriteOperation): WriteOperation {
  return operation.kind === 'put' ? { ...operation, value: operation.value.slice() } : operation;
}

function perform(drawers: ReadonlyMap<Space, Drawer>, operations: Batch): void {
  for (const operation of operations) {
    const drawer = drawerOf(drawers, operation.space);
    switch (operation.kind) {
      case 'put': {
        const key = keyText(operation.key);
        if (!drawer.entries.has(key)) drawer.sorted = undefined;
        drawer.entries.set(key, operation.value.slice());
        break;
      }
      case 'delete':
        if (drawer.entries.delete(keyText(operation.key))) drawer.sorted = undefined;
        break;
      case 'delete-range':
        for (const key of keysInRange(drawer, operation)) drawer.entries.delete(key);
        drawer.sorted = undefined;
        break;
    }
  }
}

function keysInRange(
  drawer: Drawer,
  range: { readonly from?: Uint8Array; readonly to?: Uint8Array },
): string[] {
  // Code units below 256 compare as the bytes do.
  drawer.sorted ??= [...drawer.entries.keys()].sort((left, right) => (left < right ? -1 : 1));
  const from = range.from === undefined ? '' : keyText(range.from);
  const start = lowerBound(drawer.sorted, from);
  const end =
    range.to === undefined ? drawer.sorted.length : lowerBound(drawer.sorted, keyText(range.to));
  return drawer.sorted.slice(start, Math.max(start, end));
}

function lowerBound(sorted: readonly string[], key: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (defined(sorted[middle], 'inside') < key) low = middle + 1;
    else high = middle;
  }
  return low;
}
