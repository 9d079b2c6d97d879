import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { openChromiumHome } from '../deploy/chromium-home.ts';
import type { RunningRelay } from '../deploy/relay-process.ts';
import { startRelay } from '../deploy/relay-process.ts';
import { assert } from '../src/base/index.ts';
import type { Bench } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import type { Prepared } from './snapshot-sync/plan.ts';
import { ACCOUNTS_DEFAULT, GENESIS_FILE, SNAPSHOT_HEIGHT } from './snapshot-sync/plan.ts';
import type { SnapshotRun } from './snapshot-sync/tab.ts';
import { recordTasks, SYNCING_MARK } from './startup/tasks.ts';

const RUNS = 3;
/** The newest block is a little old: nothing comes from the future. */
const HEAD_AGE_MS = 5_000;
/** How often the page draws while its worker syncs, as the app does. */
const DRAW_MS = 100;

const run = promisify(execFile);
const fileOf = (name: string) =>
  fileURLToPath(new URL(`./snapshot-sync/${name}.ts`, import.meta.url));

/** What `snapshot-sync/relay.ts` says. */
type Ready = { readonly address: string };

type Visit = SnapshotRun & {
  readonly longestTaskMs: number;
  /** Without the time in which others had the core. */
  readonly longestOwnMs: number;
};

async function visit(relays: readonly string[], genesis: Uint8Array): Promise<Visit> {
  const home = await openChromiumHome({
    entry: new URL('./snapshot-sync/tab.ts', import.meta.url),
    files: new Map([[GENESIS_FILE, genesis]]),
  });
  try {
    await home.page.evaluate((drawMs) => {
      const line = document.body.appendChild(document.createElement('p'));
      setInterval(() => {
        line.textContent = new Date().toISOString();
      }, drawMs);
    }, DRAW_MS);
    const recording = await recordTasks(home.page);
    // By this mark the recording knows the page's thread.
    await home.page.evaluate((mark) => {
      performance.mark(mark);
    }, SYNCING_MARK);
    const found = await home.call<SnapshotRun>('takeOver', relays, SNAPSHOT_HEIGHT);
    const tasks = await recording.end();
    const longestTaskMs = Math.max(0, ...tasks.map(({ durationMs }) => durationMs));
    const longestOwnMs = Math.max(0, ...tasks.map(({ processorMs }) => processorMs));
    return { ...found, longestTaskMs, longestOwnMs };
  } finally {
    await home.close();
  }
}

/**
 * A fresh tab takes over the state of a network from two relays: newest header proven, manifest,
 * chunks from both, each verified and written to IndexedDB, adopted.
 */
const bench: Bench = async (name) => {
  const accounts = Number(process.env.TABELLION_BENCH_ACCOUNTS ?? ACCOUNTS_DEFAULT);
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-snapshot-'));
  const folders = [join(folder, 'one'), join(folder, 'two')] as const;
  const relays: RunningRelay[] = [];
  try {
    await run('mkdir', [folders[0]]);
    const words = [folders[0], String(accounts), String(Date.now() - HEAD_AGE_MS)];
    const { stdout } = await run(process.execPath, [
      '--max-old-space-size=8192',
      fileOf('prepare'),
      ...words,
    ]);
    const prepared = JSON.parse(stdout) as Prepared; // Printed as exactly this.
    await cp(folders[0], folders[1], { recursive: true });
    const addresses: string[] = [];
    for (const each of folders) {
      const relay = startRelay([each], { program: fileOf('relay') });
      relays.push(relay);
      addresses.push((await relay.ready<Ready>()).address);
    }
    const genesis = await readFile(join(folders[0], GENESIS_FILE));
    const visits: Visit[] = [];
    for (let at = 0; at < RUNS; at++) {
      const visited = await visit(addresses, genesis);
      assert(visited.height === SNAPSHOT_HEIGHT, 'the height of the snapshot');
      visits.push(visited);
    }
    const figure = (metric: string, unit: string, of: (each: Visit) => number) => {
      return { bench: name, home: 'tab', metric, unit, ...summarize(visits.map(of)) } as const;
    };
    return [
      figure('accounts-per-second', 'accounts/s', ({ adoptedMs }) => (1000 * accounts) / adoptedMs),
      comparedWith(
        figure('bytes', 'bytes', ({ bytes }) => bytes),
        { name: 'keys and values alone', median: prepared.rawBytes },
      ),
      figure('bytes-over-raw-state', 'times', ({ bytes }) => bytes / prepared.rawBytes),
      figure('longest-page-task', 'ms', ({ longestTaskMs }) => longestTaskMs),
      figure('longest-page-task-processor-time', 'ms', ({ longestOwnMs }) => longestOwnMs),
    ];
  } finally {
    for (const relay of relays) await relay.stop();
    await rm(folder, { recursive: true, force: true });
  }
};

export default bench;
