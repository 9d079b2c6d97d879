import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// Processes that somebody else started, by their numbers: validators of a network, and browsers.

/** Longest that killed processes may take to be gone. */
const GONE_TIMEOUT_MS = 15_000;
const LOOK_MS = 5;

/** Whether there is a process of this number. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Kills a process as a loss of power would; settles once it is gone. */
export function killProcess(pid: number): Promise<void> {
  return killAll(async () => (isAlive(pid) ? [pid] : []));
}

/** The same for the browser that has this profile open, its helpers included. */
export function killBrowser(profile: string): Promise<void> {
  return killAll(() => processesOf(profile));
}

async function killAll(find: () => Promise<readonly number[]>): Promise<void> {
  const endMs = performance.now() + GONE_TIMEOUT_MS;
  for (let pids = await find(); pids.length > 0; pids = await find()) {
    if (performance.now() > endMs) throw new Error(`cannot be killed: ${pids.join(', ')}`);
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended with its parent.
      }
    }
    await delay(LOOK_MS);
  }
}

async function processesOf(profile: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // A process that ended meanwhile has no command line.
    const line = await readFile(join('/proc', name, 'cmdline'), 'utf8').catch(() => '');
    if (line.split('\0').includes(`--user-data-dir=${profile}`)) pids.push(Number(name));
  }
  return pids;
}
