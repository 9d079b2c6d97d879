import { assert, compareBytes, equalBytes, formatHex, TabellionError } from '../base/index.ts';
import type { Entry, KeyRange, KeyValueStore, Space, WriteOperation } from './types.ts';
import { SPACES } from './types.ts';

/** Makes empty stores, and opens one again after it was closed. */
export type StoreHarness = {
  /** An empty store under a fresh name. */
  readonly create: () => Promise<KeyValueStore>;
  /** The same data after `close`; absent for stores that forget. */
  readonly reopen?: (closed: KeyValueStore) => Promise<KeyValueStore>;
};

type Case = { readonly title: string; readonly run: (harness: StoreHarness) => Promise<void> };

const bytes = (...values: number[]): Uint8Array<ArrayBuffer> => Uint8Array.from(values);

function put(space: Space, key: Uint8Array, value: Uint8Array): WriteOperation {
  return { kind: 'put', space, key, value };
}

async function withStore(
  harness: StoreHarness,
  task: (store: KeyValueStore) => Promise<void>,
): Promise<void> {
  const store = await harness.create();
  try {
    await task(store);
  } finally {
    await store.close();
  }
}

async function codeOf(task: Promise<unknown>): Promise<string> {
  try {
    await task;
  } catch (error) {
    return error instanceof TabellionError ? error.code : `thrown: ${String(error)}`;
  }
  return 'nothing';
}

function expect(actual: string | number | boolean, wanted: string | number | boolean): void {
  assert(actual === wanted, `expected ${wanted}, found ${actual}`);
}

function text(entries: readonly Entry[]): string {
  return entries.map(({ key, value }) => `${formatHex(key)}=${formatHex(value)}`).join(' ');
}

/** The laws, each a case of its own. */
const CASES: readonly Case[] = [
  {
    title: 'an absent key has no value',
    run: (harness) =>
      withStore(harness, async (store) => {
        expect((await store.get('meta', bytes(1))) === undefined, true);
      }),
  },
  {
    title: 'what was written is read, the caller owns it, and spaces are apart',
    run: (harness) =>
      withStore(harness, async (store) => {
        const value = bytes(1, 2, 3);
        await store.write([put('meta', bytes(7), value)], 'strict');
        value[0] = 99;
        const first = await store.get('meta', bytes(7));
        expect(formatHex(first ?? bytes()), '010203');
        const [one, same] = await store.getMany('meta', [bytes(7), bytes(7)]);
        // Whoever gives the memory of one back takes nothing from the other.
        if (one !== undefined) structuredClone(one.buffer, { transfer: [one.buffer] });
        expect(formatHex(same ?? bytes()), '010203');
        expect(same?.buffer.byteLength ?? 0, 3);
        if (first !== undefined) first[1] = 99;
        expect(formatHex((await store.get('meta', bytes(7))) ?? bytes()), '010203');
        for (const space of SPACES) {
          if (space !== 'meta') expect((await store.get(space, bytes(7))) === undefined, true);
        }
      }),
  },
  {
    title: 'a view of a larger buffer is stored alone; an empty value is a value',
    run: (harness) =>
      withStore(harness, async (store) => {
        const large = new Uint8Array(1000).fill(5);
        await store.write(
          [
            put('pages', large.subarray(10, 12), large.subarray(20, 23)),
            put('pages', bytes(1), bytes()),
          ],
          'relaxed',
        );
        expect(formatHex((await store.get('pages', bytes(5, 5))) ?? bytes()), '050505');
        expect((await store.get('pages', bytes(1)))?.length ?? -1, 0);
      }),
  },
  {
    title: 'getMany answers in the order of the keys, also twice and also for absent ones',
    run: (harness) =>
      withStore(harness, async (store) => {
        await store.write(
          [put('wal', bytes(1), bytes(1)), put('wal', bytes(2), bytes(2))],
          'strict',
        );
        const values = await store.getMany('wal', [bytes(2), bytes(3), bytes(1), bytes(2)]);
        expect(values.map((value) => value?.[0] ?? '-').join(''), '2-12');
        expect((await store.getMany('wal', [])).length, 0);
      }),
  },
  {
    title: 'list is ordered by bytes, half-open, limited, and reversible',
    run: (harness) =>
      withStore(harness, async (store) => {
        const keys = [bytes(0), bytes(0, 0), bytes(1), bytes(1, 255), bytes(2), bytes(255, 255)];
        await store.write(
          keys.toReversed().map((key, at) => put('index', key, bytes(at))),
          'strict',
        );
        const listed = async (range: KeyRange): Promise<string> =>
          (await store.list('index', range)).map(({ key }) => formatHex(key)).join(' ');
        expect(await listed({ limit: 10 }), '00 0000 01 01ff 02 ffff');
        expect(await listed({ from: bytes(0, 0), to: bytes(2), limit: 10 }), '0000 01 01ff');
        expect(await listed({ from: bytes(1), limit: 2 }), '01 01ff');
        expect(await listed({ limit: 2, reverse: true }), 'ffff 02');
        expect(await listed({ from: bytes(1), to: bytes(2), limit: 9, reverse: true }), '01ff 01');
        expect(await listed({ from: bytes(2), to: bytes(1), limit: 9 }), '');
      }),
  },
  {
    title: 'a batch is performed in order; the last operation on a key counts',
    run: (harness) =>
      withStore(harness, async (store) => {
        await store.write(
          [put('meta', bytes(1), bytes(1)), put('meta', bytes(2), bytes(2))],
          'strict',
        );
        await store.write(
          [
            put('meta', bytes(3), bytes(3)),
            { kind: 'delete-range', space: 'meta', from: bytes(1), to: bytes(9) },
            put('meta', bytes(2), bytes(22)),
            put('meta', bytes(4), bytes(4)),
            { kind: 'delete', space: 'meta', key: bytes(4) },
            { kind: 'delete', space: 'meta', key: bytes(77) },
          ],
          'relaxed',
        );
        expect(text(await store.list('meta', { limit: 10 })), '02=16');
      }),
  },
  {
    title: 'usage counts keys and bytes, also after overwriting and deleting',
    run: (harness) =>
      withStore(harness, async (store) => {
        const usage = async (space: Space): Promise<string> => {
          const found = (await store.usage()).find((each) => each.space === space);
          return `${found?.count}/${found?.bytes}`;
        };
        expect((await store.usage()).length, SPACES.length);
        await store.write(
          [put('blocks', bytes(1), bytes(1, 2, 3)), put('wal', bytes(1), bytes(1))],
          'strict',
        );
        expect(await usage('blocks'), '1/4');
        await store.write(
          [put('blocks', bytes(1), bytes(9)), put('blocks', bytes(2, 2), bytes(9))],
          'strict',
        );
        expect(await usage('blocks'), '2/5');
        await store.write([{ kind: 'delete', space: 'blocks', key: bytes(1) }], 'strict');
        expect(await usage('blocks'), '1/3');
        await store.write(
          [
            put('blocks', bytes(3), bytes(3)),
            { kind: 'delete-range', space: 'blocks', from: bytes(0), to: bytes(9) },
            put('blocks', bytes(5), bytes(5)),
          ],
          'strict',
        );
        expect(await usage('blocks'), '1/2');
        expect(await usage('wal'), '1/2');
      }),
  },
  {
    title: 'concurrent writes are all performed, each whole',
    run: (harness) =>
      withStore(harness, async (store) => {
        const writes = Array.from({ length: 20 }, (_, at) =>
          store.write(
            [put('journal', bytes(at), bytes(at)), put('blocks', bytes(at), bytes(at))],
            at % 2 === 0 ? 'relaxed' : 'strict',
          ),
        );
        await Promise.all(writes);
        expect((await store.list('journal', { limit: 100 })).length, 20);
        const usage = (await store.usage()).find(({ space }) => space === 'blocks');
        expect(usage?.count ?? 0, 20);
      }),
  },
  {
    title: 'a value of a megabyte comes back whole',
    run: (harness) =>
      withStore(harness, async (store) => {
        const value = new Uint8Array(1 << 20).map((_, at) => at * 31);
        await store.write([put('journal', bytes(1), value)], 'strict');
        assert(equalBytes((await store.get('journal', bytes(1))) ?? bytes(), value), 'differs');
      }),
  },
  {
    title: 'clear leaves nothing, in every space',
    run: (harness) =>
      withStore(harness, async (store) => {
        await store.write(
          SPACES.map((space) => put(space, bytes(1), bytes(1))),
          'strict',
        );
        await store.clear();
        for (const space of SPACES) {
          expect((await store.list(space, { limit: 1 })).length, 0);
        }
        expect(
          (await store.usage()).every(({ count, bytes: size }) => count + size === 0),
          true,
        );
      }),
  },
  {
    title: 'a closed store refuses everything with store-closed; closing twice is fine',
    run: async (harness) => {
      const store = await harness.create();
      const pending = store.write([put('meta', bytes(1), bytes(1))], 'strict');
      await store.close();
      await store.close();
      await pending;
      expect(await codeOf(store.get('meta', bytes(1))), 'store-closed');
      expect(await codeOf(store.getMany('meta', [bytes(1)])), 'store-closed');
      expect(await codeOf(store.list('meta', { limit: 1 })), 'store-closed');
      expect(await codeOf(store.write([], 'relaxed')), 'store-closed');
      expect(await codeOf(store.usage()), 'store-closed');
      expect(await codeOf(store.clear()), 'store-closed');
    },
  },
  {
    title: 'data and usage are there after closing and opening',
    run: async (harness) => {
      if (harness.reopen === undefined) return;
      const store = await harness.create();
      const entries = Array.from({ length: 300 }, (_, at) => bytes(at >> 8, at & 255));
      await store.write(
        entries.map((key) => put('peers', key, key)),
        'relaxed',
      );
      await store.close();
      const again = await harness.reopen(store);
      try {
        const listed = await again.list('peers', { limit: 1000 });
        expect(listed.length, 300);
        assert(
          listed.every(({ key, value }, at) => {
            const wanted = entries[at] ?? bytes();
            return compareBytes(key, wanted) === 0 && equalBytes(value, wanted);
          }),
          'entries differ',
        );
        const usage = (await again.usage()).find(({ space }) => space === 'peers');
        expect(`${usage?.count}/${usage?.bytes}`, '300/1200');
      } finally {
        await again.close();
      }
    },
  },
];

/** One case's outcome; an absent failure is a pass. */
export type ConformanceOutcome = { readonly title: string; readonly failure: string | undefined };

/**
 * Runs every law of `KeyValueStore` against an implementation. Needs no test framework, so a page
 * or worker of a browser test can run it too.
 */
export async function runStoreConformance(harness: StoreHarness): Promise<ConformanceOutcome[]> {
  const outcomes: ConformanceOutcome[] = [];
  for (const { title, run } of CASES) {
    let failure: string | undefined;
    try {
      await run(harness);
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    outcomes.push({ title, failure });
  }
  return outcomes;
}
