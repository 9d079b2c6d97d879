import { blake3 as nobleBlake3 } from '@noble/hashes/blake3.js';
import { sha256 } from '@noble/hashes/sha2.js';
import type { IHasher } from 'hash-wasm';
import { createBLAKE3 } from 'hash-wasm';
import type { Bytes } from '../base/index.ts';
import { concatBytes, encodeUtf8 } from '../base/index.ts';
import type { Codec } from '../codec/index.ts';
import { fixedBytes, refined } from '../codec/index.ts';
import type { Hash, HashSuite, HashSuiteName, HashTag } from './types.ts';

/** 32 bytes; hexadecimal text in JSON. */
export const hashCodec: Codec<Hash> = refined<Bytes, Hash>('Hash', fixedBytes(32), {
  parse: (value) => value as Hash, // Any 32 bytes may be a digest.
});

/** 32 zero bytes: the parent of a genesis block. */
export const ZERO_HASH: Hash = new Uint8Array(32) as Hash;

let wasmBlake3: IHasher | undefined;

/**
 * Compiles the WebAssembly BLAKE3, which is several times faster than the JavaScript one.
 * Both give the same digests, so nothing depends on when or whether this was called.
 */
export function loadFastHashing(): Promise<void> {
  return createBLAKE3().then((hasher) => {
    wasmBlake3 = hasher;
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

const suites: { readonly [Name in HashSuiteName]: HashSuite } = {
  'blake3-256': {
    name: 'blake3-256',
    hash: (tag, ...parts) => blake3(joined(tag, parts)),
  },
  'sha2-256': {
    name: 'sha2-256',
    // 32 bytes by SHA-256.
    hash: (tag, ...parts) => new Uint8Array(sha256(joined(tag, parts))) as Hash,
  },
};

/** Digest of bytes as they are, without a tag: for comparing with other implementations. */
export function plainHash(name: HashSuiteName, bytes: Uint8Array): Hash {
  return name === 'blake3-256' ? blake3(bytes) : (new Uint8Array(sha256(bytes)) as Hash);
}

/** The hash functions that a genesis may name. */
export function hashSuite(name: HashSuiteName): HashSuite {
  return suites[name];
}
