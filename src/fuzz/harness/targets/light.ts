import { equalBytes } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import type { Height } from '../../../ledger/index.ts';
import type { LightBlock, LightEffect, LightEvent, LightState } from '../../../light/index.ts';
import {
  createLight,
  judgeCheckpoint,
  lightAnswerCodec,
  lightBlockCodec,
  lightProgress,
  lightRequestCodec,
  step,
  trustedBlockCodec,
} from '../../../light/index.ts';
import { createTestChain } from '../../../light/testing/chain.ts';
import { holdsQuickly } from '../quick-verifier.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { bytesTarget, codecTarget } from './codec-target.ts';

const LENGTH = 12;
/** All members change at 4, two of them at 8. */
const membersAt = (height: number) => {
  if (height < 4) return [1, 2, 3, 4];
  return height < 8 ? [5, 6, 7, 8] : [5, 6, 9, 10];
};
const chain = createTestChain({ length: LENGTH, membersAt });
const fork = createTestChain({
  length: LENGTH,
  membersAt,
  fork: { from: 2, mark: 1 },
  signersAt: (_, members) => members.slice(0, 1),
});
/** Requests after which somebody is asked without end. */
const REQUESTS_MAX = 200;

const bytesOf = (blocks: readonly LightBlock[]) => encode(lightAnswerCodec, { blocks });

function answers(): Uint8Array<ArrayBuffer>[] {
  const heights = [[12], [1, 12], [3, 4, 7, 12], [3, 4, 5, 6, 12], [1], [7, 12], []];
  return [chain, fork].flatMap((each) =>
    heights.map((some) => new Uint8Array(bytesOf(some.map((height) => each.blockAt(height))))),
  );
}

type Told = ReturnType<typeof decode<{ readonly blocks: readonly LightBlock[] }>>;

/** Whether an answer that is none was met: whatever its bytes, the client hears only that. */
let isNoneMet = false;

function runClient(input: Uint8Array): Verdict {
  const told: Told = decode(lightAnswerCodec, input);
  if (told.ok) return `${meet(told)}@${told.value.blocks.length}`;
  if (!isNoneMet) meet(told);
  isNoneMet = true;
  return refusedAt(told.error.code, told.error.at);
}

/** A light client, one liar that answers every request with the same bytes, then an honest peer. */
function meet(told: Told): string {
  const { anchor, genesis: trusted, endMs: nowMs } = chain;
  const options = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };
  let state: LightState = createLight({ anchor, options, trusted, nowMs });
  const outcomes: string[] = [];
  let requests = 0;
  const answerTo = (effect: LightEffect): LightEvent | undefined => {
    switch (effect.kind) {
      case 'request-light-blocks': {
        requests += 1;
        if (requests > REQUESTS_MAX) throw new Broken('asked without end');
        const { ticket, peerId, heights } = effect;
        const honest = () => heights.map((height) => chain.blockAt(height));
        if (peerId === 'liar' && !told.ok) {
          return { kind: 'request-failed', ticket, reason: 'malformed', nowMs };
        }
        const blocks = peerId === 'liar' && told.ok ? told.value.blocks : honest();
        return { kind: 'light-blocks-received', ticket, blocks, nowMs };
      }
      case 'verify-claims': {
        const isValid = effect.claims.every(holdsQuickly);
        return { kind: 'claims-verified', ticket: effect.ticket, isValid };
      }
      case 'trust-block':
      case 'height-proven': {
        const { header, hash } = effect.trusted;
        const isOurs = header.height <= LENGTH && equalBytes(hash, chain.hashAt(header.height));
        if (!isOurs) throw new Broken('it trusts what nobody decided');
        outcomes.push(effect.kind);
        return undefined;
      }
      case 'raise-alarm':
        throw new Broken('an alarm that less than 1/3 can raise');
      case 'report-peer':
        if (effect.peerId !== 'liar') throw new Broken('it blames the honest');
        outcomes.push(effect.fault);
        return undefined;
      default:
        return undefined;
    }
  };
  const send = (first: LightEvent) => {
    const events = [first];
    for (let event = events.shift(); event !== undefined; event = events.shift()) {
      const transition = step(state, event);
      state = transition.state;
      for (const effect of transition.effects) {
        const answer = answerTo(effect);
        if (answer !== undefined) events.push(answer);
      }
    }
  };
  const heights = { headHeight: LENGTH as Height, earliestHeight: 0 as Height }; // Small.
  const status = { ...heights, headHash: chain.hashAt(LENGTH), nowMs };
  send({ kind: 'peer-status', peerId: 'liar', voice: 'liar', ...status });
  send({ kind: 'height-wanted', id: 1, height: 6 as Height, nowMs }); // Small.
  const first = outcomes.join('+') || 'nothing';
  send({ kind: 'peer-status', peerId: 'honest', voice: 'honest', ...status });
  for (let count = 0; count < 4; count++) send({ kind: 'tick', nowMs });
  if (lightProgress(state).head.header.height !== LENGTH) throw new Broken('it does not arrive');
  return first;
}

/** What a peer shows as the block of a checkpoint: only that very block, whole, may be taken. */
function runCheckpoint(input: Uint8Array): Verdict {
  const decoded = decode(lightBlockCodec, input);
  if (!decoded.ok) return refusedAt(decoded.error.code, decoded.error.at);
  const { anchor, genesis, endMs: nowMs } = chain;
  const height = NAMED as Height; // Of the chain.
  const options = { trustingPeriodMs: undefined, clockDriftMs: 10_000 };
  const checkpoint = { height, hash: chain.hashAt(height) };
  const verdict = judgeCheckpoint(anchor, checkpoint, decoded.value, { genesis, nowMs, options });
  if (verdict.kind === 'refused') return verdict.code;
  if (!verdict.claims.every(holdsQuickly)) return 'claims-false';
  const { hash, membership, nextMembership } = verdict.trusted;
  const truth = chain.trustedAt(height);
  const isSame = equalBytes(
    encode(trustedBlockCodec, { ...truth, hash, membership, nextMembership }),
    encode(trustedBlockCodec, truth),
  );
  if (!isSame) throw new Broken('it trusts what the checkpoint does not name');
  return 'accepted';
}

/** The height that the checkpoint names: members change behind it. */
const NAMED = 7;

export const lightTargets: readonly Target[] = [
  codecTarget('light-block', lightBlockCodec, () => blocksOf().map(encodeBlock)),
  bytesTarget('checkpoint-block', 'what a peer shows for a checkpoint', async () => ({
    seeds: [chain, fork].map((each) => new Uint8Array(encodeBlock(each.blockAt(NAMED)))),
    run: runCheckpoint,
  })),
  codecTarget('light-request', lightRequestCodec),
  codecTarget('light-answer', lightAnswerCodec, answers),
  codecTarget('trusted-block', trustedBlockCodec, () => [
    encode(trustedBlockCodec, chain.genesis),
    encode(trustedBlockCodec, chain.trustedAt(7)),
  ]),
  bytesTarget('light-client', 'answers of a liar to a light client', async () => ({
    seeds: answers(),
    run: runClient,
  })),
];

function blocksOf(): readonly LightBlock[] {
  return [1, 3, 4, 12].map((height) => chain.blockAt(height));
}

function encodeBlock(block: LightBlock): Uint8Array {
  return encode(lightBlockCodec, block);
}
