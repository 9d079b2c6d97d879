import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import { combineEngine, consensusCodecsOf, proposalSigningBytes } from '../consensus/index.ts';
import { signEd25519 } from '../crypto/index.ts';
import type { Block, CommitCertificate, Header, Height, Round } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { RequestKind } from '../network/index.ts';
import { blockAnnouncementCodec, blocksRequestCodec, blocksResponseCodec } from './messages.ts';
import type { Answers } from './testing/liar.ts';
import { altering, alteringBlocks, impostor, isolate, statusMessage } from './testing/liar.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions, encodeVote, hashOf, signVote, votesPublished } from './testing/votes.ts';

const [FIRST] = VALIDATORS;
const BLOCKS = 6;

let village: Village;
beforeEach(async () => {
  village = await Village.running(BLOCKS);
});
afterEach(async () => {
  expect(contradictions(village)).toEqual([]);
  for (const name of VALIDATORS) expect(village.node(name).status().error).toBeUndefined();
  await village.stopAll();
});

const blamesOf = (peerId: string) =>
  village.hub.penalties.filter((penalty) => penalty.peerId === peerId);
const reasonsOf = (peerId: string) => new Set(blamesOf(peerId).map(({ reason }) => reason));

/** A peer that answers honestly but for what a test gives. */
function liar(answers: Answers): void {
  impostor(village, { name: 'liar', honest: FIRST, answers });
}

/**
 * A fresh node that first knows the liar alone, then the honest ones too; it must end at the same
 * head whatever it was told.
 */
async function syncsInSpiteOf(answers: Answers): Promise<void> {
  liar(answers);
  isolate(village, 'newcomer', ['liar']);
  const { node } = await village.start('newcomer');
  await village.clock.pass(40_000);
  expect(heightOf(node)).toBeLessThanOrEqual(heightOf(village.node(FIRST)));
  const isBanned = blamesOf('liar').reduce((sum, { points }) => sum + points, 0) >= 1_000;
  village.hub.heal();
  if (isBanned) village.hub.cut('newcomer', 'liar');
  await village.clock.until(
    'the newcomer arrives',
    () => heightOf(node) >= heightOf(village.node(FIRST)),
    120_000,
  );
  await village.decide(100, ['newcomer', ...VALIDATORS]);
  expect(node.status().error).toBeUndefined();
}

describe('a peer that serves', () => {
  it('a head it does not have is blamed, and sync goes on with others', async () => {
    await syncsInSpiteOf({
      status: () => statusMessage(village, { headHeight: 1_000_000 as Height }),
      blocks: () => encode(blocksResponseCodec, { blocks: [] }),
    });
    expect(reasonsOf('liar')).toContain('height-lie');
  });

  it('nothing at all is blamed for stalling', async () => {
    await syncsInSpiteOf({ blocks: () => new Promise<Bytes>(() => undefined) });
    expect(reasonsOf('liar')).toContain('stall');
  });

  it('bytes that are no answer is banned', async () => {
    await syncsInSpiteOf({ blocks: () => Uint8Array.of(9, 9, 9) });
    expect(reasonsOf('liar')).toContain('malformed-answer');
  });

  it('a truncated answer is banned', async () => {
    await syncsInSpiteOf({
      blocks: async (_, honestly) => (await honestly()).slice(0, -7),
    });
    expect(reasonsOf('liar')).toContain('malformed-answer');
  });

  it('a block with a changed byte is banned', async () => {
    await syncsInSpiteOf({
      blocks: alteringBlocks((each) => ({
        ...each,
        block: each.block.map((byte, at) => (at === each.block.length - 3 ? byte ^ 1 : byte)),
      })),
    });
    expect(reasonsOf('liar')).toContain('bad-block');
  });

  it('a block with the certificate of another is banned', async () => {
    await syncsInSpiteOf({
      blocks: altering(blocksResponseCodec, ({ blocks }) => ({
        blocks: blocks.map((each, at) => ({
          certificate: each.certificate,
          block: blocks[(at + 1) % blocks.length]?.block ?? each.block,
        })),
      })),
    });
    expect(reasonsOf('liar')).toContain('bad-block');
  });

  it('old blocks under new certificates cannot make a node believe it has new ones', async () => {
    await syncsInSpiteOf({
      blocks: altering(blocksResponseCodec, ({ blocks }) => ({
        blocks: blocks.map((each) => ({ ...each, block: blocks[0]?.block ?? each.block })),
      })),
    });
    expect(reasonsOf('liar')).toContain('bad-block');
  });

  it('a certificate with too few or forged signatures is banned', async () => {
    await syncsInSpiteOf({
      blocks: alteringBlocks(({ block, certificate }, at) => {
        const { signatures } = certificate;
        const forged = signatures.map((each) => ({ ...each, signature: new Uint8Array(64) }));
        const change = at % 2 === 0 ? forged : signatures.slice(0, 2);
        return { block, certificate: { ...certificate, signatures: change } };
      }),
    });
    expect(reasonsOf('liar')).toContain('bad-block');
  });

  it('the status of another network is banned at once', async () => {
    await syncsInSpiteOf({
      status: () => statusMessage(village, { headHeight: 9 as Height, chainId: hashOf(7) }),
    });
    expect(reasonsOf('liar')).toEqual(new Set(['wrong-network']));
  });

  it('a status that is none is blamed', async () => {
    await syncsInSpiteOf({ status: () => Uint8Array.of(1) });
    expect(reasonsOf('liar')).toContain('status-malformed');
  });

  it('forged messages of the height being decided is blamed', async () => {
    const codecs = consensusCodecsOf(village.world.ledger.codecs.block);
    const height = (heightOf(village.node(FIRST)) + 1) as Height;
    const vote = { kind: 'prevote', height, round: 0 as Round, blockHash: hashOf(1) } as const;
    const forged = { vote: { ...vote, validatorIndex: 2 }, signature: new Uint8Array(64) };
    liar({
      consensus: () => encode(codecs.catchUpAnswer, { proposals: [], votes: [forged, forged] }),
    });
    village.hub.partition([FIRST, 'liar'], VALIDATORS.slice(1));
    await village.clock.pass(30_000); // The heartbeat is due, and nobody else is heard.
    expect(reasonsOf('liar')).toContain('malformed-answer');
    village.hub.heal();
  });
});

describe('gossip that', () => {
  const height = () => (heightOf(village.node(FIRST)) + 1) as Height;

  async function gossips(topic: 'votes' | 'proposals' | 'blocks' | 'transactions', bytes: Bytes) {
    const stranger = village.hub.find('stranger') ?? village.stranger('stranger');
    await village.clock.pass(10);
    await stranger.publish(topic, bytes);
    await village.clock.pass(50);
    return reasonsOf('stranger');
  }

  for (const topic of ['transactions', 'votes', 'proposals', 'blocks'] as const) {
    it(`is no message of ${topic} is rejected and costs its sender`, async () => {
      expect(await gossips(topic, Uint8Array.of(1, 2, 3))).toEqual(new Set([`${topic}: rejected`]));
      expect(
        blamesOf('stranger')
          .map(({ by }) => by)
          .sort(),
      ).toEqual([...VALIDATORS]);
    });
  }

  it('is a vote with a forged signature is rejected, also of the next height', async () => {
    const vote = { kind: 'prevote', round: 0 as Round, blockHash: undefined } as const;
    for (const ahead of [0, 1]) {
      const of = { ...vote, height: (height() + ahead) as Height, validatorIndex: 1 };
      const signed = signVote(village, person('mallory'), of);
      await gossips('votes', new Uint8Array(encodeVote(signed)));
      expect(blamesOf('stranger')).toHaveLength(VALIDATORS.length * (ahead + 1));
    }
  });

  it('is a vote of a member that does not exist is rejected', async () => {
    const vote = { kind: 'prevote', height: height(), round: 0 as Round } as const;
    const signed = signVote(village, person('mallory'), {
      ...vote,
      blockHash: undefined,
      validatorIndex: 77,
    });
    const reasons = await gossips('votes', new Uint8Array(encodeVote(signed)));
    expect(reasons).toEqual(new Set(['votes: rejected']));
  });

  it('is a vote of a far height changes nothing and makes no storm of questions', async () => {
    let questions = 0;
    const stranger = village.stranger('stranger', {
      onRequest: async (kind) => {
        if (kind === 'status') questions += 1;
        return statusMessage(village, {});
      },
    });
    await village.clock.pass(10);
    const asked = questions;
    for (let at = 0; at < 500; at++) {
      const signed = signVote(village, person('mallory'), {
        kind: 'prevote',
        height: (1_000_000 + at) as Height,
        round: 0 as Round,
        blockHash: undefined,
        validatorIndex: 0,
      });
      await stranger.publish('votes', encodeVote(signed));
    }
    await village.clock.pass(400);
    expect(questions - asked).toBeLessThanOrEqual(VALIDATORS.length);
  });

  it('is a proposal of somebody whose turn it is not is rejected', async () => {
    const { block: blockCodec } = village.world.ledger.codecs;
    const stored = await village.node(FIRST).parts.store.block((height() - 1) as Height);
    if (stored === undefined) throw new Error('there is a block');
    const header: Header = { ...stored.block.header, height: height() };
    const proposal = { height: height(), round: 0 as Round, validRound: undefined };
    const bytes = encode(consensusCodecsOf(blockCodec).proposal, {
      proposal: { ...proposal, block: { ...stored.block, header } },
      signature: new Uint8Array(64),
    });
    expect(await gossips('proposals', bytes)).toEqual(new Set(['proposals: rejected']));
  });

  it('is a proposal whose header names somebody else is rejected, and nobody votes', async () => {
    const { ledger } = village.world;
    const { document, membership } = ledger.genesis;
    const engine = combineEngine(document.consensus, membership);
    if (!engine.ok) throw new Error('the village has an engine');
    const wanted = height();
    const place = { height: wanted, round: 0 as Round, validRound: undefined };
    const leader = VALIDATORS[engine.value.leaderOf(membership, place) ?? -1] ?? FIRST;
    const build = async (name: string) => {
      const { chain } = village.node(FIRST).parts;
      const block = await chain.build(wanted, person(name).pair.publicKey);
      if (block === undefined) throw new Error('the head stands still');
      return block;
    };
    const proposes = (block: Block) => {
      const blockHash = ledger.blockHash(block.header);
      const message = proposalSigningBytes(ledger.suite, ledger.chainId, place, blockHash);
      const signature = signEd25519(person(leader).pair.secretKey, message);
      const { proposal: codec } = consensusCodecsOf(ledger.codecs.block);
      return gossips('proposals', encode(codec, { proposal: { ...place, block }, signature }));
    };
    const proper = await build(leader);
    const filled = { ...proper.header, consensus: Uint8Array.of(1) };
    const other = VALIDATORS.find((name) => name !== leader) ?? 'nobody';
    for (const block of [
      await build('mallory'),
      await build(other),
      { ...proper, header: filled },
    ]) {
      expect(await proposes(block)).toEqual(new Set(['proposals: rejected']));
    }
    expect(blamesOf('stranger')).toHaveLength(3 * VALIDATORS.length);
    const votes = () => votesPublished(village).filter((vote) => vote.height >= wanted);
    expect(votes()).toEqual([]);
    await proposes(proper);
    expect(blamesOf('stranger')).toHaveLength(3 * VALIDATORS.length);
    expect(votes().length).toBeGreaterThan(0);
    await village.reach(wanted);
  });

  it('is a genuine proposal with another body is rejected, and harms nobody', async () => {
    const { proposal: codec } = consensusCodecsOf(village.world.ledger.codecs.block);
    const victims = ['validator 4', 'tab'];
    await village.start('tab', { home: 'tab' });
    await village.reach(height() - 1);
    let isSpoilt = false;
    const mallory = village.stranger('mallory', {
      onGossip: async (topic, bytes) => {
        if (topic !== 'proposals' || isSpoilt) return 'accept';
        const decoded = decode(codec, bytes);
        if (!decoded.ok) throw new Error('a genuine proposal can be read');
        const { proposal, signature } = decoded.value;
        const block = { ...proposal.block, transactions: [] };
        expect(proposal.block.transactions).toHaveLength(1);
        isSpoilt = true;
        await mallory.publish(
          topic,
          encode(codec, { proposal: { ...proposal, block }, signature }),
        );
        return 'accept';
      },
    });
    // The victims hear the altered one before any genuine one.
    let isHeard = false;
    village.hub.delivers = ({ from, to, kind }) => {
      if (kind !== 'proposals') return true;
      isHeard ||= from === 'mallory';
      return from === 'mallory' || isHeard || !victims.includes(to);
    };
    await village.decide(50, [...VALIDATORS, 'tab']);
    await village.decide(51, [...VALIDATORS, 'tab']);
    expect(reasonsOf('mallory')).toEqual(new Set(['proposals: rejected']));
    expect(village.node('tab').status().error).toBeUndefined();
  });

  it('announces a block with a forged certificate is rejected and commits nothing', async () => {
    const node = village.node(FIRST);
    const stored = await node.parts.store.block((height() - 1) as Height);
    if (stored?.certificate === undefined) throw new Error('there is a block');
    const header: Header = { ...stored.block.header, height: height(), parentHash: stored.hash };
    const blockHash = village.world.ledger.blockHash(header);
    const before = heightOf(node);
    const stale: CommitCertificate = { ...stored.certificate, height: height(), blockHash };
    const weak: CommitCertificate = { ...stale, signatures: stale.signatures.slice(0, 1) };
    for (const certificate of [stale, weak, { ...stale, blockHash: hashOf(1) }]) {
      const bytes = encode(blockAnnouncementCodec, { header, certificate });
      expect(await gossips('blocks', bytes)).toEqual(new Set(['blocks: rejected']));
    }
    expect(blamesOf('stranger')).toHaveLength(3 * VALIDATORS.length);
    expect(heightOf(node)).toBe(before);
  });
});

describe('a peer that asks', () => {
  const ask = (kind: RequestKind, bytes: Bytes) => {
    const stranger = village.hub.find('stranger') ?? village.stranger('stranger');
    return village.clock.run(stranger.request(FIRST, kind, bytes));
  };

  it('in bytes that are no question is refused, and blamed', async () => {
    for (const kind of ['blocks', 'consensus', 'faucet'] as const) {
      await expect(ask(kind, Uint8Array.of(7))).rejects.toMatchObject({ code: 'request-refused' });
    }
    expect(reasonsOf('stranger')).toEqual(new Set(['malformed-request']));
  });

  it('for what nobody answers is refused', async () => {
    await expect(ask('state', new Uint8Array())).rejects.toMatchObject({ code: 'request-refused' });
  });

  it('for blocks gets those that exist, as many as fit, and no error beyond the head', async () => {
    const asked = async (from: number, count: number) => {
      const bytes = await ask(
        'blocks',
        encode(blocksRequestCodec, { from: from as Height, count }),
      );
      const decoded = decode(blocksResponseCodec, bytes);
      return decoded.ok ? decoded.value.blocks.map(({ certificate }) => certificate.height) : [];
    };
    expect(await asked(2, 3)).toEqual([2, 3, 4]);
    expect(await asked(heightOf(village.node(FIRST)), 65_535)).toHaveLength(1);
    expect(await asked(1, 0)).toEqual([]);
    expect(await asked(0, 5)).toEqual([]); // Genesis is known to everybody.
    expect(await asked(2 ** 52, 5)).toEqual([]);
  });
});
