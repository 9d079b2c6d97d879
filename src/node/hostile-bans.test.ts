import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height, Round, SignedVote } from '../ledger/index.ts';
import type { RequestKind } from '../network/index.ts';
import { SCORE_MAX } from '../network/index.ts';
import { blocksResponseCodec } from './messages.ts';
import type { Answers } from './testing/liar.ts';
import { alteringBlocks, impostor, statusMessage } from './testing/liar.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';
import { hashOf } from './testing/votes.ts';

const [FIRST] = VALIDATORS;
const BLOCKS = 12;
/** A lie is punished by points; whoever goes on lying is banned within this time. */
const BAN_WITHIN_MS = 15 * 60_000;

let village: Village;
beforeAll(async () => {
  village = await Village.running(BLOCKS);
});
afterAll(async () => {
  for (const name of VALIDATORS) expect(village.node(name).status().error).toBeUndefined();
  await village.stopAll();
});

const far = (change: Parameters<typeof statusMessage>[1] = {}) =>
  statusMessage(village, { headHeight: 1_000_000 as Height, ...change });

const spoilt = (at: (length: number) => number) =>
  alteringBlocks(({ certificate, block }) => ({
    certificate,
    block: block.map((byte, index) => (index === at(block.length) ? byte ^ 1 : byte)),
  }));

const CASES: readonly (readonly [what: string, fault: string, lies: Answers])[] = [
  ['is of another network', 'wrong-network', { status: () => far({ chainId: hashOf(7) }) }],
  ['tells no status', 'status-malformed', { status: () => Uint8Array.of(1) }],
  [
    'claims a head and serves nothing',
    'height-lie',
    { status: () => far(), blocks: () => encode(blocksResponseCodec, { blocks: [] }) },
  ],
  ['serves blocks with another header', 'bad-block', { blocks: spoilt(() => 60) }],
  ['serves blocks with another body', 'bad-block', { blocks: spoilt((length) => length - 3) }],
  [
    'serves blocks that too few decided',
    'bad-block',
    {
      blocks: alteringBlocks(({ block, certificate }) => {
        const signatures = certificate.signatures.slice(0, 2);
        return { block, certificate: { ...certificate, signatures } };
      }),
    },
  ],
  [
    'serves blocks with signatures of nobody',
    'bad-block',
    {
      blocks: alteringBlocks(({ block, certificate }) => {
        const signatures = certificate.signatures.map((each) => ({
          ...each,
          signature: new Uint8Array(64).fill(1),
        }));
        return { block, certificate: { ...certificate, signatures } };
      }),
    },
  ],
];

/** A fresh node that knows the liar alone. */
async function meet(liar: string, newcomer: string, lies: Answers) {
  const { hub } = village;
  const asked: RequestKind[] = [];
  impostor(village, {
    name: liar,
    honest: FIRST,
    answers: lies,
    onAsked: (kind) => asked.push(kind),
  });
  const rest: readonly string[] = [...VALIDATORS, `${liar}'s mirror`];
  hub.delivers = ({ from, to }) => rest.includes(from) === rest.includes(to);
  for (const name of rest) hub.cut(newcomer, name);
  const { node } = await village.start(newcomer);
  const blames = () => hub.penalties.filter((each) => each.by === newcomer && each.peerId === liar);
  return { node, asked, blames, reasons: () => new Set(blames().map(({ reason }) => reason)) };
}

/** The honest ones come, too: the head that they know is reached, and payments are final. */
async function arrives(liar: string, newcomer: string, isBanned: boolean): Promise<void> {
  const { hub } = village;
  hub.delivers = () => true;
  hub.heal();
  if (isBanned) hub.cut(newcomer, liar); // The ban outlives the connection.
  await village.reach(heightOf(village.node(FIRST)), [newcomer]);
  await village.decide(100 + village.traces.length, [newcomer, ...VALIDATORS]);
  expect(village.node(newcomer).status().error).toBeUndefined();
  await village.stop(newcomer);
  await hub.find(liar)?.stop();
  await hub.find(`${liar}'s mirror`)?.stop();
}

describe('a peer that', () => {
  for (const [at, [what, fault, lies]] of CASES.entries()) {
    it(`${what} is banned for ${fault}, and sync reaches the true head with others`, async () => {
      const [liar, newcomer] = [`liar ${at}`, `newcomer ${at}`];
      const { node, blames, reasons } = await meet(liar, newcomer, lies);
      const isPeer = () => node.peers().some(({ peerId }) => peerId === liar);
      await village.clock.until('banned', () => !isPeer(), BAN_WITHIN_MS);
      expect(reasons()).toEqual(new Set([fault]));
      expect(blames().reduce((sum, { points }) => sum + points, 0)).toBeGreaterThanOrEqual(
        SCORE_MAX,
      );
      await village.clock.pass(10);
      // What it claimed is forgotten with it, all but proven headers; no block of it was taken.
      expect(node.status().targetHeight).toBeLessThanOrEqual(heightOf(village.node(FIRST)));
      expect(heightOf(node)).toBe(0);
      await arrives(liar, newcomer, true);
    });
  }

  it('stalls whenever it is asked is banned in the end, and sync goes on with others', async () => {
    const lies = { blocks: () => new Promise<Bytes>(() => undefined) };
    const { node, reasons } = await meet('sleeper', 'newcomer to the sleeper', lies);
    const isPeer = () => node.peers().some(({ peerId }) => peerId === 'sleeper');
    await village.clock.until('banned', () => !isPeer(), BAN_WITHIN_MS);
    expect(reasons()).toEqual(new Set(['stall', 'endless-stall']));
    expect(heightOf(node)).toBe(0);
    await arrives('sleeper', 'newcomer to the sleeper', true);
  });

  it.each<readonly [string, NonNullable<Answers['blocks']>]>([
    ['bytes that are no answer', () => Uint8Array.of(9, 9, 9)],
    ['half an answer', async (_, honestly) => (await honestly()).slice(0, -7)],
    [
      'an answer with a byte behind it',
      async (_, honestly) => Uint8Array.of(...(await honestly()), 0),
    ],
  ])('serves %s is blamed, and not asked for blocks again', async (what, blocks) => {
    const [liar, newcomer] = [`liar of ${what}`, `newcomer to ${what}`];
    const { node, asked, reasons } = await meet(liar, newcomer, { blocks });
    await village.clock.until('blamed', () => reasons().size > 0);
    await village.clock.pass(100); // What was asked at the same time comes, too.
    const count = asked.filter((kind) => kind === 'blocks').length;
    await village.clock.pass(BAN_WITHIN_MS / 5);
    expect(asked.filter((kind) => kind === 'blocks')).toHaveLength(count);
    expect(reasons()).toEqual(new Set(['malformed-answer']));
    expect(heightOf(node)).toBe(0);
    await arrives(liar, newcomer, false);
  });

  it('says votes of nobody is banned by every validator', async () => {
    const { vote: codec } = consensusCodecsOf(village.world.ledger.codecs.block);
    const stranger = village.stranger('forger');
    await village.clock.pass(10);
    const height = (heightOf(village.node(FIRST)) + 1) as Height;
    for (let at = 0; at < 12; at++) {
      const blockHash = hashOf(at);
      const vote = { kind: 'prevote', height, round: 0 as Round, validatorIndex: 1, blockHash };
      const signature = new Uint8Array(64).fill(at + 1);
      // The widened kind is one of two words.
      await stranger.publish('votes', encode(codec, { vote, signature } as SignedVote));
      await village.clock.pass(5);
    }
    for (const name of VALIDATORS) {
      const peers = village
        .node(name)
        .peers()
        .map(({ peerId }) => peerId);
      expect(peers).not.toContain('forger');
    }
    await village.decide(99);
  });
});
