import { afterEach, describe, expect, it } from 'vitest';
import type { Bytes } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Height } from '../ledger/index.ts';
import { signedVoteCodec } from '../ledger/index.ts';
import type { NetworkHandlers } from '../network/index.ts';
import { statusMessage } from './testing/liar.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions, votesPublished } from './testing/votes.ts';

const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const OTHERS = [FIRST, SECOND, THIRD];
const ECLIPSE_MS = 200_000;

let village: Village;
afterEach(() => village.stopAll());

async function begin(): Promise<void> {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
}

describe('what a node compares its head with', () => {
  it('are hosts: many peer ids of one host are one voice', async () => {
    await begin();
    for (const name of ['twin 1', 'twin 2', 'twin 3']) {
      await village.start(name, { remoteAddress: '203.0.113.7' });
    }
    await village.start('elsewhere', { remoteAddress: '203.0.113.8' });
    const twins = ['twin 1', 'twin 2', 'twin 3', 'tab'];
    village.hub.partition(twins, [...VALIDATORS, 'elsewhere']);
    const { node } = await village.start('tab', { home: 'tab' });
    village.hub.partition(twins, [...VALIDATORS, 'elsewhere']);
    await village.clock.pass(1_000);
    expect(node.peers()).toHaveLength(3);
    expect(node.status().comparedPeers).toBe(1);
    village.hub.partition([...twins, 'elsewhere'], VALIDATORS);
    await village.clock.pass(1_000);
    expect(node.status().comparedPeers).toBe(2);
  });
});

describe('a validator that lost its data and knows one hostile peer only', () => {
  /** Says that the head is `head`, and serves blocks as far as that. */
  function eclipser(head: number): NetworkHandlers['onRequest'] {
    const asker = village.stranger('asker');
    return async (kind, request): Promise<Bytes> => {
      if (kind !== 'status') return asker.request(FIRST, kind, request);
      return statusMessage(village, { headHeight: head as Height });
    };
  }

  /** What the others once said of a height. */
  function saidAt(height: number) {
    const { proposal } = consensusCodecsOf(village.world.ledger.codecs.block);
    return village.hub.published.filter(({ by, topic, bytes }) => {
      if (!OTHERS.some((name) => name === by)) return false;
      if (topic === 'votes') {
        const decoded = decode(signedVoteCodec, bytes);
        return decoded.ok && decoded.value.vote.height === height;
      }
      if (topic !== 'proposals') return false;
      const decoded = decode(proposal, bytes);
      return decoded.ok && decoded.value.proposal.height === height;
    });
  }

  it('signs nothing when it is told old heads and old votes again', async () => {
    village = new Village(FUNDED);
    let isMarked = false;
    const validatorMarker = {
      isSet: async () => isMarked,
      set: async () => {
        isMarked = true;
      },
    };
    await Promise.all(
      VALIDATORS.map((name) =>
        village.create(name, name === FOURTH ? { change: { validatorMarker } } : {}).node.start(),
      ),
    );
    for (let value = 1; value <= 5; value++) await village.decide(value, VALIDATORS);
    const top = heightOf(village.node(FOURTH));
    village.kill(FOURTH);
    const before = votesPublished(village).length;
    const onRequest = eclipser(top - 3);
    village.hub.partition([FOURTH, 'liar'], [...OTHERS, 'asker']);
    const old = [top - 2, top - 1].map(saidAt);
    const liar = village.stranger('liar', { onRequest });
    village.hub.partition([FOURTH, 'liar'], [...OTHERS, 'asker']);
    const { node } = village.create(FOURTH, { change: { validatorMarker } });
    village.hub.partition([FOURTH, 'liar'], [...OTHERS, 'asker']);
    await village.clock.run(node.start());
    village.hub.partition([FOURTH, 'liar'], [...OTHERS, 'asker']);
    await village.clock.until('it copied what it was given', () => heightOf(node) >= top - 3);
    for (const messages of old) {
      for (const { topic, bytes } of messages) await liar.publish(topic, bytes);
      await village.clock.pass(2_000);
    }
    // Decided once more, by votes that were cast before its data was lost.
    expect(heightOf(node)).toBe(top - 1);
    await village.clock.pass(ECLIPSE_MS);
    const own = (each: { readonly validatorIndex: number }) => each.validatorIndex === 3;
    expect(
      votesPublished(village)
        .slice(before)
        .filter(own)
        .map(({ height }) => height),
    ).toEqual([]);
    // Among the honest again it takes part, at heights of which its former life knew nothing.
    village.hub.partition([...VALIDATORS, 'asker']);
    await village.reach(top, [FOURTH]);
    for (let value = 6; value <= 9; value++) await village.decide(value, VALIDATORS);
    const since = votesPublished(village).slice(before).filter(own);
    expect(since.length).toBeGreaterThan(0);
    expect(Math.min(...since.map(({ height }) => height))).toBeGreaterThan(top + 1);
    expect(contradictions(village)).toEqual([]);
  });
});
