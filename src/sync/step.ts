import { unreachable } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { above, takeBack, takeFrom, waiting } from './batches.ts';
import type { SyncLimits } from './limits.ts';
import { BLOCK_BYTES_GUESS, SYNC_LIMITS } from './limits.ts';
import { makeRoom, quicker, slower, withoutPeer, withPeer } from './peers.ts';
import { schedule } from './schedule.ts';
import type {
  Batch,
  FetchedBlock,
  Peer,
  SyncEffect,
  SyncEvent,
  SyncFault,
  SyncState,
  SyncTransition,
  Ticket,
} from './types.ts';

type Requested<Payload> = Batch<Payload> & { readonly kind: 'requested' };

/** A node whose head has this height, and which knows nobody. */
export function createSync<Payload>(
  head: Height,
  limits: Partial<SyncLimits> = {},
): SyncState<Payload> {
  return {
    limits: { ...SYNC_LIMITS, ...limits },
    head,
    peers: new Map(),
    distrusted: [],
    handed: [],
    batches: [],
    ticket: 0,
    ticks: 0,
    quietTicks: 0,
    blockBytes: BLOCK_BYTES_GUESS,
    told: { stage: 'waiting', height: head, target: head },
  };
}

/** One event in, its effects out, in order. */
export function step<Payload>(
  state: SyncState<Payload>,
  event: SyncEvent<Payload>,
): SyncTransition<Payload> {
  const { state: next, effects } = on(state, event);
  return schedule(next, effects);
}

function on<Payload>(
  state: SyncState<Payload>,
  event: SyncEvent<Payload>,
): SyncTransition<Payload> {
  switch (event.kind) {
    case 'peer-status':
      return stay(onPeerStatus(state, event));
    case 'peer-gone':
      return stay({
        ...state,
        peers: withoutPeer(state.peers, event.peerId),
        batches: takeFrom(state.batches, event.peerId, false),
      });
    case 'blocks-received':
      return onBlocksReceived(state, event.ticket, event.blocks);
    case 'request-timed-out':
      return onRequestLate(state, requestOf(state, event.ticket));
    case 'request-failed': {
      const fault = event.reason === 'malformed' ? 'malformed-answer' : 'stall';
      return onRequestFailed(state, event.ticket, fault);
    }
    case 'block-accepted':
      return stay(onBlockAccepted(state, event.ticket));
    case 'block-rejected':
      return onBlockRejected(state, event.ticket);
    case 'head-advanced':
      return stay(advance(state, event.height));
    case 'tick':
      return onTick({ ...state, ticks: state.ticks + 1, quietTicks: state.quietTicks + 1 });
    default:
      return unreachable(event);
  }
}

function stay<Payload>(state: SyncState<Payload>): SyncTransition<Payload> {
  return { state, effects: [] };
}

function onPeerStatus<Payload>(
  state: SyncState<Payload>,
  { peerId, headHeight, earliestHeight }: SyncEvent<Payload> & { readonly kind: 'peer-status' },
): SyncState<Payload> {
  if (state.distrusted.includes(peerId)) return state;
  const known = state.peers.get(peerId);
  const heights = { headHeight, earliestHeight };
  const peers = known === undefined ? makeRoom(state, heights) : state.peers;
  if (peers === undefined) return state;
  const peer: Peer = {
    ...(known ?? { peerId, faults: 0, restsUntil: 0, slowness: 0, lastAsked: 0 }),
    ...heights,
  };
  // Whoever made way is asked nothing more.
  const gone = [...state.peers.keys()].find((each) => !peers.has(each));
  const batches = gone === undefined ? state.batches : takeFrom(state.batches, gone, false);
  return { ...state, peers: withPeer(peers, peer), batches };
}

function requestOf<Payload>(
  state: SyncState<Payload>,
  ticket: Ticket,
): Requested<Payload> | undefined {
  return state.batches.find(
    (batch): batch is Requested<Payload> => batch.kind === 'requested' && batch.ticket === ticket,
  );
}

function onBlocksReceived<Payload>(
  state: SyncState<Payload>,
  ticket: Ticket,
  all: readonly FetchedBlock<Payload>[],
): SyncTransition<Payload> {
  const request = requestOf(state, ticket);
  if (request === undefined) return stay(state); // Stale is ordinary.
  const { peerId, avoided } = request;
  if (all.length === 0) {
    // It has nothing at or above this height after all; its next status may say otherwise.
    const peer = state.peers.get(peerId);
    const lowered = peer === undefined ? undefined : { ...peer, headHeight: request.from - 1 };
    const peers = lowered === undefined ? state.peers : withPeer(state.peers, lowered);
    return blame({ ...state, peers }, peerId, 'height-lie');
  }
  // The head may have passed the start of the batch since it was asked for.
  const blocks = all.filter(({ height }) => height >= request.from);
  const first = all[0]?.height ?? 0;
  // Below what was asked for is no answer: it would be asked for again, for ever.
  const isRunOfHeights =
    first >= request.askedFrom &&
    blocks.length <= request.count &&
    all.every(({ height }, at) => height === first + at) &&
    (blocks[0] === undefined || blocks[0].height === request.from);
  if (!isRunOfHeights) return blame(state, peerId, 'malformed-answer');
  const { from, count } = request;
  const parts: Batch<Payload>[] = [];
  if (blocks.length > 0) {
    parts.push({ kind: 'received', from, count: blocks.length, peerId, blocks });
  }
  if (blocks.length < count) {
    parts.push(waiting(from + blocks.length, count - blocks.length, avoided));
  }
  const batches = state.batches.flatMap((batch) => (batch === request ? parts : [batch]));
  const peer = state.peers.get(peerId);
  const peers = peer === undefined ? state.peers : withPeer(state.peers, quicker(peer));
  return stay({ ...state, peers, batches, blockBytes: learnSize(state.blockBytes, blocks) });
}

/** Moves half way to what was just seen, so that a burst of large blocks is noticed at once. */
function learnSize<Payload>(blockBytes: number, blocks: readonly FetchedBlock<Payload>[]): number {
  if (blocks.length === 0) return blockBytes;
  const seen = blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) / blocks.length;
  return Math.ceil((blockBytes + seen) / 2);
}

function onRequestFailed<Payload>(
  state: SyncState<Payload>,
  ticket: Ticket,
  fault: SyncFault,
): SyncTransition<Payload> {
  const request = requestOf(state, ticket);
  if (request === undefined) return stay(state); // Stale is ordinary.
  return blame(state, request.peerId, fault);
}

/** A request that nobody answered, not even to say so, must not hold up its heights for ever. */
function onTick<Payload>(state: SyncState<Payload>): SyncTransition<Payload> {
  const late = state.batches.find(
    (batch) =>
      batch.kind === 'requested' && state.ticks - batch.askedAt >= state.limits.requestTicksMax,
  );
  return late?.kind === 'requested' ? onRequestLate(state, late) : stay(state);
}

/** It may be a line too narrow for so much, so that asking for as much again would never end. */
function onRequestLate<Payload>(
  state: SyncState<Payload>,
  request: Requested<Payload> | undefined,
): SyncTransition<Payload> {
  if (request === undefined) return stay(state); // Stale is ordinary.
  const peer = state.peers.get(request.peerId);
  const peers = peer === undefined ? state.peers : withPeer(state.peers, slower(peer));
  return blame({ ...state, peers }, request.peerId, 'stall');
}

/** Takes everything open away from a peer and lets it rest, or never trusts it again. */
function blame<Payload>(
  state: SyncState<Payload>,
  peerId: string,
  fault: SyncFault,
): SyncTransition<Payload> {
  const known = state.peers.get(peerId);
  const faults = Math.min((known?.faults ?? 0) + 1, state.limits.stallsMax);
  const isEndless = fault === 'stall' && faults >= state.limits.stallsMax;
  const reported = isEndless ? 'endless-stall' : fault;
  const effects: SyncEffect<Payload>[] = [{ kind: 'report-peer', peerId, fault: reported }];
  const isLiar = fault === 'bad-block' || fault === 'malformed-answer';
  const batches = takeFrom(state.batches, peerId, isLiar);
  if (isLiar) {
    const distrusted = [...state.distrusted, peerId].slice(-state.limits.distrustedMax);
    const peers = withoutPeer(state.peers, peerId);
    return { state: { ...state, batches, peers, distrusted }, effects };
  }
  if (known === undefined) return { state: { ...state, batches }, effects };
  const restsUntil = state.ticks + Math.min(2 ** faults, state.limits.restTicksMax);
  const peers = withPeer(state.peers, { ...known, faults, restsUntil });
  return { state: { ...state, batches, peers }, effects };
}

function onBlockAccepted<Payload>(state: SyncState<Payload>, ticket: Ticket): SyncState<Payload> {
  const handed = state.handed.find((each) => each.ticket === ticket);
  if (handed === undefined) return state; // Stale is ordinary.
  const peer = state.peers.get(handed.peerId);
  const isForgiven = peer !== undefined && peer.faults > 0;
  const peers = isForgiven
    ? withPeer(state.peers, { ...peer, faults: peer.faults - 1 })
    : state.peers;
  return advance({ ...state, peers }, handed.block.height);
}

function onBlockRejected<Payload>(
  state: SyncState<Payload>,
  ticket: Ticket,
): SyncTransition<Payload> {
  const at = state.handed.findIndex((each) => each.ticket === ticket);
  const bad = state.handed[at];
  if (bad === undefined) return stay(state); // Stale is ordinary.
  const batches = [...takeBack(state.handed.slice(at), bad.peerId), ...state.batches];
  return blame({ ...state, handed: state.handed.slice(0, at), batches }, bad.peerId, 'bad-block');
}

/** The head has at least this height; everything at or below it is done. */
function advance<Payload>(state: SyncState<Payload>, height: number): SyncState<Payload> {
  if (height <= state.head) return state;
  return {
    ...state,
    head: height,
    quietTicks: 0,
    handed: state.handed.filter(({ block }) => block.height > height),
    batches: above(state.batches, height),
  };
}

/** Whether a peer failed a batch lately; for the Node page. */
export function isResting<Payload>(state: SyncState<Payload>, peerId: string): boolean {
  return (state.peers.get(peerId)?.restsUntil ?? 0) > state.ticks;
}
