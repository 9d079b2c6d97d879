import type { Height } from '../ledger/index.ts';
import { isExpired } from './judge.ts';
import { isTrustedHead } from './known.ts';
import { isUsable, usablePeers } from './peers.ts';
import type { LightProgress, LightStage, LightState, LightTransition } from './types.ts';

/** Where a light client stands. */
export function lightProgress(state: LightState): LightProgress {
  const { head, alarm } = state;
  return {
    head: head.trusted,
    headBlock: head.block,
    comparedVoices: comparedVoices(state),
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

function comparedVoices(state: LightState): number {
  const voices = new Set<string>();
  for (const peer of state.peers.values()) {
    if (peer.voice === state.head.voice || !isUsable(peer, state)) continue;
    if (isTrustedHead(state, peer)) voices.add(peer.voice);
  }
  return voices.size;
}

function stageOf(state: LightState): LightStage {
  if (state.alarm !== undefined || hasExpired(state) || usablePeers(state).length === 0) {
    return 'waiting';
  }
  const isBehind = targetHeight(state) > state.head.trusted.header.height;
  return isBehind ? 'proving' : 'following';
}

/** What decides whether somebody must be told. */
export function toldOf(state: LightState): string {
  const { head, comparedVoices, targetHeight, stage, alarm, expired } = lightProgress(state);
  const isAlarmed = alarm !== undefined;
  return [head.header.height, comparedVoices, targetHeight, stage, isAlarmed, expired].join(' ');
}

/** Adds `light-changed` when the progress is not what was told last. */
export function tell({ state, effects }: LightTransition): LightTransition {
  const told = toldOf(state);
  if (told === state.told) return { state, effects };
  return { state: { ...state, told }, effects: [...effects, { kind: 'light-changed' }] };
}
