import { randomBytes } from 'node:crypto';
import type { Bytes } from '../../src/base/index.ts';
import { formatHex, silentTracer, systemClock, TabellionError } from '../../src/base/index.ts';
import { decode, encode } from '../../src/codec/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import { PROTOCOL_VERSION } from '../../src/ledger/index.ts';
import type { Network, RequestKind } from '../../src/network/index.ts';
import { createNetwork, createPeerKey } from '../../src/network/index.ts';
import { nodeTransports } from '../../src/network/node.ts';
import { peerStatusCodec } from '../../src/node/messages.ts';
import type { ProofKind } from '../../src/node/served-proofs.ts';
import { ServedProofs } from '../../src/node/served-proofs.ts';
import type { LedgerStore } from '../../src/node/store/index.ts';
import type { StateTree } from '../../src/state/index.ts';
import type { GeneratedChain } from './generated-chain.ts';

const PROOFS: ReadonlySet<RequestKind> = new Set(['state', 'light', 'receipts', 'history']);

/** As many as a store tells at once. */
const CHANGES_MAX = 128;

/** The part of a store that answers of proofs are made from, over a chain that nobody executed. */
function storeOf(chain: GeneratedChain, tree: StateTree): LedgerStore {
  const isKnown = (height: number) => height >= 0 && height <= chain.height;
  const part: Partial<LedgerStore> = {
    anchor: () => undefined,
    async header(height) {
      return isKnown(height) ? chain.header(height) : undefined;
    },
    async summary(height) {
      if (!isKnown(height) || height === 0) return undefined;
      return {
        header: chain.header(height),
        hash: chain.hash(height),
        certificate: chain.certificate(height),
        transactionCount: 0,
        sizeBytes: 0,
      };
    },
    async membershipAt(height) {
      return height <= chain.height + 1 ? chain.membershipAt(height) : undefined;
    },
    async membershipChanges(from, to) {
      const inside = chain.changes.filter((height) => height > from && height <= to);
      return inside.slice(0, CHANGES_MAX) as Height[]; // Between two heights.
    },
    async prove(height, keys) {
      const proof = height === chain.height ? tree.prove(tree.height, keys) : undefined;
      if (proof === undefined) throw new TabellionError('version-unavailable', { height });
      return proof;
    },
  };
  return part as LedgerStore; // `ServedProofs` calls nothing else for what is served here.
}

/** One peer that serves a generated chain as a relay does, over libp2p on a WebSocket. */
export async function startServingPeer(chain: GeneratedChain, tree: StateTree): Promise<Network> {
  const proofs = new ServedProofs(chain.ledger, storeOf(chain, tree));
  const status = encode(peerStatusCodec, {
    chainId: chain.ledger.chainId,
    protocolVersion: PROTOCOL_VERSION,
    headHeight: chain.height,
    headHash: chain.hash(chain.height),
    earliestHeight: 1 as Height,
    isRelay: true,
  });
  const refuse = () => new TabellionError('request-malformed');
  const answer = async (kind: RequestKind, request: Bytes): Promise<Bytes> => {
    if (kind === 'status') return status;
    if (!PROOFS.has(kind)) throw new TabellionError('request-refused');
    return await proofs.answer(
      kind as ProofKind, // All of `PROOFS` are.
      request,
      {
        read: (codec, bytes) => {
          const decoded = decode(codec, bytes);
          if (decoded.ok) return decoded.value;
          throw refuse();
        },
        refuse,
        charge: () => undefined,
        signal: undefined,
      },
    );
  };
  return await createNetwork(
    {
      role: 'relay',
      chainId: formatHex(chain.ledger.chainId),
      protocolVersion: 1,
      privateKey: await createPeerKey(new Uint8Array(randomBytes(32))),
      listen: ['/ip4/127.0.0.1/tcp/0/ws'],
      relays: [],
      transports: nodeTransports(),
      clock: systemClock,
      tracer: silentTracer,
      allowLoopback: true,
      agent: 'light-sync',
    },
    { onGossip: async () => 'ignore', onRequest: answer, onEvent: () => undefined },
  );
}
