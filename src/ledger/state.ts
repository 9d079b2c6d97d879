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
    super('missing-key');
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
  readonly key: Bytes;
  /** Absent from the state, or not encoded yet: see `encoded`. */
  value: Bytes | undefined;
  decoded: unknown;
  /** Gives the bytes of `decoded` once they are needed; most writes are written over before. */
  encode: ((decoded: never) => Bytes) | undefined;
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
  /** @param text That of the key, by `textOf`, where it is known already. */
  entry(key: Bytes, text?: string): StateEntry;
  set(key: Bytes, value: Bytes | undefined, text?: string): void;
  /** Sets a value whose bytes are made when they are needed. */
  setDecoded<Value>(
    key: Bytes,
    value: { readonly decoded: Value; readonly encode: (decoded: Value) => Bytes },
    text?: string,
  ): void;
}

/** A map key of one character a byte: cheaper than hexadecimal, and as exact. */
export function textOf(key: Uint8Array): string {
  return String.fromCharCode.apply(null, key as unknown as number[]); // Any array-like will do.
}

/** Writes on top of a view, kept in memory, that can be undone back to a savepoint. */
export class Overlay implements MutableState {
  readonly #view: StateView;
  /** What was read from the view and what was written over it, by key. */
  readonly #entries = new Map<string, StateEntry>();
  /** The entries of the view that were written over. */
  readonly #originals = new Map<string, StateEntry>();
  readonly #undo: { readonly text: string; readonly entry: StateEntry }[] = [];

  constructor(view: StateView) {
    this.#view = view;
  }

  #entryAt(text: string, key: Bytes): StateEntry {
    let entry = this.#entries.get(text);
    if (entry === undefined) {
      entry = { key, value: this.#view.get(key), decoded: undefined, encode: undefined };
      this.#entries.set(text, entry);
    }
    return entry;
  }

  entry(key: Bytes, text: string = textOf(key)): StateEntry {
    return this.#entryAt(text, key);
  }

  get(key: Bytes): Bytes | undefined {
    return encoded(this.entry(key));
  }

  set(key: Bytes, value: Bytes | undefined, text: string = textOf(key)): void {
    this.#put(text, { key, value, decoded: undefined, encode: undefined });
  }

  setDecoded<Value>(
    key: Bytes,
    { decoded, encode }: { readonly decoded: Value; readonly encode: (decoded: Value) => Bytes },
    text: string = textOf(key),
  ): void {
    this.#put(text, { key, value: undefined, decoded, encode });
  }

  #put(text: string, next: StateEntry): void {
    const { key } = next;
    const entry = this.#entryAt(text, key);
    if (!this.#originals.has(text)) this.#originals.set(text, entry);
    this.#undo.push({ text, entry });
    this.#entries.set(text, next);
  }

  /** A point to return to. */
  savepoint(): number {
    return this.#undo.length;
  }

  /** Undoes every write since a savepoint. */
  rollback(savepoint: number): void {
    while (this.#undo.length > savepoint) {
      const undone = this.#undo.pop();
      if (undone !== undefined) this.#entries.set(undone.text, undone.entry);
    }
  }

  /** What the view would have to change to become this, sorted by key; no change says nothing. */
  changes(): StateChange[] {
    const changes: { readonly text: string; readonly change: StateChange }[] = [];
    for (const [text, original] of this.#originals) {
      const now = this.#entries.get(text) ?? original;
      const value = encoded(now);
      if (isSame(encoded(original), value)) continue;
      changes.push({ text, change: { key: now.key, value } });
    }
    // One character is one byte, so the order of these texts is the order of the bytes.
    changes.sort((left, right) => (left.text < right.text ? -1 : 1));
    return changes.map((each) => each.change);
  }

  /** The changes together with the values before them. */
  differences(): { readonly key: Bytes; before: Bytes | undefined; after: Bytes | undefined }[] {
    return this.changes().map(({ key, value }) => ({
      key,
      before: this.#originals.get(textOf(key))?.value,
      after: value,
    }));
  }
}

function isSame(left: Bytes | undefined, right: Bytes | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return equalBytes(left, right);
}

/** A view over plain changes, as genesis and tests use it. */
export function viewOfChanges(changes: readonly StateChange[]): StateView {
  const values = new Map(changes.map(({ key, value }) => [textOf(key), value]));
  return { get: (key) => values.get(textOf(key)) };
}
