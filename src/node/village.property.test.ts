import { describe, expect, it } from 'vitest';
import { createChance, formatHex } from '../base/index.ts';
import type { Height } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { heightOf, VALIDATORS, Village } from './testing/village.ts';
import { contradictions } from './testing/votes.ts';

const ada = person('ada');
const bob = person('bob');
const NAMES = [...VALIDATORS, 'observer'];
const STEPS = 60;

/** Numbers below a bound, the same for the same seed. */
function createDice(seed: number): (below: number) => number {
  const next = createChance(seed);
  return (below) => next() % below;
}

/** Loses messages, splits the network, kills and restarts nodes, and pays meanwhile. */
async function trouble(village: Village, dice: (below: number) => number): Promise<void> {
  const dead = new Map<string, ReturnType<Village['kill']>>();
  for (let step = 0; step < STEPS; step++) {
    const name = NAMES[dice(NAMES.length)] ?? 'observer';
    const store = dead.get(name);
    switch (dice(6)) {
      case 0: {
        const lossPercent = dice(40);
        village.hub.delivers = () => dice(100) >= lossPercent;
        break;
      }
      case 1: {
        const left = NAMES.filter(() => dice(2) === 0);
        village.hub.partition(
          left,
          NAMES.filter((each) => !left.includes(each)),
        );
        break;
      }
      case 2:
        village.hub.heal();
        break;
      case 3:
        // At most one at a time, so that there is somebody left to learn from.
        if (dead.size === 0) {
          const unsyncedKept = dice(2) === 0 ? { unsyncedKept: dice(3) } : {};
          dead.set(name, village.kill(name, unsyncedKept));
        }
        break;
      case 4:
        if (store !== undefined) {
          dead.delete(name);
          await village.start(name, { store });
        }
        break;
      default:
        if (store === undefined) {
          await village.node(name).submit(village.pay(ada, bob.address, 1 + dice(9)));
        }
    }
    await village.clock.pass(dice(2_500));
  }
  village.hub.heal();
  village.hub.delivers = () => true;
  for (const [name, store] of dead) await village.start(name, { store });
}

describe('whatever happens to a network of four and an observer', () => {
  for (let seed = 1; seed <= 12; seed++) {
    it(`seed ${seed}: nobody contradicts himself, all agree, and it goes on`, async () => {
      const village = new Village({
        balances: [{ address: ada.address, amount: 10_000_000_000n }],
      });
      await village.startAll(...NAMES);
      const dice = createDice(seed);
      await trouble(village, dice);
      expect(contradictions(village)).toEqual([]);

      const highest = Math.max(...NAMES.map((name) => heightOf(village.node(name))));
      await village.reach(highest + 2, NAMES);
      expect(contradictions(village)).toEqual([]);
      for (let at = 1; at <= highest; at++) {
        const headers = NAMES.map((name) => village.node(name).parts.store.block(at as Height));
        const blocks = await Promise.all(headers);
        const hashes = new Set(blocks.map((block) => formatHex(block?.hash ?? new Uint8Array())));
        expect(hashes.size, `block ${at}`).toBe(1);
      }
      for (const name of NAMES) expect(village.node(name).status().error).toBeUndefined();
      // Faults of the network are nobody's: whoever was honest is still believed.
      const worst = village.hub.penalties.filter(({ reason }) => reason !== 'stall');
      expect(worst).toEqual([]);
      await village.stopAll();
    });
  }
});
