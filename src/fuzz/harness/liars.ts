import type { Bytes } from '../../base/index.ts';
import { concatBytes, defined } from '../../base/index.ts';
import { decode } from '../../codec/index.ts';
import type { RequestKind } from '../../network/index.ts';
import type { NodeOptions } from '../../node/index.ts';
import { blocksResponseCodec } from '../../node/messages.ts';
import type { HostileAnswer } from './hostile-network.ts';
import { HostileNetwork } from './hostile-network.ts';
import type { LiveNode } from './live-node.ts';
import { lives, openLiveNode } from './live-node.ts';
import type { Recording } from './record.ts';
import { PROOF_ANSWERS } from './targets/proof-questions.ts';
import type { Session, Verdict } from './types.ts';
import { Broken, refusedAt } from './types.ts';
import type { Witness } from './witness.ts';

/** Whoever is asked more often while it stays is asked again and again. */
const ASKED_MAX = 20;
const BATCH = 64;
const EMPTY = new Uint8Array(0);

/** A peer with one lie; how often it was asked for it. */
export type Liar = { readonly peerId: string; readonly lie: Uint8Array; asked: number };

/** A node that only watches, among peers that one program plays. */
export async function openAmong(
  recording: Recording,
  answer: HostileAnswer,
  options: Partial<NodeOptions>,
): Promise<{ readonly live: LiveNode; readonly network: HostileNetwork }> {
  let network: HostileNetwork | undefined;
  const live = await openLiveNode(recording, {
    isValidator: false,
    options,
    openNetwork: async (handlers, clock) => {
      network = new HostileNetwork(clock, answer);
      network.open(handlers);
      return network;
    },
  });
  return { live, network: defined(network, 'the node opened its network') };
}

export type LiarsOptions<Kind extends RequestKind> = {
  readonly recording: Recording;
  readonly witness: Witness;
  /** What is lied about. A node is kept for each, since it remembers what was proven to it. */
  readonly kinds: readonly Kind[];
  /** Liars that a node meets at once. */
  readonly together: number;
  /** After so many lies a node is made anew: what was the truth is known to it from then on. */
  readonly lifeRuns: number;
  /** What peers answer; who lies, and about what, is `liar`. */
  readonly answer: (
    question: { readonly kind: RequestKind; readonly body: Bytes },
    liar: { readonly about: Kind; tell(): Bytes } | undefined,
  ) => ReturnType<HostileAnswer>;
  /** A node that may meet them. */
  open(answer: HostileAnswer): ReturnType<typeof openAmong>;
  /** While the liars of a kind are there; how it ended. */
  visit(kind: Kind, live: LiveNode, visits: number): Promise<string>;
  /** Once they left: throws {@link Broken}; how it ended, and whether the node is used up. */
  judge(live: LiveNode, end: string): Promise<{ readonly end: string; readonly isUsedUp: boolean }>;
};

/** Inputs are a kind u8, then what a liar says when it is asked about that kind. */
export function amongLiars<Kind extends RequestKind>(options: LiarsOptions<Kind>): Session<Bytes> {
  const { kinds, together, recording, witness } = options;
  const kindOf = (input: Uint8Array) =>
    defined(kinds[(input[0] ?? 0) % kinds.length], 'a kind each');
  const liars = new Map<string, Liar>();
  const answer: HostileAnswer = (kind, body, peerId) => {
    const liar = liars.get(peerId);
    if (liar === undefined) return options.answer({ kind, body }, undefined);
    const tell = () => {
      liar.asked += 1;
      return new Uint8Array(liar.lie.slice(1));
    };
    return options.answer({ kind, body }, { about: kindOf(liar.lie), tell });
  };
  const networks = new Map<LiveNode, HostileNetwork>();
  const open = async (): Promise<LiveNode> => {
    const { live, network } = await options.open(answer);
    networks.set(live, network);
    return live;
  };
  const nodes = new Map(kinds.map((kind) => [kind, lives(open, options.lifeRuns)]));
  let peers = 0;
  const execute = async (kind: Kind, lies: readonly Uint8Array[]): Promise<(Verdict | Error)[]> => {
    const life = defined(nodes.get(kind), 'a node each');
    const live = await life.take(lies.length);
    const network = defined(networks.get(live), 'a network each');
    // Each liar is somebody new, so that no ban of the last one protects the node.
    const group = lies.map((lie): Liar => ({ peerId: `mallory ${++peers}`, lie, asked: 0 }));
    for (const liar of group) liars.set(liar.peerId, liar);
    for (const { peerId } of group) network.join(peerId);
    let met: string;
    try {
      met = await options.visit(kind, live, peers);
    } finally {
      for (const { peerId } of group) network.leave(peerId);
      liars.clear();
    }
    live.check();
    const { end, isUsedUp } = await options.judge(live, met);
    if (isUsedUp) {
      networks.delete(live);
      await life.close();
    }
    return group.map(({ lie, asked }) => {
      if (asked > ASKED_MAX) return new Broken(`${kind}: asks the same liar again and again`);
      return `${asked > 0 ? end : 'not-asked'}@${kind} ${placeOf(kind, lie.slice(1))}`;
    });
  };
  return {
    seeds: kinds.flatMap((kind, number) =>
      (recording.answers[kind] ?? []).map((bytes) => concatBytes(Uint8Array.of(number), bytes)),
    ),
    batch: BATCH,
    async close() {
      for (const life of nodes.values()) await life.close();
      await witness.live.stop();
    },
    async runBatch(inputs) {
      const verdicts: (Verdict | Error)[] = inputs.map(() => 'not-asked');
      for (const kind of kinds) {
        const places = [...inputs.keys()].filter((at) => kindOf(inputs[at] ?? EMPTY) === kind);
        for (let at = 0; at < places.length; at += together) {
          const some = places.slice(at, at + together);
          const lies = some.map((place) => inputs[place] ?? EMPTY);
          const ends = await execute(kind, lies);
          some.forEach((place, of) => {
            verdicts[place] = ends[of] ?? 'not-asked';
          });
        }
      }
      return verdicts;
    },
  };
}

/** Where a decoder stops in an answer, as a hint for what to change next. */
function placeOf(kind: RequestKind, bytes: Uint8Array): string {
  const decoded = decode<unknown>(PROOF_ANSWERS[kind] ?? blocksResponseCodec, bytes);
  return decoded.ok ? 'whole' : refusedAt(decoded.error.code, decoded.error.at);
}
