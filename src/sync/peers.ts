import type { Batch, Peer, SyncState } from './types.ts';

type Peers = ReadonlyMap<string, Peer>;

/** Whether a peer is believed and asked now. */
export function isUsable(peer: Peer, ticks: number): boolean {
  return peer.restsUntil <= ticks;
}

/** The highest head that a usable peer claims; at least our own. */
export function targetOf<Payload>(state: SyncState<Payload>): number {
  let target = state.head;
  for (const peer of state.peers.values()) {
    if (isUsable(peer, state.ticks)) target = Math.max(target, peer.headHeight);
  }
  return target;
}

export function withPeer(peers: Peers, peer: Peer): Peers {
  return new Map(peers).set(peer.peerId, peer);
}

export function withoutPeer(peers: Peers, peerId: string): Peers {
  const rest = new Map(peers);
  rest.delete(peerId);
  return rest;
}

/** The peers with room for one more, or undefined if there is none: only a faulty one makes way. */
export function makeRoom(peers: Peers, peersMax: number): Peers | undefined {
  if (peers.size < peersMax) return peers;
  let worst: Peer | undefined;
  for (const peer of peers.values()) {
    if (peer.faults > (worst?.faults ?? 0)) worst = peer;
  }
  return worst === undefined ? undefined : withoutPeer(peers, worst.peerId);
}

/**
 * Whom to ask for a batch: who can serve its first block and has a free place; first those that
 * have not failed it, then by fewest requests open, then whoever was asked longest ago.
 */
export function choosePeer<Payload>(
  state: SyncState<Payload>,
  batch: Batch<Payload> & { readonly kind: 'waiting' },
): Peer | undefined {
  let best: { readonly peer: Peer; readonly rank: readonly number[] } | undefined;
  for (const peer of state.peers.values()) {
    const canServe = peer.earliestHeight <= batch.from && batch.from <= peer.headHeight;
    if (!canServe || !isUsable(peer, state.ticks)) continue;
    const open = openRequests(state.batches, peer.peerId);
    if (open >= state.limits.requestsPerPeerMax) continue;
    const rank = [batch.avoided.indexOf(peer.peerId), open, peer.lastAsked];
    if (best === undefined || isBefore(rank, best.rank)) best = { peer, rank };
  }
  return best?.peer;
}

function openRequests<Payload>(batches: readonly Batch<Payload>[], peerId: string): number {
  return batches.filter((batch) => batch.kind === 'requested' && batch.peerId === peerId).length;
}

function isBefore(left: readonly number[], right: readonly number[]): boolean {
  for (const [at, value] of left.entries()) {
    const other = right[at] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
