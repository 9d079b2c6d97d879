import type { Bytes } from '../../../base/index.ts';
import { defined, equalBytes, formatHex, TabellionError } from '../../../base/index.ts';
import { encode } from '../../../codec/index.ts';
import type { Hash } from '../../../crypto/index.ts';
import type { Height } from '../../../ledger/index.ts';
import { accountStateKeys, receiptCodec } from '../../../ledger/index.ts';
import type { LedgerSource } from '../../../node/index.ts';
import { stateProofCodec } from '../../../state/index.ts';
import type { HostileAnswer } from '../hostile-network.ts';
import { amongLiars, openAmong } from '../liars.ts';
import type { LiveNode } from '../live-node.ts';
import type { Recording } from '../record.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target } from '../types.ts';
import { Broken } from '../types.ts';
import { openWitness } from '../witness.ts';
import { bytesTarget } from './codec-target.ts';

/** What liars lie about. */
const LIE_KINDS = ['state', 'receipts', 'blocks', 'history', 'locate', 'light', 'entries'] as const;
type LieKind = (typeof LIE_KINDS)[number];

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

/** A light node that proved the head by honest peers, who left. */
async function openLightNode(recording: Recording, answer: HostileAnswer, head: number) {
  const { live, network } = await openAmong(recording, answer, { mode: 'light' });
  for (const peerId of HONEST) network.join(peerId);
  const { clock } = live.village;
  await clock.until('a proven head', () => live.node.source().head().header.height === head);
  for (const peerId of HONEST) network.leave(peerId);
  await clock.pass(MEET_MS);
  return { live, network };
}

const target: Target = bytesTarget(
  'light-node',
  'kind u8, then what a hostile peer answers to a node that asks peers for everything',
  async () => {
    const recording = await recordNetwork();
    const witness = await openWitness(recording);
    const truth = await witness.live.village.clock.run(truthOf(witness.live));
    return amongLiars({
      recording,
      witness,
      kinds: LIE_KINDS,
      together: 4,
      lifeRuns: 2_048,
      answer({ kind, body }, liar) {
        if (liar === undefined) return witness.ask(kind, body);
        // Where they stand is asked of those only who do not give the transactions themselves.
        if (liar.about === 'history' && kind === 'entries') return undefined;
        return kind === liar.about ? liar.tell() : witness.ask(kind, body);
      },
      open: (answer) => openLightNode(recording, answer, truth.height),
      async visit(kind, { node, village: { clock } }, visits) {
        await clock.pass(MEET_MS);
        try {
          await clock.run(question(kind, node.source(), truth, visits));
          return 'answered';
        } catch (error) {
          if (error instanceof TabellionError && REFUSALS.has(error.code)) return error.code;
          throw error;
        }
      },
      async judge({ node }, end) {
        if (node.alarms().length > 0) throw new Broken('an alarm that less than 1/3 can raise');
        const { header } = node.source().head();
        if (header.height !== truth.height) throw new Broken('another head');
        return { end, isUsedUp: false };
      },
    });
  },
);

export const lightNodeTargets: readonly Target[] = [target];
