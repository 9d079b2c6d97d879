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

/**
 * Whether a peer has to show a head, its own or one it contradicts, or said that it was asked too
 * much: until then it is asked for no other. What is wanted here is asked of it all the same.
 */
export function isBusy({ peerId, busyUntil }: Peer, { chases, ticks }: LightState): boolean {
  if (busyUntil > ticks) return true;
  return chases.some((chase) => chase.peerId === peerId && chase.purpose.kind !== 'wanted');
}

export function withPeer(peers: Peers, peer: Peer): Peers {
  return new Map(peers).set(peer.peerId, peer);
}

export function withoutPeer(peers: Peers, peerId: string): Peers {
  const rest = new Map(peers);
  rest.delete(peerId);
  return rest;
}

/** Whether what a peer told is not too old to count. */
export function isFresh({ toldAtMs }: Peer, { nowMs, limits }: LightState): boolean {
  return nowMs - toldAtMs < limits.statusKeptMs;
}

/**
 * The peers with room for one more, or undefined if there is none. One that fell silent makes way,
 * then one that others of its voice speak for, for a voice that is not heard yet; then a faulty
 * one.
 */
export function makeRoom(state: LightState, voice: string): Peers | undefined {
  const { peers, limits } = state;
  if (peers.size < limits.peersMax) return peers;
  const silent = [...peers.values()].find((peer) => !isFresh(peer, state));
  if (silent !== undefined) return withoutPeer(peers, silent.peerId);
  const counts = new Map<string, number>();
  for (const peer of peers.values()) counts.set(peer.voice, (counts.get(peer.voice) ?? 0) + 1);
  const [loudest, count = 0] = [...counts].toSorted((one, two) => two[1] - one[1])[0] ?? [];
  if (count > 1 && !counts.has(voice)) {
    const one = [...peers.values()].findLast((peer) => peer.voice === loudest);
    if (one !== undefined) return withoutPeer(peers, one.peerId);
  }
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
