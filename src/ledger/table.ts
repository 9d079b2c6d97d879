import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, encode, Writer } from '../codec/index.ts';
import type { MutableState, StateView } from './state.ts';
import { Overlay } from './state.ts';

/**
 * One kind of state that a module owns: typed keys and values under a permanent prefix.
 * A key is module number u8 ‖ table number u8 ‖ canonical bytes of the key, 2 to 128 bytes.
 */
export interface Table<Key, Value> {
  readonly prefix: Bytes;
  keyOf(key: Key): Bytes;
  get(state: StateView | MutableState, key: Key): Value | undefined;
  set(state: MutableState, key: Key, value: Value): void;
  delete(state: MutableState, key: Key): void;
  /** The typed key of a state key of this table; undefined for every other table's. */
  parseKey(key: Uint8Array): Key | undefined;
}

/** The longest key that a store takes. */
const KEY_BYTES_MAX = 128;
/** Two numbers, an account and an asset or key. */
const KEY_BYTES_USUAL = 66;

/** Makes a {@link Table}; the two numbers are permanent and never used for anything else. */
export function createTable<Key, Value>(
  numbers: { readonly module: number; readonly table: number },
  key: Codec<Key>,
  value: Codec<Value>,
): Table<Key, Value> {
  const prefix = Uint8Array.of(numbers.module, numbers.table);
  const keyOf = (typed: Key): Bytes => {
    // Small and short-lived: half the cost of `encode` and a join, a dozen times a transaction.
    const writer = new Writer(KEY_BYTES_USUAL);
    writer.u8(numbers.module);
    writer.u8(numbers.table);
    key.write(writer, typed);
    const bytes = writer.finish();
    assert(bytes.length <= KEY_BYTES_MAX, 'state key too long');
    return bytes;
  };
  return {
    prefix,
    keyOf,
    get(state, typed) {
      const entry = (state instanceof Overlay ? state : new Overlay(state)).entry(keyOf(typed));
      if (entry.value === undefined) return undefined;
      if (entry.decoded === undefined) {
        const decoded = decode(value, entry.value);
        // Only this table writes under its prefix, so other bytes are a corrupt state.
        assert(decoded.ok, `state value of table ${numbers.module}.${numbers.table} is corrupt`);
        entry.decoded = decoded.value;
      }
      return entry.decoded as Value; // Decoded or written by this very table.
    },
    set: (state, typed, next) => state.set(keyOf(typed), encode(value, next), next),
    delete: (state, typed) => state.set(keyOf(typed), undefined),
    parseKey(bytes) {
      if (bytes[0] !== prefix[0] || bytes[1] !== prefix[1]) return undefined;
      const decoded = decode(key, bytes.subarray(2));
      return decoded.ok ? decoded.value : undefined;
    },
  };
}
