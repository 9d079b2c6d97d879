import { expect, it } from 'vitest';
import { LookAhead } from './look-ahead.ts';

/** Asks in with some weights; which of them are in is known after a turn. */
function world(bytesMax: number, ...weights: readonly number[]) {
  const ahead = new LookAhead(bytesMax);
  const inside: number[] = [];
  weights.forEach((bytes, at) => {
    ahead.enter(bytes).then(() => inside.push(at));
  });
  return { ahead, inside, settle: () => new Promise(setImmediate) };
}

it('lets in what weighs less than the bound, in turn', async () => {
  const { ahead, inside, settle } = world(100, 40, 40, 40, 1, 1);
  await settle();
  expect(inside).toEqual([0, 1, 2]); // Below the bound until the third is in.
  ahead.leave(40);
  await settle();
  expect(inside).toEqual([0, 1, 2, 3, 4]);
});

it('always has room for two, whatever they weigh', async () => {
  const { ahead, inside, settle } = world(100, 1_000, 1_000, 1);
  await settle();
  expect(inside).toEqual([0, 1]);
  ahead.leave(1_000);
  await settle();
  expect(inside).toEqual([0, 1, 2]);
});

it('lets nobody past those who wait', async () => {
  const { ahead, inside, settle } = world(100, 99, 99, 99, 1);
  await settle();
  ahead.enter(0).then(() => inside.push(9));
  ahead.leave(99);
  await settle();
  expect(inside).toEqual([0, 1, 2]);
  ahead.leave(99);
  await settle();
  expect(inside).toEqual([0, 1, 2, 3]);
  ahead.leave(99);
  await settle();
  expect(inside).toEqual([0, 1, 2, 3, 9]);
});
