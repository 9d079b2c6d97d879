import { choosePeer, isUsable, shareOf } from './peers.ts';
import type {
  Peer,
  Request,
  SnapshotEffect,
  SnapshotState,
  SnapshotTransition,
  Waiting,
} from './types.ts';

/** After each event: asks for what is missing, and says when it is over or goes no further. */
export function schedule(
  state: SnapshotState,
  before: readonly SnapshotEffect[],
): SnapshotTransition {
  if (state.isOver) return { state, effects: before };
  const { chunksDone, chunksTotal } = state.progress;
  if (chunksDone === chunksTotal) {
    return {
      state: { ...state, isOver: true },
      effects: [...before, { kind: 'snapshot-complete' }],
    };
  }
  if (isUnobtainable(state)) return giveUp(state, before);
  const asking = ask(state);
  const { limits } = state;
  const isStalled =
    asking.state.lonelyTicks >= limits.lonelyTicksMax ||
    asking.state.quietTicks >= limits.quietTicksMax;
  const telling: SnapshotEffect[] =
    isStalled && !state.isStalled ? [{ kind: 'snapshot-stalled' }] : [];
  return {
    state: { ...asking.state, isStalled },
    effects: [...before, ...asking.effects, ...telling],
  };
}

/** Ends it: the manifest is not that of the state, or of a state that nobody serves any more. */
export function giveUp(
  state: SnapshotState,
  before: readonly SnapshotEffect[],
): SnapshotTransition {
  return {
    state: { ...state, isOver: true },
    effects: [...before, { kind: 'manifest-doubted', peerId: state.manifestPeerId }],
  };
}

/** Faults of the giver, none made good since, that say as much as the word that it has it not. */
const GIVER_FAULTS_MAX = 3;

/**
 * Whether the manifest names a chunk that its giver has not, or, without it, nobody; or that all
 * others lack, and its giver fails to give again and again: one that is only slow is asked for less
 * each time, and gives it in the end.
 */
function isUnobtainable({ waiting, peers, manifestPeerId }: SnapshotState): boolean {
  const giver = manifestPeerId === undefined ? undefined : peers.get(manifestPeerId);
  const others = [...peers.keys()].filter((peerId) => peerId !== manifestPeerId);
  return waiting.some(({ lackedBy, avoided }) => {
    if (lackedBy.length === 0) return false;
    if (manifestPeerId !== undefined && lackedBy.includes(manifestPeerId)) return true;
    const hasFailed =
      giver === undefined || (giver.faults >= GIVER_FAULTS_MAX && avoided.includes(giver.peerId));
    return hasFailed && others.length > 0 && others.every((peerId) => lackedBy.includes(peerId));
  });
}

/** Bytes that are on their way, by the manifest, or here and not stored. */
function openBytes({ requests, held, chunks }: SnapshotState): number {
  let bytes = 0;
  for (const { indexes } of requests) {
    for (const index of indexes) bytes += chunks[index]?.weight ?? 0;
  }
  for (const { verifying, storing } of held) {
    for (const { sizeBytes } of verifying) bytes += sizeBytes;
    for (const { sizeBytes } of storing) bytes += sizeBytes;
  }
  return bytes;
}

function ask(from: SnapshotState): SnapshotTransition {
  const effects: SnapshotEffect[] = [];
  const isAskedAll = from.waiting.length === 0 && from.next === from.missing.length;
  if (isAskedAll || !hasRoom(from)) return { state: from, effects };
  let state = from;
  let bytes = openBytes(state);
  const { limits } = state;
  const request = (wanted: Waiting, place: number | undefined): boolean => {
    const peer = choosePeer(state, wanted);
    if (peer === undefined) return false;
    const taken = take(state, wanted.indexes, peer);
    if (bytes > 0 && bytes + taken.bytes > limits.windowBytes) return false;
    bytes += taken.bytes;
    const asked = requested(state, { ...wanted, indexes: taken.indexes }, peer);
    const rest = { ...wanted, indexes: wanted.indexes.slice(taken.indexes.length) };
    if (place === undefined) {
      state = { ...asked.state, next: state.next + taken.indexes.length };
    } else {
      const remains = rest.indexes.length > 0 ? [rest] : [];
      state = { ...asked.state, waiting: state.waiting.toSpliced(place, 1, ...remains) };
    }
    effects.push(...asked.effects);
    return true;
  };
  for (let place = 0; place < state.waiting.length && hasRoom(state); ) {
    const wanted = state.waiting[place];
    if (wanted === undefined || !request(wanted, place)) place += 1;
  }
  while (state.next < state.missing.length && hasRoom(state)) {
    const indexes = state.missing.slice(state.next, state.next + limits.requestChunksMax);
    if (!request({ indexes, avoided: [], lackedBy: [] }, undefined)) break;
  }
  return { state, effects };
}

function hasRoom({ requests, limits }: SnapshotState): boolean {
  return requests.length < limits.requestsMax;
}

/** As many of some chunks as make a request to a peer. */
function take(
  { chunks, limits }: SnapshotState,
  indexes: readonly number[],
  peer: Peer,
): { readonly indexes: readonly number[]; readonly bytes: number } {
  const bytesMax = shareOf(peer, limits.requestBytes);
  const countMax = shareOf(peer, limits.requestChunksMax);
  let bytes = 0;
  let count = 0;
  for (const index of indexes) {
    const weight = chunks[index]?.weight ?? 0;
    if (count >= countMax || (count > 0 && bytes + weight > bytesMax)) break;
    bytes += weight;
    count += 1;
  }
  return { indexes: indexes.slice(0, count), bytes };
}

function requested(state: SnapshotState, wanted: Waiting, peer: Peer): SnapshotTransition {
  const ticket = state.ticket + 1;
  const { peerId } = peer;
  const request: Request = { ...wanted, ticket, peerId, askedAt: state.ticks };
  return {
    state: {
      ...state,
      ticket,
      requests: [...state.requests, request],
      peers: new Map(state.peers).set(peerId, { ...peer, lastAsked: ticket }),
    },
    effects: [{ kind: 'request-chunks', ticket, peerId, indexes: wanted.indexes }],
  };
}

/** Counts the ticks in which nobody is asked or could be. */
export function countTick(state: SnapshotState): SnapshotState {
  const ticks = state.ticks + 1;
  const isBusy = state.requests.length > 0 || state.held.length > 0;
  const isAlone = ![...state.peers.values()].some((peer) => isUsable(peer, ticks));
  return {
    ...state,
    ticks,
    // What is here waits for our own disk, for which nobody is to blame.
    quietTicks: state.held.length > 0 ? 0 : state.quietTicks + 1,
    lonelyTicks: isBusy || !isAlone ? 0 : state.lonelyTicks + 1,
  };
}
