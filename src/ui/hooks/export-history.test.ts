import { expect, test } from 'vitest';
import type { Height } from '../../sdk/index.ts';
import { progressWords, savedWords } from './export-history.ts';

test('says how much was saved, and where a file ends that lacks the oldest part', () => {
  expect(savedWords(1, undefined)).toBe('1 transaction saved.');
  expect(savedWords(340, 17)).toBe(
    '340 transactions saved, down to block #17: nobody proves what is older now.',
  );
});

test('says how far it read, and that it waits', () => {
  const downTo = 9 as Height; // Any.
  expect(progressWords({ entries: 40, downTo, isWaiting: false })).toBe('40 read…');
  expect(progressWords({ entries: 40, downTo, isWaiting: true })).toBe(
    '40 read, waiting for busy peers…',
  );
});
