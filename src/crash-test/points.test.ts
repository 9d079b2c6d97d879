import { expect, it } from 'vitest';
import { CRASH_POINTS } from '../node/index.ts';
import { FIRST_VISIT_POINTS, TAB_POINTS } from './browser-rounds.ts';
import { LATE_POINTS } from './late-rounds.ts';
import { FIRST_POINTS, OPENING_POINTS, RUNNING_POINTS } from './relay-rounds.ts';

const known: readonly string[] = Object.values(CRASH_POINTS).flat();
const killed = new Set<string>([
  ...Object.keys(RUNNING_POINTS),
  ...Object.keys(TAB_POINTS),
  ...OPENING_POINTS,
  ...FIRST_POINTS,
  ...FIRST_VISIT_POINTS,
  ...LATE_POINTS.filter((name) => name !== 'moment'),
]);

it('something is killed at every crash point', () => {
  // Nobody here votes twice: `src/node/crash-points.test.ts` has somebody who does.
  const elsewhere = /^evidence-/;
  expect(known.filter((name) => !killed.has(name) && !elsewhere.test(name))).toEqual([]);
});

it('every kill is at a point that somebody passes', () => {
  expect([...killed].filter((name) => !known.includes(name))).toEqual([]);
  expect(new Set(known).size).toBe(known.length);
});
