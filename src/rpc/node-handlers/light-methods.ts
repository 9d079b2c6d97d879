import type { Bytes } from '../../base/index.ts';
import { equalBytes } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { LightBlock } from '../../light/index.ts';
import {
  formatCheckpoint,
  LIGHT_BLOCKS_MAX,
  lightBlockCodec,
  parseCheckpoint,
} from '../../light/index.ts';
import type { LedgerSource } from '../../node/index.ts';
import { rpcError } from '../errors.ts';
import type { MethodHandlers } from '../handlers.ts';
import { ALARMS_MAX } from '../limits.ts';
import type { ParamsOf } from '../methods.ts';
import type { CheckpointView } from '../node-views.ts';
import type { NodeContext } from './context.ts';
import { refuseHeld } from './context.ts';

/** What somebody without a node needs to follow who decides. */
export function lightMethods(
  context: NodeContext,
): Pick<
  MethodHandlers,
  'light.blocks' | 'node.evidence' | 'node.checkpoint' | 'node.trustCheckpoint'
> {
  return {
    'node.evidence': (_, { signal }) => evidenceOf(context, signal),
    'node.checkpoint': async () => checkpointOf(context),
    'node.trustCheckpoint': async ({ text }, { signal }) => {
      refuseHeld(context.node);
      const parsed = parseCheckpoint(text);
      if (!parsed.ok) throw rpcError(parsed.error.code, { at: parsed.error.at });
      await context.parts.checkpoints.give(parsed.value, signal);
      return {};
    },
    'light.blocks': (question, { signal }) => lightBlocksOf(context, question, signal),
  };
}

async function lightBlocksOf(
  context: NodeContext,
  { from, heights }: ParamsOf<'light.blocks'>,
  signal: AbortSignal,
) {
  const source = context.source();
  const head = source.head().header.height;
  // Genesis needs no proof. What is not here any more is left out.
  const wanted = [...new Set(heights)]
    .filter((height) => height >= 1 && height <= head)
    .sort((left, right) => left - right);
  if (wanted.length === 0) return { blocks: [] };
  if (source.kind === 'chain') return context.node.lightAnswer({ from, heights: wanted });
  if (context.strangers !== undefined) return heldBlocks(context, { from, heights: wanted });
  const blocks: LightBlock[] = [];
  for (const height of wanted) {
    signal.throwIfAborted();
    const block = await lightBlockOf(context, source, height, signal);
    if (block !== undefined) blocks.push(block);
  }
  return { blocks };
}

/**
 * What a light node holds: strangers do not make it ask its peers. The store may have some from the
 * time before. Refused by name where it holds nothing of what is asked.
 */
async function heldBlocks(
  { node, parts }: NodeContext,
  question: { readonly from: Height; readonly heights: readonly Height[] },
) {
  const { blocks } = await node.lightAnswer(question);
  const heights = new Set(blocks.map(({ header }) => header.height));
  const held = question.heights.flatMap((height) => {
    const block = heights.has(height) ? undefined : parts.following.light.held(height);
    return block ?? [];
  });
  const all = [...blocks, ...held].sort((left, right) => left.header.height - right.header.height);
  if (all.length === 0) throw rpcError('proof-unavailable', { reason: 'light-node' });
  return { blocks: all.slice(0, LIGHT_BLOCKS_MAX) };
}

function checkpointOf(context: NodeContext): CheckpointView {
  const source = context.source();
  const { header, hash } = source.head();
  const { height, timestampMs } = header;
  const { given, wanted, isLinked, ...replay } = context.parts.checkpoints.status();
  return {
    newest: { text: formatCheckpoint({ height, hash }), timestampMs },
    trust: source.trust(),
    given: given && {
      text: formatCheckpoint(given),
      height: given.height,
      givenAtMs: given.givenAtMs,
      isLinked,
    },
    wanted: wanted && { text: formatCheckpoint(wanted), refusal: wanted.refusal },
    ...replay,
  };
}

/** Both blocks of each alarm whole, so that anybody can check that members broke the rules. */
async function evidenceOf(context: NodeContext, signal: AbortSignal) {
  const alarms: { height: Height; first: Bytes | undefined; second: Bytes }[] = [];
  for (const { trusted, ours, other } of context.node.alarms().slice(-ALARMS_MAX)) {
    const { height } = trusted.header;
    // What our own chain committed lies in its store.
    const own = ours ?? (await lightBlockOf(context, context.source(), height, signal));
    const isOurs = own !== undefined && equalBytes(hashOf(context, own), trusted.hash);
    alarms.push({
      height,
      first: isOurs ? encode(lightBlockCodec, own) : undefined,
      second: encode(lightBlockCodec, other),
    });
  }
  return { alarms };
}

function hashOf({ node }: NodeContext, { header }: LightBlock): Hash {
  return node.ledger.blockHash(header);
}

async function lightBlockOf(
  { node }: NodeContext,
  source: LedgerSource,
  height: Height,
  signal: AbortSignal,
): Promise<LightBlock | undefined> {
  const options = { signal };
  const below = (height - 1) as Height; // At least genesis.
  const own = await source.summary(height, options);
  const parent = await source.summary(below, options);
  const membership = await source.membershipAt(height, options);
  if (own === undefined || parent === undefined || membership === undefined) return undefined;
  const { header } = own;
  const certificate = own.certificate ?? (await source.certificateAt(height, options));
  if (certificate === undefined) return undefined;
  const block = { parent: parent.header, header, certificate, membership };
  const isSame = equalBytes(node.ledger.membershipHash(membership), header.nextMembershipHash);
  if (isSame) return { ...block, nextMembership: undefined };
  const above = (height + 1) as Height; // One above a height.
  const nextMembership = await source.membershipAt(above, options);
  return nextMembership === undefined ? undefined : { ...block, nextMembership };
}
