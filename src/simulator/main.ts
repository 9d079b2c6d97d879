import process from 'node:process';
import { huntMutant } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import { simulateRange } from './range.ts';
import type { Fault } from './scenario.ts';
import { FAULTS } from './scenario.ts';
import type { SimulationReport } from './simulate.ts';

/**
 * `npm run simulate -- [--engine bft] [--seeds A..B] [--faults all|none|a,b] [--summary]
 * [--browser | --mutants]`.
 */
type CommandLine = {
  readonly first: number;
  readonly last: number;
  readonly faults: readonly Fault[];
  readonly isSummary: boolean;
  /** Runs in a worker of Chromium instead of here. */
  readonly isBrowser: boolean;
  readonly isHunt: boolean;
};

const USAGE =
  'usage: simulate [--engine bft] [--seeds A..B] ' +
  `[--faults all|none|${FAULTS.join(',')}] [--summary] [--browser | --mutants]`;

function refuse(problem: string): never {
  process.stderr.write(`${problem}\n${USAGE}\n`);
  process.exit(2);
}

function parseFaults(text: string): readonly Fault[] {
  if (text === 'all') return FAULTS;
  if (text === 'none') return [];
  return text.split(',').map((name) => {
    const fault = FAULTS.find((each) => each === name);
    return fault ?? refuse(`unknown fault: ${name}`);
  });
}

function parseSeeds(text: string): { first: number; last: number } {
  const match = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text);
  if (match === null) refuse(`not a range of seeds: ${text}`);
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  if (last < first) refuse(`not a range of seeds: ${text}`);
  return { first, last };
}

function parseCommandLine(words: readonly string[]): CommandLine {
  let seeds = { first: 1, last: 50 };
  let faults: readonly Fault[] = FAULTS;
  let isSummary = false;
  let isBrowser = false;
  let isHunt = false;
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    const value = () => words[++at] ?? refuse(`${word} needs a value`);
    if (word === '--engine') {
      const engine = value();
      if (engine !== 'bft') refuse(`unknown engine: ${engine}; known: bft`);
    } else if (word === '--seeds') seeds = parseSeeds(value());
    else if (word === '--faults') faults = parseFaults(value());
    else if (word === '--summary') isSummary = true;
    else if (word === '--browser') isBrowser = true;
    else if (word === '--mutants') isHunt = true;
    else refuse(`unknown option: ${word}`);
  }
  if (isBrowser && isHunt) refuse('mutants are hunted here, not in a browser');
  return { ...seeds, faults, isSummary, isBrowser, isHunt };
}

/** Each mutant is hunted this often, each time with other seeds, and each time this long. */
const HUNTS = 5;
const HUNT_SEEDS = 5000;

/** Prints how soon each mutant is noticed: the table of this room's README. */
function hunt({ faults }: CommandLine): void {
  let missed = 0;
  process.stdout.write('| mutant | seeds until noticed: median (all) | by | median ms |\n');
  process.stdout.write('|---|---|---|---|\n');
  for (const mutant of MUTANTS) {
    const hunts = Array.from({ length: HUNTS }, (_, at) => {
      const startedMs = performance.now();
      const range = { first: 1 + at * HUNT_SEEDS, seedsMax: HUNT_SEEDS };
      return { ...huntMutant(mutant, faults, range), ms: performance.now() - startedMs };
    });
    const all = hunts.map(({ seeds, caught }) =>
      caught === undefined ? `none in ${seeds}` : seeds,
    );
    const codes = new Set(hunts.flatMap(({ caught }) => (caught === undefined ? [] : caught.code)));
    if (hunts.some(({ caught }) => caught === undefined)) missed++;
    const seeds = median(hunts.map((each) => each.seeds));
    const ms = median(hunts.map((each) => each.ms)).toFixed(0);
    const cells = [mutant.name, `${seeds} (${all.join(', ')})`, [...codes].join(', '), ms];
    process.stdout.write(`| ${cells.join(' | ')} |\n`);
  }
  process.stdout.write(`${MUTANTS.length - missed} caught in every hunt, ${missed} missed\n`);
  process.exitCode = missed > 0 ? 1 : 0;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  return sorted[sorted.length >> 1] ?? 0;
}

/** Runs one part of a range somewhere. */
type Runner = (
  first: number,
  last: number,
  faults: readonly Fault[],
) => readonly SimulationReport[] | Promise<readonly SimulationReport[]>;

/** Seeds between two lines of progress. */
const PART_SEEDS = 100;

async function run(commandLine: CommandLine, runner: Runner): Promise<void> {
  const { first, last, faults, isSummary } = commandLine;
  const startedMs = performance.now();
  let failed = 0;
  let deliveries = 0;
  let slowest = { seed: first, healedMs: 0 };
  for (let from = first; from <= last; from += PART_SEEDS) {
    const to = Math.min(last, from + PART_SEEDS - 1);
    for (const report of await runner(from, to, faults)) {
      const { seed } = report;
      const { healedMs } = report.stats;
      deliveries += report.stats.deliveries;
      if (healedMs > slowest.healedMs) slowest = { seed, healedMs };
      const isFailed = report.verdict.kind === 'violated';
      if (isFailed) failed++;
      if (!isSummary || isFailed) process.stdout.write(`${describe(report)}\n`);
    }
  }
  const count = last - first + 1;
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(
    `${count - failed} passed, ${failed} failed; ${deliveries} deliveries in ` +
      `${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} seeds/s; slowest to finish after ` +
      `the faults: ${slowest.healedMs} ms, seed ${slowest.seed}\n`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

function describe({ seed, traceHash, verdict, stats }: SimulationReport): string {
  const outcome =
    verdict.kind === 'violated' ? `VIOLATED ${verdict.code}: ${verdict.message}` : 'passed';
  return (
    `seed ${seed} ${traceHash} ${outcome} (${stats.deliveries} deliveries, ${stats.lost} lost, ` +
    `${stats.crashes} crashes, ${stats.evidence} evidence, round ${stats.roundMax}, ` +
    `${stats.endMs} ms)`
  );
}

async function runInBrowser(commandLine: CommandLine): Promise<void> {
  // Only here, so that the simulator itself needs no browser.
  const { openChromiumHome } = await import('../../deploy/chromium-home.ts');
  const home = await openChromiumHome({ entry: new URL('./range.ts', import.meta.url) });
  try {
    await run(commandLine, (...part) => home.call('simulateRange', ...part));
  } finally {
    await home.close();
  }
}

const commandLine = parseCommandLine(process.argv.slice(2));
if (commandLine.isHunt) hunt(commandLine);
else if (commandLine.isBrowser) await runInBrowser(commandLine);
else await run(commandLine, simulateRange);
