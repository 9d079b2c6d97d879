import type { Bytes } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';

/**
 * What execution reads: the state after some block, synchronously.
 *
 * `get` throws {@link MissingKey} when the value is not in memory (absent from the state is
 * `undefined`, which is something else). The returned bytes are neither retained nor mutated.
 */
export interface StateView {
  get(key: Bytes): Bytes | undefined;
}

/**
 * Says that a value must be loaded first; the kernel catches it at its edge and answers
 * `missing-keys`. The one sanctioned exception of this room: it unwinds execution, nothing else.
 */
export class MissingKey extends Error {
  override readonly name = 'MissingKey';
  readonly key: Bytes;

  constructor(key: Bytes) {
    // It is thrown for each value that is to be loaded, and where it came from is no question: the
    // trace took most of its time.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super('missing-key');
    Error.stackTraceLimit = stackTraceLimit;
    this.key = key;
  }
}

/** The end of a reading that needs more of the state in memory: load these keys, run it again. */
export type MissingKeys = { readonly kind: 'missing-keys'; readonly keys: readonly Bytes[] };

/** Runs a synchronous reading; a {@link MissingKey} becomes a value. */
export function attempt<Value>(
  read: () => Value,
): { readonly kind: 'done'; readonly value: Value } | MissingKeys {
  try {
    return { kind: 'done', value: read() };
  } catch (error) {
    if (error instanceof MissingKey) return { kind: 'missing-keys', keys: [error.key] };
    throw error;
  }
}

/** Which of some keys a view does not hold in memory. */
export function missingKeysOf(view: StateView, keys: Iterable<Bytes>): Bytes[] {
  const missing: Bytes[] = [];
  for (const key of keys) {
    const found = attempt(() => view.get(key));
    if (found.kind === 'missing-keys') missing.push(key);
  }
  return missing;
}

/** One key's new value; an absent value deletes it. */
export type StateChange = { readonly key: Bytes; readonly value: Bytes | undefined };

/** A value met by an overlay: its bytes, its decoded form, or both, as they were asked for. */
export type StateEntry = {
  /** Absent from the state, or not encoded yet: see `encoded`. */
  value: Bytes | undefined;
  decoded: unknown;
  /** Gives the bytes of `decoded` once they are needed; most writes are written over before. */
  encode: ((decoded: never) => Bytes) | undefined;
};

/** Where an overlay keeps what it knows of one key. */
export type StateSlot = {
  readonly key: Bytes;
  readonly text: string;
  /** The first five bytes of the key as a number, big-endian: they order nearly all keys. */
  readonly rank: number;
  /** What the view holds. */
  readonly original: StateEntry;
  /** What stands there now: the original until something is written. */
  entry: StateEntry;
  isWritten: boolean;
};

/** The bytes of an entry; undefined when the state has none. */
function encoded(entry: StateEntry): Bytes | undefined {
  if (entry.value === undefined && entry.encode !== undefined) {
    // Whoever set it gave a function for this very value.
    entry.value = entry.encode(entry.decoded as never);
  }
  return entry.value;
}

/** State that execution reads and writes; see {@link Overlay}. */
export interface MutableState extends StateView {
  /** Tells overlays apart: a slot belongs to the one that gave it. */
  readonly number: number;
  /** @param text That of the key, by `textOf`, where it is known already. */
  slot(key: Bytes, text?: string): StateSlot;
  /** Puts an entry into a slot of this state. */
  put(slot: StateSlot, entry: StateEntry): void;
  set(key: Bytes, value: Bytes | undefined): void;
}

/** Codes of a key on their way into a text, by the key's length; longer ones take the long way. */
const codes = Array.from({ length: 129 }, (_, length) => new Array<number>(length).fill(0));

/**
 * A map key of one character a byte: cheaper than hexadecimal, and as exact. Engines take an array
 * of numbers apart sooner than bytes.
 */
export function textOf(key: Uint8Array): string {
  const { length } = key;
  const list = codes[length] ?? new Array<number>(length);
  for (let at = 0; at < length; at++) list[at] = key[at] as number; // Inside.
  return String.fromCharCode.apply(null, list);
}

/** The first five bytes of a key; bytes that it does not have count as zeros. */
function rankOf(key: Uint8Array): number {
  const low = ((key[2] ?? 0) << 16) | ((key[3] ?? 0) << 8) | (key[4] ?? 0);
  return (((key[0] ?? 0) << 8) | (key[1] ?? 0)) * 0x100_0000 + low;
}

let overlays = 0;

/** Writes on top of a view, kept in memory, that can be undone back to a savepoint. */
export class Overlay implements MutableState {
  readonly number = ++overlays;
  readonly #view: StateView;
  /** What was read from the view and what was written over it, by the text of its key. */
  readonly #slots = new Map<string, StateSlot>();
  /** Those that were written, undone or not. */
  readonly #written: StateSlot[] = [];
  /** The slots that were written, in that order, and what stood there before. */
  readonly #undoSlots: StateSlot[] = [];
  readonly #undoEntries: StateEntry[] = [];

  constructor(view: StateView) {
    this.#view = view;
  }

  slot(key: Bytes, text: string = textOf(key)): StateSlot {
    const known = this.#slots.get(text);
    if (known !== undefined) return known;
    const entry = { value: this.#view.get(key), decoded: undefined, encode: undefined };
    const slot = { key, text, rank: rankOf(key), original: entry, entry, isWritten: false };
    this.#slots.set(text, slot);
    return slot;
  }

  get(key: Bytes): Bytes | undefined {
    return encoded(this.slot(key).entry);
  }

  set(key: Bytes, value: Bytes | undefined): void {
    this.put(this.slot(key), { value, decoded: undefined, encode: undefined });
  }

  put(slot: StateSlot, entry: StateEntry): void {
    if (!slot.isWritten) {
      slot.isWritten = true;
      this.#written.push(slot);
    }
    this.#undoSlots.push(slot);
    this.#undoEntries.push(slot.entry);
    slot.entry = entry;
  }

  /** A point to return to. */
  savepoint(): number {
    return this.#undoSlots.length;
  }

  /** Undoes every write since a savepoint. */
  rollback(savepoint: number): void {
    while (this.#undoSlots.length > savepoint) {
      const slot = this.#undoSlots.pop();
      const entry = this.#undoEntries.pop();
      if (slot !== undefined && entry !== undefined) slot.entry = entry;
    }
  }

  /** Slots that hold something else than the view does, sorted by key. */
  #changed(): StateSlot[] {
    const changed: StateSlot[] = [];
    for (const slot of this.#written) {
      const { entry, original } = slot;
      if (entry !== original && !isSame(encoded(original), encoded(entry))) changed.push(slot);
    }
    return sortByKey(changed);
  }

  /** What the view would have to change to become this, sorted by key; no change says nothing. */
  changes(): StateChange[] {
    return this.#changed().map(({ key, entry }) => ({ key, value: encoded(entry) }));
  }

  /** The changes together with the values before them. */
  differences(): { readonly key: Bytes; before: Bytes | undefined; after: Bytes | undefined }[] {
    return this.#changed().map(({ key, entry, original }) => ({
      key,
      before: original.value,
      after: encoded(entry),
    }));
  }
}

function isSame(left: Bytes | undefined, right: Bytes | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return equalBytes(left, right);
}

/** Beyond so many, place and rank do not fit into one number. */
const RANKED_MAX = 0x2000;

// One character is one byte, so the order of these texts is the order of the bytes.
function compareSlots(left: StateSlot, right: StateSlot): number {
  return left.rank - right.rank || (left.text < right.text ? -1 : 1);
}

/**
 * Sorts slots of different keys. Rank and place go into one number, since engines sort numbers in a
 * fifth of the time that calling back takes; keys of one rank, which are rare, are put right after.
 * Whoever chose many of them has them sorted the other way.
 */
function sortByKey(slots: StateSlot[]): StateSlot[] {
  const { length } = slots;
  if (length > RANKED_MAX) return slots.sort(compareSlots);
  const numbers = new Float64Array(length);
  for (let at = 0; at < length; at++) {
    numbers[at] = (slots[at] as StateSlot).rank * RANKED_MAX + at; // Inside, as below.
  }
  numbers.sort();
  const sorted: StateSlot[] = [];
  let moved = 0;
  for (let place = 0; place < length; place++) {
    const number = numbers[place] as number;
    const slot = slots[number - Math.floor(number / RANKED_MAX) * RANKED_MAX] as StateSlot;
    let to = place;
    for (; to > 0 && compareSlots(sorted[to - 1] as StateSlot, slot) > 0; to--) {
      sorted[to] = sorted[to - 1] as StateSlot;
      moved += 1;
      if (moved > length) return slots.sort(compareSlots);
    }
    sorted[to] = slot;
  }
  return sorted;
}

/** A view over plain changes, as genesis and tests use it. */
export function viewOfChanges(changes: readonly StateChange[]): StateView {
  const values = new Map(changes.map(({ key, value }) => [textOf(key), value]));
  return { get: (key) => values.get(textOf(key)) };
}
