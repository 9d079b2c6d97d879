import { describe, expect, it } from 'vitest';
import { TabellionError, timestampMs } from '../base/index.ts';
import { parseJson } from '../codec/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import type { Checkpoint, LightBlock } from '../light/index.ts';
import { TRUSTING_PERIOD_MS } from '../light/index.ts';
import { createTestChain } from '../light/testing/chain.ts';
import { builtinMethods } from '../rpc/index.ts';
import { findCheckpoint } from './checkpoint.ts';
import { createClient } from './client.ts';
import type { ProverAnchor } from './prover.ts';
import { createProver } from './prover.ts';
import type { Transport } from './transport.ts';

const LENGTH = 40;
const AT = 30;
const chain = createTestChain({
  length: LENGTH,
  membersAt: (height) => (height < 10 ? [1, 2, 3, 4] : [5, 6, 7, 8]),
});
const spec = builtinMethods()['light.blocks'];
/** Genesis is too old to prove anything from by then; the checkpoint is not. */
const NOW_MS = chain.headerAt(20).timestampMs + TRUSTING_PERIOD_MS;
const clock = { now: () => timestampMs(NOW_MS), after: () => () => undefined };
const checkpoint: Checkpoint = { height: AT as Height, hash: chain.hashAt(AT) };

function anchorOf(isFixed = false): ProverAnchor {
  const { anchor, genesis } = chain;
  return { ...anchor, membership: genesis.membership, isFixed, genesis };
}

function clientOf(change: (block: LightBlock) => LightBlock = (block) => block) {
  const transport: Transport = {
    trustMax: 'reported',
    async call(_, params) {
      const question = parseJson(spec.params, params);
      if (!question.ok) throw new TabellionError('params-invalid');
      const { heights } = question.value;
      const known = heights.filter((height) => height <= LENGTH);
      return spec.result.toJson({ blocks: known.map((each) => change(chain.blockAt(each))) });
    },
    subscribe: () => () => undefined,
    close: () => undefined,
  };
  return createClient(transport);
}

describe('a prover that was given a checkpoint', () => {
  it('proves what it could not prove from genesis any more', async () => {
    const client = clientOf();
    const { header, certificate, membership } = chain.blockAt(LENGTH);
    const claim = { header, certificate, membership, hash: chain.hashAt(LENGTH) };
    const alone = createProver(client, anchorOf(), { clock });
    expect(await alone.finality(claim)).toMatchObject({
      ok: false,
      error: { code: 'header-unproven', reason: 'trust-expired' },
    });
    const found = await findCheckpoint(client, anchorOf(), checkpoint, { clock });
    if (!found.ok) throw new Error(found.error.code);
    expect(found.value).toEqual(chain.trustedAt(AT));
    const prover = createProver(client, anchorOf(), { clock, trusted: found.value });
    expect(await prover.finality(claim)).toMatchObject({ ok: true, value: { trust: 'proven' } });
  });

  it('is its genesis too, where that is the checkpoint', async () => {
    const genesis = { height: 0 as Height, hash: chain.hashAt(0) };
    const found = await findCheckpoint(clientOf(), anchorOf(), genesis, { clock });
    expect(found).toEqual({ ok: true, value: chain.genesis });
  });

  const strange = new Uint8Array(32).fill(9) as Hash;
  const forged = (block: LightBlock): LightBlock => {
    const { certificate } = block;
    const signatures = certificate.signatures.map((each) => ({
      ...each,
      signature: each.signature.toReversed() as typeof each.signature,
    }));
    return { ...block, certificate: { ...certificate, signatures } };
  };
  it.each([
    ['a genesis of another network', { height: 0 as Height, hash: strange }, 'wrong-network'],
    ['a block that nobody has', { ...checkpoint, height: 999 as Height }, 'unserved'],
    ['another block than the node has', { ...checkpoint, hash: strange }, 'unserved'],
    ['a block too old', { height: 5 as Height, hash: chain.hashAt(5) }, 'expired'],
  ])('refuses %s', async (_, named, code) => {
    const found = await findCheckpoint(clientOf(), anchorOf(), named, { clock });
    expect(found).toEqual({ ok: false, error: { code: `checkpoint-${code}` } });
  });

  it('refuses forged signatures, and other members where these never change', async () => {
    for (const [client, anchor, reason] of [
      [clientOf(forged), anchorOf(), 'signature-invalid'],
      [clientOf(), anchorOf(true), 'membership-changed'],
    ] as const) {
      const found = await findCheckpoint(client, anchor, checkpoint, { clock });
      expect(found).toEqual({ ok: false, error: { code: 'checkpoint-invalid', reason } });
    }
  });
});
