import { expect, test } from 'vitest';
import type { Height } from '../../sdk/index.ts';
import {
  completeFromOf,
  endName,
  exportHistory,
  progressWords,
  savedWords,
} from './export-history.ts';

test('says how much was saved, and what a file may lack; its name says so, too', () => {
  const whole = { stoppedAt: undefined, completeFrom: 0 };
  expect([savedWords(1, whole), endName(whole)]).toEqual(['1 transaction saved.', '']);
  const cut = { stoppedAt: 17, completeFrom: 0 };
  expect([savedWords(340, cut), endName(cut)]).toEqual([
    '340 transactions saved, down to block #17: nobody proves what is older now.',
    '-incomplete',
  ]);
  const named = { stoppedAt: undefined, completeFrom: undefined };
  expect([savedWords(2, named), endName(named)]).toEqual([
    '2 transactions saved: all that peers named, each proven. That none is missing nobody can say.',
    '-as-named-by-peers',
  ]);
  const late = { stoppedAt: undefined, completeFrom: 90 };
  expect([savedWords(2, late), endName(late)]).toEqual([
    '2 transactions saved, complete from block #90 on; what was before is not known.',
    '-from-block-90',
  ]);
});

test('a file is as complete as the least complete of its chapters', () => {
  const of = (...from: (number | undefined)[]) =>
    completeFromOf(
      from.map((completeFrom) => ({
        trust: 'proven',
        source: 'peers',
        completeFrom: completeFrom as Height | undefined, // Any.
        entries: [],
      })),
    );
  expect(of(0)).toBe(0);
  expect(of(0, 7)).toBe(7);
  expect(of(7, undefined)).toBeUndefined();
});

test('nothing is saved that nobody waits for any more', async () => {
  const stop = new AbortController();
  const call = async (_: string, __: unknown, { signal }: { signal: AbortSignal }) => {
    stop.abort();
    signal.throwIfAborted();
  };
  const saving = exportHistory({ call } as never, {} as never, new Uint8Array(32) as never, {
    form: 'csv',
    signal: stop.signal,
  });
  await expect(saving).rejects.toThrow();
});

test('says how far it read, and that it waits', () => {
  const downTo = 9 as Height; // Any.
  expect(progressWords({ entries: 40, downTo, isWaiting: false })).toBe('40 read…');
  expect(progressWords({ entries: 40, downTo, isWaiting: true })).toBe(
    '40 read, waiting for busy peers…',
  );
});
