import { afterEach, expect, test, vi } from 'vitest';
import type { Height } from '../../sdk/index.ts';
import {
  completeFromOf,
  endName,
  exportHistory,
  progressWords,
  savedWords,
} from './export-history.ts';
import { namedByOf } from './history.ts';

test('says how much was saved, and what a file may lack; its name says so, too', () => {
  const whole = { stoppedAt: undefined, completeFrom: 0 };
  expect([savedWords(1, whole), endName(whole)]).toEqual(['1 transaction saved.', '']);
  const cut = { stoppedAt: 17, completeFrom: 0 };
  expect([savedWords(340, cut), endName(cut)]).toEqual([
    '340 transactions saved, down to block #17: nobody proves what is older now.',
    '-incomplete',
  ]);
  const named = { stoppedAt: undefined, completeFrom: undefined, namedBy: 3 };
  expect([savedWords(2, named), endName(named)]).toEqual([
    '2 transactions saved: all that 3 peers alike named, each proven. ' +
      'That none is missing nobody can prove.',
    '-as-named-by-peers',
  ]);
  const alone = { stoppedAt: undefined, completeFrom: undefined, namedBy: 1 };
  expect([savedWords(2, alone), endName(alone)]).toEqual([
    '2 transactions saved: what one peer named, each proven. ' +
      'That none is missing nobody can prove.',
    '-as-named-by-one-peer',
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

test('a file says how many peers named its least named chapter', () => {
  const chapter = { trust: 'proven', completeFrom: undefined, entries: [] } as const;
  const own = { ...chapter, source: 'chain' } as const;
  const theirs = { ...chapter, source: 'peers' } as const;
  expect(namedByOf([own])).toBeUndefined();
  expect(namedByOf([own, { ...theirs, namedBy: 3 }, { ...theirs, namedBy: 2 }])).toBe(2);
  expect(namedByOf([{ ...theirs, namedBy: 3 }, theirs])).toBe(1);
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

afterEach(() => vi.unstubAllGlobals());

/** Saves entries that a node tells in pages of two, and reads the file that a person would get. */
async function saved(form: 'csv' | 'json', amounts: readonly bigint[]): Promise<string> {
  const files: Blob[] = [];
  vi.stubGlobal('document', { createElement: () => ({ click: () => undefined }) });
  vi.stubGlobal('URL', {
    createObjectURL: (file: Blob) => files.push(file),
    revokeObjectURL: () => undefined,
  });
  const filled = (byte: number) => new Uint8Array(32).fill(byte);
  const entries = amounts.map((amount, at) => {
    const native = new Uint8Array(32);
    const transfer = { kind: 'asset.transfer', asset: native, recipient: filled(7), amount };
    return {
      ...{ id: filled(amounts.length - at), height: amounts.length - at, index: 0, timestampMs: 0 },
      transaction: { body: { sender: filled(8), actions: [transfer], memo: 'a "b", c' } },
      receipt: { feeCharged: 12n, outcome: { kind: 'succeeded' } },
    };
  });
  const call = async (_: string, { before }: { before?: { height: number } }) => {
    const rest = entries.filter(({ height }) => height < (before?.height ?? Infinity));
    const page = { trust: 'proven', source: 'peers', completeFrom: 0, entries: rest.slice(0, 2) };
    const last = page.entries.at(-1);
    return rest.length > 2 ? { ...page, next: { height: last?.height, index: 0 } } : page;
  };
  const chain = { name: 'Village', native: { decimals: 2, symbol: 'TAB' }, faucet: undefined };
  // As much of a client, a chain and an address as is looked at.
  await exportHistory({ call } as never, chain as never, filled(8) as never, { form });
  const [file] = files;
  if (file === undefined) throw new Error('nothing was saved');
  return file.text();
}

test('spreadsheets get a row for each transaction, with plain decimals', async () => {
  const rows = (await saved('csv', [150n, 0n, 7n])).split('\r\n');
  expect(rows).toHaveLength(4);
  expect(rows[0]).toMatch(/^time,height,id,what,direction,/);
  const figures = rows.slice(1).map((row) => /,([^,]*),TAB,([^,]*),/.exec(row)?.slice(1));
  expect(figures).toEqual([
    ['1.50', '0.12'],
    ['0.00', '0.12'],
    ['0.07', '0.12'],
  ]);
  expect(rows[3]).toMatch(/,"a ""b"", c",proven,peers$/);
});

test('scripts get every field, with bytes and large numbers as text', async () => {
  const told = JSON.parse(await saved('json', [150n, 0n, 7n]));
  expect(told).toMatchObject({ network: 'Village', words: '3 transactions saved.' });
  const [{ entries, completeFrom }] = told.chapters;
  expect(completeFrom).toBe(0);
  expect(entries.map(({ height }: { height: number }) => height)).toEqual([3, 2, 1]);
  expect(entries[0].id).toBe('03'.repeat(32));
  expect(entries[0].transaction.body.actions[0].amount).toBe('150');
});
