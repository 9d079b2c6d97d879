import type { Bytes } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import type { Hash } from '../../src/crypto/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import { PROTOCOL_VERSION } from '../../src/ledger/index.ts';
import { peerStatusCodec } from '../../src/node/messages.ts';

/** What a relay that has all blocks tells of itself. */
export function statusOfRelay(
  chainId: Hash,
  head: { readonly height: Height; readonly blockHash: Hash },
): Bytes {
  return encode(peerStatusCodec, {
    chainId,
    protocolVersion: PROTOCOL_VERSION,
    headHeight: head.height,
    headHash: head.blockHash,
    earliestHeight: 1 as Height, // The first.
    isRelay: true,
  });
}
