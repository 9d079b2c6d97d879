import type { Clock, Result } from '../base/index.ts';
import { equalBytes, fail, ok, systemClock } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Checkpoint, CheckpointVerdict, TrustedBlock } from '../light/index.ts';
import { checkpointCodeOf, judgeCheckpoint, lightOptions } from '../light/index.ts';
import type { Client } from './client.ts';
import type { ProverAnchor } from './prover.ts';
import type { CallOptions } from './transport.ts';
import { firstForged } from './verify.ts';

/** Why the block of a checkpoint is not taken. */
export type CheckpointRefusal =
  | { readonly code: 'checkpoint-wrong-network' | 'checkpoint-expired' }
  /** The node has no block of that height, or another one. */
  | { readonly code: 'checkpoint-unserved' }
  | { readonly code: 'checkpoint-invalid'; readonly reason: string };

/**
 * Finds the block that a checkpoint names, for a prover to start from: `createProver(client,
 * anchor, { trusted })`. Who gave the checkpoint is believed, the node that serves it is not. Calls
 * reject as those of the client do.
 */
export async function findCheckpoint(
  client: Client,
  anchor: ProverAnchor,
  checkpoint: Checkpoint,
  options: CallOptions & { readonly clock?: Clock } = {},
): Promise<Result<TrustedBlock, CheckpointRefusal>> {
  const { clock = systemClock, ...call } = options;
  const { height, hash } = checkpoint;
  const { suite, chainId, genesis, isFixed } = anchor;
  if (height === 0) {
    return equalBytes(hash, genesis.hash)
      ? ok(genesis)
      : fail({ code: 'checkpoint-wrong-network' });
  }
  const from = (height - 1) as Height; // At least genesis.
  const { blocks } = await client.call('light.blocks', { from, heights: [height] }, call);
  const block = blocks.find(({ header }) => header.height === height);
  if (block === undefined) return fail({ code: 'checkpoint-unserved' });
  const at = { genesis, nowMs: clock.now(), options: lightOptions(isFixed) };
  const verdict = judgeCheckpoint({ suite, chainId }, checkpoint, block, at);
  if (verdict.kind === 'refused') return fail(refusalOf(verdict.code));
  const isForged = (await firstForged(verdict.claims)) !== undefined;
  if (isForged) return fail({ code: 'checkpoint-invalid', reason: 'signature-invalid' });
  return ok(verdict.trusted);
}

function refusalOf(
  code: Extract<CheckpointVerdict, { readonly kind: 'refused' }>['code'],
): CheckpointRefusal {
  if (code === 'another-block') return { code: 'checkpoint-unserved' };
  const told = checkpointCodeOf(code);
  return told === 'checkpoint-invalid' ? { code: told, reason: code } : { code: told };
}
