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
 * @returns How many threads give way.
 */
export async function lowerPoolPriority(): Promise<number> {
  let lowered = 0;
  try {
    const niceness = Math.min(NICENESS_MAX, getPriority() + STEPS);
    for (const thread of await readdir(THREADS_FOLDER)) {
      const name = await readFile(`${THREADS_FOLDER}/${thread}/comm`, 'utf8');
      if (name.trim() !== POOL_THREAD) continue;
      // Linux keeps niceness by thread, and takes the number of any.
      setPriority(Number(thread), niceness);
      lowered += 1;
    }
  } catch {
    // No such list, or not ours to change: the pool is as important as the node's thread.
  }
  return lowered;
}
