import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { ClassicLevel } from 'classic-level';
import { openChromiumHome } from '../deploy/chromium-home.ts';
import { hashSuite, loadFastHashing } from '../src/crypto/index.ts';
import { LevelDbStore } from '../src/storage/level-db-store.ts';
import type { Bench, Figure } from './bench.ts';
import { summarize } from './bench.ts';
import { commitMs, WARM_UP_ROUNDS } from './state/records.ts';
import { rootUpdateMs } from './state/tree.ts';
import { KEYS, roundsOf, UPDATES } from './state/workload.ts';

const ROUNDS = 15;
const REFERENCE_ROUNDS = 5;
/** A trie of a million nodes and more does not fit beside ours in the memory of one tab. */
const REFERENCE_KEYS_IN_TAB = 100_000;
const COMMIT_ROUNDS = 9;

type Durability = 'relaxed' | 'strict';

/** Updates per second of rounds that took so many milliseconds each. */
function ratesOf(samplesMs: readonly number[]): number[] {
  return samplesMs.map((ms) => (UPDATES * 1000) / ms);
}

function compared(
  figure: Pick<Figure, 'bench' | 'home' | 'metric'>,
  samplesMs: readonly number[],
  reference: { readonly name: string; readonly samplesMs: readonly number[] },
): Figure {
  const summary = summarize(ratesOf(samplesMs));
  const { median } = summarize(ratesOf(reference.samplesMs));
  return {
    ...figure,
    unit: 'updates/s',
    ...summary,
    reference: { name: reference.name, median },
    ratio: summary.median / median,
  };
}

function referenceInThread(): Promise<number[]> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./state/reference-worker.ts', import.meta.url), {
      workerData: { keys: KEYS, rounds: REFERENCE_ROUNDS },
      resourceLimits: { maxOldGenerationSizeMb: 12_000 },
    });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

/** The same changes as one LevelDB record a key, in one batch. */
async function recordsPerKey(folder: string, durability: Durability): Promise<number[]> {
  const database = new ClassicLevel<Uint8Array, Uint8Array>(folder, {
    keyEncoding: 'view',
    valueEncoding: 'view',
    compression: false,
  });
  const samples: number[] = [];
  for (const changes of roundsOf(WARM_UP_ROUNDS + COMMIT_ROUNDS)) {
    const startedMs = performance.now();
    const batch = changes.map((change) => ({ type: 'put', ...change }) as const);
    await database.batch(batch, { sync: durability === 'strict' });
    samples.push(performance.now() - startedMs);
  }
  await database.close();
  return samples.slice(WARM_UP_ROUNDS);
}

async function commitsInNode(name: string, durability: Durability): Promise<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-bench-'));
  try {
    const store = await LevelDbStore.open(join(folder, 'journal'));
    const samplesMs = await commitMs(store, COMMIT_ROUNDS, durability);
    await store.close();
    return compared({ bench: name, home: 'node', metric: metricOf(durability) }, samplesMs, {
      name: 'one record per key',
      samplesMs: await recordsPerKey(join(folder, 'keys'), durability),
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function metricOf(durability: Durability): string {
  return durability === 'strict'
    ? 'commit-updates-per-second'
    : 'relaxed-commit-updates-per-second';
}

async function inTab(name: string): Promise<Figure[]> {
  const home = await openChromiumHome({ entry: new URL('./state/tab.ts', import.meta.url) });
  try {
    const root = compared(
      { bench: name, home: 'tab', metric: 'root-updates-per-second' },
      await home.call<number[]>('rootUpdates', ROUNDS),
      {
        name: `@ethereumjs/mpt of ${REFERENCE_KEYS_IN_TAB} keys`,
        samplesMs: await home.call<number[]>(
          'referenceUpdates',
          REFERENCE_KEYS_IN_TAB,
          REFERENCE_ROUNDS,
        ),
      },
    );
    const commits: Figure[] = [];
    for (const durability of ['strict', 'relaxed'] as const) {
      commits.push(
        compared(
          { bench: name, home: 'tab', metric: metricOf(durability) },
          await home.call<number[]>('commits', COMMIT_ROUNDS, durability),
          {
            name: 'one record per key',
            samplesMs: await home.call<number[]>('recordsPerKey', COMMIT_ROUNDS, durability),
          },
        ),
      );
    }
    return [root, ...commits];
  } finally {
    await home.close();
  }
}

/**
 * 10,000 random updates in 1,000,000 keys: the new root, against `@ethereumjs/mpt`; and the durable
 * commit of as many, against one record a key.
 */
const bench: Bench = async (name) => {
  await loadFastHashing();
  const samplesMs = rootUpdateMs(hashSuite('blake3-256'), ROUNDS);
  const root = compared(
    { bench: name, home: 'node', metric: 'root-updates-per-second' },
    samplesMs,
    {
      name: '@ethereumjs/mpt',
      samplesMs: await referenceInThread(),
    },
  );
  const strict = await commitsInNode(name, 'strict');
  const relaxed = await commitsInNode(name, 'relaxed');
  return [root, strict, relaxed, ...(await inTab(name))];
};

export default bench;
