import { afterEach, expect, it } from 'vitest';
import type { Sequence } from '../ledger/index.ts';
import { person } from '../ledger/testing/world.ts';
import { FUNDED, heightOf, VALIDATORS, Village } from './testing/village.ts';

const ada = person('ada');
const bob = person('bob');
const [FIRST] = VALIDATORS;

let village = new Village();
afterEach(() => village.stopAll());

const sequence = (value: number) => ({ sequence: value as Sequence });

it('a transaction in a block that only headers were seen of is not taken for replaced', async () => {
  village = new Village(FUNDED);
  await village.startAll(...VALIDATORS);
  const first = await village.submit(village.node(FIRST), village.pay(ada, bob.address, 1));
  await village.settled(first);
  const held = Promise.withResolvers<void>();
  let isHeld = false;
  // A disk that takes its time: headers are proven meanwhile.
  const onCrashPoint = (name: string) =>
    isHeld && name === 'commit-begun' ? held.promise : undefined;
  await village.start('late', { change: { onCrashPoint } });
  await village.reach(heightOf(village.node(FIRST)), ['late']);
  const late = village.node('late');
  isHeld = true;

  // Decided while `late` hears nobody, and asked of it as well.
  for (const name of VALIDATORS) village.hub.cut('late', name);
  const bytes = village.pay(ada, bob.address, 2, sequence(1));
  const id = await village.submit(village.node(FIRST), bytes);
  await village.settled(id, VALIDATORS);
  await village.submit(late, bytes);

  village.hub.heal();
  const isLight = () => late.source().kind === 'light';
  await village.clock.until('it is answered by headers', isLight, 120_000);
  const nextId = await village.submit(late, village.pay(ada, bob.address, 3, sequence(2)));
  const isKnown = () => late.parts.tracker.get(nextId)?.stage === 'final';
  await village.clock.until('it knows what became of the next', isKnown, 120_000);
  const stage = late.parts.tracker.get(id)?.stage;
  held.resolve();
  expect(stage).toBe('seen');
  expect(await village.settled(id)).toEqual(['final']);
});
