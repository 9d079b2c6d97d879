import { afterEach, describe, expect, it } from 'vitest';
import type { Height, Round } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { MemoryStore } from '../storage/index.ts';
import type { CrashPoint } from './crash-points.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions, encodeVote, hashOf, signVote } from './testing/votes.ts';

const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const OTHERS = [FIRST, SECOND, THIRD];

let village = new Village();
afterEach(() => village.stopAll());

describe('a validator killed', () => {
  /** Starts the fourth validator; it dies where it passes a point for the n-th time. */
  async function killAt(point: CrashPoint, count: number) {
    village = new Village(FUNDED);
    await village.startAll(...OTHERS);
    let left = count;
    let survivor: MemoryStore | undefined;
    const store = new MemoryStore();
    const onCrashPoint = (name: CrashPoint) => {
      if (name !== point || survivor !== undefined) return;
      left -= 1;
      if (left > 0) return;
      survivor = village.kill(FOURTH);
      throw new Error('killed');
    };
    await village.clock
      .run(village.create(FOURTH, { store, change: { onCrashPoint } }).node.start())
      .catch(() => undefined); // Killed while it started.
    return { died: () => survivor };
  }

  it.each([
    ...(['wal-append-begun', 'wal-append-done', 'wal-prune-begun', 'wal-prune-done'] as const),
    ...(['commit-begun', 'commit-done', 'genesis-begun', 'genesis-done'] as const),
  ])('at %s comes back, follows, and contradicts nothing', async (point) => {
    const { died } = await killAt(point, 1);
    for (let value = 1; value < 6 && died() === undefined; value++)
      await village.decide(value, OTHERS);
    const survivor = died();
    expect(survivor, 'it was killed').toBeDefined();
    if (survivor === undefined) return;
    await village.start(FOURTH, { store: survivor });
    await village.reach(heightOf(village.node(FIRST)), [FOURTH]);
    await village.decide(10, VALIDATORS);
    await village.decide(11, VALIDATORS);
    expect(contradictions(village)).toEqual([]);
  });

  it.each(['evidence-begun', 'evidence-done'] as const)(
    'at %s has the evidence after the write, and not before',
    async (point) => {
      const { died } = await killAt(point, 1);
      await village.decide(1, [...OTHERS, FOURTH]);
      const traitor = village.stranger('traitor');
      const height = (heightOf(village.node(FIRST)) + 1) as Height;
      const vote = { kind: 'prevote', height, round: 0 as Round, validatorIndex: 2 } as const;
      for (const byte of [1, 2]) {
        const signed = signVote(village, person(THIRD), { ...vote, blockHash: hashOf(byte) });
        await traitor.publish('votes', encodeVote(signed));
      }
      await village.clock.until('the kill', () => died() !== undefined);
      const { node } = await village.start(FOURTH, { store: died() ?? new MemoryStore() });
      expect(await node.evidence()).toHaveLength(point === 'evidence-done' ? 1 : 0);
      expect(node.status().error).toBeUndefined();
    },
  );
});

describe('a validator whose disk is full', () => {
  it('at any write stops by name, contradicts nothing, and goes on when there is room', async () => {
    for (let fullAtWrite = 2; fullAtWrite < 20; fullAtWrite += 3) {
      village = new Village(FUNDED);
      await village.startAll(...OTHERS);
      const store = new MemoryStore({ fullAtWrite });
      const { node } = village.create(FOURTH, { store });
      await village.clock.run(node.start()).catch(() => undefined); // Then it says why below.
      for (let value = 1; node.status().stage !== 'failed' && value < 9; value++) {
        await village.decide(value, OTHERS);
        await village.clock.pass(50);
      }
      expect(node.status().error?.code, `write ${fullAtWrite}`).toBe('store-full');
      const height = heightOf(node);
      const survivor = village.kill(FOURTH);
      await village.start(FOURTH, { store: survivor });
      expect(village.node(FOURTH).status().startHeight).toBe(height);
      await village.reach(heightOf(village.node(FIRST)), [FOURTH]);
      await village.decide(10, VALIDATORS);
      expect(contradictions(village)).toEqual([]);
      await village.stopAll();
    }
  }, 60_000);
});
