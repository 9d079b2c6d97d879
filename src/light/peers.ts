import type { LightLimits } from './limits.ts';
import type { LightState, Peer } from './types.ts';

type Peers = ReadonlyMap<string, Peer>;

/** Whether a peer is believed and asked now. */
export function isUsable({ restsUntil }: Peer, { ticks }: LightState): boolean {
  return restsUntil <= ticks;
}

/** The peers that are believed and asked now. */
export function usablePeers(state: LightState): readonly Peer[] {
  return [...state.peers.values()].filter((peer) => isUsable(peer, state));
}

export function withPeer(peers: Peers, peer: Peer): Peers {
  return new Map(peers).set(peer.peerId, peer);
}

export function withoutPeer(peers: Peers, peerId: string): Peers {
  const rest = new Map(peers);
  rest.delete(peerId);
  return rest;
}

/** The peers with room for one more, or undefined if there is none: a faulty one makes way. */
export function makeRoom(peers: Peers, { peersMax }: LightLimits): Peers | undefined {
  if (peers.size < peersMax) return peers;
  let worst: Peer | undefined;
  for (const peer of peers.values()) if (peer.faults > (worst?.faults ?? 0)) worst = peer;
  return worst === undefined ? undefined : withoutPeer(peers, worst.peerId);
}

/** Whom to ask: fewest faults first, then the highest head, then who was asked longest ago. */
export function bestOf(peers: readonly Peer[]): Peer | undefined {
  const rank = (left: Peer, right: Peer) =>
    left.faults - right.faults ||
    right.headHeight - left.headHeight ||
    left.lastAsked - right.lastAsked;
  return peers.toSorted(rank)[0];
}

/** A peer after a fault: it rests 2, 4, 8 … ticks. */
export function rested(peer: Peer, { ticks, limits }: LightState): Peer {
  const faults = Math.min(peer.faults + 1, 30);
  return { ...peer, faults, restsUntil: ticks + Math.min(2 ** faults, limits.restTicksMax) };
}
