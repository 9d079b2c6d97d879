import type { Bytes } from '../../src/base/index.ts';
import { assert, silentTracer, systemClock } from '../../src/base/index.ts';
import { decode, encode } from '../../src/codec/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import { createLedger } from '../../src/ledger/index.ts';
import type { Network, NetworkHandlers, PeerView } from '../../src/network/index.ts';
import type { NodeHome } from '../../src/node/index.ts';
import { TabellionNode } from '../../src/node/index.ts';
import {
  blocksRequestCodec,
  blocksResponseCodec,
  peerStatusCodec,
} from '../../src/node/messages.ts';
import type { KeyValueStore } from '../../src/storage/index.ts';
import type { SignatureVerifier } from '../../src/verifier/index.ts';
import type { Recorded } from './recorded.ts';

/** A run that takes longer is stuck. */
const RUN_MS_MAX = 120_000;

/** What one home gives to a run. */
export type RunHome = {
  readonly kind: 'tab' | 'relay';
  readonly store: KeyValueStore;
  readonly storeKind: string;
  readonly verifier: SignatureVerifier;
};

const PEER: PeerView = {
  peerId: 'peer',
  addresses: [],
  voice: 'peer',
  transport: 'websocket',
  direction: 'outbound',
  latencyMs: 1,
  score: 1000,
  agent: 'validate',
  connectedSinceMs: 0,
};

/** A line to one peer that holds the whole chain and answers at once, from memory. */
class RecordedPeer implements Network {
  readonly peerId = 'self';
  readonly #answers: ReadonlyMap<string, Bytes>;
  readonly #blocks: Recorded['blocks'];
  readonly #status: Bytes;
  /** When the first blocks were handed out. */
  beganMs: number | undefined;

  constructor(recorded: Recorded, answers: ReadonlyMap<string, Bytes>) {
    const ledger = createLedger(recorded.genesis);
    const last = recorded.blocks.at(-1);
    assert(ledger.ok && last !== undefined, 'recorded by us');
    this.#answers = answers;
    this.#blocks = recorded.blocks;
    this.#status = encode(peerStatusCodec, {
      chainId: ledger.value.chainId,
      protocolVersion: 1,
      headHeight: last.certificate.height,
      headHash: last.certificate.blockHash,
      earliestHeight: 1 as Height,
      isRelay: true,
    });
  }

  addresses(): readonly string[] {
    return [];
  }

  peers(): readonly PeerView[] {
    return [PEER];
  }

  async publish(): Promise<void> {}

  async request(_peerId: string, kind: string, request: Uint8Array): Promise<Bytes> {
    if (kind === 'status') return this.#status;
    assert(kind === 'blocks', `nobody asks for ${kind}`);
    const answer = this.#answers.get(keyOf(request)) ?? this.#encodeAnswer(request);
    this.beganMs ??= performance.now();
    return new Uint8Array(answer);
  }

  /** For questions that were not foreseen: slower, and part of what is measured. */
  #encodeAnswer(request: Uint8Array): Bytes {
    const asked = decode(blocksRequestCodec, request);
    assert(asked.ok, 'asked by our own node');
    const { from, count } = asked.value;
    return encode(blocksResponseCodec, { blocks: this.#blocks.slice(from - 1, from - 1 + count) });
  }

  penalize(_peerId: string, _points: number, reason: string): void {
    throw new Error(`the peer is blamed: ${reason}`);
  }

  async addRelay(): Promise<void> {}

  async stop(): Promise<void> {}
}

function keyOf(request: Uint8Array): string {
  const asked = decode(blocksRequestCodec, request);
  assert(asked.ok, 'asked by our own node');
  return `${asked.value.from}+${asked.value.count}`;
}

/** The answer to the one question that sync asks about a chain this short. */
export function answersOf({ blocks }: Recorded): ReadonlyMap<string, Bytes> {
  return new Map([[`1+${blocks.length}`, encode(blocksResponseCodec, { blocks })]]);
}

/**
 * A full node of this home syncs the whole chain into an empty store.
 *
 * @returns Milliseconds from the bytes of the blocks until the last of them is durable.
 */
export async function validateOnce(
  home: RunHome,
  recorded: Recorded,
  answers: ReadonlyMap<string, Bytes>,
): Promise<number> {
  const network = new RecordedPeer(recorded, answers);
  let handlers: NetworkHandlers | undefined;
  const nodeHome: NodeHome = {
    ...home,
    openNetwork: async (given) => {
      handlers = given;
      return network;
    },
    clock: systemClock,
    tracer: silentTracer,
  };
  const node = TabellionNode.create(nodeHome, {
    genesis: recorded.genesis,
    cacheBytesMax: 32 * 1024 * 1024,
    version: 'validate',
    relays: [],
  });
  await node.open();
  const done = Promise.withResolvers<number>();
  node.events.on('head', ({ executed }) => {
    if (executed.prepared.block.header.height === recorded.blocks.length) {
      done.resolve(performance.now());
    }
  });
  node.events.on('trace', ({ event, facts }) => {
    const isBad = event === 'node-failed' || event === 'sync-block-rejected';
    if (isBad) done.reject(new Error(`${event} ${JSON.stringify(facts)}`));
  });
  await node.start();
  handlers?.onEvent({ kind: 'peer-connected', peerId: PEER.peerId });
  const cancel = systemClock.after(RUN_MS_MAX, () => {
    const { stage, head } = node.status();
    done.reject(new Error(`stuck: ${stage} at height ${head?.header.height}`));
  });
  const endedMs = await done.promise.finally(cancel);
  assert(network.beganMs !== undefined, 'the blocks came from somewhere');
  await node.stop();
  return endedMs - network.beganMs;
}

/** Milliseconds for the signatures of the same transactions alone, by the same verifier. */
export async function verifyOnce(verifier: SignatureVerifier, recorded: Recorded): Promise<number> {
  const ledger = createLedger(recorded.genesis);
  assert(ledger.ok, 'recorded by us');
  const batches = recorded.blocks.map(({ block }) => {
    const prepared = ledger.value.prepareBlock(block);
    assert(prepared.ok, 'recorded by us');
    return prepared.value.transactions.flatMap(({ claims }) => claims);
  });
  const beganMs = performance.now();
  const verdicts = await Promise.all(batches.map((claims) => verifier.verify(claims)));
  const endedMs = performance.now();
  assert(
    verdicts.flat().every((verdict) => verdict),
    'every signature holds',
  );
  return endedMs - beganMs;
}
