import { readdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './bench.ts';

// npm run bench -- [name…] [--json FILE]: runs the benchmarks of this folder, each in its turn, and
// prints median, min, max, and the ratio to a reference measured in the same run.

const USAGE = 'usage: bench [name…] [--json FILE]';

function refuse(problem: string): never {
  console.error(`bench: ${problem}\n${USAGE}`);
  process.exit(2);
}

function commandLine() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: { json: { type: 'string' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
}

const { values, positionals } = commandLine();
const SUFFIX = '.bench.ts';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) refuse(`no ${unknown.join(', ')}; there are: ${names.join(', ')}`);
if (values.help === true) {
  console.log(`${USAGE}\nthere are: ${names.join(', ')}`);
  process.exit(0);
}

const format = (value: number) =>
  value.toLocaleString('en', { maximumSignificantDigits: value < 1000 ? 3 : 6 });

function print(figure: Figure): void {
  const { bench, home, metric, unit, median, min, max, reference, ratio } = figure;
  const compared =
    reference === undefined || ratio === undefined
      ? ''
      : `; ${format(ratio)} × ${reference.name} (${format(reference.median)})`;
  const range = `min ${format(min)}, max ${format(max)}`;
  console.log(`${bench} ${home} ${metric}: ${format(median)} ${unit} (${range})${compared}`);
}

/** Written after each benchmark, so that one that fails costs nothing but itself. */
function store(figures: readonly Figure[]): void {
  if (values.json === undefined) return;
  try {
    writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  } catch (error) {
    refuse(`cannot write ${values.json}: ${error instanceof Error ? error.message : error}`);
  }
}

const figures: Figure[] = [];
store(figures);
for (const name of positionals.length > 0 ? positionals : names) {
  try {
    // Each file of this folder exports one benchmark as its default.
    const { default: bench } = (await import(`./${name}${SUFFIX}`)) as { default: Bench };
    for (const figure of await bench(name)) {
      figures.push(figure);
      print(figure);
    }
    store(figures);
  } catch (error) {
    console.error(`bench ${name} failed:`, error);
    process.exitCode = 1;
  }
}
