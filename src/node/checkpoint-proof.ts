import { equalBytes, errorToData, TabellionError } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Checkpoint, CheckpointVerdict, LightBlock, TrustedBlock } from '../light/index.ts';
import {
  checkpointCodeOf,
  isExpired,
  judgeCheckpoint,
  lightAnswerCodec,
  lightRequestCodec,
} from '../light/index.ts';
import type { LightDriver, ProvenHeader } from './light-driver.ts';
import type { NodeCore } from './parts.ts';
import type { Judged, PeerQuestions } from './questions.ts';
import type { LedgerStore } from './store/index.ts';

/** What finds the block of a checkpoint, here or among peers. */
export type CheckpointSources = {
  readonly core: NodeCore;
  readonly light: LightDriver;
  readonly questions: PeerQuestions;
  readonly store: LedgerStore;
};

type Refused = Extract<CheckpointVerdict, { readonly kind: 'refused' }>['code'];

/** What the checkpoint is to blame for, and not the peer that shows its block. */
const OF_THE_HEADER: ReadonlySet<Refused> = new Set<Refused>([
  'wrong-network',
  'version-unsupported',
  'timestamp-not-after-parent',
  'membership-changed',
  'from-the-future',
  'trust-expired',
]);

/**
 * Finds the block that a checkpoint names. While what is trusted here is young enough, the block
 * must be proven from that, as any other block. Where it is too old, whoever gave the checkpoint is
 * believed: any peer may then show the block of that very hash.
 *
 * Rejects with `checkpoint-conflicts` when another block of its height was executed or proven here,
 * `checkpoint-wrong-network`, `checkpoint-expired` when the block itself is too old to build on,
 * `checkpoint-invalid` when it breaks a rule, `checkpoint-unserved` when no peer shows it,
 * `light-alarm`, `aborted`.
 */
export async function findCheckpoint(
  sources: CheckpointSources,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<ProvenHeader> {
  const { light } = sources;
  if (light.isAlarmed()) throw new TabellionError('light-alarm');
  const own = await findOwn(sources, checkpoint);
  if (own !== undefined) return own;
  if (light.progress().expired) return askByHash(sources, checkpoint, signal);
  return prove(sources, checkpoint, signal);
}

/** What was executed or proven here at its height says at once whether it is the same. */
async function findOwn(
  { core, light, store }: CheckpointSources,
  { height, hash }: Checkpoint,
): Promise<ProvenHeader | undefined> {
  const executed = await store.header(height);
  const known = executed === undefined ? light.hashAt(height) : core.ledger.blockHash(executed);
  if (known !== undefined && !equalBytes(known, hash)) {
    // A network is what its genesis says.
    if (height === 0) throw new TabellionError('checkpoint-wrong-network');
    throw new TabellionError('checkpoint-conflicts', { height });
  }
  if (executed === undefined) return undefined;
  const membership = await store.membershipAt(height);
  const nextMembership = await store.membershipAt((height + 1) as Height); // One above a height.
  if (membership === undefined || nextMembership === undefined) return undefined;
  const trusted: TrustedBlock = { header: executed, hash, membership, nextMembership };
  if (isExpired(trusted, core.home.clock.now(), light.options)) {
    throw new TabellionError('checkpoint-expired', { height });
  }
  return { trusted, block: undefined };
}

async function prove(
  sources: CheckpointSources,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<ProvenHeader> {
  const { height, hash } = checkpoint;
  const proven = await sources.light.prove(height, signal).catch((error: unknown) => {
    const { code } = errorToData(error);
    if (code === 'light-expired') return askByHash(sources, checkpoint, signal);
    if (code !== 'proof-unavailable') throw error;
    throw new TabellionError('checkpoint-unserved', { height, reason: 'nobody' });
  });
  if (equalBytes(proven.trusted.hash, hash)) return proven;
  throw new TabellionError('checkpoint-conflicts', { height });
}

type Found =
  | { readonly kind: 'found'; readonly trusted: TrustedBlock; readonly block: LightBlock }
  | { readonly kind: 'refused'; readonly code: Exclude<Refused, 'another-block'> };

/** Nothing here leads there any more: the block with that very hash is believed. */
async function askByHash(
  { core, light, questions }: CheckpointSources,
  checkpoint: Checkpoint,
  signal: AbortSignal,
): Promise<ProvenHeader> {
  const { ledger, home } = core;
  const { height } = checkpoint;
  const anchor = { suite: ledger.suite, chainId: ledger.chainId };
  let isAnother = false;
  const judge = async (answer: Uint8Array): Promise<Judged<Found>> => {
    const decoded = decode(lightAnswerCodec, answer);
    if (!decoded.ok) return { kind: 'bad', fault: 'malformed-answer' };
    const block = decoded.value.blocks.find((each) => each.header.height === height);
    if (block === undefined) return { kind: 'absent' };
    const { genesis, options } = light;
    const at = { genesis, options, nowMs: home.clock.now() };
    const verdict = judgeCheckpoint(anchor, checkpoint, block, at);
    if (verdict.kind === 'to-verify') {
      const verdicts = await home.verifier.verify(verdict.claims);
      if (!verdicts.every((each) => each)) return { kind: 'bad', fault: 'bad-block' };
      return { kind: 'good', value: { kind: 'found', trusted: verdict.trusted, block } };
    }
    const { code } = verdict;
    // Nobody can say here which of both is of the one chain.
    isAnother ||= code === 'another-block';
    if (code === 'another-block') return { kind: 'absent' };
    if (OF_THE_HEADER.has(code)) return { kind: 'good', value: { kind: 'refused', code } };
    return { kind: 'bad', fault: 'bad-block' };
  };
  const from = Math.max(height - 1, 0) as Height; // At least genesis.
  const body = encode(lightRequestCodec, { from, heights: [height] });
  const found = await questions.ask<Found>({ kind: 'light', body, height, signal, judge });
  if (found === undefined) {
    const reason = isAnother ? 'another-block' : 'nobody';
    throw new TabellionError('checkpoint-unserved', { height, reason });
  }
  if (found.kind === 'found') return found;
  throw new TabellionError(checkpointCodeOf(found.code), { height, reason: found.code });
}
