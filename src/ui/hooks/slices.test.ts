import { expect, test } from 'vitest';
import { textInSlices } from './slices.ts';

/** Pieces that take a millisecond each, by a clock of their own. */
function slowly(count: number) {
  const made = { count: 0 };
  function* pieces() {
    for (; made.count < count; made.count++) yield `${made.count},`;
  }
  return { made, pieces: pieces(), nowMs: () => made.count };
}

test('lets others have the thread after every few milliseconds, and makes the same text', async () => {
  const { made, pieces, nowMs } = slowly(1_000);
  const seen: number[] = [];
  const look = () => {
    seen.push(made.count);
    if (made.count < 1_000) setImmediate(look);
  };
  const making = textInSlices(pieces, { nowMs });
  look();
  const text = await (await making).text();
  expect(text).toBe(Array.from({ length: 1_000 }, (_, at) => `${at},`).join(''));
  const steps = seen.map((count, at) => count - (seen[at - 1] ?? 0));
  // Others may have looked twice between two slices, or once after several short ones.
  expect(seen.length).toBeGreaterThan(50);
  expect(Math.max(...steps)).toBeLessThan(100);
});

test('ends when nobody waits for it any more', async () => {
  const { made, pieces, nowMs } = slowly(1_000);
  const stop = new AbortController();
  const making = textInSlices(pieces, { nowMs, signal: stop.signal });
  stop.abort();
  await expect(making).rejects.toThrow();
  expect(made.count).toBeLessThan(10);
});

test('makes what is quick in one go', async () => {
  const text = textInSlices(['a', 'ä', '\n'], { nowMs: () => 0 });
  expect(await (await text).text()).toBe('aä\n');
  expect((await textInSlices([])).size).toBe(0);
});
