import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { decode, Writer } from '../codec/index.ts';
import type { MutableState, StateSlot, StateView } from './state.ts';
import { Overlay, textOf } from './state.ts';

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

/** A typed key with its bytes, the text by which overlays find these, and what one found. */
type Place<Key> = {
  readonly typed: Key;
  readonly key: Bytes;
  readonly text: string;
  /** Number of the overlay that was asked last, and its answer. */
  overlay: number;
  slot: StateSlot | undefined;
};
/**
 * Keys whose bytes are kept, found by identity: a transaction comes back to the same few objects
 * (its sender, its recipient), and making their bytes was a third of executing it.
 */
const PLACES_KEPT = 4;
/** No key or value holds another, so all tables write theirs here. */
const writer = new Writer(KEY_BYTES_USUAL);

/** Keys and short values share buffers: one of its own for each is dear to make and to collect. */
const SLAB_BYTES = 8192;
/** What is longer has a buffer of its own. */
const SHARED_BYTES_MAX = 256;
let slab: Bytes = new Uint8Array(SLAB_BYTES);
let slabUsed = 0;

/** What was just written. */
function takeWritten(): Bytes {
  const { length } = writer;
  if (length > SHARED_BYTES_MAX) return writer.finish();
  if (slabUsed + length > SLAB_BYTES) {
    slab = new Uint8Array(SLAB_BYTES);
    slabUsed = 0;
  }
  const at = slabUsed;
  writer.copyTo(slab, at);
  slabUsed += length;
  return new Uint8Array(slab.buffer, at, length); // Half the time of `subarray`.
}

/** Makes a {@link Table}; the two numbers are permanent and never used for anything else. */
export function createTable<Key, Value>(
  numbers: { readonly module: number; readonly table: number },
  key: Codec<Key>,
  value: Codec<Value>,
): Table<Key, Value> {
  const prefix = Uint8Array.of(numbers.module, numbers.table);
  const kept: (Place<Key> | undefined)[] = new Array(PLACES_KEPT).fill(undefined);
  let oldest = 0;
  const keyOf = (typed: Key): Bytes => {
    writer.clear();
    writer.u8(numbers.module);
    writer.u8(numbers.table);
    key.write(writer, typed);
    assert(writer.length <= KEY_BYTES_MAX, 'state key too long');
    return takeWritten();
  };
  const toBytes = (typed: Value): Bytes => {
    writer.clear();
    value.write(writer, typed);
    return takeWritten();
  };
  const placeOf = (typed: Key): Place<Key> => {
    // Keys are values: nobody changes one, so the same object is the same key.
    for (let at = 0; at < PLACES_KEPT; at++) {
      const place = kept[at];
      if (place?.typed === typed) return place;
    }
    const bytes = keyOf(typed);
    const place = { typed, key: bytes, text: textOf(bytes), overlay: 0, slot: undefined };
    kept[oldest] = place;
    oldest = (oldest + 1) % PLACES_KEPT;
    return place;
  };
  const corrupt = `state value of table ${numbers.module}.${numbers.table} is corrupt`;
  const slotOf = (state: MutableState, typed: Key): StateSlot => {
    const place = placeOf(typed);
    const known = place.slot;
    if (known !== undefined && place.overlay === state.number) return known;
    const slot = state.slot(place.key, place.text);
    place.overlay = state.number;
    place.slot = slot;
    return slot;
  };
  return {
    prefix,
    keyOf,
    get(state, typed) {
      const { entry } = slotOf(state instanceof Overlay ? state : new Overlay(state), typed);
      if (entry.decoded === undefined) {
        if (entry.value === undefined) return undefined;
        const decoded = decode(value, entry.value);
        // Only this table writes under its prefix, so other bytes are a corrupt state.
        assert(decoded.ok, corrupt);
        entry.decoded = decoded.value;
      }
      return entry.decoded as Value; // Decoded or written by this very table.
    },
    set(state, typed, next) {
      const entry = { value: undefined, decoded: next, encode: toBytes };
      state.put(slotOf(state, typed), entry);
    },
    delete(state, typed) {
      const entry = { value: undefined, decoded: undefined, encode: undefined };
      state.put(slotOf(state, typed), entry);
    },
    parseKey(bytes) {
      if (bytes[0] !== prefix[0] || bytes[1] !== prefix[1]) return undefined;
      const decoded = decode(key, bytes.subarray(2));
      return decoded.ok ? decoded.value : undefined;
    },
  };
}
