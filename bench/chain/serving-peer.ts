import type { Bytes } from '../../src/base/index.ts';
import { formatHex, systemClock, TabellionError } from '../../src/base/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import type { Network, RequestKind } from '../../src/network/index.ts';
import type { ProofKind } from '../../src/node/served-proofs.ts';
import { ServedProofs } from '../../src/node/served-proofs.ts';
import type { LedgerStore } from '../../src/node/store/index.ts';
import { FREE_ASKER } from '../../src/node/testing/free-asker.ts';
import type { StateTree } from '../../src/state/index.ts';
import type { GeneratedChain } from './generated-chain.ts';
import { openLoopbackRelay } from './loopback-relay.ts';
import { statusOfRelay } from './peer-status.ts';

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
  const proofs = new ServedProofs(chain.ledger, storeOf(chain, tree), systemClock);
  const { height, ledger } = chain;
  const status = statusOfRelay(ledger.chainId, { height, blockHash: chain.hash(height) });
  const answer = async (kind: RequestKind, request: Bytes): Promise<Bytes> => {
    if (kind === 'status') return status;
    if (!PROOFS.has(kind)) throw new TabellionError('request-refused');
    return await proofs.answer(kind as ProofKind, request, FREE_ASKER); // All of `PROOFS` are.
  };
  return await openLoopbackRelay(
    { chainId: formatHex(ledger.chainId), agent: 'light-sync' },
    { onGossip: async () => 'ignore', onRequest: answer, onEvent: () => undefined },
  );
}
