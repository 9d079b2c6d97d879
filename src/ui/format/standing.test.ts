import { expect, test } from 'vitest';
import { cappedBy, isCovered, weakest, within } from './standing.ts';

const LEVELS = ['cached', 'reported', 'proven', 'validated'] as const;

test('a sign speaks for figures that deserve as much or more, never for weaker ones', () => {
  LEVELS.forEach((region, at) => {
    LEVELS.forEach((figure, place) => {
      expect(isCovered(region, figure), `${figure} under ${region}`).toBe(at <= place);
    });
  });
});

test('outside of a region every figure of the ledger needs a sign of its own', () => {
  for (const figure of [...LEVELS, 'genesis'] as const) {
    expect(isCovered(undefined, figure)).toBe(false);
  }
  for (const figure of ['counted', 'stated'] as const) {
    expect(isCovered(undefined, figure)).toBe(true);
  }
});

test('no label that is no level of trust speaks for a figure of the ledger', () => {
  for (const region of ['genesis', 'counted', 'stated'] as const) {
    for (const figure of LEVELS) expect(isCovered(region, figure)).toBe(false);
  }
});

test('several answers together deserve the least that one of them does', () => {
  expect(weakest(['validated', 'reported', 'proven'])).toBe('reported');
  expect(weakest(['validated', 'stated'])).toBe('validated');
  expect(weakest(['counted'])).toBeUndefined();
  expect(weakest([])).toBeUndefined();
});

test('a part of an answer stands as firmly as the whole', () => {
  expect(within({ trust: 'proven' }, 5n)).toEqual({ value: 5n, standing: 'proven' });
});

test('an answer is worth no more than the node that gave it is now', () => {
  const answer = { height: 7, trust: 'validated' as const };
  expect(cappedBy(answer, 'cached')).toEqual({ height: 7, trust: 'cached' });
  expect(cappedBy(answer, 'reported')).toEqual({ height: 7, trust: 'reported' });
  expect(cappedBy({ ...answer, trust: 'proven' as const }, 'validated').trust).toBe('proven');
  expect(cappedBy(answer, undefined)).toBe(answer);
  expect(cappedBy(answer, 'validated')).toBe(answer);
  expect(cappedBy(undefined, 'cached')).toBeUndefined();
  const bare = { height: 7 };
  expect(cappedBy(bare, 'cached')).toBe(bare);
});
