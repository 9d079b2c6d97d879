import { assert, unreachable } from '../base/index.ts';
import { AVOIDED_MAX, SNAPSHOT_LIMITS } from './limits.ts';
import { quicker, slower, withoutPeer, withPeer, worstPeer } from './peers.ts';
import { countTick, giveUp, schedule } from './schedule.ts';
import type {
  Held,
  HeldChunk,
  Peer,
  Request,
  SnapshotEffect,
  SnapshotEvent,
  SnapshotFault,
  SnapshotProgress,
  SnapshotStart,
  SnapshotState,
  SnapshotTicket,
  SnapshotTransition,
  Waiting,
} from './types.ts';

/**
 * The fetching of a state's chunks, when nobody is known yet to have them. When all of them are
 * there already, the first event, whatever it is, completes it.
 */
export function createSnapshotSync(start: SnapshotStart): SnapshotState {
  const { chunks, have, manifestPeerId, limits = {} } = start;
  let bytesDone = 0;
  let bytesTotal = 0;
  const missing: number[] = [];
  chunks.forEach(({ weight }, index) => {
    bytesTotal += weight;
    if (have.has(index)) bytesDone += weight;
    else missing.push(index);
  });
  const chunksTotal = chunks.length;
  return {
    limits: { ...SNAPSHOT_LIMITS, ...limits },
    chunks,
    manifestPeerId,
    missing,
    next: 0,
    waiting: [],
    requests: [],
    held: [],
    peers: new Map(),
    distrusted: [],
    ticket: 0,
    ticks: 0,
    quietTicks: 0,
    lonelyTicks: 0,
    isStalled: false,
    isOver: false,
    progress: { chunksDone: chunksTotal - missing.length, chunksTotal, bytesDone, bytesTotal },
  };
}

/** How far it is. */
export function snapshotProgress({ progress }: SnapshotState): SnapshotProgress {
  return progress;
}

/** One event in, its effects out, in order. */
export function step(state: SnapshotState, event: SnapshotEvent): SnapshotTransition {
  if (state.isOver) return stay(state); // Whatever comes late.
  const { state: next, effects } = on(state, event);
  return schedule(next, effects);
}

function on(state: SnapshotState, event: SnapshotEvent): SnapshotTransition {
  switch (event.kind) {
    case 'peer-offers':
      return stay(onPeerOffers(state, event.peerId));
    case 'peer-gone':
      return stay(withoutTrace(state, event.peerId));
    case 'chunks-received':
      return onChunksReceived(state, event.ticket, event.chunks);
    case 'chunk-verdict':
      return onChunkVerdict(state, event);
    case 'chunk-stored':
      return onChunkStored(state, event.index);
    case 'request-failed':
      return onRequestFailed(state, event);
    case 'tick':
      return onTick(countTick(state));
    default:
      return unreachable(event);
  }
}

function stay(state: SnapshotState): SnapshotTransition {
  return { state, effects: [] };
}

function onPeerOffers(state: SnapshotState, peerId: string): SnapshotState {
  if (state.distrusted.includes(peerId) || state.peers.has(peerId)) return state;
  const fresh: Peer = { peerId, faults: 0, restsUntil: 0, slowness: 0, lastAsked: 0 };
  if (state.peers.size < state.limits.peersMax) {
    return { ...state, peers: withPeer(state.peers, fresh) };
  }
  const worst = worstPeer(state);
  if (worst === undefined) return state;
  const room = withoutTrace(state, worst.peerId);
  return { ...room, peers: withPeer(room.peers, fresh) };
}

/** Without a peer; what it was asked for is asked of others. What it gave is kept. */
function withoutTrace(state: SnapshotState, peerId: string): SnapshotState {
  const freed = takeBack(state, peerId);
  return { ...freed, peers: withoutPeer(freed.peers, peerId) };
}

/** Puts what was asked of a peer back in the queue. */
function takeBack(state: SnapshotState, peerId: string): SnapshotState {
  const back = state.requests.filter((request) => request.peerId === peerId);
  if (back.length === 0) return state;
  return {
    ...state,
    requests: state.requests.filter((request) => request.peerId !== peerId),
    waiting: [...state.waiting, ...back.map((request) => failed(request))],
  };
}

/** Chunks of a request that are to be asked for again, of others if there are any. */
function failed({ indexes, avoided, lackedBy, peerId }: Request): Waiting {
  return { indexes, avoided: avoiding(avoided, peerId), lackedBy };
}

function avoiding(avoided: readonly string[], peerId: string): readonly string[] {
  return [...avoided.filter((each) => each !== peerId), peerId].slice(-AVOIDED_MAX);
}

function onChunksReceived(
  state: SnapshotState,
  ticket: SnapshotTicket,
  chunks: readonly HeldChunk[],
): SnapshotTransition {
  const request = state.requests.find((each) => each.ticket === ticket);
  if (request === undefined) return stay(state); // Stale is ordinary.
  const { peerId, indexes, avoided, lackedBy } = request;
  const came = new Set(chunks.map(({ index }) => index));
  const isAnswer =
    came.size === chunks.length && chunks.every(({ index }) => indexes.includes(index));
  assert(isAnswer, 'the driver takes an answer for what was asked');
  const rest = indexes.filter((index) => !came.has(index));
  const [first] = indexes;
  const waiting: Waiting[] = [];
  let peer = state.peers.get(peerId);
  if (first !== undefined && !came.has(first)) {
    // What it has it sends first: this one it has not.
    rest.shift();
    waiting.push({ indexes: [first], avoided, lackedBy: [...lackedBy, peerId] });
    if (peer !== undefined) peer = resting(state, peer);
  } else if (peer !== undefined) peer = quicker(peer);
  if (rest.length > 0) waiting.push({ indexes: rest, avoided, lackedBy: [] });
  const held: Held = { ticket, peerId, verifying: chunks, storing: [] };
  return {
    state: {
      ...state,
      requests: state.requests.filter((each) => each !== request),
      waiting: [...state.waiting, ...waiting],
      held: chunks.length > 0 ? [...state.held, held] : state.held,
      peers: peer === undefined ? state.peers : withPeer(state.peers, peer),
    },
    effects: chunks.map(({ index }) => ({ kind: 'verify-chunk', ticket, index, peerId })),
  };
}

/** A peer with a fault more, which is asked nothing for a while. */
function resting({ limits, ticks }: SnapshotState, peer: Peer): Peer {
  const faults = Math.min(peer.faults + 1, limits.stallsMax);
  return { ...peer, faults, restsUntil: ticks + Math.min(2 ** faults, limits.restTicksMax) };
}

function onChunkVerdict(
  state: SnapshotState,
  event: SnapshotEvent & { readonly kind: 'chunk-verdict' },
): SnapshotTransition {
  const { ticket, index, verdict } = event;
  const held = state.held.find((each) => each.ticket === ticket);
  const chunk = held?.verifying.find((each) => each.index === index);
  if (held === undefined || chunk === undefined) return stay(state); // Stale is ordinary.
  const verifying = held.verifying.filter((each) => each !== chunk);
  if (verdict === 'valid') {
    const { peerId } = held;
    const peer = state.peers.get(peerId);
    const isForgiven = peer !== undefined && peer.faults > 0;
    const peers = isForgiven
      ? withPeer(state.peers, { ...peer, faults: peer.faults - 1 })
      : state.peers;
    const next = { ...held, verifying, storing: [...held.storing, chunk] };
    return {
      state: { ...state, peers, quietTicks: 0, held: replaced(state.held, held, next) },
      effects: [{ kind: 'store-chunk', index }],
    };
  }
  const without = { ...state, held: replaced(state.held, held, { ...held, verifying }) };
  if (verdict === 'false-plan') return onFalsePlan(without);
  const avoided = [held.peerId];
  const waiting = [...without.waiting, { indexes: [index], avoided, lackedBy: [] }];
  return blame({ ...without, waiting }, held.peerId, 'bad-chunk');
}

function replaced(all: readonly Held[], old: Held, next: Held): readonly Held[] {
  const isEmpty = next.verifying.length === 0 && next.storing.length === 0;
  return all.flatMap((held) => (held !== old ? [held] : isEmpty ? [] : [next]));
}

/** The leaves are those of the root: only the manifest can be at fault. */
function onFalsePlan(state: SnapshotState): SnapshotTransition {
  const peerId = state.manifestPeerId;
  const blaming: readonly SnapshotEffect[] =
    peerId === undefined ? [] : [{ kind: 'report-peer', peerId, fault: 'false-manifest' }];
  return giveUp(state, blaming);
}

function onChunkStored(state: SnapshotState, index: number): SnapshotTransition {
  for (const held of state.held) {
    const chunk = held.storing.find((each) => each.index === index);
    if (chunk === undefined) continue;
    const storing = held.storing.filter((each) => each !== chunk);
    const { chunksDone, bytesDone } = state.progress;
    const progress = {
      ...state.progress,
      chunksDone: chunksDone + 1,
      bytesDone: bytesDone + (state.chunks[index]?.weight ?? 0),
    };
    return {
      state: { ...state, progress, held: replaced(state.held, held, { ...held, storing }) },
      effects: [{ kind: 'progress-changed', ...progress }],
    };
  }
  return stay(state); // Stale is ordinary.
}

function onRequestFailed(
  state: SnapshotState,
  { ticket, reason }: SnapshotEvent & { readonly kind: 'request-failed' },
): SnapshotTransition {
  const request = state.requests.find((each) => each.ticket === ticket);
  if (request === undefined) return stay(state); // Stale is ordinary.
  const { peerId } = request;
  if (reason === 'gone') return stay(withoutTrace(state, peerId));
  if (reason === 'timeout') return onRequestLate(state, request);
  return blame(state, peerId, reason === 'malformed' ? 'malformed-answer' : 'stall');
}

/** A request that nobody answered, not even to say so, must not hold up its chunks for ever. */
function onTick(state: SnapshotState): SnapshotTransition {
  const { requestTicksMax } = state.limits;
  const late = state.requests.find(({ askedAt }) => state.ticks - askedAt >= requestTicksMax);
  return late === undefined ? stay(state) : onRequestLate(state, late);
}

/** It may be a line too narrow for so much, so that asking for as much again would never end. */
function onRequestLate(state: SnapshotState, { peerId }: Request): SnapshotTransition {
  const peer = state.peers.get(peerId);
  const peers = peer === undefined ? state.peers : withPeer(state.peers, slower(peer));
  return blame({ ...state, peers }, peerId, 'stall');
}

/** Takes everything open away from a peer and lets it rest, or never asks it again. */
function blame(state: SnapshotState, peerId: string, fault: SnapshotFault): SnapshotTransition {
  if (state.distrusted.includes(peerId)) return stay(state); // Said once.
  const peer = state.peers.get(peerId);
  const rested = peer === undefined ? undefined : resting(state, peer);
  const isEndless = fault === 'stall' && rested?.faults === state.limits.stallsMax;
  const effects: SnapshotEffect[] = [
    { kind: 'report-peer', peerId, fault: isEndless ? 'endless-stall' : fault },
  ];
  const freed = takeBack(state, peerId);
  if (fault !== 'stall') {
    const distrusted = [...state.distrusted, peerId].slice(-state.limits.distrustedMax);
    return { state: { ...freed, distrusted, peers: withoutPeer(freed.peers, peerId) }, effects };
  }
  const peers = rested === undefined ? freed.peers : withPeer(freed.peers, rested);
  return { state: { ...freed, peers }, effects };
}
