import { afterEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { decode, encode } from '../codec/index.ts';
import type { SignedProposal, WalEntry } from '../consensus/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height, SignedVote } from '../ledger/index.ts';
import { signedVoteCodec } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import type { MemoryStore } from '../storage/index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions, votesPublished } from './testing/votes.ts';
import { WalStore } from './wal-store.ts';

// A proposer signs a header; the body travels beside it. Gossip, answers to a node that catches up
// and the log of a former life are the three ways by which both reach the machine.

const ada = person('ada');
const bob = person('bob');
const [FIRST, , , VICTIM] = VALIDATORS;

let village: Village;
afterEach(() => village.stopAll());

async function begin() {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
  const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 1));
  expect(await village.settled(id, VALIDATORS)).toEqual(['final']);
  await village.reach(heightOf(village.node(FIRST)));
  return consensusCodecsOf(village.world.ledger.codecs.block);
}

/** The same header and signature before a body without its transaction. */
function alter(signed: SignedProposal): SignedProposal {
  const { block } = signed.proposal;
  expect(block.transactions).toHaveLength(1);
  const altered = { ...block, transactions: [] };
  return { proposal: { ...signed.proposal, block: altered }, signature: signed.signature };
}

describe('a genuine header before another body', () => {
  it('in an answer to a node that catches up costs the peer, and the genuine one still counts', async () => {
    const codecs = await begin();
    const height = (heightOf(village.node(VICTIM)) + 1) as Height;
    const heard: { proposals: SignedProposal[]; votes: SignedVote[] } = {
      proposals: [],
      votes: [],
    };
    let answers = 0;
    village.stranger('liar', {
      onGossip: async (topic, bytes) => {
        if (topic === 'proposals') {
          const proposal = decode(codecs.proposal, bytes);
          if (proposal.ok) heard.proposals.push(proposal.value);
        }
        if (topic === 'votes') {
          const vote = decode(signedVoteCodec, bytes);
          if (vote.ok) heard.votes.push(vote.value);
        }
        return 'accept';
      },
      onRequest: async (kind): Promise<Bytes> => {
        if (kind !== 'consensus') return new Promise(() => undefined);
        const { proposals, votes } = heard;
        answers += 1;
        const isSpoilt = answers === 1;
        return encode(codecs.catchUpAnswer, {
          proposals: isSpoilt ? proposals.map(alter) : proposals,
          votes: isSpoilt ? [] : votes,
        });
      },
    });
    // Of the others the victim hears nothing but transactions, and asks the liar alone.
    village.hub.delivers = ({ from, to, kind }) => {
      if (from === VICTIM && kind.startsWith('request-')) return to === 'liar';
      return to !== VICTIM || kind === 'transactions' || kind === 'request-consensus';
    };
    const id = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 2));
    await village.reach(height);
    expect(answers).toBeGreaterThan(1);
    const blames = village.hub.penalties.filter(({ peerId }) => peerId === 'liar');
    expect(blames.map(({ by, reason }) => `${by}: ${reason}`)).toEqual([
      `${VICTIM}: malformed-answer`,
    ]);
    expect(village.node(VICTIM).status().error).toBeUndefined();
    village.hub.delivers = () => true;
    expect(await village.settled(id, VALIDATORS)).toEqual(['final']);
    expect(contradictions(village)).toEqual([]);
  });

  it('in the log of a former life keeps a validator from starting', async () => {
    const codecs = await begin();
    const { suite } = village.world.ledger;
    const height = (heightOf(village.node(VICTIM)) + 1) as Height;
    const open = (store: MemoryStore) => new WalStore(store, suite, codecs.walEntry);
    /** A log whose every digest is in order again. */
    const rewrite = async (store: MemoryStore, entries: readonly WalEntry[]) => {
      await open(store).prune((height + 1) as Height);
      await open(store).append(height, entries);
    };
    // The block is proposed, everybody prevotes it, and nobody hears of that.
    village.hub.delivers = ({ kind }) => kind !== 'votes' && kind !== 'request-consensus';
    await village.submit(village.node(FIRST), village.pay(ada, bob.address, 2));
    const index = VALIDATORS.indexOf(VICTIM);
    await village.clock.until('the victim votes', () =>
      votesPublished(village).some(
        (vote) =>
          vote.height === height && vote.validatorIndex === index && vote.blockHash !== undefined,
      ),
    );
    const store = village.kill(VICTIM, { unsyncedKept: 0 });
    const entries = await open(store).load(height);
    expect(entries.filter((entry) => 'proposal' in entry)).toHaveLength(1);
    const spoilt = entries.map((entry) =>
      'proposal' in entry ? { ...entry, proposal: alter(entry.proposal) } : entry,
    );
    await rewrite(store, spoilt);
    const { node } = village.create(VICTIM, { store });
    await expect(village.clock.run(node.start())).rejects.toMatchObject({ code: 'wal-corrupt' });
    // Written again as it was, the same log is taken.
    const survivor = village.kill(VICTIM);
    await rewrite(survivor, entries);
    village.hub.delivers = () => true;
    await village.start(VICTIM, { store: survivor });
    await village.reach(height);
    expect(contradictions(village)).toEqual([]);
  });
});
