import type { Bytes } from '../../base/index.ts';
import { equalBytes } from '../../base/index.ts';
import { encode } from '../../codec/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { LightBlock } from '../../light/index.ts';
import { lightBlockCodec } from '../../light/index.ts';
import type { LedgerSource } from '../../node/index.ts';
import type { MethodHandlers } from '../handlers.ts';
import { ALARMS_MAX } from '../limits.ts';
import type { ParamsOf } from '../methods.ts';
import type { NodeContext } from './context.ts';

/** What somebody without a node needs to follow who decides. */
export function lightMethods(
  context: NodeContext,
): Pick<MethodHandlers, 'light.blocks' | 'node.evidence'> {
  return {
    'node.evidence': (_, { signal }) => evidenceOf(context, signal),
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
  // From the store alone: strangers do not make this node ask its peers.
  const isStored = source.kind === 'chain' || context.strangers !== undefined;
  if (isStored) return context.node.lightAnswer({ from, heights: wanted });
  const blocks: LightBlock[] = [];
  for (const height of wanted) {
    signal.throwIfAborted();
    const block = await lightBlockOf(context, source, height, signal);
    if (block !== undefined) blocks.push(block);
  }
  return { blocks };
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
