import { createBLAKE3 } from 'hash-wasm';
import type { Bytes } from '../base/index.ts';

/** Digests gossip contents: BLAKE3, 32 fresh bytes. No rule of the ledger depends on it. */
export type ContentDigest = (content: Uint8Array) => Bytes;

/** Compiles the hash once, so that digesting a 4 MB proposal takes milliseconds. */
export async function createContentDigest(): Promise<ContentDigest> {
  const hasher = await createBLAKE3();
  return (content) => {
    const digest = hasher.init().update(content).digest('binary');
    return new Uint8Array(digest); // A copy, whatever buffer the hasher answers from.
  };
}
