import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LevelDbStore } from './level-db-store.ts';

const MODULE = new URL('./level-db-store.ts', import.meta.url).href;

/** Writes records of 10 KB until one is refused; prints how many were taken, and the refusal. */
const WRITER = `
  const { LevelDbStore } = await import(${JSON.stringify(MODULE)});
  const store = await LevelDbStore.open(process.argv[1]);
  const value = new Uint8Array(10_000);
  let taken = 0;
  try {
    for (; taken < 1_000; taken++) {
      const key = Uint8Array.of(taken >> 8, taken & 255);
      const put = (space) => ({ kind: 'put', space, key, value });
      await store.write([put('journal'), put('wal')], 'strict');
    }
  } catch (error) {
    const again = await store.write([], 'strict').then(() => 'taken', ({ code }) => code);
    console.log(JSON.stringify({ taken, code: error.code, again }));
  }`;

/** Runs the writer where no file may grow beyond some blocks of 512 bytes. */
function writeUntilFull(folder: string, blocks: number): Promise<string> {
  const node = [process.execPath, '--input-type=module', '-e', WRITER, folder];
  const child = spawn('/bin/sh', ['-c', `ulimit -f ${blocks} && exec "$@"`, 'sh', ...node], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve) => child.once('close', () => resolve(output)));
}

it.skipIf(process.platform === 'win32')(
  'LevelDB without room refuses by name, keeps whole batches, and takes more when there is room',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'tabellion-full-'));
    try {
      for (const blocks of [150, 401]) {
        const database = join(folder, String(blocks));
        const told = JSON.parse(await writeUntilFull(database, blocks));
        // A log that may end in half a record takes no more until it is opened again.
        expect(told).toMatchObject({ code: 'store-full', again: 'store-full' });
        expect(told.taken).toBeGreaterThan(1);
        const store = await LevelDbStore.open(database);
        const journal = await store.list('journal', { limit: 1_000 });
        const wal = await store.list('wal', { limit: 1_000 });
        expect(journal.map(({ key }) => key)).toEqual(wal.map(({ key }) => key));
        expect(journal).toHaveLength(told.taken);
        const key = Uint8Array.of(9);
        const value = new Uint8Array(9).fill(7);
        await store.write([{ kind: 'put', space: 'wal', key, value }], 'strict');
        expect(await store.get('wal', key)).toEqual(value);
        await store.close();
      }
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
