import { afterEach, describe, expect, it } from 'vitest';
import type { Evidence, Height, Round } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions, encodeVote, hashOf, signVote, votesPublished } from './testing/votes.ts';
import type { ValidatorMarker } from './types.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const OTHERS = [FIRST, SECOND, THIRD];

let village = new Village();
afterEach(() => village.stopAll());

async function begin(names: readonly string[] = VALIDATORS): Promise<void> {
  village = new Village(FUNDED);
  await village.startAll(...names);
}

/** A payment is on its way since so long: the next height began with it. */
async function beginHeight(sinceMs: number): Promise<void> {
  const submitting = village.node(FIRST).submit(village.pay(ada, bob.address, 2));
  submitting.catch(() => undefined); // Its node may be killed.
  await village.clock.pass(sinceMs);
}

/** A mark in memory: what a home keeps beside the store. */
function markerOf() {
  let count = 0;
  const marker: ValidatorMarker = {
    isSet: async () => count > 0,
    set: async () => {
      count += 1;
    },
  };
  return { marker, sets: () => count };
}

const votesOf = (name: string) => {
  const names: readonly string[] = VALIDATORS;
  const index = names.indexOf(name);
  return votesPublished(village).filter((vote) => vote.validatorIndex === index);
};

describe('a validator that is killed', () => {
  it('at any moment of a height comes back and contradicts nothing it said', async () => {
    for (let moment = 0; moment < 14; moment++) {
      await begin();
      await village.decide(1, VALIDATORS);
      await beginHeight(moment);
      const said = votesOf(FOURTH).length;
      const store = village.kill(FOURTH);
      await village.clock.pass(500);
      await village.start(FOURTH, { store });
      await village.reach(heightOf(village.node(FIRST)), [FOURTH]);
      await village.decide(3, VALIDATORS);
      expect(contradictions(village), `killed after ${moment} ms`).toEqual([]);
      expect(votesOf(FOURTH).length).toBeGreaterThan(said);
      await village.stopAll();
    }
  });

  it('with all others at once, and what was not synced lost, goes on from the logs', async () => {
    for (const moment of [2, 4, 6, 9]) {
      await begin();
      await village.decide(1, VALIDATORS);
      await beginHeight(moment);
      const stores = VALIDATORS.map((name) => village.kill(name, { unsyncedKept: 0 }));
      await village.clock.pass(100);
      await Promise.all(
        VALIDATORS.map(async (name, at) => {
          const store = stores[at];
          if (store !== undefined) await village.create(name, { store }).node.start();
        }),
      );
      const height = heightOf(village.node(FIRST));
      await village.reach(height + 2);
      expect(contradictions(village), `killed after ${moment} ms`).toEqual([]);
      await village.stopAll();
    }
  });

  it('hears votes while its log is read, and still folds the log first', async () => {
    await begin();
    await village.decide(1, VALIDATORS);
    village.hub.partition([FIRST, SECOND], [THIRD, FOURTH]);
    await village.submit(village.node(FIRST), village.pay(ada, bob.address, 2));
    await village.clock.pass(3_000); // Rounds go by without a quorum: the logs fill.
    const store = village.kill(SECOND);
    const read = store.list.bind(store);
    store.list = async (space, range) => {
      // Everything that the others say arrives while the log is being read.
      if (space === 'wal') await new Promise((done) => village.clock.after(2_000, () => done(0)));
      return read(space, range);
    };
    village.hub.heal();
    await village.clock.run(village.create(SECOND, { store }).node.start());
    await village.reach(heightOf(village.node(FIRST)) + 1);
    expect(village.node(SECOND).status().error).toBeUndefined();
    expect(contradictions(village)).toEqual([]);
  });

  it('does not start on a log that was changed', async () => {
    await begin();
    village.hub.partition([FIRST, SECOND], [THIRD, FOURTH]);
    await village.submit(village.node(FIRST), village.pay(ada, bob.address, 2));
    await village.clock.pass(3_000);
    const store = village.kill(FIRST);
    const [entry] = await store.list('wal', { limit: 1 });
    if (entry === undefined) throw new Error('nothing was logged');
    const value = entry.value.map((byte, at) => (at === 40 ? byte ^ 1 : byte));
    await store.write([{ kind: 'put', space: 'wal', key: entry.key, value }], 'strict');
    const { node } = village.create(FIRST, { store });
    await expect(village.clock.run(node.start())).rejects.toMatchObject({ code: 'wal-corrupt' });
    expect(node.status()).toMatchObject({ stage: 'failed', error: { code: 'wal-corrupt' } });
  });
});

describe('a validator that lost its store', () => {
  it('signs nothing at the heights where its former self may have voted', async () => {
    await begin();
    for (const value of [1, 2, 3]) await village.decide(value, VALIDATORS);
    village.kill(FOURTH);
    const before = votesOf(FOURTH).length;
    const height = heightOf(village.node(FIRST));
    await village.start(FOURTH);
    await village.reach(height, [FOURTH]);
    await village.decide(4, VALIDATORS);
    await village.decide(5, VALIDATORS);
    await village.decide(6, VALIDATORS);
    const heights = votesOf(FOURTH)
      .slice(before)
      .map((vote) => vote.height);
    expect(heights.length).toBeGreaterThan(0);
    expect(Math.min(...heights)).toBeGreaterThan(height + 1);
    expect(contradictions(village)).toEqual([]);
  });

  it('of its last block only signs above the height it signed, however long it is alone', async () => {
    await begin();
    for (const value of [1, 2, 3]) await village.decide(value, VALIDATORS);
    await village.clock.pass(100);
    const height = heightOf(village.node(FOURTH));
    const store = await village.stop(FOURTH);
    const last = (await store.list('journal', { limit: 100 })).at(-1);
    if (last === undefined) throw new Error('blocks were written');
    const value = last.value.map((byte, at) => (at === last.value.length >> 1 ? byte ^ 1 : byte));
    await store.write([{ kind: 'put', space: 'journal', key: last.key, value }], 'strict');
    village.hub.partition([FOURTH], OTHERS);
    const before = votesOf(FOURTH).length;
    const { node } = await village.start(FOURTH, { store });
    expect(heightOf(node)).toBe(height - 1);
    await village.clock.pass(120_000);
    expect(votesOf(FOURTH)).toHaveLength(before);
    village.hub.heal();
    await village.reach(height, [FOURTH]);
    await village.decide(4, VALIDATORS);
    await village.decide(5, VALIDATORS);
    await village.clock.until('it signs again', () => votesOf(FOURTH).length > before);
    for (const vote of votesOf(FOURTH).slice(before)) expect(vote.height).toBeGreaterThan(height);
    expect(contradictions(village)).toEqual([]);
  });

  it('and was marked does not take itself for new, however long it is alone', async () => {
    await begin(OTHERS);
    const { marker, sets } = markerOf();
    await village.start(FOURTH, { change: { validatorMarker: marker } });
    expect(sets()).toBe(1);
    await village.decide(1, VALIDATORS);
    await village.stop(FOURTH);
    const before = votesOf(FOURTH).length;
    expect(before).toBeGreaterThan(0);
    village.hub.partition([FOURTH], OTHERS);
    await village.start(FOURTH, { change: { validatorMarker: marker } });
    expect(village.traces.map(({ event }) => event)).toContain('validator-data-lost');
    await village.clock.pass(200_000);
    expect(votesOf(FOURTH)).toHaveLength(before);
    const height = heightOf(village.node(FIRST));
    village.hub.heal();
    await village.reach(height, [FOURTH]);
    for (const value of [2, 3, 4]) await village.decide(value, VALIDATORS);
    expect(votesOf(FOURTH).length).toBeGreaterThan(before);
    for (const vote of votesOf(FOURTH).slice(before)) {
      expect(vote.height).toBeGreaterThan(height + 1);
    }
    expect(contradictions(village)).toEqual([]);
  });

  it('is told from one that was stopped before it signed anything', async () => {
    village = new Village(FUNDED);
    const markers = VALIDATORS.map(() => markerOf().marker);
    const startAll = (stores: readonly MemoryStore[]) =>
      Promise.all(
        VALIDATORS.map(async (name, at) => {
          const change = { validatorMarker: markers[at] ?? markerOf().marker };
          const store = stores[at] ?? new MemoryStore();
          await village.create(name, { store, change }).node.start();
          return store;
        }),
      );
    const stores = await startAll([]);
    for (const name of VALIDATORS) await village.stop(name);
    expect(votesPublished(village)).toEqual([]);
    await startAll(stores.map((store) => store.crash({ unsyncedKept: 0 })));
    await village.decide(1, VALIDATORS);
  });

  it('may not be reset: its log is what keeps it from voting twice', async () => {
    await begin();
    const node = village.node(FIRST);
    await expect(node.reset()).rejects.toMatchObject({ code: 'not-permitted' });
    await village.decide(1, VALIDATORS);
  });
});

describe('a validator that wakes up', () => {
  it('signs no height that others decided long ago', async () => {
    await begin();
    await village.decide(1, VALIDATORS);
    const store = await village.stop(FOURTH);
    for (const value of [2, 3, 4]) await village.decide(value, OTHERS);
    const height = heightOf(village.node(FIRST));
    const before = votesOf(FOURTH).length;
    await village.start(FOURTH, { store: store.crash() });
    await village.reach(height, [FOURTH]);
    await village.decide(5, VALIDATORS);
    for (const vote of votesOf(FOURTH).slice(before)) {
      expect(vote.height).toBeGreaterThan(height);
    }
  });

  it('alone votes only after it waited for peers', async () => {
    village = new Village(FUNDED);
    village.hub.partition([]);
    await village.start(FIRST);
    await village.clock.pass(9_000);
    expect(votesPublished(village)).toEqual([]);
    await village.clock.pass(10_000);
    expect(votesPublished(village).length).toBeGreaterThan(0);
  });
});

describe('a member that votes twice', () => {
  async function betray(): Promise<Evidence[]> {
    await begin(OTHERS);
    await village.decide(1, OTHERS);
    const told: Evidence[] = [];
    village.node(FIRST).events.on('evidence', (evidence) => told.push(evidence));
    const traitor = village.stranger('traitor');
    const height = (heightOf(village.node(FIRST)) + 1) as Height;
    const vote = { kind: 'prevote', height, round: 0 as Round, validatorIndex: 3 } as const;
    for (const byte of [1, 2]) {
      const signed = signVote(village, person(FOURTH), { ...vote, blockHash: hashOf(byte) });
      await traitor.publish('votes', encodeVote(signed));
    }
    await village.clock.until('evidence', () => told.length > 0);
    return told;
  }

  it('is found out: the proof is told and outlives a restart', async () => {
    const told = await betray();
    expect(told).toHaveLength(1);
    expect(told[0]?.first.vote).toMatchObject({ validatorIndex: 3, kind: 'prevote' });
    expect(told[0]?.first.vote.blockHash).not.toEqual(told[0]?.second.vote.blockHash);
    for (const name of OTHERS) expect(await village.node(name).evidence()).toEqual(told);
    const store = village.kill(FIRST);
    const { node } = await village.start(FIRST, { store });
    expect(await node.evidence()).toEqual(told);
  });

  it('does not stop the honest ones', async () => {
    await betray();
    await village.decide(2, OTHERS);
    expect(village.node(FIRST).status().error).toBeUndefined();
  });
});

describe('a store that is full', () => {
  it('ends the node with a clear code and the old head, and room lets it go on', async () => {
    await begin(OTHERS);
    const store = new MemoryStore({ fullAtWrite: 12 });
    await village.start('tab', { store });
    const { node } = { node: village.node('tab') };
    for (let value = 1; value <= 12; value++) await village.decide(value, OTHERS);
    await village.clock.until('failure', () => node.status().stage === 'failed');
    expect(node.status().error?.code).toBe('store-full');
    const height = heightOf(node);
    expect(height).toBeGreaterThan(0);
    expect(height).toBeLessThan(heightOf(village.node(FIRST)));
    await village.clock.pass(5_000);
    expect(heightOf(node)).toBe(height);
    expect(village.hub.peersOf(village.stranger('asker')).map(({ peerId }) => peerId)).toEqual(
      expect.not.arrayContaining(['tab']),
    );
    await village.clock.run(node.resume());
    expect(node.status().stage).toBe('failed');
    const survivor = village.kill('tab');
    await village.start('tab', { store: survivor });
    expect(village.node('tab').status().startHeight).toBe(height);
    await village.decide(13, ['tab', ...OTHERS]);
  });

  it('keeps a validator from sending a vote that is not written', async () => {
    await begin(OTHERS);
    await village.decide(1, OTHERS);
    const store = new MemoryStore({ fullAtWrite: 1 });
    const { node } = village.create(FOURTH, { store });
    await village.clock.run(node.start()).catch(() => undefined);
    await village.clock.until('failure', () => node.status().stage === 'failed');
    expect(node.status().error?.code).toBe('store-full');
    expect(votesOf(FOURTH)).toEqual([]);
    await village.decide(2, OTHERS);
  });
});

describe('the only validator', () => {
  it('decides alone', async () => {
    const { publicKey } = person(FIRST).pair;
    village = new Village({ ...FUNDED, validators: [{ publicKey, name: FIRST }] });
    await village.start(FIRST);
    expect(village.node(FIRST).status().stage).toBe('following');
    await village.decide(1, [FIRST]);
    const store = await village.stop(FIRST);
    await village.start(FIRST, { store: store.crash() });
    await village.decide(2, [FIRST]);
  });
});
