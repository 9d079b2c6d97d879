import { expect, test } from 'vitest';
import { completenessOf } from './completeness.ts';
import type { Chapter } from './history.ts';

const chapter = (more: object) =>
  ({ trust: 'proven', source: 'peers', completeFrom: undefined, entries: [], ...more }) as Chapter;

test('peers agree on a whole history, or on as much of it as is listed', () => {
  const chapters = [chapter({ namedBy: 3 })];
  expect(completenessOf(chapters, undefined)).toContain('Complete, as 3 peers agree');
  const next = { height: 40, index: 2 };
  expect(completenessOf(chapters, next)).toBe(
    '3 peers agree on these; older ones are not listed yet.',
  );
});

test('as few peers agree on it as named any chapter', () => {
  const chapters = [chapter({ namedBy: 2 }), chapter({ trust: 'cached', namedBy: 3 })];
  expect(completenessOf(chapters, undefined)).toContain('as 2 peers agree');
  const alone = [chapter({ namedBy: 1 }), chapter({ trust: 'cached', namedBy: 3 })];
  expect(completenessOf(alone, undefined)).toContain('one peer alone');
  expect(completenessOf([chapter({})], undefined)).toContain('one peer alone');
});

test('what this tab executed is complete as far as it is listed', () => {
  const own = [chapter({ source: 'chain', completeFrom: 0 })];
  expect(completenessOf(own, undefined)).toBe('Complete since genesis.');
  for (const [index, from] of [
    [0, '#40'],
    [1, '#41'],
  ] as const) {
    expect(completenessOf(own, { height: 40, index })).toBe(
      `Complete from block ${from} on; older ones are not listed yet.`,
    );
  }
  const pruned = [chapter({ source: 'chain', completeFrom: 90 })];
  expect(completenessOf(pruned, undefined)).toContain('Complete from block #90 on. What happened');
  expect(completenessOf(pruned, { height: 90, index: 0 })).toContain('Complete from block #90 on;');
});
