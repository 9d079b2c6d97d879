import { formatHex } from '../../base/index.ts';
import type { SignatureClaim } from '../../crypto/index.ts';
import { verifySignature } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { LightRequestFailure } from '../errors.ts';
import type { LightStart } from '../step.ts';
import { createLight, step } from '../step.ts';
import type { LightBlock, LightEffect, LightEvent, LightState } from '../types.ts';
import type { TestChain } from './chain.ts';

/** What a peer answers: blocks, a failure, or nothing ever. */
export type Answer = readonly LightBlock[] | LightRequestFailure | 'silence';
export type Server = (heights: readonly number[], from: number) => Answer;

/** Serves what is asked for, as far as the chain goes. */
export function honest(chain: TestChain): Server {
  return (heights) =>
    heights.filter((each) => each > 0 && each <= chain.length).map((each) => chain.blockAt(each));
}

const verdicts = new Map<string, boolean>();

/** Whether a claim holds; each is computed once. */
export function holds(claim: SignatureClaim): boolean {
  const name = [claim.publicKey, claim.message, claim.signature].map(formatHex).join();
  let verdict = verdicts.get(name);
  if (verdict === undefined) {
    verdict = verifySignature(claim);
    verdicts.set(name, verdict);
  }
  return verdict;
}

/** What a peer tells of itself: the head of its chain or another height, and what it keeps. */
type MetHead = {
  readonly chain: TestChain;
  readonly height?: number;
  readonly earliest?: number;
};

/** A light client among peers that answer at once; every effect it ever had is kept. */
export type Village = {
  readonly effects: LightEffect[];
  readonly requests: { readonly peerId: string; readonly heights: readonly number[] }[];
  state(): LightState;
  send(event: LightEvent): void;
  /** A peer comes, and tells the head of its chain or another one. */
  meet(peerId: string, server: Server, head: MetHead): void;
  tick(count?: number): void;
  nowMs: number;
  /** Whether somebody here can look at signatures now. */
  canVerify: boolean;
};

const STEPS_MAX = 2000;

export function createVillage(start: Omit<LightStart, 'nowMs'> & { nowMs: number }): Village {
  let state = createLight(start);
  const servers = new Map<string, Server>();
  const queue: LightEvent[] = [];
  const perform = (effect: LightEffect) => {
    village.effects.push(effect);
    if (effect.kind === 'verify-claims' && !village.canVerify) {
      queue.push({ kind: 'verification-failed', ticket: effect.ticket });
    } else if (effect.kind === 'verify-claims') {
      const isValid = effect.claims.every(holds);
      queue.push({ kind: 'claims-verified', ticket: effect.ticket, isValid });
    }
    if (effect.kind !== 'request-light-blocks') return;
    const { ticket, peerId, heights, from } = effect;
    village.requests.push({ peerId, heights });
    const answer = servers.get(peerId)?.(heights, from) ?? 'gone';
    if (answer === 'silence') return;
    const { nowMs } = village;
    if (typeof answer === 'string') {
      queue.push({ kind: 'request-failed', ticket, reason: answer, nowMs });
    } else queue.push({ kind: 'light-blocks-received', ticket, blocks: answer, nowMs });
  };
  const village: Village = {
    effects: [],
    requests: [],
    nowMs: start.nowMs,
    canVerify: true,
    state: () => state,
    send(event) {
      queue.push(event);
      for (let count = 0; queue.length > 0; count++) {
        if (count > STEPS_MAX) throw new Error('the machine never comes to rest');
        const next = queue.shift();
        if (next === undefined) return;
        const transition = step(state, next);
        state = transition.state;
        for (const effect of transition.effects) perform(effect);
      }
    },
    meet(peerId, server, { chain, height = chain.length, earliest = 0 }) {
      servers.set(peerId, server);
      const headHeight = height as Height; // Within the chain, or a lie.
      const headHash = chain.hashAt(Math.min(height, chain.length));
      const { nowMs } = village;
      const voice = `host of ${peerId}`;
      const earliestHeight = earliest as Height; // As above.
      const told = { peerId, voice, headHeight, headHash, earliestHeight, nowMs };
      village.send({ kind: 'peer-status', ...told });
    },
    tick(count = 1) {
      for (let each = 0; each < count; each++) {
        village.nowMs += 1000;
        village.send({ kind: 'tick', nowMs: village.nowMs });
      }
    },
  };
  return village;
}
