import { expect, test } from 'vitest';
import { timestampMs } from '../../base/index.ts';
import { describeStorage } from './storage-words.ts';

const words = (
  kind: Parameters<typeof describeStorage>[0]['kind'],
  code: string | undefined,
  isExpired = false,
) => describeStorage({ kind, code, atMs: timestampMs(5) }, isExpired);

test('a page that was put back is told apart from a ledger that is read again', () => {
  const mended = words('repaired', 'page-mended');
  expect(mended.title).toBe('Damaged data were repaired');
  expect(mended.text).toContain('nothing is missing');
  const again = words('repaired', 'page-corrupt');
  expect(again.title).toBe('Stored data were damaged');
  expect(again.text).toContain('read from peers again');
  for (const each of [mended, again]) expect(each.isPersonal).toBe(false);
});

test('a store that another tab holds is no loss: what to do, and that it ends by itself', () => {
  const held = words('held', 'tab-asleep');
  expect(held.title).toBe('Another tab holds the stored data');
  expect(held.text).toContain('Close that tab, or wait');
  expect(held.text).toContain('Reported at most');
  expect(held.isPersonal).toBe(false);
});

test('no tab is blamed for a store that opens slowly', () => {
  for (const code of ['store-slow', undefined]) {
    const { title, text } = words('held', code);
    expect(title).toBe('Opening the stored data…');
    expect(text).not.toContain('Close that tab');
    expect(text).toContain('Reported at most');
  }
});

test('where nothing can be proven without the store, it says so', () => {
  const { text } = words('held', 'tab-asleep', true);
  expect(text).toContain('proves nothing: genesis is too old');
  expect(text).not.toContain('Reported');
});
