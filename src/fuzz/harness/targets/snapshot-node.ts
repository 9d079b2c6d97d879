import type { Bytes } from '../../../base/index.ts';
import { concatBytes, defined } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { accountStateKeys } from '../../../ledger/index.ts';
import { peerStatusCodec } from '../../../node/messages.ts';
import { chunksAnswerCodec, manifestAnswerCodec } from '../../../node/snapshot-messages.ts';
import { verifyProof } from '../../../state/index.ts';
import type { HostileAnswer } from '../hostile-network.ts';
import { HostileNetwork } from '../hostile-network.ts';
import type { LiveNode } from '../live-node.ts';
import { lives, openLiveNode } from '../live-node.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { openWitness } from '../witness.ts';
import { bytesTarget } from './codec-target.ts';
import { PROOF_ANSWERS } from './proof-questions.ts';

/** What liars lie about; a node is kept for each. */
const LIE_KINDS = ['snapshots', 'manifest', 'chunks'] as const;
type LieKind = (typeof LIE_KINDS)[number];

/** Liars that a node meets at once, and how often it may ask one of them while it stays. */
const LIARS = 6;
const ASKED_MAX = 20;
const LIFE_RUNS = 4_096;
/** Until a node that found no snapshot looks for one again, and asks those who came. */
const STAY_MS: { readonly [Kind in LieKind]: number } = {
  snapshots: 10,
  manifest: 6_000,
  chunks: 6_000,
};
/** A snapshot is worth it where the recording has one. */
const OPTIONS = { snapshotWorthBlocks: 3 } as const;
const EMPTY = new Uint8Array(0);
/** What comes after the lie: so that nothing is taken over but what a liar gave. */
const NO_MANIFEST = encode(manifestAnswerCodec, { manifest: undefined });
const NO_CHUNKS = encode(chunksAnswerCodec, { chunks: [undefined] });

/** What a node says of itself that keeps blocks from its snapshot on: nobody can replay them. */
async function pruned({ live, ask }: Awaited<ReturnType<typeof openWitness>>): Promise<Bytes> {
  const told = await live.village.clock.run(ask('status', EMPTY));
  const status = decode(peerStatusCodec, told ?? EMPTY);
  if (!status.ok) throw new Error('an honest status is one');
  const earliestHeight = defined(live.node.parts.store.snapshots()[0], 'a snapshot').height;
  return encode(peerStatusCodec, { ...status.value, earliestHeight });
}

/** A state that was taken over must be that of its block, to the last key that is asked for. */
async function judge({ node, village }: LiveNode): Promise<void> {
  const { header } = node.parts.store.head();
  const { sequence, nativeBalance } = accountStateKeys(PEOPLE.ada.address);
  const keys = [sequence, nativeBalance];
  const proof = await village.clock.run(node.parts.store.prove(header.height, keys));
  const verified = verifyProof(village.world.ledger.suite, header.stateRoot, keys, proof);
  if (!verified.ok) throw new Broken('a state that is not the one of its block');
}

const target: Target = bytesTarget(
  'snapshot-node',
  'kind u8, then what a hostile peer answers to a node that takes over a state',
  async () => {
    const recording = await recordNetwork();
    const witness = await openWitness(recording);
    const status = await pruned(witness);
    const liars = new Map<string, { readonly lie: Uint8Array; asked: number }>();
    const kindOf = (lie: Uint8Array) => LIE_KINDS[(lie[0] ?? 0) % LIE_KINDS.length] ?? 'chunks';
    const answer: HostileAnswer = (kind, body, peerId) => {
      const liar = liars.get(peerId);
      if (kind === 'status') return status;
      if (liar === undefined) return witness.ask(kind, body);
      const isLie = kind === kindOf(liar.lie);
      if (isLie) liar.asked += 1;
      if (isLie) return new Uint8Array(liar.lie.slice(1));
      if (kind === 'manifest' && kindOf(liar.lie) === 'snapshots') return NO_MANIFEST;
      return kind === 'chunks' ? NO_CHUNKS : witness.ask(kind, body);
    };
    const networks = new Map<LiveNode, HostileNetwork>();
    const open = async (): Promise<LiveNode> => {
      let network: HostileNetwork | undefined;
      const live = await openLiveNode(recording, {
        isValidator: false,
        options: OPTIONS,
        openNetwork: async (handlers, clock) => {
          network = new HostileNetwork(clock, answer);
          network.open(handlers);
          return network;
        },
      });
      networks.set(live, defined(network, 'the node opened its network'));
      return live;
    };
    const nodes = new Map(LIE_KINDS.map((kind) => [kind, lives(open, LIFE_RUNS)]));
    let peers = 0;
    const execute = async (
      kind: LieKind,
      lies: readonly Uint8Array[],
    ): Promise<(Verdict | Error)[]> => {
      const life = defined(nodes.get(kind), 'a node each');
      const live = await life.take(lies.length);
      const network = defined(networks.get(live), 'a network each');
      const { clock } = live.village;
      // Each liar is somebody new, so that no ban of the last one protects the node.
      const group = lies.map((lie) => ({ peerId: `mallory ${++peers}`, lie, asked: 0 }));
      for (const liar of group) liars.set(liar.peerId, liar);
      for (const { peerId } of group) network.join(peerId);
      await clock.pass(STAY_MS[kind]);
      for (const { peerId } of group) network.leave(peerId);
      liars.clear();
      live.check();
      const isAdopted = live.node.parts.chain.head().header.height > 0;
      if (isAdopted) {
        await judge(live);
        networks.delete(live);
        await life.close();
      }
      return group.map(({ lie, asked }) => {
        if (asked > ASKED_MAX) return new Broken(`${kind}: asks the same liar again and again`);
        const word = asked === 0 ? 'not-asked' : isAdopted ? 'adopted' : 'told';
        return `${word}@${kind} ${placeOf(kind, lie.slice(1))}`;
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
        const verdicts: (Verdict | Error)[] = inputs.map(() => 'not-asked');
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

/** Where a decoder stops in an answer, as a hint for what to change next. */
function placeOf(kind: LieKind, bytes: Uint8Array): string {
  const decoded = decode(defined(PROOF_ANSWERS[kind], 'a codec each'), bytes);
  return decoded.ok ? 'whole' : refusedAt(decoded.error.code, decoded.error.at);
}

export const snapshotNodeTargets: readonly Target[] = [target];
