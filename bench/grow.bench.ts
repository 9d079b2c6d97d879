import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { Bench, Figure } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import type { GrowthFound } from './grow/plan.ts';
import { CACHE_BYTES_MAX, SIZES } from './grow/plan.ts';

const run = promisify(execFile);

/** Runs a file of `bench/grow` as a process of its own; what it prints last. */
async function runFile(name: string, words: readonly string[]): Promise<string> {
  const file = fileURLToPath(new URL(`./grow/${name}.ts`, import.meta.url));
  const flags = ['--expose-gc', '--max-old-space-size=8192'];
  const { stdout } = await run(process.execPath, [...flags, file, ...words]);
  return stdout;
}

async function measure(accounts: number): Promise<GrowthFound> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-grow-'));
  try {
    await runFile('prepare', [folder, String(accounts)]);
    await runFile('measure', [folder, 'settle']);
    // Printed as exactly this by the process.
    return JSON.parse(await runFile('measure', [folder])) as GrowthFound;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * What a block of 200 transfers between random accounts costs a node whose state has so many
 * accounts: signatures, execution, pages read from LevelDB, state, journal, and the checkpoints in
 * the background. A process of its own for each size.
 */
const bench: Bench = async (name) => {
  const figures: Figure[] = [];
  let reference: { readonly name: string; readonly median: number } | undefined;
  let processorReference: typeof reference;
  const asked = process.env.TABELLION_GROW_ACCOUNTS?.split(',').map(Number);
  for (const accounts of asked ?? SIZES) {
    const found = await measure(accounts);
    const figure = (metric: string, unit: string, samples: readonly number[]) => {
      return { bench: name, home: 'node', metric, unit, ...summarize(samples) } as const;
    };
    const cost = figure(`cost-at-${accounts}-accounts`, 'ms', found.samplesMs);
    reference ??= { name: `cost at ${accounts} accounts`, median: cost.median };
    figures.push(comparedWith(cost, reference));
    const processor = figure(`processor-time-at-${accounts}-accounts`, 'ms', [found.processorMs]);
    const { median } = processor;
    processorReference ??= { name: `processor time at ${accounts} accounts`, median };
    figures.push(comparedWith(processor, processorReference));
    figures.push(figure(`longest-import-at-${accounts}-accounts`, 'ms', [found.longestCommitMs]));
    const reads = [found.pagesRead];
    figures.push(figure(`pages-read-at-${accounts}-accounts`, 'records a block', reads));
    const cache = { name: 'configured cache', median: CACHE_BYTES_MAX / 1e6 };
    for (const [metric, bytes] of [
      [`memory-at-${accounts}-accounts`, found.heldBytes],
      [`highest-memory-at-${accounts}-accounts`, found.highestBytes],
    ] as const) {
      figures.push(comparedWith(figure(metric, 'MB', [bytes / 1e6]), cache));
    }
  }
  return figures;
};

export default bench;
