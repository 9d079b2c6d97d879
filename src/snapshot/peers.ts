import type { Peer, SnapshotState, Waiting } from './types.ts';

type Peers = ReadonlyMap<string, Peer>;

/** Whether a peer is asked now. */
export function isUsable(peer: Peer, ticks: number): boolean {
  return peer.restsUntil <= ticks;
}

export function withPeer(peers: Peers, peer: Peer): Peers {
  return new Map(peers).set(peer.peerId, peer);
}

export function withoutPeer(peers: Peers, peerId: string): Peers {
  const rest = new Map(peers);
  rest.delete(peerId);
  return rest;
}

/** Who makes way for a newcomer: the one with most faults, but never the manifest's giver. */
export function worstPeer({ peers, manifestPeerId }: SnapshotState): Peer | undefined {
  let worst: Peer | undefined;
  for (const peer of peers.values()) {
    if (peer.peerId !== manifestPeerId && peer.faults > (worst?.faults ?? 0)) worst = peer;
  }
  return worst;
}

/** Notches of {@link Peer.slowness}; at the last, requests are 64 times smaller. */
const SLOW_NOTCH = 4;
const SLOWNESS_MAX = 3 * SLOW_NOTCH;

/** A peer whose answer came too late: what did not fit is asked for in smaller pieces. */
export function slower(peer: Peer): Peer {
  return { ...peer, slowness: Math.min(peer.slowness + SLOW_NOTCH, SLOWNESS_MAX) };
}

/** A peer whose answer came in time. */
export function quicker(peer: Peer): Peer {
  return { ...peer, slowness: Math.max(0, peer.slowness - 1) };
}

/** What is asked of a peer: a bound, a quarter of it for each notch of slowness, at least one. */
export function shareOf({ slowness }: Peer, countMax: number): number {
  return Math.max(1, countMax >> (2 * Math.ceil(slowness / SLOW_NOTCH)));
}

/**
 * Whom to ask for some chunks: who has a free place and did not say that it lacks them. What
 * somebody lacks is asked of the manifest's giver, who must have it; else those come first that
 * have not failed these chunks, then by fewest requests open, then who was asked longest ago.
 */
export function choosePeer(state: SnapshotState, wanted: Waiting): Peer | undefined {
  const { peers, limits, ticks, manifestPeerId } = state;
  let best: { readonly peer: Peer; readonly rank: readonly number[] } | undefined;
  for (const peer of peers.values()) {
    const { peerId } = peer;
    if (!isUsable(peer, ticks) || wanted.lackedBy.includes(peerId)) continue;
    const open = state.requests.filter((request) => request.peerId === peerId).length;
    if (open >= shareOf(peer, limits.requestsPerPeerMax)) continue;
    const isGiver = wanted.lackedBy.length > 0 && peerId === manifestPeerId;
    const rank = [isGiver ? 0 : 1, wanted.avoided.indexOf(peerId), open, peer.lastAsked];
    if (best === undefined || isBefore(rank, best.rank)) best = { peer, rank };
  }
  return best?.peer;
}

function isBefore(left: readonly number[], right: readonly number[]): boolean {
  for (const [at, value] of left.entries()) {
    const other = right[at] ?? 0;
    if (value !== other) return value < other;
  }
  return false;
}
