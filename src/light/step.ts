import { equalBytes, timestampMs, unreachable } from '../base/index.ts';
import { blockHashOf } from '../ledger/index.ts';
import { merge, nextMove } from './chase.ts';
import type { LightRequestFailure } from './errors.ts';
import { isExpiredBelow, isTrustedHead, knownAt, withKnown } from './known.ts';
import type { LightLimits } from './limits.ts';
import { LIGHT_LIMITS } from './limits.ts';
import { makeRoom, rested, withoutPeer, withPeer } from './peers.ts';
import { toldOf } from './progress.ts';
import type { LightRules } from './rules.ts';
import { LIGHT_RULES } from './rules.ts';
import { begin, failed, requestOf, schedule, withoutWanted } from './schedule.ts';
import type {
  Chase,
  Known,
  LightAnchor,
  LightBlock,
  LightEvent,
  LightEvidence,
  LightFault,
  LightOptions,
  LightState,
  LightTransition,
  Peer,
  PeerWord,
  Ticket,
  TrustedBlock,
} from './types.ts';

/** What a light client starts from. */
export type LightStart = {
  readonly anchor: LightAnchor;
  readonly options: LightOptions;
  /** The newest block that is trusted: genesis, a checkpoint, or the head of the last time. */
  readonly trusted: TrustedBlock;
  /** Other trusted blocks below it, genesis above all: what lies between is proven from them. */
  readonly roots?: readonly TrustedBlock[];
  /** How `trusted` was proven once, if that is still known. */
  readonly block?: LightBlock | undefined;
  /** Seen in an earlier life, and not looked at by a person yet. */
  readonly alarm?: LightEvidence | undefined;
  readonly nowMs: number;
  readonly limits?: Partial<LightLimits>;
  /** Tests break one. */
  readonly rules?: LightRules;
};

/** A light client that knows nobody yet. */
export function createLight(start: LightStart): LightState {
  const { anchor, options, trusted, roots = [], nowMs, rules = LIGHT_RULES } = start;
  const limits = { ...LIGHT_LIMITS, ...start.limits };
  const given = (each: TrustedBlock): Known => ({
    trusted: each,
    block: undefined,
    voice: undefined,
  });
  const head: Known = { ...given(trusted), block: start.block };
  const known = [...roots.map(given), head].reduce<readonly Known[]>(
    (all, each) => withKnown(all, each, limits),
    [],
  );
  const state: LightState = {
    anchor,
    options,
    limits,
    rules,
    head,
    isOwnChain: false,
    aheadSince: undefined,
    known,
    peers: new Map(),
    distrusted: [],
    chases: [],
    wanted: [],
    alarm: start.alarm,
    ticket: 0,
    ticks: 0,
    nowMs: timestampMs(nowMs),
    told: '',
  };
  return { ...state, told: toldOf(state) };
}

/** One event in, its effects out, in order. */
export function step(state: LightState, event: LightEvent): LightTransition {
  const now = 'nowMs' in event ? { ...state, nowMs: timestampMs(event.nowMs) } : state;
  const { state: next, effects } = on(now, event);
  return schedule(next, effects);
}

function on(state: LightState, event: LightEvent): LightTransition {
  switch (event.kind) {
    case 'peer-status':
      return stay(onPeerStatus(state, event));
    case 'peer-gone':
      return stay(dropChasesOf(forget(state, event.peerId), event.peerId));
    case 'light-blocks-received':
      return onBlocks(state, event.ticket, event.blocks);
    case 'request-failed':
      return onRequestFailed(state, event.ticket, event.reason);
    case 'statuses-forgotten':
      return stay(forgetStatuses(state));
    case 'verification-failed':
      return onVerificationFailed(state, event.ticket);
    case 'height-unwanted':
      return stay(withoutWanted(state, event));
    case 'claims-verified':
      return onClaimsVerified(state, event.ticket, event.isValid);
    case 'height-wanted': {
      const wanted = { id: event.id, height: event.height, tried: [] };
      const isFull = state.wanted.length >= state.limits.wantedMax;
      if (isFull) return failed(stay(state), wanted, 'too-many-wanted');
      return stay({ ...state, wanted: [...state.wanted, wanted] });
    }
    case 'tick':
      return onTick({ ...state, ticks: state.ticks + 1 });
    case 'chain-advanced':
      return onChainAdvanced(state, event.trusted, event.block);
    case 'checkpoint-given':
      return onCheckpoint(state, { ...event, voice: undefined });
    case 'alarm-cleared':
      return stay({ ...state, alarm: undefined });
    default:
      return unreachable(event);
  }
}

function stay(state: LightState): LightTransition {
  return { state, effects: [] };
}

/* ----------------------------------------------------------------- peers */

function onPeerStatus(
  state: LightState,
  told: LightEvent & { readonly kind: 'peer-status' },
): LightState {
  const { peerId, voice, headHeight, headHash, earliestHeight, nowMs: toldAtMs } = told;
  if (state.distrusted.includes(peerId)) return state;
  const known = state.peers.get(peerId);
  const peers = known === undefined ? makeRoom(state, voice) : state.peers;
  if (peers === undefined) return state;
  const fresh = { faults: 0, restsUntil: 0, busyUntil: 0, lastAsked: 0 };
  const wasNear = state.head.trusted.header.height - headHeight <= state.limits.nearBlocks;
  const said = { peerId, voice, headHeight, headHash, earliestHeight, toldAtMs, wasNear };
  const before = known && isTrustedHead(state, known) ? wordOf(known) : known?.before;
  const peer: Peer = { ...fresh, ...known, ...said, before };
  const gone = [...state.peers.keys()].find((each) => !peers.has(each));
  const next = { ...state, peers: withPeer(peers, peer) };
  // Whoever made way is asked nothing more.
  return gone === undefined ? next : dropChasesOf(next, gone);
}

function wordOf({ headHeight, headHash, toldAtMs, wasNear }: Peer): PeerWord {
  return { headHeight, headHash, toldAtMs, wasNear };
}

function forget(state: LightState, peerId: string): LightState {
  return { ...state, peers: withoutPeer(state.peers, peerId) };
}

function forgetStatuses(state: LightState): LightState {
  const peers = [...state.peers].map(([peerId, peer]) => {
    return [peerId, { ...peer, toldAtMs: Number.NEGATIVE_INFINITY, before: undefined }] as const;
  });
  return { ...state, peers: new Map(peers) };
}

/** Ends what a peer had open; whoever wanted a height is served by somebody else, if anybody. */
function dropChasesOf(state: LightState, peerId: string): LightState {
  const dropped = state.chases.filter((chase) => chase.peerId === peerId);
  if (dropped.length === 0) return state;
  return dropped.reduce(withoutChase, state);
}

/** Ends a chase; what was proven on its way is kept, so that the next one begins there. */
function withoutChase(state: LightState, chase: Chase): LightState {
  const known = chase.steps.reduce((all, each) => withKnown(all, each, state.limits), state.known);
  return droppedChase({ ...state, known }, chase);
}

function droppedChase(state: LightState, chase: Chase): LightState {
  const chases = state.chases.filter((each) => each !== chase);
  const { purpose, peerId } = chase;
  if (purpose.kind !== 'wanted') return { ...state, chases };
  const wanted = state.wanted.map((each) =>
    each.id === purpose.id ? { ...each, tried: [...each.tried, peerId] } : each,
  );
  return { ...state, chases, wanted };
}

/** Takes everything open away from a peer and lets it rest, or never trusts it again. */
function blame(state: LightState, peerId: string, fault: LightFault): LightTransition {
  const effects = [{ kind: 'report-peer', peerId, fault } as const];
  const freed = dropChasesOf(state, peerId);
  if (fault === 'bad-block' || fault === 'malformed-answer') {
    const distrusted = [...state.distrusted, peerId].slice(-state.limits.distrustedMax);
    return { state: { ...forget(freed, peerId), distrusted }, effects };
  }
  return { state: rest(freed, peerId), effects };
}

/** Asked nothing for a moment; it is believed as before. */
function putOff(state: LightState, peerId: string): LightState {
  const peer = state.peers.get(peerId);
  if (peer === undefined) return state;
  return { ...state, peers: withPeer(state.peers, { ...peer, busyUntil: state.ticks + 2 }) };
}

function rest(state: LightState, peerId: string): LightState {
  const peer = state.peers.get(peerId);
  if (peer === undefined) return state;
  return { ...state, peers: withPeer(state.peers, rested(peer, state)) };
}

function onRequestFailed(
  state: LightState,
  ticket: Ticket,
  reason: LightRequestFailure,
): LightTransition {
  const chase = chaseOf(state, ticket);
  if (chase === undefined) return stay(state); // Stale is ordinary.
  // Whose connection broke is no liar; `peer-gone` or a new status follows.
  if (reason === 'gone') return stay(rest(dropChasesOf(state, chase.peerId), chase.peerId));
  // Whom we asked too much is no liar either.
  if (reason === 'busy') return stay(putOff(withoutChase(state, chase), chase.peerId));
  return blame(state, chase.peerId, reason === 'malformed' ? 'malformed-answer' : 'stall');
}

/** Ends a chase that nobody is to blame for; its peer is asked for no head for a while. */
function giveUp(state: LightState, chase: Chase): LightState {
  const free = withoutChase(state, chase);
  return chase.purpose.kind === 'wanted' ? free : rest(free, chase.peerId);
}

function onVerificationFailed(state: LightState, ticket: Ticket): LightTransition {
  const chase = chaseOf(state, ticket);
  return stay(chase?.phase.kind === 'verifying' ? giveUp(state, chase) : state);
}

/** Neither silence nor answers in small coins hold up a chase for ever. */
function onTick(state: LightState): LightTransition {
  const { ticks, limits } = state;
  const late = state.chases.find(({ phase, begunAt }) => {
    if (phase.kind !== 'asked') return false;
    return (
      ticks - phase.askedAt >= limits.requestTicksMax || ticks - begunAt >= limits.chaseTicksMax
    );
  });
  return late === undefined ? stay(state) : blame(state, late.peerId, 'stall');
}

/* ---------------------------------------------------------------- chases */

function chaseOf(state: LightState, ticket: Ticket): Chase | undefined {
  return state.chases.find(({ phase }) => phase.ticket === ticket);
}

function withChase(state: LightState, chase: Chase, changed: Chase): LightState {
  return { ...state, chases: state.chases.map((each) => (each === chase ? changed : each)) };
}

function onBlocks(
  state: LightState,
  ticket: Ticket,
  blocks: readonly LightBlock[],
): LightTransition {
  const chase = chaseOf(state, ticket);
  if (chase?.phase.kind !== 'asked') return stay(state); // Stale is ordinary.
  const { base, target, peerId, purpose } = chase;
  const { heights } = chase.phase;
  const from = base.header.height;
  const isProper = blocks.every(({ header: { height } }, at) => {
    const isAbove = at === 0 || height > (blocks[at - 1]?.header.height ?? 0);
    return isAbove && height <= target && (height > from || heights.includes(height));
  });
  if (!isProper) return blame(state, peerId, 'malformed-answer');
  const isForked = blocks.some((block) => contradicts(state, block, base));
  if (isForked && purpose.kind === 'head') return accuse(state, chase, from);
  const found = merge(chase.found, blocks, from, state.limits.foundMax);
  if (found.at(-1)?.header.height !== target) return onTargetMissing(state, chase);
  // Without any of what was asked for, the same would be asked for again, for ever.
  const isNew = blocks.some(({ header: { height } }) => height > from && heights.includes(height));
  if (!isNew) {
    // Who prunes lacks what lies between.
    return blocks.length === 0 ? stay(giveUp(state, chase)) : blame(state, peerId, 'stall');
  }
  return proceed(state, chase, { ...chase, found });
}

// Nobody has to keep what is old, but to have the head it tells; where a snapshot began, not even
// that.
function onTargetMissing(state: LightState, chase: Chase): LightTransition {
  const { peerId, target, purpose } = chase;
  const { earliestHeight = 0, faults = 0 } = state.peers.get(peerId) ?? {};
  // A snapshot is soon behind: whoever says so of one head after another lies.
  const isBegun = earliestHeight > target && faults < state.limits.excusesMax;
  const isOwed = purpose.kind !== 'wanted' && !isBegun;
  return isOwed ? blame(state, peerId, 'height-lie') : stay(giveUp(state, chase));
}

// A block at the height of a trusted one that is another.
function contradicts({ anchor }: LightState, { header }: LightBlock, base: TrustedBlock) {
  const isThere = header.height === base.header.height;
  return isThere && !equalBytes(base.hash, blockHashOf(anchor.suite, header));
}

/** The peer is of another fork: it must show its block at the height of our own. */
function accuse(state: LightState, chase: Chase, height: number): LightTransition {
  const free = withoutChase(state, chase);
  // Nothing can be proven from below: nobody can say who of both is wrong.
  if (isExpiredBelow(state, height)) return stay(rest(free, chase.peerId));
  const peer = state.peers.get(chase.peerId);
  const purpose = { kind: 'witness', fault: 'bad-block' } as const;
  const begun = peer && begin(stay(free), peer, height, purpose);
  // Nothing is trusted below: ours was given to us, and is true whatever others say.
  return begun ?? blame(free, chase.peerId, 'bad-block');
}

/** Verifies what can be verified, or asks for what lies between. */
function proceed(state: LightState, chase: Chase, changed: Chase): LightTransition {
  const move = nextMove(state, changed);
  const ticket = state.ticket + 1;
  switch (move.kind) {
    case 'verify': {
      const phase = { kind: 'verifying', ticket, path: move.path } as const;
      const next = { ...withChase(state, chase, { ...changed, phase }), ticket };
      const { claims } = move;
      return { state: next, effects: [{ kind: 'verify-claims', ticket, claims }] };
    }
    case 'ask': {
      const { requestsPerChaseMax, unprovenRequestsMax } = state.limits;
      if (changed.unproven >= unprovenRequestsMax) {
        return blame(state, changed.peerId, 'endless-stall');
      }
      if (changed.requests >= requestsPerChaseMax) return blame(state, changed.peerId, 'stall');
      const { heights } = move;
      const phase = { kind: 'asked', ticket, askedAt: state.ticks, heights } as const;
      const requests = changed.requests + 1;
      const unproven = changed.unproven + 1;
      const next = withChase(state, chase, { ...changed, requests, unproven, phase });
      return { state: { ...next, ticket }, effects: [requestOf(changed, ticket, heights)] };
    }
    case 'refuse':
      return onRefusal(state, changed, chase, move.code);
    default:
      return unreachable(move);
  }
}

function onRefusal(
  state: LightState,
  { base, peerId, purpose, steps }: Chase,
  chase: Chase,
  code: string,
): LightTransition {
  // Its clock or ours: nobody can say whose.
  if (code === 'from-the-future') return stay(rest(withoutChase(state, chase), peerId));
  // Time passed since the chase began. A wanted height fails; for a head it is asked no more now.
  if (code === 'trust-expired') {
    const free = withoutChase(state, chase);
    return stay(purpose.kind === 'wanted' ? free : rest(free, peerId));
  }
  const isOtherFork = code === 'not-child-of-trusted' && steps.length === 0;
  if (isOtherFork && purpose.kind === 'head') return accuse(state, chase, base.header.height);
  return blame(state, peerId, 'bad-block');
}

function onClaimsVerified(state: LightState, ticket: Ticket, isValid: boolean): LightTransition {
  const chase = chaseOf(state, ticket);
  if (chase?.phase.kind !== 'verifying') return stay(state); // Stale is ordinary.
  const { path } = chase.phase;
  const last = path.at(-1);
  if (last === undefined) return stay(state);
  if (!isValid && state.rules.verifiesSignatures) return blame(state, chase.peerId, 'bad-block');
  const base = last.trusted;
  const steps = [...chase.steps, ...path.map((each) => ({ ...each, voice: chase.voice }))];
  const found = chase.found.filter(({ header }) => header.height > base.header.height);
  // Whether another block of its height is trusted is asked of every step.
  for (const { trusted, block } of path) {
    const ours = knownAt(state.known, trusted.header.height);
    if (ours === undefined || equalBytes(ours.trusted.hash, trusted.hash)) continue;
    return alarm(state, { trusted: ours.trusted, ours: ours.block, other: block });
  }
  if (base.header.height < chase.target) {
    return proceed(state, chase, { ...chase, base, steps, found, unproven: 0 });
  }
  return onProven(withoutChase(state, chase), chase, steps);
}

function onProven(state: LightState, chase: Chase, steps: readonly Known[]): LightTransition {
  const { purpose } = chase;
  const remembered = steps.reduce(
    (known, each) => withKnown(known, each, state.limits),
    state.known,
  );
  const last = steps.at(-1);
  if (last?.block === undefined) return stay(state);
  const { trusted, block } = last;
  let next: LightState = { ...state, known: remembered };
  if (purpose.kind === 'wanted') {
    // The block may lie where nothing more is remembered, so it is told before it is forgotten.
    const effect = { kind: 'height-proven', id: purpose.id, trusted, block } as const;
    const told = raise(withoutWanted(next, purpose), last);
    return { state: told.state, effects: [effect, ...told.effects] };
  }
  // It told another block than it then showed.
  if (purpose.kind === 'witness') return blame(next, chase.peerId, purpose.fault);
  next = forgive(next, chase.peerId);
  return raise(next, last);
}

function forgive(state: LightState, peerId: string): LightState {
  const peer = state.peers.get(peerId);
  if (peer === undefined || peer.faults === 0) return state;
  return { ...state, peers: withPeer(state.peers, { ...peer, faults: peer.faults - 1 }) };
}

/** Makes a proven block the head, if it is above it. */
function raise(state: LightState, to: Known): LightTransition {
  const { trusted, block } = to;
  const isHigher = trusted.header.height > state.head.trusted.header.height;
  if (!isHigher || block === undefined) return stay(state);
  const next = { ...state, head: to, isOwnChain: false, aheadSince: undefined };
  return { state: withoutLower(next), effects: [{ kind: 'trust-block', trusted, block }] };
}

/** Heads that are not above ours are chased no more. */
function withoutLower(state: LightState): LightState {
  const { height } = state.head.trusted.header;
  const isIdle = ({ purpose, target }: Chase) => purpose.kind === 'head' && target <= height;
  if (!state.chases.some(isIdle)) return state;
  return { ...state, chases: state.chases.filter((chase) => !isIdle(chase)) };
}

/** Trusted without a way that leads there; never against what is trusted already. */
function onCheckpoint(state: LightState, { trusted, block, voice }: Known): LightTransition {
  const given: Known = { trusted, block, voice };
  if (state.alarm !== undefined || knownAt(state.known, trusted.header.height) !== undefined) {
    return stay(state);
  }
  return raise({ ...state, known: withKnown(state.known, given, state.limits) }, given);
}

/* ------------------------------------------------- own chain and alarms */

function onChainAdvanced(
  state: LightState,
  trusted: TrustedBlock,
  block: LightBlock | undefined,
): LightTransition {
  const { height } = trusted.header;
  const ours = knownAt(state.known, height);
  if (ours !== undefined && !equalBytes(ours.trusted.hash, trusted.hash)) {
    return onOwnConflict(state, { trusted, block, voice: undefined }, ours);
  }
  // How others proved it is not forgotten: we are asked for that in turn.
  const own: Known = { trusted, block: block ?? ours?.block, voice: undefined };
  const others = state.known.filter((each) => each !== ours);
  const known = withKnown(others, own, state.limits);
  if (height < state.head.trusted.header.height) return stay({ ...state, known });
  const next = { ...state, known, head: own, isOwnChain: true, aheadSince: undefined };
  return stay(withoutLower(next));
}

/** What we executed stands; what others told at its height, and all above that, counts no more. */
function onOwnConflict(state: LightState, own: Known, other: Known): LightTransition {
  const { height } = own.trusted.header;
  const below = state.known.filter(({ trusted }) => trusted.header.height < height);
  const head = { head: own, isOwnChain: true, aheadSince: undefined };
  const next: LightState = { ...state, ...head, known: [...below, own] };
  if (other.block !== undefined) {
    return alarm(next, { trusted: own.trusted, ours: own.block, other: other.block });
  }
  // It was given without proof, a checkpoint; then the certificate of ours is the evidence.
  const { block } = own;
  if (block !== undefined) {
    return alarm(next, { trusted: other.trusted, ours: undefined, other: block });
  }
  return stay(next.chases.reduce(droppedChase, next));
}

/** Conflicting certificates: nothing more is trusted until a person looked. */
function alarm(state: LightState, evidence: LightEvidence): LightTransition {
  const next = state.chases.reduce(droppedChase, state);
  return { state: { ...next, alarm: evidence }, effects: [{ kind: 'raise-alarm', evidence }] };
}
