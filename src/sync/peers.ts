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

type Heights = Pick<Peer, 'headHeight' | 'earliestHeight'>;

/** Whether a peer says it has the block after a head. */
function hasNext({ headHeight, earliestHeight }: Heights, head: number): boolean {
  return earliestHeight <= head + 1 && headHeight > head;
}

/**
 * The peers with room for one more, or undefined if there is none. A faulty one makes way, or, for
 * who has the block after our head, one that does not have it.
 */
export function makeRoom<Payload>(
  { peers, head, limits }: SyncState<Payload>,
  newcomer: Heights,
): Peers | undefined {
  if (peers.size < limits.peersMax) return peers;
  let worst: Peer | undefined;
  for (const peer of peers.values()) {
    if (peer.faults > (worst?.faults ?? 0)) worst = peer;
  }
  if (worst === undefined && hasNext(newcomer, head)) {
    worst = [...peers.values()].find((peer) => !hasNext(peer, head));
  }
  return worst === undefined ? undefined : withoutPeer(peers, worst.peerId);
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
  return peer.slowness === 0 ? peer : { ...peer, slowness: peer.slowness - 1 };
}

/** What is asked of a peer: a bound, a quarter of it for each notch of slowness, at least one. */
export function shareOf({ slowness }: Peer, countMax: number): number {
  return Math.max(1, countMax >> (2 * Math.ceil(slowness / SLOW_NOTCH)));
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
    if (open >= shareOf(peer, state.limits.requestsPerPeerMax)) continue;
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
