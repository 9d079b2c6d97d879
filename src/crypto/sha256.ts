import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import type { IHasher } from 'hash-wasm';
import { createSHA256 } from 'hash-wasm';
import type { Bytes } from '../base/index.ts';

let wasmSha256: IHasher | undefined;

/** Compiles the WebAssembly SHA-256, some four times as fast as the JavaScript one. */
export function compileSha256(): Promise<void> {
  return createSHA256().then((hasher) => {
    wasmSha256 = hasher;
  });
}

/** SHA-256 (FIPS 180-4) without any tag: for WebAuthn and ECDSA, whose formats fix it. */
export function sha256(message: Uint8Array): Bytes {
  if (wasmSha256 === undefined) return new Uint8Array(nobleSha256(message));
  // `digest('binary')` hands out a fresh array.
  return wasmSha256.init().update(message).digest('binary') as Bytes;
}
