import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNetwork } from '../e2e/support/network.ts';
import {
  gzipBytesOf,
  PAGE_SCRIPT_BYTES_MAX,
  pageScriptsOf,
  WORKER_BYTES_MAX,
  watchScripts,
  workerBytesOf,
} from '../e2e/support/sizes.ts';
import type { Bench, Figure } from './bench.ts';
import { summarize } from './bench.ts';
import { builtApp } from './startup/app.ts';
import { fillChain } from './startup/chain.ts';
import { emptyPageMs } from './startup/empty-page.ts';
import type { Task } from './startup/tasks.ts';
import { recordTasks } from './startup/tasks.ts';
import { firstPage, openApp, openBrowser } from './startup/visit.ts';

const RUNS = 5;
/** Screens that are open while the tab syncs; the first counts for the time it takes. */
const SCREENS_SYNCING = ['/', '/', '/', '/explorer', '/node'];
const TRANSACTIONS = 10_000;
/** Of a chain with next to nothing in it. */
const AT_ONCE = { height: 0, timeoutMs: 60_000 };
const SYNCING_MS_MAX = 300_000;
/** From here on a task is long (W3C Long Tasks §1). */
const TASK_MS_MAX = 50;
const LONGEST_SHOWN = 5;

type Visit = { readonly usableMs: number; readonly bytes: number };
type Visits = {
  readonly cold: readonly Visit[];
  readonly warm: readonly Visit[];
  readonly empty: readonly number[];
  /** Scripts that a first visit loaded for the page until it could be used, and soon after. */
  readonly scripts: { readonly untilUsable: number; readonly settled: number };
};

async function withProfile<Value>(run: (profile: string) => Promise<Value>): Promise<Value> {
  const profile = await mkdtemp(join(tmpdir(), 'tabellion-startup-'));
  try {
    return await run(profile);
  } finally {
    await rm(profile, { recursive: true, force: true });
  }
}

/** First and second visits, each first one by a browser that knows nothing. */
async function visit(url: string, appFolder: string): Promise<Visits> {
  const [cold, warm, empty]: [Visit[], Visit[], number[]] = [[], [], []];
  let scripts = { untilUsable: 0, settled: 0 };
  for (let run = 0; run < RUNS; run++) {
    await withProfile(async (profile) => {
      const first = await openBrowser(profile);
      const page = await firstPage(first);
      const watched = watchScripts(page);
      cold.push(await openApp(page, url, AT_ONCE));
      const untilUsable = gzipBytesOf(appFolder, watched);
      // The second visit is by the service worker, which takes over once it has stored all.
      await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined));
      scripts = { untilUsable, settled: gzipBytesOf(appFolder, watched) };
      await first.close();
      const second = await openBrowser(profile);
      warm.push(await openApp(await firstPage(second), url, AT_ONCE));
      await second.close();
    });
    empty.push(await withProfile(emptyPageMs));
  }
  return { cold, warm, empty, scripts };
}

type Syncing = {
  readonly screen: string;
  readonly usableMs: number;
  readonly tasks: readonly Task[];
};

/** First visits to a long chain, with every task of the page. */
async function sync(url: string, height: number): Promise<readonly Syncing[]> {
  const runs: Syncing[] = [];
  for (const screen of SCREENS_SYNCING) {
    await withProfile(async (profile) => {
      const context = await openBrowser(profile);
      const page = await firstPage(context);
      const recording = await recordTasks(page);
      const options = { height, timeoutMs: SYNCING_MS_MAX };
      const { usableMs } = await openApp(page, new URL(screen, url).href, options);
      runs.push({ screen, usableMs, tasks: await recording.end() });
      await context.close();
    });
  }
  return runs;
}

/** Names what the longest tasks did, for whoever wants to shorten them. */
function explain(runs: readonly Syncing[]): void {
  const tasks = runs.flatMap((run) => run.tasks.map((task) => ({ ...task, screen: run.screen })));
  const longest = tasks.sort((left, right) => right.processorMs - left.processorMs);
  for (const task of longest.slice(0, LONGEST_SHOWN)) {
    const { screen, isSyncing, durationMs, processorMs, within } = task;
    const when = isSyncing ? 'syncing' : 'opening';
    const took = `${durationMs.toFixed(0)} ms, ${processorMs.toFixed(0)} of processor time`;
    console.log(`startup: a task while ${when} ${screen} took ${took}: ${within.join(' > ')}`);
  }
}

/**
 * A browser that comes for the first time, and again, to the app as a real network of four
 * validators serves it; then first visits to a chain of 10,000 transactions, all verified.
 */
const bench: Bench = async (name) => {
  const appFolder = builtApp();
  const network = await startNetwork({ appFolder });
  try {
    const { cold, warm, empty, scripts } = await visit(network.url, appFolder);
    const height = await fillChain(network, TRANSACTIONS);
    const syncing = await sync(network.url, height);
    const atHome = syncing.filter(({ screen }) => screen === '/');
    explain(syncing);
    const common = { bench: name, home: 'tab' } as const;
    const emptyPage = { name: 'a page with an empty script', median: summarize(empty).median };
    const times = (metric: string, samples: readonly number[]): Figure => {
      const summary = summarize(samples);
      const ratio = summary.median / emptyPage.median;
      return { ...common, metric, unit: 'ms', ...summary, reference: emptyPage, ratio };
    };
    const within = (metric: string, unit: string, samples: number[], budget?: number): Figure => {
      const summary = summarize(samples);
      const figure = { ...common, metric, unit, ...summary };
      if (budget === undefined) return figure;
      const reference = { name: 'budget', median: budget };
      return { ...figure, reference, ratio: summary.median / budget };
    };
    const longest = (isSyncing: boolean, measure: (task: Task) => number) =>
      syncing.map(({ tasks }) =>
        Math.max(...tasks.filter((task) => task.isSyncing === isSyncing).map(measure)),
      );
    const [wall, processor] = [(task: Task) => task.durationMs, (task: Task) => task.processorMs];
    const tasksWithin = (name: string, isSyncing: boolean) => [
      within(`longest-task-while-${name}`, 'ms', longest(isSyncing, wall), TASK_MS_MAX),
      within(
        `longest-task-processor-time-while-${name}`,
        'ms',
        longest(isSyncing, processor),
        TASK_MS_MAX,
      ),
    ];
    const [gzip, transferred] = ['bytes of gzip', 'bytes transferred'];
    const budget = PAGE_SCRIPT_BYTES_MAX;
    const whole = gzipBytesOf(appFolder, pageScriptsOf(appFolder));
    return [
      times(
        'cold-open-to-usable',
        cold.map(({ usableMs }) => usableMs),
      ),
      times(
        'warm-open-to-usable',
        warm.map(({ usableMs }) => usableMs),
      ),
      within('page-script', gzip, [scripts.untilUsable], budget),
      within('page-script-all', gzip, [scripts.settled], budget),
      within('page-script-of-every-screen', gzip, [whole]),
      within(
        'first-screen-bytes',
        transferred,
        cold.map(({ bytes }) => bytes),
      ),
      within('node-worker', 'bytes of brotli', [workerBytesOf(appFolder)], WORKER_BYTES_MAX),
      times(
        'sync-10000-transactions-to-usable',
        atHome.map(({ usableMs }) => usableMs),
      ),
      ...tasksWithin('opening', false),
      ...tasksWithin('syncing', true),
    ];
  } finally {
    await network.stop();
  }
};

export default bench;
