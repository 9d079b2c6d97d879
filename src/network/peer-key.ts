import {
  generateKeyPair,
  generateKeyPairFromSeed,
  privateKeyFromProtobuf,
  privateKeyToProtobuf,
} from '@libp2p/crypto/keys';
import { peerIdFromPrivateKey } from '@libp2p/peer-id';
import type { Bytes } from '../base/index.ts';

/**
 * A new Ed25519 identity of a peer, in libp2p's protobuf form; from `seed` (32 bytes) the same
 * one each time. It names a peer, and signs nothing on the ledger.
 */
export async function createPeerKey(seed?: Uint8Array): Promise<Bytes> {
  const key =
    seed === undefined
      ? await generateKeyPair('Ed25519')
      : await generateKeyPairFromSeed('Ed25519', seed);
  return new Uint8Array(privateKeyToProtobuf(key));
}

/** The peer id that a key gives, as it ends multiaddrs: `…/p2p/<peer id>`. */
export function peerIdOfKey(privateKey: Uint8Array): string {
  return peerIdFromPrivateKey(privateKeyFromProtobuf(privateKey)).toString();
}
