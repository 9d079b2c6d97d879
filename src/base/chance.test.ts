import { expect, it } from 'vitest';
import { createChance } from './chance.ts';

it('gives the numbers of mulberry32, so that seeds printed long ago repeat their runs', () => {
  const next = createChance(1);
  expect([next(), next(), next()]).toEqual([2693262067, 11749833, 2265367787]);
  expect(createChance(2 ** 32 + 1)()).toBe(2693262067);
});
