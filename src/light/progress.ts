import type { Height } from '../ledger/index.ts';
import { isExpired } from './judge.ts';
import { isTrustedHead, trustedHashAt } from './known.ts';
import { isFresh, isUsable, usablePeers } from './peers.ts';
import type { LightProgress, LightStage, LightState, LightTransition, Peer } from './types.ts';

/** Where a light client stands. */
export function lightProgress(state: LightState): LightProgress {
  const { head, alarm } = state;
  const voices = voicesOf(state);
  const compared = new Set(voices);
  if (head.voice !== undefined) compared.delete(head.voice);
  return {
    head: head.trusted,
    headBlock: head.block,
    comparedVoices: compared.size,
    voices: voices.size,
    isHeard: isHeard(state),
    targetHeight: targetHeight(state) as Height, // Told by a peer that decodes, or our own.
    stage: stageOf(state),
    alarm,
    expired: hasExpired(state),
  };
}

/** Whether the head is too old to be built on. */
export function hasExpired({ head, nowMs, options, rules }: LightState): boolean {
  return rules.expires && isExpired(head.trusted, nowMs, options);
}

function targetHeight(state: LightState): number {
  let target: number = state.head.trusted.header.height;
  for (const peer of state.peers.values()) {
    if (isUsable(peer, state)) target = Math.max(target, peer.headHeight);
  }
  return target;
}

/** Whose word stands for our head now. */
function voicesOf(state: LightState): ReadonlySet<string> {
  const voices = new Set<string>();
  for (const peer of state.peers.values()) if (stands(state, peer)) voices.add(peer.voice);
  return voices;
}

// Who tells a head that nothing is known of yet stands by what it told before.
function stands(state: LightState, peer: Peer): boolean {
  if (confirms(state, peer)) return true;
  const { before } = peer;
  const isNews = trustedHashAt(state, peer.headHeight) === undefined;
  return isNews && before !== undefined && confirms(state, { ...peer, ...before });
}

// An old word, and one of a height that everybody knows, say nothing of what there is now.
function confirms(state: LightState, peer: Peer): boolean {
  const { height } = state.head.trusted.header;
  const isNear = peer.wasNear && height - peer.headHeight <= state.limits.lagBlocksMax;
  if (!isNear || !isUsable(peer, state) || !isFresh(peer, state)) return false;
  // Who showed our head goes on.
  const isServer = peer.voice === state.head.voice && peer.headHeight > height;
  return isServer || isTrustedHead(state, peer);
}

function isHeard(state: LightState): boolean {
  return usablePeers(state).some((peer) => isFresh(peer, state));
}

function stageOf(state: LightState): LightStage {
  if (state.alarm !== undefined || hasExpired(state) || !isHeard(state)) {
    return 'waiting';
  }
  const isBehind = targetHeight(state) > state.head.trusted.header.height;
  return isBehind ? 'proving' : 'following';
}

/** What decides whether somebody must be told. */
export function toldOf(state: LightState): string {
  const { head, targetHeight, stage, alarm, expired, ...told } = lightProgress(state);
  const { comparedVoices, voices, isHeard: isSaid } = told;
  const isAlarmed = alarm !== undefined;
  const standing = [head.header.height, targetHeight, stage, isAlarmed, expired];
  return [...standing, comparedVoices, voices, isSaid].join(' ');
}

/** Adds `light-changed` when the progress is not what was told last. */
export function tell({ state, effects }: LightTransition): LightTransition {
  const told = toldOf(state);
  if (told === state.told) return { state, effects };
  return { state: { ...state, told }, effects: [...effects, { kind: 'light-changed' }] };
}
