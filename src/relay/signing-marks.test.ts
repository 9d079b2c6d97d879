import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Height } from '../ledger/index.ts';
import { nodeFiles } from './layout.ts';
import { SigningMarkFile } from './signing-marks.ts';

let folder = '';
let path = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tabellion-marks-'));
  path = nodeFiles(folder).validatorSigned;
});
afterEach(() => rm(folder, { recursive: true }));

const mark = (height: number) => ({
  height: height as Height, // A number of this test.
  entries: height + 1,
  digest: new Uint8Array(32).fill(height),
});

async function storeAll(...heights: readonly number[]): Promise<void> {
  const file = new SigningMarkFile(path);
  await file.load();
  for (const height of heights) await file.store(mark(height));
  await file.close();
}

const load = () => new SigningMarkFile(path).load();

it('the newest mark comes back, over restarts', async () => {
  expect(await load()).toBeUndefined();
  await storeAll(1, 2, 3);
  expect(await load()).toEqual(mark(3));
  await storeAll(4);
  expect(await load()).toEqual(mark(4));
});

it('cut or flipped at any byte it is the newest, the one before, or known to be spoilt', async () => {
  await storeAll(1, 2, 3);
  const whole = await readFile(path);
  const seen = new Set<string>();
  const judge = async (content: Uint8Array) => {
    await writeFile(path, content);
    const found = await load();
    const height = found === undefined || found === 'spoilt' ? 'spoilt' : found.height;
    seen.add(String(height));
    if (typeof height === 'number') expect(found).toEqual(mark(height));
    return height;
  };
  const isInSlot = (at: number) => at % 4_096 < 80;
  for (let at = 0; at < whole.length; at++) {
    if (!isInSlot(at) && at % 512 !== 0) continue; // Nothing is there.
    const flipped = Uint8Array.from(whole, (byte, place) => (place === at ? byte ^ 4 : byte));
    expect([2, 3]).toContain(await judge(flipped));
    expect(['spoilt', 2, 3]).toContain(await judge(whole.subarray(0, at)));
  }
  expect([...seen].sort()).toEqual(['2', '3', 'spoilt']);
  await writeFile(path, new Uint8Array(10));
  await storeAll(9);
  expect(await load()).toEqual(mark(9));
});

it('a mark that cannot be written is refused by the name of a store', async () => {
  await rm(folder, { recursive: true });
  const failing = new SigningMarkFile(path).store(mark(1));
  await expect(failing).rejects.toMatchObject({ code: 'store-failed' });
  await mkdir(folder);
});
