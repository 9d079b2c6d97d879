import { afterEach, expect, it } from 'vitest';
import { person } from '../../ledger/testing/world.ts';
import { MemoryStore } from '../../storage/index.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from '../testing/village.ts';
import { contradictions } from '../testing/votes.ts';
import { wipeLedger } from './wipe.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST, SECOND, THIRD, FOURTH] = VALIDATORS;
const OTHERS = [FIRST, SECOND, THIRD];

let village = new Village();
afterEach(() => village.stopAll());

it('a validator whose ledger was wiped signs nothing that contradicts its former life', async () => {
  village = new Village(FUNDED);
  await village.startAll(...OTHERS);
  await village.start(FOURTH, { store: new MemoryStore() });
  for (let value = 1; value < 4; value++) await village.decide(value, VALIDATORS);
  // In the middle of a height: it may have voted, and the others have not decided.
  await village.submit(village.node(FIRST), village.pay(ada, bob.address, 9));
  await village.clock.pass(5);
  const survivor = village.kill(FOURTH);
  await wipeLedger(survivor);
  const { node } = await village.start(FOURTH, { store: survivor });
  expect(node.status().startHeight).toBe(0);
  await village.reach(heightOf(village.node(FIRST)), [FOURTH]);
  for (let value = 10; value < 13; value++) await village.decide(value, VALIDATORS);
  expect(contradictions(village)).toEqual([]);
});
