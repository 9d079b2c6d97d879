import { mkdirSync, writeFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { join } from 'node:path';
import process from 'node:process';
import type { ChromiumHome } from '../deploy/chromium-home.ts';
import { WorkerSession } from './worker-session.ts';

// With TABELLION_BENCH_PROFILE=FOLDER a bench leaves CPU profiles (`.cpuprofile`): DevTools and
// other viewers show them as flame graphs.

/** Where profiles go; undefined: nobody asked for any. */
export const PROFILE_FOLDER = process.env.TABELLION_BENCH_PROFILE;
const INTERVAL_US = 200;
const SHOWN = 12;

type ProfileNode = {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string };
};
type Profile = {
  readonly nodes: readonly ProfileNode[];
  readonly samples?: readonly number[] | undefined;
  readonly timeDeltas?: readonly number[] | undefined;
};

/** Keeps a profile, and says which functions themselves took most of the time that was not idle. */
function keep(name: string, profile: Profile): void {
  const folder = PROFILE_FOLDER ?? '.';
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.cpuprofile`);
  writeFileSync(path, JSON.stringify(profile));
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const spent = new Map<string, number>();
  let all = 0;
  profile.samples?.forEach((id, at) => {
    const function_ = nodes.get(id)?.callFrame.functionName ?? '';
    if (function_ === '(idle)') return;
    const took = profile.timeDeltas?.[at] ?? 0;
    const file = nodes.get(id)?.callFrame.url.split('/').at(-1) ?? '';
    const label = `${function_ === '' ? '(nameless)' : function_} ${file}`.trim();
    all += took;
    spent.set(label, (spent.get(label) ?? 0) + took);
  });
  console.log(`${name}: ${Math.round(all / 1000)} ms busy, in ${path}`);
  const most = [...spent].sort(([, left], [, right]) => right - left).slice(0, SHOWN);
  for (const [label, took] of most) {
    console.log(`  ${((100 * took) / all).toFixed(1).padStart(5)} %  ${label}`);
  }
}

/** Profiles this thread while something runs. */
export async function profileHere<Value>(name: string, run: () => Promise<Value>): Promise<Value> {
  const session = new Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.post('Profiler.start');
  const value = await run();
  const { profile } = await session.post('Profiler.stop');
  session.disconnect();
  keep(name, profile);
  return value;
}

/** Profiles the worker in which the functions of a home run. */
export async function profileTab<Value>(
  name: string,
  home: ChromiumHome,
  run: () => Promise<Value>,
): Promise<Value> {
  const session = await WorkerSession.open(home.context, home.page);
  await session.send('Profiler.enable');
  await session.send('Profiler.setSamplingInterval', { interval: INTERVAL_US });
  await session.send('Profiler.start');
  const value = await run();
  // What the protocol answers.
  const { profile } = (await session.send('Profiler.stop')) as { readonly profile: Profile };
  keep(name, profile);
  return value;
}
