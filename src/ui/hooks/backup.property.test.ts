import fc from 'fast-check';
import { expect, it } from 'vitest';
import { anyText } from '../../ledger/testing/decoder-laws.ts';
import type { Backup } from './backup.ts';
import { formatBackup, parseBackup } from './backup.ts';
import { readDrafts } from './drafts.ts';

const ADDRESS = `tab1${'q'.repeat(58)}`;
const whole: Backup = {
  wallet: JSON.stringify({ version: 1, accounts: [], contacts: [] }),
  drafts: {
    [ADDRESS]: {
      to: 'Ben',
      amount: '12,5',
      memo: 'Coffee',
      atMs: 1_700_000_000_000,
      asset: 'ab'.repeat(32),
      isAll: true,
    },
  },
  settings: { theme: 'dark', mode: 'light', cacheBytesMax: 67_108_864 },
  relays: ['/dns4/relay.example/tcp/443/tls/ws/p2p/12D3KooWExample'],
};
const SAVED_AT = '2026-01-02T03:04:05.000Z';

it('what was saved comes back', () => {
  expect(parseBackup(formatBackup(whole, SAVED_AT))).toEqual(whole);
});

it('the file that older versions saved is read as well', () => {
  expect(parseBackup(whole.wallet)).toMatchObject({ wallet: whole.wallet, drafts: {}, relays: [] });
});

it('a file of another kind or a later version is refused', () => {
  for (const text of ['', 'null', '[]', '{}', '{"kind":"other","version":1}']) {
    expect(parseBackup(text)).toBeUndefined();
  }
  const later = { ...JSON.parse(formatBackup(whole, SAVED_AT)), version: 2 };
  expect(parseBackup(JSON.stringify(later))).toBeUndefined();
  // Lists in lists, more than a stack has frames.
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const file = `{"kind":"tabellion-backup","version":1,"wallet":${deep}}`;
  for (const text of [file, `{"accounts":${deep}}`]) expect(parseBackup(text)).toBeUndefined();
});

it('whatever a file holds, each part is of its kind or left out', () => {
  const file = JSON.parse(formatBackup(whole, SAVED_AT));
  const bent = fc
    .tuple(fc.constantFrom('drafts', 'settings', 'relays', 'wallet'), fc.jsonValue())
    .map(([name, value]) => JSON.stringify({ ...file, [name]: value }));
  const settings = fc
    .jsonValue()
    .map((value) =>
      JSON.stringify({ ...file, settings: { theme: value, mode: value, cacheBytesMax: value } }),
    );
  fc.assert(
    fc.property(fc.oneof(anyText(), fc.json(), bent, settings), (text) => {
      const backup = parseBackup(text);
      if (backup === undefined) return;
      expect(typeof backup.wallet).toBe('string');
      expect(readDrafts(backup.drafts)).toEqual(backup.drafts);
      expect([undefined, 'system', 'light', 'dark']).toContain(backup.settings.theme);
      expect([undefined, 'light', 'full', 'archive']).toContain(backup.settings.mode);
      for (const relay of backup.relays) expect(typeof relay).toBe('string');
    }),
  );
});

it('drafts keep their bounds, and only those of addresses', () => {
  const draft = { to: 'x', amount: '1', memo: '', atMs: 1 };
  expect(readDrafts({ nobody: draft })).toEqual({});
  expect(readDrafts({ [ADDRESS]: { ...draft, memo: 'm'.repeat(513) } })).toEqual({});
  expect(readDrafts({ [ADDRESS]: { ...draft, atMs: -1 } })).toEqual({});
  expect(readDrafts({ [ADDRESS]: { ...draft, asset: 'TAB' } })).toEqual({});
  expect(readDrafts({ [ADDRESS]: draft })).toMatchObject({
    [ADDRESS]: { asset: undefined, isAll: false },
  });
  const letters = 'acdefghjklmnpqrstuvwxyz';
  const many = Object.fromEntries(
    [...letters].map((letter) => [`tab1${letter.repeat(58)}`, draft]),
  );
  expect(Object.keys(readDrafts(many))).toHaveLength(16);
});
