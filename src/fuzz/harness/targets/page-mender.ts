import type { Bytes } from '../../../base/index.ts';
import { defined, equalBytes, TabellionError } from '../../../base/index.ts';
import { decode, encode } from '../../../codec/index.ts';
import { NATIVE_ASSET, readBalance } from '../../../ledger/index.ts';
import { pageAnswerCodec } from '../../../node/proof-messages.ts';
import type { HostileAnswer, HostileNetwork } from '../hostile-network.ts';
import type { Liar } from '../liars.ts';
import { openAmong } from '../liars.ts';
import type { LiveNode } from '../live-node.ts';
import { lives } from '../live-node.ts';
import { PEOPLE, recordNetwork } from '../record.ts';
import type { Target, Verdict } from '../types.ts';
import { Broken, refusedAt } from '../types.ts';
import { openWitness } from '../witness.ts';
import { bytesTarget } from './codec-target.ts';

/** Liars that a node meets at once. */
const LIARS = 16;
/** Whoever gave no page, or a false one, is not asked for it again. */
const ASKED_MAX = 1;
const LIFE_RUNS = 4_096;
/** Longer than peers take to tell their heads. */
const MEET_MS = 4;
/** Longer than a node remembers that nobody had a page. */
const FORGOTTEN_MS = 61_000;
const HONEST = ['honest 1', 'honest 2', 'honest 3'];
const EMPTY = new Uint8Array(0);

const balanceOf = ({ node }: LiveNode): Promise<bigint> =>
  node.parts.chain
    .read((view) => ({ value: readBalance(view, PEOPLE.ada.address, NATIVE_ASSET) }))
    .then(({ value }) => value);

/** Page records of the node's disk are lost; returns how many there were. */
async function losePages({ store }: LiveNode): Promise<number> {
  const records = await store.list('pages', { limit: 1_000 });
  const pages = records.filter(({ key }) => key[8] !== 255); // Lists of pages stay.
  for (const { key } of pages)
    await store.write([{ kind: 'delete', space: 'pages', key }], 'strict');
  return pages.length;
}

const target: Target = bytesTarget(
  'page-mender',
  'what a hostile peer answers to a node whose disk lost a page of the state',
  async () => {
    const recording = await recordNetwork();
    const witness = await openWitness(recording);
    const truth = await witness.live.village.clock.run(balanceOf(witness.live));
    const liars = new Map<string, Liar>();
    let question: Bytes = EMPTY;
    const answer: HostileAnswer = (kind, body, peerId) => {
      const liar = liars.get(peerId);
      if (kind !== 'page' || liar === undefined) return witness.ask(kind, body);
      question = body;
      liar.asked += 1;
      return new Uint8Array(liar.lie);
    };
    const networks = new Map<LiveNode, HostileNetwork>();
    /** A node that follows, wrote the state to its disk, holds none of it, and lost it there. */
    const open = async (): Promise<LiveNode> => {
      const { live, network } = await openAmong(recording, answer, { cacheBytesMax: 0 });
      const { clock } = live.village;
      for (const peerId of HONEST) network.join(peerId);
      const head = () => live.node.parts.chain.head().header.height;
      const { height } = witness.live.node.parts.chain.head().header;
      await clock.until('the head', () => head() === height);
      for (let round = 0; round < 2; round++) await clock.run(live.node.parts.store.checkpoint());
      live.node.configure({ cacheBytesMax: 0 });
      for (const peerId of HONEST) network.leave(peerId);
      await clock.pass(MEET_MS);
      if ((await losePages(live)) === 0) throw new Error('the state is on the disk');
      networks.set(live, network);
      return live;
    };
    const nodes = lives(open, LIFE_RUNS);
    let peers = 0;
    const execute = async (lies: readonly Uint8Array[]) => {
      const live = await nodes.take(lies.length);
      const network = defined(networks.get(live), 'a network each');
      const { clock } = live.village;
      // Each liar is somebody new, so that no ban of the last one protects the node.
      const group = lies.map((lie): Liar => ({ peerId: `mallory ${++peers}`, lie, asked: 0 }));
      for (const liar of group) liars.set(liar.peerId, liar);
      for (const { peerId } of group) network.join(peerId);
      await clock.pass(MEET_MS);
      let end = 'mended';
      try {
        if ((await clock.run(balanceOf(live))) !== truth) throw new Broken('another balance');
      } catch (error) {
        if (!(error instanceof TabellionError) || error.code !== 'page-corrupt') throw error;
        end = error.code;
      }
      const left = new Set(network.peers().map(({ peerId }) => peerId));
      for (const { peerId } of group) network.leave(peerId);
      liars.clear();
      live.check();
      return { live, group, end, left };
    };
    /** The true answer: what an honest peer says to the question that a node put to a liar. */
    const truthful = async (): Promise<Bytes> => {
      const { live } = await execute([encode(pageAnswerCodec, { page: undefined })]);
      await live.village.clock.pass(FORGOTTEN_MS);
      const told = await witness.live.village.clock.run(witness.ask('page', question));
      return defined(told, 'an honest answer');
    };
    const genuine = await truthful();
    const none = encode(pageAnswerCodec, { page: undefined });
    const judge = async (lies: readonly Uint8Array[]): Promise<(Verdict | Error)[]> => {
      const { live, group, end, left } = await execute(lies);
      const isTold = group.some(({ lie, asked }) => asked > 0 && equalBytes(lie, genuine));
      if ((end === 'mended') !== isTold) throw new Broken(`${end}, and the page was ${isTold}`);
      if (isTold) {
        networks.delete(live);
        await nodes.close();
      } else await live.village.clock.pass(FORGOTTEN_MS);
      return group.map(({ peerId, lie, asked }) => {
        if (asked > ASKED_MAX) return new Broken('asks the same liar again');
        const decoded = decode(pageAnswerCodec, lie);
        const isFalse = decoded.ok && decoded.value.page !== undefined && !equalBytes(lie, genuine);
        if (asked > 0 && isFalse && left.has(peerId)) return new Broken('a liar that stays');
        const place = decoded.ok ? 'whole' : refusedAt(decoded.error.code, decoded.error.at);
        return `${asked === 0 ? 'not-asked' : end}@${place}`;
      });
    };
    return {
      seeds: [genuine, none],
      batch: 64,
      async close() {
        await nodes.close();
        await witness.live.stop();
      },
      async runBatch(inputs) {
        const verdicts: (Verdict | Error)[] = [];
        for (let at = 0; at < inputs.length; at += LIARS) {
          verdicts.push(...(await judge(inputs.slice(at, at + LIARS))));
        }
        return verdicts;
      },
    };
  },
);

export const pageMenderTargets: readonly Target[] = [target];
