import { readdirSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { Bench, Figure } from './bench.ts';

// npm run bench -- [name…] [--json FILE]: runs the benchmarks of this folder, each in its turn, and
// prints median, min, max, and the ratio to a reference measured in the same run.

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'string' } },
});

const SUFFIX = '.bench.ts';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith(SUFFIX))
  .map((file) => file.slice(0, -SUFFIX.length))
  .sort();
const unknown = positionals.filter((name) => !names.includes(name));
if (unknown.length > 0) {
  console.error(`bench: no ${unknown.join(', ')}; there are: ${names.join(', ')}`);
  process.exit(2);
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

const figures: Figure[] = [];
for (const name of positionals.length > 0 ? positionals : names) {
  // Each file of this folder exports one benchmark as its default.
  const { default: bench } = (await import(`./${name}${SUFFIX}`)) as { default: Bench };
  for (const figure of await bench(name)) {
    figures.push(figure);
    print(figure);
  }
}
if (values.json !== undefined) {
  writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
}
