import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decode, encode } from '../codec/index.ts';
import type { CommitCertificate, Header, Height, Round } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { blocksResponseCodec } from './messages.ts';
import { statusMessage } from './testing/liar.ts';
import { ALONE, heightOf, VALIDATORS, Village } from './testing/village.ts';
import { hashOf, signVote } from './testing/votes.ts';

const [VALIDATOR] = VALIDATORS;
const ada = person('ada');
const bob = person('bob');

let village: Village;
beforeEach(() => {
  village = new Village(ALONE);
});
afterEach(() => village.stopAll());

/** All of the power signs a header that binds other results than its block has. */
function certify(header: Header): CommitCertificate {
  const { height } = header;
  const blockHash = village.world.ledger.blockHash(header);
  const vote = { kind: 'precommit', height, round: 0 as Round, blockHash } as const;
  const { signature } = signVote(village, person(VALIDATOR), { ...vote, validatorIndex: 0 });
  return { height, round: vote.round, blockHash, signatures: [{ validatorIndex: 0, signature }] };
}

describe('a block that everybody signed and that is invalid', () => {
  it('ends a node, which blames nobody who only passed it on', async () => {
    await village.start(VALIDATOR);
    const id = await village.submit(village.node(VALIDATOR), village.pay(ada, bob.address, 1));
    await village.settled(id);
    const stored = await village.node(VALIDATOR).parts.store.block(1 as Height);
    if (stored === undefined) throw new Error('there is a block');
    await village.stop(VALIDATOR);

    const { ledger } = village.world;
    const header: Header = { ...stored.block.header, stateRoot: hashOf(1) };
    const block = encode(ledger.codecs.block, { ...stored.block, header });
    village.stranger('messenger', {
      onRequest: async (kind) =>
        kind === 'status'
          ? statusMessage(village, {
              headHeight: 1 as Height,
              headHash: ledger.blockHash(header),
            })
          : encode(blocksResponseCodec, { blocks: [{ block, certificate: certify(header) }] }),
    });
    const { node } = await village.start('tab');
    await village.clock.until('failure', () => node.status().stage === 'failed');
    expect(node.status().error).toMatchObject({
      code: 'block-invalid',
      facts: { height: 1, code: 'state-root-mismatch' },
    });
    expect(heightOf(node)).toBe(0);
    expect(village.hub.penalties).toEqual([]);
  });

  it('is not mistaken for one whose transactions the messenger changed', async () => {
    await village.start(VALIDATOR);
    for (const value of [1, 2]) {
      const bytes = village.pay(ada, bob.address, value);
      await village.settled(await village.submit(village.node(VALIDATOR), bytes));
    }
    const other = await village.node(VALIDATOR).parts.store.block(2 as Height);
    village.stranger('messenger', {
      onRequest: async (kind, request) => {
        const asker = village.hub.find('asker') ?? village.stranger('asker');
        const answer = await asker.request(VALIDATOR, kind, request);
        const decoded = decode(blocksResponseCodec, answer);
        if (kind !== 'blocks' || !decoded.ok || other === undefined) return answer;
        const blocks = decoded.value.blocks.map((each) => {
          const genuine = decode(village.world.ledger.codecs.block, each.block);
          if (!genuine.ok) throw new Error('the honest block is good');
          const swapped = { ...genuine.value, transactions: other.block.transactions };
          return { ...each, block: encode(village.world.ledger.codecs.block, swapped) };
        });
        return encode(blocksResponseCodec, { blocks });
      },
    });
    village.hub.cut('tab', VALIDATOR);
    const { node } = await village.start('tab');
    await village.clock.until('blame', () => village.hub.penalties.length > 0);
    expect(village.hub.penalties[0]).toMatchObject({ peerId: 'messenger', reason: 'bad-block' });
    expect(node.status().error).toBeUndefined();
    expect(heightOf(node)).toBe(0);
  });
});
