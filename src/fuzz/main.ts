import process from 'node:process';
import { parseArgs } from 'node:util';
import { loadFastHashing } from '../crypto/index.ts';
import { fuzz } from './harness/engine.ts';
import { keepSeed } from './harness/seeds.ts';
import { TARGETS } from './harness/targets/index.ts';
import type { Report, Target } from './harness/types.ts';
import { Watchdog } from './harness/watchdog.ts';

/** `npm run fuzz -- NAME|all --runs N [--seed S] [--seconds T]`, `npm run fuzz -- --list`. */
const USAGE = 'usage: fuzz NAME[,NAME…]|all [--runs N] [--seed S] [--seconds T] | --list';
const RUNS_DEFAULT = 100_000;
const PROGRESS_SECONDS = 10;

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}\n`);
  process.exit(2);
}

function wholeNumber(text: string | undefined, name: string): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text.replaceAll('_', ''));
  if (!Number.isSafeInteger(value) || value < 1) refuse(`--${name} is no whole number: ${text}`);
  return value;
}

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        runs: { type: 'string' },
        seed: { type: 'string' },
        seconds: { type: 'string' },
        list: { type: 'boolean' },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

function targetsOf(names: readonly string[]): readonly Target[] {
  if (names.length === 0) refuse('which target?');
  if (names.includes('all')) return TARGETS;
  return names.flatMap((each) =>
    each.split(',').map((name) => {
      const target = TARGETS.find((known) => known.name === name);
      return target ?? refuse(`unknown target: ${name}`);
    }),
  );
}

const perSecond = (runs: number, seconds: number) => Math.round(runs / Math.max(seconds, 0.001));

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function show(report: Report): void {
  const { target, runs, seconds, codes, kept, findings, seed } = report;
  say(
    `${target}: ${runs} runs, ${seconds.toFixed(1)} s, ${perSecond(runs, seconds)} runs/s, ` +
      `seed ${seed}, ${kept} kept, ${findings.length} findings`,
  );
  say(`  ${[...codes].map(([code, count]) => `${code} ${count}`).join(', ')}`);
  for (const finding of findings) {
    const alone = finding.isAlone ? '' : ' (not by this input alone)';
    say(`  FOUND ${finding.kind}: ${finding.message}${alone}`);
    say(`    ${keepSeed(finding)}`);
  }
}

await loadFastHashing();
const { values, positionals } = commandLine();
if (values.list === true) {
  for (const { name, about } of TARGETS) say(`${name.padEnd(24)} ${about}`);
} else {
  const runs = wholeNumber(values.runs, 'runs') ?? RUNS_DEFAULT;
  const seconds = wholeNumber(values.seconds, 'seconds');
  const seed = wholeNumber(values.seed, 'seed') ?? 1;
  let total = 0;
  let found = 0;
  for (const target of targetsOf(positionals)) {
    let toldAt = PROGRESS_SECONDS;
    const watchdog = new Watchdog(target.name, seed);
    const report = await fuzz(target, {
      onBegin: (input) => watchdog.begin(input),
      runs,
      seed,
      ...(seconds === undefined ? {} : { seconds }),
      onProgress(done, elapsed) {
        if (elapsed < toldAt) return;
        toldAt = elapsed + PROGRESS_SECONDS;
        say(`  ${target.name}: ${done} runs, ${perSecond(done, elapsed)} runs/s`);
      },
    });
    await watchdog.stop();
    show(report);
    total += report.runs;
    found += report.findings.length;
  }
  say(`${total} runs, ${found} findings`);
  process.exitCode = found > 0 ? 1 : 0;
}
