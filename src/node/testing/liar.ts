import type { Bytes } from '../../base/index.ts';
import { assert, TabellionError } from '../../base/index.ts';
import type { Codec, Infer } from '../../codec/index.ts';
import { decode, encode } from '../../codec/index.ts';
import type { Height } from '../../ledger/index.ts';
import { PROTOCOL_VERSION } from '../../ledger/index.ts';
import type { RequestKind } from '../../network/index.ts';
import { blocksResponseCodec, peerStatusCodec } from '../messages.ts';
import { chunksAnswerCodec, snapshotsAnswerCodec } from '../snapshot-messages.ts';
import type { MemoryNetwork } from './memory-network.ts';
import type { Village } from './village.ts';
import { VALIDATORS } from './village.ts';
import { hashOf } from './votes.ts';

const [FIRST] = VALIDATORS;

/** What a peer answers instead of the truth; absent: the truth. */
export type Answers = {
  readonly [Kind in RequestKind]?: (
    request: Bytes,
    honestly: () => Promise<Bytes>,
  ) => Bytes | undefined | Promise<Bytes | undefined>;
};

/** A peer that answers as an honest node would, but for what a test gives. */
export function impostor(
  village: Village,
  options: {
    readonly name: string;
    readonly honest: string;
    readonly answers?: Answers;
    readonly onAsked?: (kind: RequestKind) => void;
    /** The host that it is on; without it one of its own. */
    readonly address?: string;
  },
): MemoryNetwork {
  const { name, honest, answers = {} } = options;
  const askerName = `${name}'s mirror`;
  const asker = village.stranger(askerName);
  const ask = (kind: RequestKind, request: Bytes) => asker.request(honest, kind, request);
  const onRequest = async (kind: RequestKind, request: Bytes): Promise<Bytes> => {
    options.onAsked?.(kind);
    const honestly = () => ask(kind, request);
    const told = await answers[kind]?.(request, honestly);
    const answer = told ?? (await honestly());
    if (answer === undefined) throw new TabellionError('request-refused');
    return answer;
  };
  return village.stranger(name, { onRequest }, options.address);
}

/** Lets a node, started or not, see these peers alone of those that are there now. */
export function isolate(village: Village, name: string, peers: readonly string[]): void {
  for (const other of village.hub.names()) {
    if (other !== name && !peers.includes(other)) village.hub.cut(name, other);
  }
}

/** What an honest peer says, read: its answers decode. */
export function readHonest<Value>(codec: Codec<Value>, bytes: Bytes): Value {
  const decoded = decode(codec, bytes);
  assert(decoded.ok, 'what is honest is good');
  return decoded.value;
}

/** The honest answer, but for what is changed in it. */
export function altering<Value>(
  codec: Codec<Value>,
  change: (value: Value, request: Bytes) => Value | Promise<Value>,
) {
  return async (request: Bytes, honestly: () => Promise<Bytes>): Promise<Bytes> =>
    encode(codec, await change(readHonest(codec, await honestly()), request));
}

type ServedBlock = Infer<typeof blocksResponseCodec>['blocks'][number];

/** Honest blocks, each but for what is changed in it. */
export const alteringBlocks = (change: (served: ServedBlock, at: number) => ServedBlock) =>
  altering(blocksResponseCodec, ({ blocks }) => ({ blocks: blocks.map(change) }));

/** Honest blocks up to a height, and none above it. */
export const blocksUpTo = (height: number) =>
  altering(blocksResponseCodec, ({ blocks }) => ({
    blocks: blocks.filter(({ certificate }) => certificate.height <= height),
  }));

/** What a peer tells of itself: a relay that has all blocks up to a head. */
export function statusMessage(
  village: Village,
  change: Partial<Infer<typeof peerStatusCodec>>,
): Bytes {
  return encode(peerStatusCodec, {
    chainId: village.world.ledger.chainId,
    protocolVersion: PROTOCOL_VERSION,
    headHeight: 0 as Height, // Unless it is changed.
    headHash: hashOf(1),
    earliestHeight: 0 as Height,
    isRelay: true,
    ...change,
  });
}

/**
 * A newcomer beside two peers only, one of which has a snapshot: three chunks come one by one, the
 * others once what is returned was called.
 */
export function divideSlowly(village: Village, newcomer: string): () => void {
  let left = 3;
  const waiting: (() => void)[] = [];
  const first = altering(chunksAnswerCodec, ({ chunks }) => ({ chunks: chunks.slice(0, 1) }));
  const chunks = async (request: Bytes, honestly: () => Promise<Bytes>) => {
    if (left === 0) await new Promise<void>((resolve) => waiting.push(resolve));
    if (left > 0) left -= 1;
    return first(request, honestly);
  };
  impostor(village, { name: 'slow', honest: FIRST, answers: { chunks } });
  const none = () => encode(snapshotsAnswerCodec, { offers: [] });
  impostor(village, { name: 'bare', honest: FIRST, answers: { snapshots: none } });
  isolate(village, newcomer, ['slow', 'bare']);
  return () => {
    left = Number.POSITIVE_INFINITY;
    for (const go of waiting.splice(0)) go();
  };
}

/** What a node tells a peer of its head. */
export async function toldHeight(village: Village, name: string): Promise<number> {
  // Somebody new, whom no test has cut off.
  const asker = village.stranger(`asker ${village.hub.names().length} of ${village.clock.now()}`);
  const asking = asker.request(name, 'status', new Uint8Array(0));
  return readHonest(peerStatusCodec, await village.clock.run(asking)).headHeight;
}
