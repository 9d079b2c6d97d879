import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { encodeUtf8 } from '../base/index.ts';
import { openLedgerStore, wipeLedger } from '../node/index.ts';
import { recordChain } from '../node/store/chain.fixture.ts';
import type { Space } from '../storage/index.ts';
import { LevelDbStore } from '../storage/level-db-store.ts';
import { resetLedger } from './command-reset.ts';
import { reportFailure } from './failure.ts';
import { nodeFiles } from './layout.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabellion-reset-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const chain = recordChain(30);
const { ledger } = chain;
const OWN = [
  ['wal', 'a vote'],
  ['peers', 'somebody'],
  ['meta', 'signed'],
] as const;

/** What a command said at last. */
async function reset(): Promise<unknown> {
  let said: unknown;
  const result = (_text: string, value: unknown) => {
    said = value;
  };
  await resetLedger(folder, { say: () => undefined, result });
  return said;
}

function openStore(): Promise<LevelDbStore> {
  return LevelDbStore.open(nodeFiles(folder).database);
}

it('clears the ledger of a stopped node, and keeps what only this node knows', async () => {
  const files = nodeFiles(folder);
  for (const file of [files.settings, files.validatorKey, files.validatorSigned]) {
    writeFileSync(file, 'ours');
  }
  const before = await openStore();
  for (const [space, name] of OWN) {
    const key = encodeUtf8(name);
    await before.write([{ kind: 'put', space, key, value: key }], 'strict');
  }
  const running = await openLedgerStore({ store: before, ledger });
  for (const block of chain.blocks) await running.commit(block);
  await running.checkpoint();
  await running.close();
  await expect(reset()).rejects.toMatchObject({ code: 'store-in-use' });
  await before.close();

  expect(await reset()).toMatchObject({ kind: 'reset', keptBytes: expect.any(Number) });
  for (const file of [files.settings, files.validatorKey, files.validatorSigned]) {
    expect(readFileSync(file, 'utf8')).toBe('ours');
  }
  const after = await openStore();
  for (const space of ['journal', 'blocks', 'pages', 'index'] satisfies Space[]) {
    expect(await after.list(space, { limit: 1 })).toEqual([]);
  }
  for (const [space, name] of OWN) {
    expect(await after.get(space, encodeUtf8(name))).toEqual(encodeUtf8(name));
  }
  // The same chain can be had again.
  const again = await openLedgerStore({ store: after, ledger });
  expect(again.head().header.height).toBe(0);
  for (const block of chain.blocks) await again.commit(block);
  await again.close();
  await after.close();
});

/** What a failure is reported as. */
function reported(error: unknown): string {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
  try {
    reportFailure(error, false);
    return write.mock.calls.map(([text]) => String(text)).join('');
  } finally {
    write.mockRestore();
  }
}

it.each([1, 6])('is begun again where it was broken off after %d writes', async (writes) => {
  const store = await openStore();
  const running = await openLedgerStore({ store, ledger });
  for (const block of chain.blocks.slice(0, 18)) await running.commit(block);
  await running.checkpoint();
  for (const block of chain.blocks.slice(18)) await running.commit(block);
  await running.close();
  const { write } = store;
  let left = writes;
  store.write = (...request) => {
    if (left-- === 0) throw new Error('killed');
    return write.apply(store, request);
  };
  await expect(wipeLedger(store)).rejects.toThrow('killed');
  store.write = write;
  const failure = await openLedgerStore({ store, ledger }).catch((error: unknown) => error);
  await store.close();
  expect(reported(failure)).toMatch(/^Failed: store-vanished .*\n.*`tabellion reset` clears/s);
  await reset();
  const after = await openStore();
  const again = await openLedgerStore({ store: after, ledger });
  expect(again.head().header.height).toBe(0);
  await again.close();
  await after.close();
});

it('makes no database where there is none', async () => {
  mkdirSync(join(folder, 'keys'));
  await expect(reset()).rejects.toMatchObject({ code: 'database-missing' });
  expect(readdirSync(folder)).toEqual(['keys']);
});
