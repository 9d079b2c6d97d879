import type { Bytes } from '../../../base/index.ts';
import {
  concatBytes,
  defined,
  equalBytes,
  formatHex,
  TabellionError,
} from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import type { Height } from '../../../ledger/index.ts';
import { accountStateKeys, receiptCodec } from '../../../ledger/index.ts';
import type { LedgerSource } from '../../../node/index.ts';
import { blocksResponseCodec } from '../../../node/messages.ts';
import { stateProofCodec } from '../../../state/index.ts';
import type { HostileAnswer } from '../hostile-network.ts';
import { HostileNetwork } from '../hostile-network.ts';
import type { LiveNode } from '../live-node.ts';
import { lives, openLiveNode } from '../live-node.ts';
import type { Recording } from '../record.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { openWitness } from '../witness.ts';
import { bytesTarget } from './codec-target.ts';
import { PROOF_ANSWERS } from './proof-questions.ts';

/** What liars lie about; a node is kept for each, since it remembers what was proven to it. */
const LIE_KINDS = ['state', 'receipts', 'blocks', 'history', 'locate', 'light', 'entries'] as const;
type LieKind = (typeof LIE_KINDS)[number];

/** Liars that a node meets at once, and how often it may ask one of them while it stays. */
const LIARS = 4;
const ASKED_MAX = 20;
/** After so many lies a node is made anew: a lie that was the truth is known to it from then on. */
const LIFE_RUNS = 2_048;
/** Longer than peers take to tell their heads. */
const MEET_MS = 4;
/** How a question may end that only liars were asked. */
const REFUSALS = new Set(['proof-unavailable', 'aborted']);
const HONEST = ['honest 1', 'honest 2', 'honest 3'];

/** What the chain of the recording says; a node that is told lies may say nothing else. */
async function truthOf({ node }: LiveNode) {
  const source = node.source();
  const { ada } = PEOPLE;
  const { height } = source.head().header;
  const { sequence, nativeBalance } = accountStateKeys(ada.address);
  const keys = [sequence, nativeBalance];
  const blocks = new Map<number, Bytes>();
  const receipts = new Map<number, string>();
  const hashes = new Map<number, Hash>();
  for (let each = 1; each <= height; each++) {
    const block = defined(await source.block(each as Height), 'a block each'); // Counted.
    blocks.set(each, new Uint8Array(block.blockBytes));
    receipts.set(
      each,
      block.receipts.map((receipt) => formatHex(encode(receiptCodec, receipt))).join(),
    );
    hashes.set(each, block.hash);
  }
  const { entries } = await source.history(ada.address, { limit: 50 });
  const deeds = new Set(
    entries.map(({ height: at, receipt }) => `${at} ${formatHex(receipt.transactionId)}`),
  );
  const newest = defined(entries[0], 'Ada paid');
  const proven = await source.prove(keys);
  const proof = encode(stateProofCodec, proven.proof);
  return { address: ada.address, height, keys, blocks, receipts, hashes, deeds, newest, proof };
}

type Truth = Awaited<ReturnType<typeof truthOf>>;

/** One question that makes a node ask about `kind`; throws when the answer is not true. */
async function question(
  kind: LieKind,
  source: LedgerSource,
  truth: Truth,
  count: number,
): Promise<void> {
  const height = (1 + (count % truth.height)) as Height; // Of the chain.
  switch (kind) {
    case 'state': {
      const { proof } = await source.prove(truth.keys);
      if (!equalBytes(encode(stateProofCodec, proof), truth.proof))
        throw new Broken('another state');
      return;
    }
    case 'receipts':
    case 'blocks': {
      const block = await source.block(height);
      if (block === undefined) throw new Broken('a block below the head is said not to be');
      const bytes = defined(truth.blocks.get(height), 'a block each');
      if (!equalBytes(block.blockBytes, bytes)) throw new Broken('another block');
      const receipts = block.receipts.map((each) => formatHex(encode(receiptCodec, each))).join();
      if (receipts !== truth.receipts.get(height)) throw new Broken('other receipts');
      return;
    }
    case 'history':
    case 'entries': {
      const { entries } = await source.history(truth.address, { limit: 10 });
      for (const { height: at, receipt } of entries) {
        const deed = `${at} ${formatHex(receipt.transactionId)}`;
        if (!truth.deeds.has(deed)) throw new Broken('a deed that never was');
      }
      return;
    }
    case 'locate': {
      const { transactionId } = truth.newest.receipt;
      const found = await source.transaction(transactionId);
      if (found !== undefined && found.height !== truth.newest.height) {
        throw new Broken('a transaction in another block');
      }
      const at = await source.heightOf(defined(truth.hashes.get(height), 'a hash each'));
      if (at !== undefined && at !== height) throw new Broken('a block at another height');
      return;
    }
    case 'light': {
      const below = Math.max(1, Math.min(height, truth.height - 1)) as Height; // The head is known.
      const certificate = await source.certificateAt(below);
      const hash = defined(truth.hashes.get(below), 'a hash each');
      if (certificate !== undefined && !equalBytes(certificate.blockHash, hash)) {
        throw new Broken('a certificate for another block');
      }
      return;
    }
  }
}

/** A light node among peers that one program plays. */
async function openLightNode(recording: Recording, answer: HostileAnswer, head: number) {
  let network: HostileNetwork | undefined;
  const live = await openLiveNode(recording, {
    isValidator: false,
    options: { mode: 'light' },
    openNetwork: async (handlers, clock) => {
      network = new HostileNetwork(clock, answer);
      network.open(handlers);
      return network;
    },
  });
  const opened = defined(network, 'the node opened its network');
  for (const peerId of HONEST) opened.join(peerId);
  const { clock } = live.village;
  await clock.until('a proven head', () => live.node.source().head().header.height === head);
  for (const peerId of HONEST) opened.leave(peerId);
  await clock.pass(MEET_MS);
  return { live, network: opened };
}

const target: Target = bytesTarget(
  'light-node',
  'kind u8, then what a hostile peer answers to a node that asks peers for everything',
  async () => {
    const recording = await recordNetwork();
    const witness = await openWitness(recording);
    const truth = await witness.live.village.clock.run(truthOf(witness.live));
    const liars = new Map<string, { readonly lie: Uint8Array; asked: number }>();
    const kindOf = (lie: Uint8Array) => LIE_KINDS[(lie[0] ?? 0) % LIE_KINDS.length] ?? 'state';
    const answer: HostileAnswer = (kind, body, peerId) => {
      const liar = liars.get(peerId);
      if (liar === undefined) return witness.ask(kind, body);
      const about = kindOf(liar.lie);
      // Where they stand is asked of those only who do not give the transactions themselves.
      if (about === 'history' && kind === 'entries') return undefined;
      if (kind !== about) return witness.ask(kind, body);
      liar.asked += 1;
      return new Uint8Array(liar.lie.slice(1));
    };
    const networks = new Map<LiveNode, HostileNetwork>();
    const nodes = new Map(
      LIE_KINDS.map((kind) => [
        kind,
        lives(async () => {
          const { live, network } = await openLightNode(recording, answer, truth.height);
          networks.set(live, network);
          return live;
        }, LIFE_RUNS),
      ]),
    );
    let peers = 0;
    const execute = async (
      kind: LieKind,
      lies: readonly Uint8Array[],
    ): Promise<(Verdict | Error)[]> => {
      const live = await defined(nodes.get(kind), 'a node each').take(lies.length);
      const network = defined(networks.get(live), 'a network each');
      const { clock } = live.village;
      // Each liar is somebody new, so that no ban of the last one protects the node.
      const group = lies.map((lie) => ({ peerId: `mallory ${++peers}`, lie, asked: 0 }));
      for (const liar of group) liars.set(liar.peerId, liar);
      for (const { peerId } of group) network.join(peerId);
      await clock.pass(MEET_MS);
      let end = 'answered';
      try {
        await clock.run(question(kind, live.node.source(), truth, peers));
      } catch (error) {
        if (!(error instanceof TabellionError) || !REFUSALS.has(error.code)) throw error;
        end = error.code;
      } finally {
        for (const { peerId } of group) network.leave(peerId);
        liars.clear();
      }
      live.check();
      if (live.node.alarms().length > 0) throw new Broken('an alarm that less than 1/3 can raise');
      const { header } = live.node.source().head();
      if (header.height !== truth.height) throw new Broken('another head');
      return group.map(({ lie, asked }) => {
        if (asked > ASKED_MAX) return new Broken(`${kind}: asks the same liar again and again`);
        return `${asked > 0 ? end : 'not-asked'}@${kind} ${placeOf(kind, lie.slice(1))}`;
      });
    };
    return {
      seeds: LIE_KINDS.flatMap((kind, number) =>
        recording.answers[kind].map((bytes) => concatBytes(Uint8Array.of(number), bytes)),
      ),
      batch: 64,
      async close() {
        for (const life of nodes.values()) await life.close();
        await witness.live.stop();
      },
      async runBatch(inputs) {
        const verdicts: (Verdict | Error)[] = new Array(inputs.length).fill('not-asked');
        for (const kind of LIE_KINDS) {
          const places = [...inputs.keys()].filter((at) => kindOf(inputs[at] ?? EMPTY) === kind);
          for (let at = 0; at < places.length; at += LIARS) {
            const some = places.slice(at, at + LIARS);
            const ends = await execute(
              kind,
              some.map((place) => inputs[place] ?? EMPTY),
            );
            some.forEach((place, of) => {
              verdicts[place] = ends[of] ?? 'not-asked';
            });
          }
        }
        return verdicts;
      },
    };
  },
);

const EMPTY = new Uint8Array(0);

/** Where a decoder stops in an answer, as a hint for what to change next. */
function placeOf(kind: LieKind, bytes: Uint8Array): string {
  const codec = PROOF_ANSWERS[kind] ?? blocksResponseCodec;
  const decoded = decode(codec, bytes);
  return decoded.ok ? 'whole' : refusedAt(decoded.error.code, decoded.error.at);
}

export const lightNodeTargets: readonly Target[] = [target];
