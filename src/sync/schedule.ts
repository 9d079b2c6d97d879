import type { Height } from '../ledger/index.ts';
import { endOf, heldBytes, joined, upTo, waiting } from './batches.ts';
import { choosePeer, isUsable, shareOf, targetOf } from './peers.ts';
import type {
  Batch,
  HandOver,
  SyncEffect,
  SyncProgress,
  SyncState,
  SyncTransition,
} from './types.ts';

/**
 * What every event ends with: hands over what is next in line, asks for what is missing, and says
 * where we are. Does nothing when there is nothing to do.
 */
export function schedule<Payload>(
  state: SyncState<Payload>,
  before: readonly SyncEffect<Payload>[],
): SyncTransition<Payload> {
  const handing = handOver(state);
  const asking = ask(plan(handing.state));
  const telling = tell(asking.state);
  return {
    state: telling.state,
    effects: [...before, ...handing.effects, ...asking.effects, ...telling.effects],
  };
}

function handOver<Payload>(state: SyncState<Payload>): SyncTransition<Payload> {
  const effects: SyncEffect<Payload>[] = [];
  const handed: HandOver<Payload>[] = [...state.handed];
  const batches = [...state.batches];
  let { ticket } = state;
  for (let first = batches[0]; first?.kind === 'received'; first = batches[0]) {
    const [block, ...rest] = first.blocks;
    if (block === undefined) {
      batches.shift();
      continue;
    }
    if (handed.length >= state.limits.handOverMax) break;
    ticket += 1;
    const { peerId } = first;
    handed.push({ ticket, peerId, block });
    effects.push({ kind: 'hand-over-block', ticket, peerId, block });
    batches[0] = { ...first, from: first.from + 1, count: first.count - 1, blocks: rest };
  }
  if (effects.length === 0 && batches.length === state.batches.length) return { state, effects };
  return { state: { ...state, ticket, handed, batches }, effects };
}

/** Batches for the heights up to the target, as far as the window reaches. */
function plan<Payload>(state: SyncState<Payload>): SyncState<Payload> {
  const { limits, head } = state;
  const target = targetOf(state);
  const countMax = batchCount(state);
  const batches: Batch<Payload>[] = [...joined(upTo(state.batches, target), countMax)];
  // One block behind is ordinary: the block is probably on its way as gossip.
  const isBehind = target - head >= 2 || state.quietTicks >= limits.quietTicksMax;
  const last = isBehind ? Math.min(target, head + limits.windowBlocks) : head;
  let next = endOf(batches, head + state.handed.length);
  while (next <= last) {
    const count = Math.min(countMax, last - next + 1);
    batches.push(waiting(next, count));
    next += count;
  }
  return { ...state, batches };
}

function batchCount<Payload>({ limits, blockBytes }: SyncState<Payload>): number {
  const fitting = Math.floor(limits.batchBytes / Math.max(1, blockBytes));
  return Math.max(1, Math.min(limits.batchBlocksMax, fitting));
}

function ask<Payload>(planned: SyncState<Payload>): SyncTransition<Payload> {
  const effects: SyncEffect<Payload>[] = [];
  const { limits } = planned;
  let state = planned;
  let bytes = heldBytes(state.batches);
  for (const { block } of state.handed) bytes += block.sizeBytes;
  let open = state.batches.filter(({ kind }) => kind === 'requested').length;
  for (let at = 0; at < state.batches.length && open < limits.requestsMax; at++) {
    const batch = state.batches[at];
    if (batch?.kind !== 'waiting') continue;
    // The batch next in line is always asked for, or a full window would never empty.
    const isNext = at === 0;
    if (!isNext && bytes + (open + 1) * limits.batchBytes > limits.windowBytes) break;
    const peer = choosePeer(state, batch);
    if (peer === undefined) continue;
    const ticket = state.ticket + 1;
    const share = shareOf(peer, batchCount(state));
    const count = Math.min(batch.count, share, peer.headHeight - batch.from + 1);
    const { from, avoided } = batch;
    const { peerId } = peer;
    const asked = { ticket, peerId, askedAt: state.ticks, askedFrom: from };
    const parts: Batch<Payload>[] = [{ kind: 'requested', from, count, avoided, ...asked }];
    if (count < batch.count) parts.push(waiting(from + count, batch.count - count, avoided));
    state = {
      ...state,
      ticket,
      peers: new Map(state.peers).set(peerId, { ...peer, lastAsked: ticket }),
      batches: state.batches.toSpliced(at, 1, ...parts),
    };
    open += 1;
    effects.push({ kind: 'request-blocks', ticket, peerId, from: from as Height, count }); // ≥ 1
  }
  return { state, effects };
}

/** Where we are. */
export function progressOf<Payload>(state: SyncState<Payload>): SyncProgress {
  const target = targetOf(state);
  const isAlone = ![...state.peers.values()].some((peer) => isUsable(peer, state.ticks));
  const isBusy = target - state.head >= 2 || state.handed.length > 0 || state.batches.length > 0;
  // Heights and targets are heights of blocks that exist or are claimed to.
  const [height, goal] = [state.head as Height, target as Height];
  const stage = isBusy ? 'syncing' : isAlone ? 'waiting' : 'following';
  return { stage, height, target: goal };
}

function tell<Payload>(state: SyncState<Payload>): SyncTransition<Payload> {
  const { told } = state;
  const now = progressOf(state);
  const isSame =
    now.stage === told.stage && now.height === told.height && now.target === told.target;
  if (isSame) return { state, effects: [] };
  return { state: { ...state, told: now }, effects: [{ kind: 'sync-state-changed', ...now }] };
}
