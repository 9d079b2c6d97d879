import type { Bytes } from '../../src/base/index.ts';
import { assert, systemClock } from '../../src/base/index.ts';
import { decode, encode } from '../../src/codec/index.ts';
import { createLedger } from '../../src/ledger/index.ts';
import type { NodeHome } from '../../src/node/index.ts';
import { TabellionNode } from '../../src/node/index.ts';
import { blocksRequestCodec, blocksResponseCodec } from '../../src/node/messages.ts';
import type { KeyValueStore } from '../../src/storage/index.ts';
import type { SignatureVerifier } from '../../src/verifier/index.ts';
import { OnePeer, untilExecuted } from '../chain/one-peer.ts';
import { statusOfRelay } from '../chain/peer-status.ts';
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

/** A peer that holds the whole chain and answers at once, from memory. */
class RecordedPeer {
  readonly line = new OnePeer(async (kind, request) => this.#answer(kind, request));
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
    this.#status = statusOfRelay(ledger.value.chainId, last.certificate);
  }

  #answer(kind: string, request: Uint8Array): Bytes {
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
}

function keyOf(request: Uint8Array): string {
  const asked = decode(blocksRequestCodec, request);
  assert(asked.ok, 'asked by our own node');
  return `${asked.value.from}+${asked.value.count}`;
}

/** The answer to the one question that sync asks about a chain this short. */
function answersOf({ blocks }: Recorded): ReadonlyMap<string, Bytes> {
  return new Map([[`1+${blocks.length}`, encode(blocksResponseCodec, { blocks })]]);
}

/**
 * A full node of this home syncs the whole chain into an empty store.
 *
 * @returns Milliseconds from the bytes of the blocks until the last of them is durable.
 */
async function validateOnce(
  home: RunHome,
  recorded: Recorded,
  answers: ReadonlyMap<string, Bytes>,
): Promise<number> {
  const peer = new RecordedPeer(recorded, answers);
  const nodeHome: NodeHome = { ...home, ...peer.line.home() };
  const node = TabellionNode.create(nodeHome, {
    genesis: recorded.genesis,
    cacheBytesMax: 32 * 1024 * 1024,
    version: 'validate',
    relays: [],
  });
  await node.open();
  const executed = untilExecuted(node, recorded.blocks.length);
  const stuck = Promise.withResolvers<never>();
  const cancel = systemClock.after(RUN_MS_MAX, () => {
    const { stage, head } = node.status();
    stuck.reject(new Error(`stuck: ${stage} at height ${head?.header.height}`));
  });
  await node.start();
  peer.line.connect();
  const endedMs = await Promise.race([executed, stuck.promise]).finally(cancel);
  assert(peer.beganMs !== undefined, 'the blocks came from somewhere');
  await node.stop();
  return endedMs - peer.beganMs;
}

/** Milliseconds for the signatures of the same transactions alone, by the same verifier. */
async function verifyOnce(verifier: SignatureVerifier, recorded: Recorded): Promise<number> {
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

/** Milliseconds of one run: the whole pipeline, then the signatures alone. */
export type RunTimes = { readonly wholeMs: number; readonly signaturesMs: number };

/** One run in a fresh home; all that it holds is let go of, but for the data. */
export async function runOnce(
  home: RunHome,
  alone: SignatureVerifier,
  recorded: Recorded,
): Promise<RunTimes> {
  try {
    const wholeMs = await validateOnce(home, recorded, answersOf(recorded));
    return { wholeMs, signaturesMs: await verifyOnce(alone, recorded) };
  } finally {
    await home.store.close();
    await home.verifier.stop();
    await alone.stop();
  }
}
