import type { Connection } from '@libp2p/interface';
import { transportOf, voiceOf } from './addresses.ts';
import { bestOf } from './requests.ts';
import type { PeerTransport, PeerView } from './types.ts';

/** A connected peer of this network. */
export type PeerRecord = {
  readonly peerId: string;
  readonly agent: string;
  readonly connectedSinceMs: number;
  /** Whether it relays for others. */
  readonly isRelay: boolean;
  /** Whether it takes part in gossip at all. */
  readonly isGossiping: boolean;
  /** Round trip of the last ping. */
  latencyMs: number | undefined;
  pingDueMs: number;
  pingsMissed: number;
  exchangeDueMs: number;
};

const RANK: { readonly [Transport in PeerTransport]: number } = {
  websocket: 2,
  webrtc: 1,
  relayed: 0,
};

/** What is told of a peer. */
export function viewOf(
  record: PeerRecord,
  connections: readonly Connection[],
  score: number,
): PeerView {
  const addresses = connections.map((connection) => connection.remoteAddr.toString());
  const transports = connections.map((connection) => transportOf(connection.remoteAddr));
  return {
    peerId: record.peerId,
    addresses,
    voice: voiceOf(record.peerId, addresses),
    transport: transports.sort((left, right) => RANK[right] - RANK[left])[0] ?? 'relayed',
    direction: bestOf(connections)?.direction ?? 'inbound',
    latencyMs: record.latencyMs,
    score,
    agent: record.agent,
    connectedSinceMs: record.connectedSinceMs,
  };
}

/** Connections that better ones replaced some time ago. */
export function superfluous(
  connections: readonly Connection[],
  options: { readonly nowMs: number; readonly settleMs: number; readonly isSmaller: boolean },
): readonly Connection[] {
  const { nowMs, settleMs, isSmaller } = options;
  const settled = connections.filter(
    (connection) => connection.status === 'open' && nowMs - connection.timeline.open >= settleMs,
  );
  const direct = settled.filter((connection) => connection.limits === undefined);
  if (direct.length === 0) return [];
  const relayed = settled.filter((connection) => connection.limits !== undefined);
  // Both dialled at once: of two direct connections both ends would each close another one, so
  // the peer of the smaller id decides, and keeps the first it dialled itself.
  if (!isSmaller || direct.length === 1) return relayed;
  const kept = direct.find((connection) => connection.direction === 'outbound') ?? direct[0];
  return [...relayed, ...direct.filter((connection) => connection !== kept)];
}
