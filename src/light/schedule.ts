import { equalBytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { isExpiredBelow, knownAt, nearestBelow } from './known.ts';
import { bestOf, isBusy, isUsable, usablePeers, withPeer } from './peers.ts';
import { hasExpired, tell } from './progress.ts';
import type {
  Chase,
  HeightFailure,
  LightEffect,
  LightState,
  LightTransition,
  Peer,
  Purpose,
  Wanted,
} from './types.ts';

/** Begins what can be begun now, and says what changed. */
export function schedule(state: LightState, effects: readonly LightEffect[]): LightTransition {
  let transition = chaseWanted({ state: watchLead(state), effects });
  if (state.alarm === undefined) {
    transition = chaseWitnesses(transition);
    transition = chaseHead(transition);
  }
  return tell(transition);
}

/** Starts a chase, or undefined when nothing is trusted below its target. */
export function begin(
  { state, effects }: LightTransition,
  peer: Peer,
  target: number,
  purpose: Purpose,
): LightTransition | undefined {
  const base = nearestBelow(state.known, target);
  if (base === undefined) return undefined;
  const { height } = base.trusted.header;
  // Who leaps from our head shows also what it holds for that height: a fork shows at once.
  const isLeap = purpose.kind === 'head' && target > height + 1 && base.voice !== undefined;
  const heights = isLeap ? [height, target] : [target];
  const ticket = state.ticket + 1;
  const chase: Chase = {
    purpose,
    peerId: peer.peerId,
    voice: peer.voice,
    target,
    base: base.trusted,
    steps: [],
    found: [],
    requests: 1,
    unproven: 1,
    begunAt: state.ticks,
    phase: { kind: 'asked', ticket, askedAt: state.ticks, heights },
  };
  const asked = { ...peer, lastAsked: ticket };
  const next = { ...state, ticket, peers: withPeer(state.peers, asked) };
  return {
    state: { ...next, chases: [...state.chases, chase] },
    effects: [...effects, requestOf(chase, ticket, heights)],
  };
}

/** The effect that asks a chase's peer. */
export function requestOf(
  { peerId, base }: Pick<Chase, 'peerId' | 'base'>,
  ticket: number,
  heights: readonly number[],
): LightEffect {
  const { height: from } = base.header;
  // Between two heights, or a peer's own claim, which decoded as one.
  return { kind: 'request-light-blocks', ticket, peerId, from, heights: heights as Height[] };
}

/** Remembers since when somebody is ahead. */
function watchLead(state: LightState): LightState {
  const { height } = state.head.trusted.header;
  let isAhead = false;
  for (const peer of state.peers.values()) {
    isAhead ||= peer.headHeight > height && isUsable(peer, state);
  }
  if (!isAhead) return state.aheadSince === undefined ? state : { ...state, aheadSince: undefined };
  return state.aheadSince === undefined ? { ...state, aheadSince: state.ticks } : state;
}

function chaseHead(transition: LightTransition): LightTransition {
  const { state } = transition;
  const { limits } = state;
  const { height } = state.head.trusted.header;
  // Nobody is ahead.
  if (state.aheadSince === undefined) return transition;
  const running = state.chases.filter(({ purpose }) => purpose.kind === 'head');
  const isAlone = running.length < limits.headChasesMax;
  if (!isAlone || !running.every((chase) => isSlow(state, chase))) return transition;
  if (hasExpired(state)) return transition;
  const asked = new Set(running.map(({ voice }) => voice));
  // Who is accused of another fork shows that first, or the same would begin without end.
  const ahead = usablePeers(state).filter(
    (peer) => peer.headHeight > height && !isBusy(peer, state),
  );
  const best = bestOf(ahead.filter(({ voice }) => !asked.has(voice)));
  if (best === undefined || isLeftToOwnChain(state, best)) return transition;
  return begin(transition, best, best.headHeight, { kind: 'head' }) ?? transition;
}

// Silence, or a way that takes long, however often its peer answers.
function isSlow({ limits, ticks }: LightState, { phase, begunAt }: Chase): boolean {
  const isSilent = phase.kind === 'asked' && ticks - phase.askedAt >= limits.slowTicks;
  return isSilent || ticks - begunAt >= limits.slowChaseTicks;
}

function isLeftToOwnChain(state: LightState, { headHeight }: Peer): boolean {
  const { limits, ticks, aheadSince = ticks, isOwnChain } = state;
  const lead = headHeight - state.head.trusted.header.height;
  return isOwnChain && lead <= limits.ownLeadBlocks && ticks - aheadSince < limits.ownLeadTicks;
}

const WITNESS = { kind: 'witness', fault: 'height-lie' } as const;

/** Whoever tells another block than ours at a height must show it. */
function chaseWitnesses(transition: LightTransition): LightTransition {
  let next = transition;
  const { height } = transition.state.head.trusted.header;
  for (const peer of transition.state.peers.values()) {
    const { state } = next;
    // Nothing is known above our head.
    if (peer.headHeight > height || !isUsable(peer, state)) continue;
    const ours = knownAt(state.known, peer.headHeight);
    if (ours === undefined || equalBytes(ours.trusted.hash, peer.headHash)) continue;
    if (isBusy(peer, state) || isExpiredBelow(state, peer.headHeight)) continue;
    next = begin(next, peer, peer.headHeight, WITNESS) ?? next;
  }
  return next;
}

function chaseWanted({ state, effects }: LightTransition): LightTransition {
  let next: LightTransition = { state, effects };
  for (const each of state.wanted) {
    const outcome = outcomeOf(next.state, each);
    if (outcome === 'running') continue;
    const running = next.state.chases.filter(({ purpose }) => purpose.kind === 'wanted').length;
    if (typeof outcome === 'object') {
      const { wantedChasesMax, chasesPerWantedMax } = state.limits;
      // Whoever hangs must not keep those from being asked who do not.
      const isBegun = next.state.chases.some((chase) => isFor(each, chase));
      if (running >= wantedChasesMax * (isBegun ? chasesPerWantedMax : 1)) continue;
      const purpose = { kind: 'wanted', id: each.id } as const;
      next = begin(next, outcome, each.height, purpose) ?? failed(next, each, 'nobody-proves-it');
    } else next = outcome(next);
  }
  return next;
}

type Outcome = 'running' | Peer | ((transition: LightTransition) => LightTransition);

function outcomeOf(state: LightState, wanted: Wanted): Outcome {
  const { height, tried } = wanted;
  const running = state.chases.filter((chase) => isFor(wanted, chase));
  const known = knownAt(state.known, height);
  // Beside conflicting certificates only what nobody had to show us counts.
  const isAlarmed = state.alarm !== undefined;
  if (known !== undefined && (!isAlarmed || known.voice === undefined)) {
    return (transition) => proven(transition, wanted, known);
  }
  if (isAlarmed) return (transition) => failed(transition, wanted, 'alarmed');
  const isEnough = running.length >= state.limits.chasesPerWantedMax;
  if (isEnough || running.some((chase) => !isSlow(state, chase))) return 'running';
  if (running.length === 0 && isExpiredBelow(state, height)) {
    return (transition) => failed(transition, wanted, 'trust-expired');
  }
  const asked = new Set(running.map(({ voice }) => voice));
  // The block below its earliest may be what its snapshot began from.
  const able = usablePeers(state).filter(
    ({ peerId, voice, headHeight, earliestHeight }) =>
      headHeight >= height &&
      earliestHeight <= height + 1 &&
      !tried.includes(peerId) &&
      !asked.has(voice),
  );
  const best = bestOf(able);
  if (best !== undefined || running.length > 0) return best ?? 'running';
  return (transition) => failed(transition, wanted, 'nobody-proves-it');
}

function isFor({ id }: Pick<Wanted, 'id'>, { purpose }: Chase): boolean {
  return purpose.kind === 'wanted' && purpose.id === id;
}

/** Nothing is asked any more for a height that somebody wanted. */
export function withoutWanted(state: LightState, wanted: Pick<Wanted, 'id'>): LightState {
  const chases = state.chases.filter((chase) => !isFor(wanted, chase));
  return { ...state, chases, wanted: state.wanted.filter(({ id }) => id !== wanted.id) };
}

function proven(
  transition: LightTransition,
  wanted: Wanted,
  {
    trusted,
    block,
  }: { trusted: LightState['head']['trusted']; block: LightState['head']['block'] },
): LightTransition {
  const state = withoutWanted(transition.state, wanted);
  const effect = { kind: 'height-proven', id: wanted.id, trusted, block } as const;
  return { state, effects: [...transition.effects, effect] };
}

/** Gives up a wanted height. */
export function failed(
  transition: LightTransition,
  wanted: Wanted,
  code: HeightFailure,
): LightTransition {
  const state = withoutWanted(transition.state, wanted);
  const effect = { kind: 'height-failed', id: wanted.id, code } as const;
  return { state, effects: [...transition.effects, effect] };
}
