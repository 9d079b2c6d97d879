import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { timestampMs } from '../../base/index.ts';
import type { LocalAccount } from '../../wallet/index.ts';
import * as figures from '../harness/figures.ts';
import type { NodeStatus } from './client.ts';
import { allDrafts, keepDraft } from './drafts.ts';
import { useLive } from './live.ts';
import { readCacheBytes, readMode, setTheme, writeCacheBytes, writeMode } from './preferences.ts';
import { keepPersonalData } from './rescue.ts';

const ADDRESS = `tab1${'q'.repeat(58)}`;
const WALLET_KEY = 'tabellion-wallet';
const kept = new Map<string, string>();

beforeEach(() => {
  vi.stubGlobal('localStorage', {
    getItem: (key: string) => kept.get(key) ?? null,
    setItem: (key: string, text: string) => kept.set(key, text),
    removeItem: (key: string) => kept.delete(key),
  });
  vi.stubGlobal('document', { documentElement: { dataset: {} } });
});

afterEach(() => {
  kept.clear();
  vi.unstubAllGlobals();
});

function walletWith(accounts: number) {
  return {
    // Only their number matters here.
    state: () => ({
      accounts: Array.from({ length: accounts }, () => ({}) as LocalAccount),
      activeAccount: undefined,
      contacts: [],
      transactions: [],
    }),
    exportData: () => 'the notebook',
    importData: (text: string) => void kept.set(WALLET_KEY, text),
  };
}

function tell(kind: NonNullable<NodeStatus['storage']>['kind'], atMs: number): void {
  const storage = { kind, atMs: timestampMs(atMs), code: undefined };
  useLive.setState({ status: { ...figures.statusAt(figures.START), storage } });
}

it('what the browser deleted under a page is written again', () => {
  const end = keepPersonalData(walletWith(1));
  const draft = { to: 'Ben', amount: '7', memo: '', asset: 'ab'.repeat(32), isAll: true };
  keepDraft(ADDRESS, draft);
  setTheme('dark');
  writeMode('light');
  writeCacheBytes(1024);
  kept.clear();
  tell('reopened', 1);
  expect(kept.size).toBe(0);
  tell('wiped', 2);
  expect(kept.get(WALLET_KEY)).toBe('the notebook');
  expect(allDrafts()).toMatchObject({ [ADDRESS]: draft });
  expect(kept.get('tabellion.theme')).toBe('dark');
  expect(readMode()).toBe('light');
  expect(readCacheBytes()).toBe(1024);
  // Told once more of the same, nothing that was changed since is turned back.
  kept.clear();
  tell('wiped', 2);
  expect(kept.size).toBe(0);
  end();
});

it('what is still stored, perhaps by another tab, is not written over', () => {
  const end = keepPersonalData(walletWith(0));
  writeMode('light');
  kept.clear();
  kept.set('tabellion.mode', 'archive');
  tell('partly-wiped', 3);
  expect(readMode()).toBe('archive');
  expect(kept.has(WALLET_KEY)).toBe(false);
  end();
});
