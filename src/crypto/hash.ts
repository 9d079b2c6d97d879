import { blake3 as nobleBlake3 } from '@noble/hashes/blake3.js';
import type { IHasher } from 'hash-wasm';
import { createBLAKE3 } from 'hash-wasm';
import type { Bytes } from '../base/index.ts';
import { concatBytes, encodeUtf8 } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { fixedBytes, refined } from '../codec/index.ts';
import { compileBlake3Lanes } from './blake3-lanes.ts';
import type { ShortBlake3 } from './blake3-wasm.ts';
import { compileShortBlake3, SHORT_INPUT_BYTES_MAX } from './blake3-wasm.ts';
import { immediateBatch, LaneBatch, LaneMemory } from './hash-batch.ts';
import { compileSha256, sha256 } from './sha256.ts';
import type { Hash, HashBatch, HashSuite, HashSuiteName, HashTag } from './types.ts';

/** 32 bytes; hexadecimal text in JSON. */
export const hashCodec: Codec<Hash> = refined<Bytes, Hash>('Hash', fixedBytes(32), {
  parse: (value) => value as Hash, // Any 32 bytes may be a digest.
});

/** 32 zero bytes: the parent of a genesis block. */
export const ZERO_HASH: Hash = new Uint8Array(32) as Hash;

let wasmBlake3: IHasher | undefined;
let shortBlake3: ShortBlake3 | undefined;
let laneMemory: LaneMemory | undefined;

/**
 * Compiles the WebAssembly BLAKE3, which is several times faster than the JavaScript one: one for
 * inputs up to a kilobyte, one for four of them at once, one for any; and SHA-256. All give the
 * same digests, so nothing depends on when or whether this was called.
 */
export function loadFastHashing(): Promise<void> {
  const compiling = [
    createBLAKE3(),
    compileShortBlake3(),
    compileBlake3Lanes(),
    compileSha256(),
  ] as const;
  return Promise.all(compiling).then(([hasher, short, lanes]) => {
    wasmBlake3 = hasher;
    shortBlake3 ??= short;
    if (lanes !== undefined) laneMemory ??= new LaneMemory(lanes);
  });
}

function blake3(input: Uint8Array): Hash {
  // 32 bytes by BLAKE3.
  if (wasmBlake3 === undefined) return new Uint8Array(nobleBlake3(input)) as Hash;
  // `digest('binary')` hands out a fresh array.
  return wasmBlake3.init().update(input).digest('binary') as unknown as Hash;
}

const tagPrefixes = new Map<HashTag, Bytes>();

function prefixOf(tag: HashTag): Bytes {
  let prefix = tagPrefixes.get(tag);
  if (prefix === undefined) {
    const name = encodeUtf8(`tabellion/${tag}`);
    prefix = concatBytes(Uint8Array.of(name.length), name);
    tagPrefixes.set(tag, prefix);
  }
  return prefix;
}

/**
 * Inputs up to this length are joined in one buffer that is used again: a fresh one for each hash
 * was a tenth of the time of building a state tree.
 */
const SCRATCH_BYTES = 4096;
const scratch = new Uint8Array(SCRATCH_BYTES);

/** Tag and parts one after the other: long ones are not copied together first. */
function longBlake3(tag: HashTag, parts: readonly Uint8Array[]): Hash {
  let length = 0;
  for (const part of parts) length += part.length;
  if (wasmBlake3 === undefined || length <= SCRATCH_BYTES) return blake3(joined(tag, parts));
  const hasher = wasmBlake3.init().update(prefixOf(tag));
  for (const part of parts) hasher.update(part);
  return hasher.digest('binary') as unknown as Hash; // As in `blake3`.
}

/** Tag and parts in a row; valid until the next call, which no hash function outlives. */
function joined(tag: HashTag, parts: readonly Uint8Array[]): Uint8Array {
  const prefix = prefixOf(tag);
  let length = prefix.length;
  for (const part of parts) length += part.length;
  if (length > SCRATCH_BYTES) return concatBytes(prefix, ...parts);
  scratch.set(prefix);
  let at = prefix.length;
  for (const part of parts) {
    scratch.set(part, at);
    at += part.length;
  }
  return scratch.subarray(0, length);
}

/** Where inputs under one tag stand in the memory of the short BLAKE3, after their prefix. */
type Slot = { readonly at: number; readonly bodyAt: number };

const slots = new Map<HashTag, Slot>();
/** An input and the zeros after it, in a multiple of 64. */
const SLOT_BYTES = SHORT_INPUT_BYTES_MAX + 64;

function slotOf(short: ShortBlake3, tag: HashTag): Slot {
  let slot = slots.get(tag);
  if (slot === undefined) {
    const at = short.inputsAt + slots.size * SLOT_BYTES;
    const prefix = prefixOf(tag);
    short.memory.set(prefix, at); // Throws, should there ever be more tags than room.
    slot = { at, bodyAt: at + prefix.length };
    slots.set(tag, slot);
  }
  return slot;
}

function taggedBlake3(tag: HashTag, parts: readonly Uint8Array[]): Hash {
  if (shortBlake3 === undefined) return longBlake3(tag, parts);
  const { memory } = shortBlake3;
  const slot = slotOf(shortBlake3, tag);
  let end = slot.bodyAt;
  for (const part of parts) {
    if (end + part.length > slot.at + SHORT_INPUT_BYTES_MAX) return longBlake3(tag, parts);
    memory.set(part, end);
    end += part.length;
  }
  shortBlake3.hash(slot.at, end - slot.at);
  return memory.slice(0, 32) as Hash; // The digest.
}

/** Up to here a loop is quicker than a view of the bytes, and leaves no garbage. */
const LOOP_BYTES_MAX = 128;

/** As `HashSuite.hashInto`, for inputs that fit; `false` when it did nothing. */
function shortHashInto(
  tag: HashTag,
  source: Uint8Array,
  from: number,
  to: number,
  target: Uint8Array,
  at: number,
): boolean {
  if (shortBlake3 === undefined) return false;
  const { memory } = shortBlake3;
  const slot = slotOf(shortBlake3, tag);
  const length = slot.bodyAt - slot.at + to - from;
  if (length > SHORT_INPUT_BYTES_MAX) return false;
  const { bodyAt } = slot;
  if (to - from > LOOP_BYTES_MAX) memory.set(source.subarray(from, to), bodyAt);
  else for (let read = from, write = bodyAt; read < to; ) memory[write++] = source[read++] ?? 0;
  shortBlake3.hash(slot.at, length);
  for (let offset = 0; offset < 32; offset++) target[at + offset] = memory[offset] ?? 0;
  return true;
}

const laneBatches = new Map<HashTag, HashBatch>();

function blake3Batch(tag: HashTag, skew: number): HashBatch {
  const hashInto = suites['blake3-256'].hashInto.bind(undefined, tag);
  if (laneMemory === undefined) return immediateBatch(hashInto);
  let batch = laneBatches.get(tag);
  if (batch === undefined) {
    batch = new LaneBatch(laneMemory, prefixOf(tag), skew, hashInto);
    laneBatches.set(tag, batch);
  }
  return batch;
}

const suites: { readonly [Name in HashSuiteName]: HashSuite } = {
  'blake3-256': {
    name: 'blake3-256',
    hash: (tag, ...parts) => taggedBlake3(tag, parts),
    hashInto(tag, source, from, to, target, at) {
      if (shortHashInto(tag, source, from, to, target, at)) return;
      target.set(blake3(joined(tag, [source.subarray(from, to)])), at);
    },
    batch: (tag, skew = 0) => blake3Batch(tag, skew),
  },
  'sha2-256': {
    name: 'sha2-256',
    // 32 bytes by SHA-256.
    hash: (tag, ...parts) => sha256(joined(tag, parts)) as Hash,
    hashInto(tag, source, from, to, target, at) {
      target.set(sha256(joined(tag, [source.subarray(from, to)])), at);
    },
    batch: (tag) => immediateBatch(suites['sha2-256'].hashInto.bind(undefined, tag)),
  },
};

/** Digest of bytes as they are, without a tag: for comparing with other implementations. */
export function plainHash(name: HashSuiteName, bytes: Uint8Array): Hash {
  return name === 'blake3-256' ? blake3(bytes) : (sha256(bytes) as Hash);
}

/** The hash functions that a genesis may name. */
export function hashSuite(name: HashSuiteName): HashSuite {
  return suites[name];
}
