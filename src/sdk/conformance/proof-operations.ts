import type { Bytes } from '../../base/index.ts';
import { formatHex } from '../../base/index.ts';
import type { Hash, HashSuite } from '../../crypto/index.ts';
import { hashCodec, hashSuite } from '../../crypto/index.ts';
import {
  CLOCK_DRIFT_MS,
  judgeLightBlock,
  lightBlockCodec,
  trustedBlockCodec,
} from '../../light/index.ts';
import type { ChunkPlan } from '../../state/index.ts';
import { manifestCodec, readManifest, verifyChunk } from '../../state/index.ts';
import type { Input } from './input.ts';
import { Unusable } from './input.ts';
import type { Operation } from './operation.ts';
import { SUITES_OPTIONAL, suiteOf } from './suites.ts';

const VALUE = 'JSON as the node answers it, or hex of the canonical bytes';

const verifyLightOperation: Operation = {
  summary: 'Whether a header may be trusted by whoever trusts another below it, signatures too.',
  input: {
    chainId: 'hex',
    trusted: `TrustedBlock: ${VALUE}`,
    block: `LightBlock: ${VALUE}`,
    nowMs: 'Unix time',
    trustingPeriodMs: 'absent where members are fixed',
    clockDriftMs: `${CLOCK_DRIFT_MS} when absent`,
    suite: SUITES_OPTIONAL,
  },
  result: '{verdict: trusted | not-enough-trust | refused, hash or code}',
  async run(input, { verifier }) {
    const suite = hashSuite(suiteOf(input, true));
    const anchor = { suite, chainId: input.value('chainId', hashCodec) };
    const trusted = input.value('trusted', trustedBlockCodec);
    const block = input.value('block', lightBlockCodec);
    const isEndless = input.raw('trustingPeriodMs') === undefined;
    const options = {
      trustingPeriodMs: isEndless ? undefined : input.whole('trustingPeriodMs'),
      clockDriftMs: input.whole('clockDriftMs', CLOCK_DRIFT_MS),
    };
    const judged = judgeLightBlock(anchor, trusted, block, input.whole('nowMs'), options);
    if (judged.kind === 'not-enough-trust') return { verdict: 'not-enough-trust' };
    if (judged.kind === 'refused') return { verdict: 'refused', code: judged.code };
    const verdicts = await verifier.verify(judged.claims);
    if (!judged.claims.every((_, at) => verdicts[at] === true)) {
      return { verdict: 'refused', code: 'certificate-signature-invalid' };
    }
    return { verdict: 'trusted', hash: formatHex(judged.trusted.hash) };
  },
};

const readManifestOperation: Operation = {
  summary: 'Chunks that a manifest divides the state of a root into.',
  input: { root: 'hex', manifest: `StateManifest: ${VALUE}`, suite: SUITES_OPTIONAL },
  result: '{chunks: list of {prefix, hash, weight, count}}; a prefix is one hex digit a nibble',
  run(input) {
    const { plans } = manifestOf(input);
    return {
      chunks: plans.map(({ prefix, hash, weight, count }) => ({
        prefix: nibblesOf(prefix),
        hash: formatHex(hash),
        weight,
        count,
      })),
    };
  },
};

const verifyChunkOperation: Operation = {
  summary: 'Whether bytes are one chunk of the state of a root, by its place in the manifest.',
  input: {
    root: 'hex',
    manifest: `StateManifest: ${VALUE}`,
    index: 'place among the chunks, from 0',
    bytes: 'hex',
    suite: SUITES_OPTIONAL,
  },
  result: '{valid, weight, count}, or {valid: false, code}',
  run(input) {
    const { suite, plans } = manifestOf(input);
    const plan = plans[input.whole('index')];
    if (plan === undefined) throw new Unusable('index-unknown', 'index');
    const checked = verifyChunk(suite, plan, input.bytes('bytes'));
    if (!checked.ok) return { valid: false, code: checked.error.code };
    return { valid: true, ...checked.value };
  },
};

function manifestOf(input: Input): {
  readonly suite: HashSuite;
  readonly plans: readonly ChunkPlan[];
} {
  const suite = hashSuite(suiteOf(input, true));
  const root: Hash = input.value('root', hashCodec);
  const plans = readManifest(suite, root, input.value('manifest', manifestCodec));
  if (!plans.ok) throw new Unusable(plans.error.code, 'manifest');
  return { suite, plans: plans.value };
}

function nibblesOf(prefix: Bytes): string {
  return [...prefix].map((nibble) => nibble.toString(16)).join('');
}

/** Operations of light clients and of those who fetch a state. */
export const proofOperations: { readonly [name: string]: Operation } = {
  'light.verify': verifyLightOperation,
  'state.readManifest': readManifestOperation,
  'state.verifyChunk': verifyChunkOperation,
};
