import { expect, test } from '@playwright/test';
import type { ChromiumHome } from '../deploy/chromium-home.ts';
import { openChromiumHome } from '../deploy/chromium-home.ts';

// A store in a real browser, to which happens what happens to stores in browsers.

const ENTRY = new URL('./support/storage-entry.ts', import.meta.url);
let home: ChromiumHome;

test.beforeAll(async () => {
  home = await openChromiumHome({ entry: ENTRY });
});

test.afterAll(() => home?.close());

const call = <Result = string>(name: string, ...args: readonly unknown[]) =>
  home.call<Result>(name, ...args);

test('a writer of an earlier epoch writes nothing, and learns that it lost the store', async () => {
  expect(await call('open', 'first', 'fence', 1)).toBe('done');
  expect(await call('write', 'first', [1, 2])).toBe('done');
  expect(await call('open', 'second', 'fence', 2)).toBe('done');
  expect(await call('write', 'first', [3])).toBe('store-in-use');
  expect(await call('losses', 'first')).toEqual(['fenced']);
  expect(await call('write', 'first', [4])).toBe('store-closed');
  expect(await call('keys', 'second')).toEqual([1, 2]);
  expect(await call('open', 'third', 'fence', 1)).toBe('store-in-use');
  // What it counts is what is there, though another counted before.
  expect(await call('journalBytes', 'second')).toBe(2 * (2 + 1));
  expect(await call('clear', 'second')).toBe('done');
  expect(await call('open', 'fourth', 'fence', 1)).toBe('store-in-use');
  expect(await call('write', 'second', [5])).toBe('done');
});

test('a database without a fence, as earlier programs made it, is opened and then fenced', async () => {
  expect(await call('open', 'before', 'unfenced')).toBe('done');
  expect(await call('write', 'before', [1])).toBe('done');
  expect(await call('open', 'after', 'unfenced', 7)).toBe('done');
  expect(await call('keys', 'after')).toEqual([1]);
  expect(await call('write', 'after', [2])).toBe('done');
  expect(await call('open', 'late', 'unfenced', 6)).toBe('store-in-use');
});

test('of a writer in full flow nothing arrives after a later one has opened', async () => {
  const { outcomes, atOpening, afterwards } = await call<{
    readonly outcomes: readonly string[];
    readonly atOpening: number;
    readonly afterwards: number;
  }>('race', 'raced');
  expect(afterwards).toBe(atOpening);
  expect(outcomes.filter((each) => each === 'done')).toHaveLength(afterwards);
  expect(outcomes).toContain('store-in-use');
  expect(outcomes.slice(0, afterwards).every((each) => each === 'done')).toBe(true);
});

test('a database deleted by another tab is lost at once, not held against it', async () => {
  await call('open', 'deleted', 'deleted');
  await call('write', 'deleted', [1]);
  expect(await call('destroy', 'deleted')).toBe('done');
  expect(await call('losses', 'deleted')).toEqual(['version-change']);
  expect(await call('write', 'deleted', [2])).toBe('store-closed');
  expect(await call('keys', 'deleted')).toBe('store-closed');
});

test('a database that the browser deletes is told as lost', async () => {
  await call('open', 'evicted', 'evicted');
  await call('write', 'evicted', [1]);
  const session = await home.context.newCDPSession(home.page);
  await session.send('Storage.clearDataForOrigin', {
    origin: home.origin,
    storageTypes: 'indexeddb',
  });
  await expect.poll(() => call('losses', 'evicted')).toEqual(['terminated']);
  expect(await call('write', 'evicted', [2])).toBe('store-closed');
  expect(await call('open', 'again', 'evicted')).toBe('done');
  expect(await call('keys', 'again')).toEqual([]);
});

test('a database of a later version is refused by name', async () => {
  expect(await call('makeLater', 'later')).toBe('done');
  expect(await call('open', 'older', 'later')).toBe('store-too-new');
});

/** A browser whose origins may store so many bytes, said before anything is stored. */
async function withQuota<Value>(
  quotaSize: number,
  run: (small: ChromiumHome) => Promise<Value>,
): Promise<Value> {
  const small = await openChromiumHome({ entry: ENTRY });
  try {
    const session = await small.context.newCDPSession(small.page);
    await session.send('Storage.overrideQuotaForOrigin', { origin: small.origin, quotaSize });
    return await run(small);
  } finally {
    await small.close();
  }
}

test('no room is told by name, and what was written before stays whole', async () => {
  await withQuota(1024 * 1024, async (small) => {
    expect(await small.call('open', 'full', 'full', 1)).toBe('done');
    expect(await small.call('write', 'full', [1])).toBe('done');
    const many = [10, 11, 12, 13, 14, 15, 16, 17];
    // A batch is refused whole, however much of it there was room for.
    expect(await small.call('write', 'full', many, 500_000)).toBe('store-full');
    expect(await small.call('keys', 'full')).toEqual([1]);
    const outcomes: string[] = [];
    for (const key of many) outcomes.push(await small.call('write', 'full', [key], 200_000));
    const taken = outcomes.indexOf('store-full');
    expect(taken).toBeGreaterThan(0);
    expect(await small.call('keys', 'full')).toEqual([1, ...many.slice(0, taken)]);
    expect(await small.call('losses', 'full')).toEqual([]);
  });
});

test('no room is told by name while opening', async () => {
  await withQuota(1, async (small) => {
    expect(await small.call('open', 'none', 'none', 1)).toBe('store-full');
  });
});
