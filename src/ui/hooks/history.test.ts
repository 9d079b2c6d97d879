import { expect, test } from 'vitest';
import type { Chapter } from './history.ts';
import { chaptersOf } from './history.ts';

/** As much of an entry as is looked at. */
function entryOf(number: number): Chapter['entries'][number] {
  const id = new Uint8Array(32);
  new DataView(id.buffer).setUint32(0, number);
  return { id, height: number >> 2, index: number & 3 } as never;
}

function pageOf(numbers: readonly number[], options: Partial<Chapter> = {}): Chapter {
  const entries = numbers.map(entryOf);
  return { trust: 'proven', source: 'peers', completeFrom: undefined, entries, ...options };
}

const numbersOf = (chapters: readonly Chapter[]) =>
  chapters.map(({ entries }) => entries.map(({ height, index }) => 4 * height + index));

test('pages of one ground become one chapter, newest first, nothing twice', () => {
  expect(chaptersOf([])).toEqual([]);
  expect(numbersOf(chaptersOf([pageOf([9, 8]), pageOf([8, 7, 6])]))).toEqual([[9, 8, 7, 6]]);
  expect(numbersOf(chaptersOf([pageOf([9, 5]), pageOf([7, 6, 5, 3])]))).toEqual([[9, 7, 6, 5, 3]]);
});

test('another source or trust begins another chapter; what both hold is the newer one', () => {
  const chapters = chaptersOf([
    pageOf([9, 8], { source: 'chain', completeFrom: 2 as never }),
    pageOf([8, 7], { source: 'chain', completeFrom: 1 as never }),
    pageOf([7, 6]),
    pageOf([5], { trust: 'cached' }),
  ]);
  expect(numbersOf(chapters)).toEqual([[9, 8, 7], [6], [5]]);
  expect(chapters.map(({ completeFrom }) => completeFrom)).toEqual([1, undefined, undefined]);
  expect(Object.keys(chapters[0] ?? {})).not.toContain('isMixed');
});

test('of the pages of a chapter, the one that fewest peers named says how many did', () => {
  const pages = [3, 1, 2].map((namedBy, at) => pageOf([9 - at], { namedBy }));
  expect(chaptersOf(pages).map(({ namedBy }) => namedBy)).toEqual([1]);
});

test('a long history is put together once, not anew with each page', () => {
  const [pages, perPage] = [1_000, 20];
  let looks = 0;
  const entries = (page: number) =>
    Array.from({ length: perPage }, (_, at) => {
      const { id, height, index } = entryOf(pages * perPage - page * perPage - at);
      // Each look at an identifier is counted: it is what reading costs.
      return Object.defineProperty({ height, index }, 'id', {
        get: () => {
          looks += 1;
          return id;
        },
      });
    });
  const all = Array.from({ length: pages }, (_, page) => ({
    ...pageOf([]),
    entries: entries(page) as never,
  }));
  expect(numbersOf(chaptersOf(all))[0]).toHaveLength(pages * perPage);
  expect(looks).toBe(pages * perPage);
});
