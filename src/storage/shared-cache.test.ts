import { expect, it } from 'vitest';
import { SharedCache } from './shared-cache.ts';

function setUp(bounds: { readonly weightMax: number; readonly loadsMax: number }) {
  const cache = new SharedCache<string, string>({ ...bounds, weigh: ({ length }) => length });
  const loads: { readonly key: string; readonly end: (value: string | Error) => void }[] = [];
  const get = (key: string) =>
    cache.get(key, () => {
      const { promise, resolve, reject } = Promise.withResolvers<string>();
      const end = (value: string | Error) =>
        value instanceof Error ? reject(value) : resolve(value);
      loads.push({ key, end });
      return promise;
    });
  const put = async (key: string, value: string) => {
    const getting = get(key);
    loads.pop()?.end(value);
    await getting;
  };
  return { cache, loads, get, put };
}

it('makes a value once, however many ask while it is made, and keeps it', async () => {
  const { loads, get } = setUp({ weightMax: 10, loadsMax: 2 });
  const asked = [get('a'), get('a'), get('a')];
  loads[0]?.end('abc');
  expect(await Promise.all(asked)).toEqual(['abc', 'abc', 'abc']);
  expect(await get('a')).toBe('abc');
  expect(loads).toHaveLength(1);
});

it('forgets what was not used for longest, never the newest, however heavy', async () => {
  const { cache, put } = setUp({ weightMax: 6, loadsMax: 1 });
  await put('a', 'xxx');
  await put('b', 'xxx');
  expect(cache.peek('a')).toBe('xxx');
  await put('c', 'x');
  expect([cache.peek('b'), cache.weight]).toEqual([undefined, 4]);
  await put('d', 'x'.repeat(20));
  expect(['a', 'b', 'c', 'd'].map((key) => cache.peek(key)?.length)).toEqual([
    undefined,
    undefined,
    undefined,
    20,
  ]);
  await put('e', 'x');
  expect([cache.peek('d'), cache.weight]).toEqual([undefined, 1]);
});

it('makes few values at a time, the others in their order', async () => {
  const { loads, get } = setUp({ weightMax: 10, loadsMax: 2 });
  const asked = ['a', 'b', 'c', 'd'].map(get);
  expect(loads.map(({ key }) => key)).toEqual(['a', 'b']);
  loads[1]?.end('2');
  await asked[1];
  expect(loads.map(({ key }) => key)).toEqual(['a', 'b', 'c']);
  loads[0]?.end('1');
  await asked[0];
  loads[2]?.end('3');
  loads[3]?.end('4');
  expect(await Promise.all(asked)).toEqual(['1', '2', '3', '4']);
});

it('tells a failure to all who waited, gives its turn on, and tries again when asked', async () => {
  const { loads, get } = setUp({ weightMax: 10, loadsMax: 1 });
  const asked = [get('a'), get('a')];
  const next = get('b');
  loads[0]?.end(new Error('spoilt'));
  const settled = await Promise.allSettled(asked);
  expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  loads[1]?.end('2');
  expect(await next).toBe('2');
  const again = get('a');
  loads[2]?.end('1');
  expect(await again).toBe('1');
});
