import { execFile } from 'node:child_process';
import process from 'node:process';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

/** Run in a process of its own, since nobody may take back that threads give way. */
const PROGRAM = `
  import { readdirSync, readFileSync } from 'node:fs';
  import { readdir, readFile } from 'node:fs/promises';
  import { getPriority } from 'node:os';
  import { lowerPoolPriority } from '${new URL('./pool-priority.ts', import.meta.url)}';
  await readFile('/proc/self/stat'); // The pool runs.
  const before = getPriority();
  const ended = async () => ['4194305', ...(await readdir('/proc/self/task'))];
  const lowered = [await lowerPoolPriority(ended), await lowerPoolPriority()];
  const threads = readdirSync('/proc/self/task')
    .filter((thread) => /^libuv-worker/.test(readFileSync('/proc/self/task/' + thread + '/comm')))
    .map((thread) => getPriority(Number(thread)));
  console.log(JSON.stringify({ before, after: getPriority(), lowered, threads }));
`;

it.runIf(process.platform === 'linux')('lets the pool give way to the main thread', async () => {
  const words = ['--input-type=module', '--eval', PROGRAM];
  const { stdout } = await promisify(execFile)(process.execPath, words);
  const { before, after, lowered, threads } = JSON.parse(stdout);
  expect(after).toBe(before);
  expect(threads.length).toBeGreaterThan(0);
  // Twice is once, and a thread that is there no more keeps none from giving way.
  expect(threads).toEqual(threads.map(() => Math.min(19, before + 10)));
  expect(lowered).toEqual([threads.length, threads.length]);
});
