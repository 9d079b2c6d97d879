import { readdir, readFile } from 'node:fs/promises';
import { getPriority, setPriority } from 'node:os';

/** Where Linux lists the threads of this process. */
const THREADS_FOLDER = '/proc/self/task';
/** What libuv calls the threads of its pool. */
const POOL_THREAD = 'libuv-worker';
/** Steps of niceness: of a core that both want, the pool has about a tenth. */
const STEPS = 10;
const NICENESS_MAX = 19;

/**
 * Makes the thread pool, which verifies signatures, give way to the node's thread: that hands it
 * work, and a core that it waits for stays empty a moment later. Threads that the pool has not
 * begun are not found, so the store is opened first. Elsewhere than on Linux nothing happens.
 *
 * @param listThreads Lists the threads of this process; rejects where it cannot.
 * @returns How many threads give way.
 */
export async function lowerPoolPriority(
  listThreads: () => Promise<readonly string[]> = () => readdir(THREADS_FOLDER),
): Promise<number> {
  const threads = await listThreads().catch(() => []); // Not Linux.
  const niceness = Math.min(NICENESS_MAX, getPriority() + STEPS);
  let lowered = 0;
  for (const thread of threads) {
    try {
      const name = await readFile(`${THREADS_FOLDER}/${thread}/comm`, 'utf8');
      if (name.trim() !== POOL_THREAD) continue;
      // Linux keeps niceness by thread, and takes the number of any.
      setPriority(Number(thread), niceness);
      lowered += 1;
    } catch {
      // It has ended since, or is not ours to change: then it is as important as before.
    }
  }
  return lowered;
}
