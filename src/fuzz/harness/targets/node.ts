import { createPrivateKey, sign } from 'node:crypto';
import type { Bytes } from '../../../base/index.ts';
import { concatBytes, formatHex, TabellionError } from '../../../base/index.ts';
import type { Codec } from '../../../codec/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { consensusCodecsOf, proposalSigningBytes } from '../../../consensus/index.ts';
import { encodeBase64Url } from '../../../crypto/index.ts';
import {
  createProtocol,
  headerCodec,
  signedVoteCodec,
  voteSigningBytes,
} from '../../../ledger/index.ts';
import { createTestLedger, person } from '../../../ledger/testing/world.ts';
import type { RequestKind, Topic } from '../../../network/index.ts';
import { REQUEST_KINDS, TOPICS } from '../../../network/names.ts';
import {
  blockAnnouncementCodec,
  blocksRequestCodec,
  blocksResponseCodec,
  faucetRequestCodec,
  faucetResponseCodec,
  peerStatusCodec,
  transactionsMessageCodec,
} from '../../../node/messages.ts';
import type { HostileAnswer } from '../hostile-network.ts';
import { HostileNetwork } from '../hostile-network.ts';
import type { LiveNode } from '../live-node.ts';
import { lives, openLiveNode } from '../live-node.ts';
import type { Recording } from '../record.ts';
import { recordNetwork, VILLAGE_OPTIONS } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { bytesTarget } from './codec-target.ts';
import { PROOF_ANSWERS, PROOF_QUESTIONS } from './proof-questions.ts';

const BATCH = 128;

const { codecs } = createProtocol();
const consensus = consensusCodecsOf(codecs.block);

// Values only go back to the codec that made them.
const GOSSIP = {
  transactions: transactionsMessageCodec,
  votes: signedVoteCodec,
  proposals: consensus.proposal,
  blocks: blockAnnouncementCodec,
} as unknown as { readonly [Name in Topic]: Codec<unknown> };

/** Where the decoder stopped, as a hint for what to change next. */
function placeOf(codec: Codec<unknown>, bytes: Uint8Array): string {
  const decoded = decode(codec, bytes);
  return decoded.ok ? 'whole' : refusedAt(decoded.error.code, decoded.error.at);
}

const errorOf = (error: unknown): Error =>
  error instanceof Error ? error : new Error(String(error));

const bodyOf = (bytes: Uint8Array): string[] => {
  const decoded = decode(codecs.transaction, bytes);
  return decoded.ok ? [`body ${formatHex(encode(codecs.body, decoded.value.body))}`] : [];
};

/** What of a message its signatures cover: others may pass it on in another envelope. */
function essences(topic: Topic, bytes: Uint8Array): string[] {
  if (topic === 'transactions') {
    const decoded = decode(transactionsMessageCodec, bytes);
    return decoded.ok ? decoded.value.flatMap(bodyOf) : [];
  }
  if (topic === 'blocks') {
    const decoded = decode(blockAnnouncementCodec, bytes);
    if (decoded.ok) return [`header ${formatHex(encode(headerCodec, decoded.value.header))}`];
  }
  return [`${topic} ${formatHex(bytes)}`];
}

/** Whatever was signed by those who may: a node may accept nothing else. */
function authenticOf(recording: Recording): Set<string> {
  const said = TOPICS.flatMap((topic) =>
    recording.messages[topic].flatMap((bytes) => essences(topic, bytes)),
  );
  return new Set([...said, ...[...recording.transactions, ...recording.pending].flatMap(bodyOf)]);
}

/** What a sender makes of a message before it is sent, and whether anybody may have signed it. */
type Disguise = (topic: Topic, message: Uint8Array) => Uint8Array;

function gossipTarget(name: string, about: string, disguise?: () => Promise<Disguise>): Target {
  return bytesTarget(name, about, async () => {
    const recording = await recordNetwork();
    const authentic = authenticOf(recording);
    const life = lives(() => openLiveNode(recording));
    const dressed = await disguise?.();
    let batches = 0;
    const judge = async (live: LiveNode, input: Uint8Array, at: number): Promise<Verdict> => {
      const topic = TOPICS[(input[0] ?? 0) % TOPICS.length] ?? 'votes';
      const message = new Uint8Array(dressed?.(topic, input.subarray(1)) ?? input.slice(1));
      const verdict = await live.handlers.onGossip(topic, message, `mallory ${at % 3}`);
      if (verdict === 'accept' && dressed === undefined) {
        const parts = essences(topic, message);
        const isKnown = parts.some((part) => authentic.has(part) || isOwn(live, part));
        if (!isKnown) throw new Broken(`${topic}: accepts what nobody signed`);
      }
      const word = verdict === 'accept' ? 'accepted' : verdict;
      return `${word}@${topic} ${placeOf(GOSSIP[topic], message)}`;
    };
    return {
      seeds: gossipSeeds(recording),
      batch: BATCH,
      close: () => life.close(),
      async runBatch(inputs) {
        const live = await life.take(inputs.length);
        const { village } = live;
        const verdicts = Promise.all(
          inputs.map((input, at) => judge(live, input, at).catch(errorOf)),
        );
        const done = await village.clock.run(verdicts);
        await live.settle();
        batches += 1;
        // Time goes on: timeouts fire, and the next height is entered.
        if (batches % 8 === 0) await village.clock.pass(400);
        live.check();
        return done;
      },
    };
  });
}

function gossipSeeds(recording: Recording): Bytes[] {
  const seeds = TOPICS.flatMap((topic, number) =>
    [...recording.later[topic], ...recording.messages[topic].slice(0, 6)].map((bytes) =>
      concatBytes(Uint8Array.of(number), bytes),
    ),
  );
  for (const bytes of [...recording.pending.map((each) => [each]), recording.pending]) {
    seeds.push(concatBytes(Uint8Array.of(0), encode(transactionsMessageCodec, bytes)));
  }
  return seeds;
}

const TRAITOR = 3;

/** One member signs whatever it is given; the others are honest, and silent. */
async function treason(): Promise<Disguise> {
  const { suite, chainId, blockHash } = createTestLedger(VILLAGE_OPTIONS);
  const { secretKey, publicKey } = person(`validator ${TRAITOR + 1}`).pair;
  const [d, x] = [secretKey, publicKey].map(encodeBase64Url);
  const key = createPrivateKey({
    key: { kty: 'OKP', crv: 'Ed25519', d: d ?? '', x: x ?? '' },
    format: 'jwk',
  });
  const signed = (message: Uint8Array) => new Uint8Array(sign(null, message, key));
  return (topic, message) => {
    if (topic === 'votes') {
      const decoded = decode(signedVoteCodec, message);
      if (!decoded.ok) return message;
      const vote = { ...decoded.value.vote, validatorIndex: TRAITOR };
      const signature = signed(voteSigningBytes(suite, chainId, vote));
      return encode(signedVoteCodec, { vote, signature });
    }
    if (topic === 'proposals') {
      const decoded = decode(consensus.proposal, message);
      if (!decoded.ok) return message;
      const { proposal } = decoded.value;
      const hash = blockHash(proposal.block.header);
      const signature = signed(proposalSigningBytes(suite, chainId, proposal, hash));
      return encode(consensus.proposal, { proposal, signature });
    }
    return message;
  };
}

const gossip = gossipTarget('gossip', 'topic u8, then a message of a hostile peer');
const traitor = gossipTarget(
  'traitor',
  'topic u8, then a message that a member of the network signs, whatever it says',
  treason,
);

/** Whether the node itself said it. */
const isOwn = ({ village }: LiveNode, part: string): boolean =>
  village.hub.published.some(({ topic, bytes }) => essences(topic, bytes).includes(part));

const ANSWERS: { readonly [Kind in RequestKind]?: Codec<unknown> } = {
  status: peerStatusCodec as Codec<unknown>,
  blocks: blocksResponseCodec as Codec<unknown>,
  consensus: consensus.catchUpAnswer as Codec<unknown>,
  faucet: faucetResponseCodec as Codec<unknown>,
  ...PROOF_ANSWERS,
};
const QUESTIONS: { readonly [Kind in RequestKind]?: Codec<unknown> } = {
  blocks: blocksRequestCodec as Codec<unknown>,
  consensus: consensus.catchUpRequest as Codec<unknown>,
  faucet: faucetRequestCodec as Codec<unknown>,
  ...PROOF_QUESTIONS,
};
const ANSWER_BYTES_MAX = 8 * 1024 * 1024;
const REFUSALS = new Set(['request-refused', 'request-malformed']);

const requests = bytesTarget('requests', 'kind u8, then a question of a peer', async () => {
  const recording = await recordNetwork();
  const life = lives(() => openLiveNode(recording));
  const { hashes } = recording;
  const seeds = REQUEST_KINDS.flatMap((kind, number) =>
    recording.requests[kind].map((bytes) => concatBytes(Uint8Array.of(number), bytes)),
  );
  let batches = 0;
  return {
    seeds,
    batch: BATCH,
    close: () => life.close(),
    async runBatch(inputs) {
      const live = await life.take(inputs.length);
      const { village, handlers } = live;
      const ask = async (input: Uint8Array, at: number): Promise<Verdict | Error> => {
        const kind = REQUEST_KINDS[(input[0] ?? 0) % REQUEST_KINDS.length] ?? 'status';
        const body = input.slice(1);
        const from = { peerId: `mallory ${at % 3}`, remoteAddress: `10.0.0.${at % 7}` };
        const question = QUESTIONS[kind];
        const place = question === undefined ? '' : placeOf(question, body);
        try {
          const answer = await handlers.onRequest(kind, body, from);
          if (answer.length > ANSWER_BYTES_MAX) throw new Broken(`${kind}: too long an answer`);
          const codec = ANSWERS[kind];
          const decoded = codec === undefined ? undefined : decode(codec, answer);
          if (codec === undefined || decoded?.ok !== true) throw new Broken(`${kind}: no answer`);
          if (question !== undefined && place !== 'whole')
            throw new Broken(`${kind}: answers noise`);
          return `accepted@${kind} ${Math.min(answer.length >> 6, 40)}`;
        } catch (error) {
          const isRefusal = error instanceof TabellionError && REFUSALS.has(error.code);
          return isRefusal ? `${error.code}@${kind} ${place}` : errorOf(error);
        }
      };
      const answers = await village.clock.run(Promise.all(inputs.map(ask)));
      batches += 1;
      if (batches % 64 === 0) await village.clock.pass(100);
      live.check();
      if (live.node.parts.chain.head().header.height >= hashes.length) {
        throw new Broken('a question moves the head');
      }
      return answers;
    },
  };
});

/** What an honest node answers, from the recording. */
function honestly(
  recording: Recording,
): (kind: RequestKind, body: Uint8Array) => Bytes | undefined {
  const { block } = codecs;
  const served = recording.answers.blocks.flatMap((bytes) => {
    const decoded = decode(blocksResponseCodec, bytes);
    return decoded.ok ? decoded.value.blocks : [];
  });
  const heights = served.map((each) => {
    const decoded = decode(block, each.block);
    return decoded.ok ? decoded.value.header.height : -1;
  });
  return (kind, body) => {
    if (kind !== 'blocks') return recording.answers[kind][0];
    const asked = decode(blocksRequestCodec, body);
    if (!asked.ok) return undefined;
    const { from, count } = asked.value;
    const blocks = [];
    for (let height = from as number; height < from + count; height++) {
      const each = served[heights.indexOf(height as never)];
      if (each === undefined) break;
      blocks.push(each);
    }
    return encode(blocksResponseCodec, { blocks });
  };
}

/** How long a hostile peer is listened to. */
const STAY_MS = 40;

/** Liars that a node meets at once, and how often it may ask one of them while it stays. */
const LIARS = 4;
const ASKED_MAX = 20;
const LIE_KINDS: readonly RequestKind[] = ['status', 'blocks', 'consensus', 'light'];

const answers = bytesTarget(
  'answers',
  'kind u8, then what a hostile peer answers to a node that syncs',
  async () => {
    const recording = await recordNetwork();
    const honest = honestly(recording);
    /** What each peer lies, and how often it was asked to. */
    const liars = new Map<string, { readonly lie: Uint8Array; asked: number }>();
    const kindOf = (lie: Uint8Array) => LIE_KINDS[(lie[0] ?? 0) % LIE_KINDS.length] ?? 'status';
    const answer: HostileAnswer = (kind, body, peerId) => {
      const liar = liars.get(peerId);
      if (liar === undefined) return undefined;
      if (kind !== kindOf(liar.lie)) return honest(kind, body);
      liar.asked += 1;
      return new Uint8Array(liar.lie.slice(1));
    };
    let network: HostileNetwork | undefined;
    const life = lives(() =>
      openLiveNode(recording, {
        isValidator: false,
        openNetwork: async (handlers, clock) => {
          network = new HostileNetwork(clock, answer);
          network.open(handlers);
          return network;
        },
      }),
    );
    const seeds = LIE_KINDS.flatMap((kind, number) =>
      recording.answers[kind].map((bytes) => concatBytes(Uint8Array.of(number), bytes)),
    );
    let peers = 0;
    const execute = async (inputs: readonly Uint8Array[]): Promise<(Verdict | Error)[]> => {
      // Whoever has the whole chain asks for no more of it.
      const live = await life.take(LIARS * LIARS);
      // Each liar is somebody new, so that no ban of the last one protects the node.
      const group = inputs.map((lie) => ({ peerId: `mallory ${++peers}`, lie, asked: 0 }));
      for (const liar of group) liars.set(liar.peerId, liar);
      for (const { peerId } of group) network?.join(peerId);
      const isLong = group.some(({ lie }) => kindOf(lie) === 'consensus');
      await live.village.clock.pass(isLong ? 12 * STAY_MS : STAY_MS);
      for (const { peerId } of group) network?.leave(peerId);
      liars.clear();
      live.check();
      return group.map(({ lie, asked }) => {
        const kind = kindOf(lie);
        const codec = ANSWERS[kind];
        const place = codec === undefined ? '' : placeOf(codec, lie.slice(1));
        if (asked > ASKED_MAX) return new Broken(`${kind}: asks the same liar again and again`);
        return `${asked > 0 ? 'told' : 'not-asked'}@${kind} ${place}`;
      });
    };
    return {
      seeds,
      batch: 32,
      close: () => life.close(),
      async runBatch(inputs) {
        const verdicts: (Verdict | Error)[] = [];
        for (let at = 0; at < inputs.length; at += LIARS) {
          verdicts.push(...(await execute(inputs.slice(at, at + LIARS))));
        }
        return verdicts;
      },
    };
  },
);

export const nodeTargets: readonly Target[] = [gossip, traitor, requests, answers];
