import type { Bytes } from '../base/index.ts';
import { decode, encode, struct, text, vector } from '../codec/index.ts';
import { isDirectSocket, isWebRtc, parseAddress, targetOf } from './addresses.ts';
import {
  EXCHANGE_ADDRESS_BYTES_MAX,
  EXCHANGE_ADDRESSES_MAX,
  EXCHANGE_PEERS_MAX,
} from './limits.ts';

/** The number of the exchange among request kinds: asked by this room itself. */
export const EXCHANGE_KIND = 0;

/** A peer and where it can be dialled. */
export type KnownPeer = { readonly peerId: string; readonly addresses: readonly string[] };

const answerCodec = struct('PeerExchange', {
  peers: vector(
    struct('KnownPeer', {
      peerId: text({ max: 128 }),
      addresses: vector(text({ max: EXCHANGE_ADDRESS_BYTES_MAX }), {
        min: 1,
        max: EXCHANGE_ADDRESSES_MAX,
      }),
    }),
    { max: EXCHANGE_PEERS_MAX },
  ),
});

/** Answer to "whom do you know?": at most 32 peers, of each what others can dial. */
export function encodeExchange(peers: readonly KnownPeer[]): Bytes {
  const told: KnownPeer[] = [];
  for (const { peerId, addresses } of peers) {
    if (told.length === EXCHANGE_PEERS_MAX) break;
    const dialable = addresses.filter((address) => isTellable(peerId, address));
    if (dialable.length === 0) continue;
    told.push({ peerId, addresses: dialable.slice(0, EXCHANGE_ADDRESSES_MAX) });
  }
  return encode(answerCodec, { peers: told });
}

/** Peers of an answer whose addresses are well-formed and lead to them; undefined if malformed. */
export function decodeExchange(bytes: Uint8Array): readonly KnownPeer[] | undefined {
  const answer = decode(answerCodec, bytes);
  if (!answer.ok) return undefined;
  return answer.value.peers
    .map(({ peerId, addresses }) => ({
      peerId,
      addresses: addresses.filter((address) => isTellable(peerId, address)),
    }))
    .filter(({ addresses }) => addresses.length > 0);
}

// Bare circuit addresses are left out: whoever can use one finds the WebRTC address beside it.
function isTellable(peerId: string, address: string): boolean {
  if (address.length > EXCHANGE_ADDRESS_BYTES_MAX) return false;
  const parsed = parseAddress(address);
  if (parsed === undefined || targetOf(parsed) !== peerId) return false;
  return isDirectSocket(parsed) || isWebRtc(parsed);
}
