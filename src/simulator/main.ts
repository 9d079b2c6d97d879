import process from 'node:process';
import { huntMutant, MUTANTS } from './mutants.ts';
import type { Fault } from './scenario.ts';
import { FAULTS, scenarioOf } from './scenario.ts';
import { simulate } from './simulate.ts';

/** `npm run simulate -- [--engine bft] [--seeds A..B] [--faults all|none|a,b] [--summary | --mutants]`. */
type CommandLine = {
  readonly first: number;
  readonly last: number;
  readonly faults: readonly Fault[];
  readonly isSummary: boolean;
  readonly isHunt: boolean;
};

const USAGE =
  'usage: simulate [--engine bft] [--seeds A..B] ' +
  `[--faults all|none|${FAULTS.join(',')}] [--summary | --mutants]`;

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
    else if (word === '--mutants') isHunt = true;
    else refuse(`unknown option: ${word}`);
  }
  return { ...seeds, faults, isSummary, isHunt };
}

/** Mutants are hunted at least this long, whatever the range of seeds. */
const HUNT_SEEDS_MIN = 5000;

function hunt({ last, faults }: CommandLine): void {
  const seedsMax = Math.max(last, HUNT_SEEDS_MIN);
  let missed = 0;
  for (const mutant of MUTANTS) {
    const { name, seeds, caughtBy } = huntMutant(mutant, faults, seedsMax);
    if (caughtBy === undefined) missed++;
    const outcome =
      caughtBy === undefined ? `NOT CAUGHT in ${seeds} seeds` : `seed ${seeds}, ${caughtBy}`;
    process.stdout.write(`${name.padEnd(32)} ${outcome}\n`);
  }
  process.stdout.write(`${MUTANTS.length - missed} caught, ${missed} missed\n`);
  process.exitCode = missed > 0 ? 1 : 0;
}

function run({ first, last, faults, isSummary }: CommandLine): void {
  const startedMs = performance.now();
  let failed = 0;
  let deliveries = 0;
  for (let seed = first; seed <= last; seed++) {
    const { traceHash, verdict, stats } = simulate(seed, scenarioOf(seed, faults));
    deliveries += stats.deliveries;
    const isFailed = verdict.kind === 'violated';
    if (isFailed) failed++;
    if (isSummary && !isFailed) continue;
    const facts =
      `${stats.deliveries} deliveries, ${stats.lost} lost, ${stats.crashes} crashes, ` +
      `${stats.evidence} evidence, round ${stats.roundMax}, ${stats.endMs} ms`;
    const outcome = isFailed ? `VIOLATED ${verdict.code}: ${verdict.message}` : 'passed';
    process.stdout.write(`seed ${seed} ${traceHash} ${outcome} (${facts})\n`);
  }
  const count = last - first + 1;
  const seconds = (performance.now() - startedMs) / 1000;
  process.stdout.write(
    `${count - failed} passed, ${failed} failed; ${deliveries} deliveries in ` +
      `${seconds.toFixed(1)} s, ${(count / seconds).toFixed(0)} seeds/s\n`,
  );
  process.exitCode = failed > 0 ? 1 : 0;
}

const commandLine = parseCommandLine(process.argv.slice(2));
if (commandLine.isHunt) hunt(commandLine);
else run(commandLine);
