import { expect, it } from 'vitest';
import { BlockPace } from './block-pace.ts';

const create = () => new BlockPace({ targetMs: 200, countMin: 100 });

it('a pace that was never measured bounds nothing', () => {
  expect(create().countMax()).toBe(Number.MAX_SAFE_INTEGER);
});

it('a block holds what can be made in the time there is', () => {
  const pace = create();
  pace.measured(1_000, 100);
  expect(pace.countMax()).toBe(2_000);
});

it('a machine that slows down makes smaller blocks, and larger ones when it is free again', () => {
  const pace = create();
  for (let count = 0; count < 20; count++) pace.measured(1_000, 1_000);
  expect(pace.countMax()).toBeLessThan(210);
  for (let count = 0; count < 40; count++) pace.measured(200, 10);
  expect(pace.countMax()).toBeGreaterThan(3_900);
});

it('a round that failed makes the next blocks smaller, until measurements say otherwise', () => {
  const pace = create();
  pace.measured(1_000, 100);
  pace.roundFailed(1_000);
  expect(pace.countMax()).toBe(1_333);
  for (let count = 0; count < 20; count++) pace.measured(1_000, 100);
  expect(pace.countMax()).toBeGreaterThan(1_990);
});

it('no machine is so slow that its blocks hold next to nothing', () => {
  const pace = create();
  pace.measured(100, 60_000);
  expect(pace.countMax()).toBe(100);
});

it('small blocks, and clocks set back, are no measure', () => {
  const pace = create();
  pace.measured(3, 500);
  pace.measured(1_000, -5);
  expect(pace.countMax()).toBe(Number.MAX_SAFE_INTEGER);
});

it('a pace is bounded however many rounds failed, and comes back within twenty blocks', () => {
  for (const failures of [30, 400, 5_000]) {
    const pace = create();
    pace.measured(1_000, 100);
    for (let count = 0; count < failures; count++) pace.roundFailed(1_000);
    expect(pace.countMax()).toBe(100);
    for (let count = 0; count < 20; count++) pace.measured(100, 10);
    expect(pace.countMax()).toBeGreaterThan(1_900);
  }
});

it('a pace does not learn from rounds that failed without a load, as while others are away', () => {
  const pace = create();
  pace.measured(1_000, 100);
  for (let count = 0; count < 100; count++) pace.roundFailed(count % 32);
  expect(pace.countMax()).toBe(2_000);
});

it('a pace survives a machine that slept, and times that are no numbers', () => {
  const pace = create();
  pace.measured(1_000, 100);
  pace.measured(100, 8 * 3_600_000);
  for (const none of [Number.NaN, Number.POSITIVE_INFINITY]) pace.measured(1_000, none);
  expect(pace.countMax()).toBeGreaterThan(100);
  for (let count = 0; count < 10; count++) pace.measured(1_000, 100);
  expect(pace.countMax()).toBeGreaterThan(1_500);
});
