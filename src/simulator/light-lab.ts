import { equalBytes } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { LightEffect, LightEvent, LightRules, LightState } from '../light/index.ts';
import { createLight, isExpired, LIGHT_RULES, lightProgress, step } from '../light/index.ts';
import type { ChangingChain } from './light-chain.ts';
import { createChangingChain } from './light-chain.ts';
import { isBy, lie } from './light-liar.ts';
import type { Prng } from './prng.ts';
import { createPrng } from './prng.ts';
import type { Trace } from './trace.ts';
import { Violation } from './violation.ts';

/** Liars come first: whoever asks meets them. */
const LIARS = 2;
const PEERS = 4;
/** Every liar is found out, or rests, before. */
const TICKS_MAX = 60;
const CLOCK_DRIFT_MS = 1000;

type Lab = {
  readonly prng: Prng;
  readonly chain: ChangingChain;
  readonly trace: Trace;
  state: LightState;
};

/**
 * A light client on a chain whose members change, some of its peers traitors: what it trusts must
 * be of that chain, and it must come to its head unless its trust expired before.
 */
export function runLightLab(seed: number, rules: Partial<LightRules>, trace: Trace): void {
  const prng = createPrng(seed + 2 ** 42);
  const chain = createChangingChain(prng);
  const { anchor } = chain.scene;
  const { nowMs, trustingPeriodMs } = chain;
  const options = { trustingPeriodMs, clockDriftMs: CLOCK_DRIFT_MS };
  const trusted = chain.trusted(prng.chance(300) ? 0 : prng.below(chain.length));
  const limits = { requestTicksMax: 3, heightsPerRequest: prng.pick([1, 3, 16]) };
  const allRules = { ...LIGHT_RULES, ...rules };
  const start = { anchor, options, trusted, nowMs, limits, rules: allRules };
  const lab: Lab = { prng, chain, trace, state: createLight(start) };
  const isTooOld = isExpired(trusted, nowMs, options);
  for (let count = 0; count < TICKS_MAX; count++) {
    settle(lab, { kind: 'tick', nowMs });
    if (count === 0) {
      const height = prng.below(chain.length + 1) as Height; // Within the chain.
      settle(lab, { kind: 'height-wanted', id: 1, height, nowMs });
    }
    settle(lab, statusOf(lab, prng.below(PEERS)));
    const { head } = lightProgress(lab.state);
    if (head.header.height >= chain.length) return;
  }
  const { head, expired } = lightProgress(lab.state);
  if (isTooOld && expired) return;
  const { height } = head.header;
  throw new Violation('light-client-stalled', `height ${height} of ${chain.length}, in the lab`);
}

function statusOf({ prng, chain }: Lab, peer: number): LightEvent {
  const { length, nowMs } = chain;
  const isLying = peer < LIARS && prng.chance(800);
  const height = isLying ? prng.below(length + 4) : length;
  const headHash = chain.hash(isLying ? prng.below(length) : length);
  const headHeight = height as Height; // Small.
  const [peerId, voice] = [`${peer}`, `${peer}`];
  const earliestHeight = 0 as Height; // It keeps all.
  return { kind: 'peer-status', peerId, voice, headHeight, headHash, earliestHeight, nowMs };
}

function settle(lab: Lab, first: LightEvent): void {
  const events = [first];
  for (let event = events.shift(); event !== undefined; event = events.shift()) {
    const { state, effects } = step(lab.state, event);
    lab.state = state;
    for (const effect of effects) {
      const answer = perform(lab, effect);
      if (answer !== undefined) events.push(answer);
    }
  }
}

function perform(lab: Lab, effect: LightEffect): LightEvent | undefined {
  const { chain, prng, trace } = lab;
  switch (effect.kind) {
    case 'request-light-blocks': {
      const { ticket, heights } = effect;
      const { nowMs, scene } = chain;
      // An answer that never comes.
      if (prng.chance(50)) return undefined;
      const blocks =
        Number(effect.peerId) < LIARS
          ? lie(scene, prng, heights, nowMs)
          : heights.flatMap((height) => scene.genuine(height) ?? []);
      if (blocks === undefined) return { kind: 'request-failed', ticket, reason: 'timeout', nowMs };
      return { kind: 'light-blocks-received', ticket, blocks, nowMs };
    }
    case 'verify-claims': {
      const isValid = effect.claims.every(isBy);
      return { kind: 'claims-verified', ticket: effect.ticket, isValid };
    }
    case 'trust-block':
    case 'height-proven': {
      const { header, hash } = effect.trusted;
      trace.number(header.height);
      trace.bytes(hash);
      const isOurs = header.height <= chain.length && equalBytes(chain.hash(header.height), hash);
      if (isOurs) return undefined;
      throw new Violation('light-client-disagrees', `height ${header.height}, in the lab`);
    }
    case 'raise-alarm':
      throw new Violation('light-client-disagrees', 'a false alarm, in the lab');
    case 'report-peer': {
      const isHard = effect.fault === 'bad-block' || effect.fault === 'malformed-answer';
      if (!isHard || Number(effect.peerId) < LIARS) return undefined;
      throw new Violation('light-client-disagrees', 'it blames an honest peer, in the lab');
    }
    default:
      return undefined;
  }
}
