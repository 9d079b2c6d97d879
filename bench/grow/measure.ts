import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { assert, silentTracer, systemClock } from '../../src/base/index.ts';
import { decode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import type { Height } from '../../src/ledger/index.ts';
import { createLedger, protocol } from '../../src/ledger/index.ts';
import { Chain } from '../../src/node/chain.ts';
import { openLedgerStore } from '../../src/node/index.ts';
import { lowerPoolPriority } from '../../src/relay/pool-priority.ts';
import { VERIFICATIONS_AT_ONCE } from '../../src/relay/start-node.ts';
import { LevelDbStore } from '../../src/storage/level-db-store.ts';
import { createWebCryptoVerifier } from '../../src/verifier/index.ts';
import type { GrowthFound } from './plan.ts';
import {
  ANCHOR_HEIGHT,
  BLOCKS_FILE,
  BLOCKS_PER_SAMPLE,
  CACHE_BYTES_MAX,
  DATABASE,
  GENESIS_FILE,
  recordedCodec,
  SETTLING_BLOCKS,
  WARM_UP_BLOCKS,
} from './plan.ts';

// A process: `measure.ts FOLDER [settle]`, started with `--expose-gc`. Imports the prepared blocks
// as a node does, and tells what a block cost; with `settle` the first of them, and tells nothing.

const cacheBytesMax = Number(process.env.TABELLION_GROW_CACHE ?? CACHE_BYTES_MAX);
const pageBytesMax = process.env.TABELLION_GROW_PAGE;

async function readPrepared(folder: string) {
  const genesis = decode(protocol.genesisCodec, await readFile(join(folder, GENESIS_FILE)));
  const recorded = decode(recordedCodec, await readFile(join(folder, BLOCKS_FILE)));
  assert(genesis.ok && recorded.ok, 'prepared by us');
  const ledger = createLedger(genesis.value);
  assert(ledger.ok, 'the genesis is good');
  return { ledger: ledger.value, blocks: recorded.value.blocks };
}

function bytesInUse(): number {
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

await loadFastHashing();
const [folder, mode] = process.argv.slice(2);
assert(folder !== undefined, 'a folder');
const { ledger, blocks: prepared } = await readPrepared(folder);
const isSettling = mode === 'settle';
const blocks = isSettling ? prepared.slice(0, SETTLING_BLOCKS) : prepared.slice(SETTLING_BLOCKS);
const baseHeight = ANCHOR_HEIGHT + (isSettling ? 0 : SETTLING_BLOCKS);
const database = await LevelDbStore.open(join(folder, DATABASE));
let checkpoints = 0;
/** Pages read from the disk. */
let pagesRead = 0;
const getMany = database.getMany.bind(database);
database.getMany = (space, keys) => {
  if (space === 'pages') pagesRead += keys.length;
  return getMany(space, keys);
};
const store = await openLedgerStore({
  store: database,
  ledger,
  options: { cacheBytesMax, ...(pageBytesMax ? { pageBytesMax: Number(pageBytesMax) } : {}) },
  onCrashPoint: (name) => {
    if (name === 'checkpoint-switch-done') checkpoints += 1;
  },
});
assert(store.head().header.height === baseHeight, 'a fresh copy');
// As a relay without a validator does it.
await lowerPoolPriority();
const verifier = createWebCryptoVerifier({ concurrency: VERIFICATIONS_AT_ONCE.relay });
const chain = new Chain({
  ledger,
  store,
  verifier,
  clock: systemClock,
  tracer: silentTracer,
  candidates: () => [],
  onInvalid: () => undefined,
  onCommitted: () => undefined,
  onImported: () => undefined,
});

const samplesMs: number[] = [];
let sampleBeganMs = performance.now();
let longestCommitMs = 0;
let highestBytes = 0;
let processorBefore = process.cpuUsage();
for (const [at, { block, certificate }] of blocks.entries()) {
  if (at >= WARM_UP_BLOCKS && (at - WARM_UP_BLOCKS) % BLOCKS_PER_SAMPLE === 0) {
    sampleBeganMs = performance.now();
    if (at === WARM_UP_BLOCKS) {
      processorBefore = process.cpuUsage();
      pagesRead = 0;
    }
  }
  const verified = await chain.verifyBlock(block, certificate);
  assert(verified.ok, 'signed by us');
  const beganMs = performance.now();
  const imported = await chain.importBlock(verified.value, certificate);
  assert(imported.ok && imported.value === 'committed', 'executed before');
  longestCommitMs = Math.max(longestCommitMs, performance.now() - beganMs);
  highestBytes = Math.max(highestBytes, bytesInUse());
  if (at >= WARM_UP_BLOCKS && (at + 1 - WARM_UP_BLOCKS) % BLOCKS_PER_SAMPLE === 0) {
    samplesMs.push((performance.now() - sampleBeganMs) / BLOCKS_PER_SAMPLE);
  }
}
const { user, system } = process.cpuUsage(processorBefore);
const processorMs = (user + system) / 1000 / (blocks.length - WARM_UP_BLOCKS);
assert(store.head().header.height === baseHeight + blocks.length, 'all are committed');
assert(store.stateRootAt(store.head().header.height as Height) !== undefined, 'with their state');
// The first may have been begun before the last block.
for (let round = 0; isSettling && round < 2; round++) await store.checkpoint();
await store.close();
// Twice, and in turns of their own: buffers that went are counted until V8 swept them beside.
for (let round = 0; round < 2; round++) {
  globalThis.gc?.();
  await setImmediate();
}
const { cacheBytes } = store.status();
const found: GrowthFound = {
  samplesMs,
  processorMs,
  longestCommitMs,
  heldBytes: bytesInUse(),
  highestBytes,
  cacheBytes,
  checkpoints,
  pagesRead: pagesRead / (blocks.length - WARM_UP_BLOCKS),
};
await verifier.stop();
await database.close();
if (!isSettling) console.log(JSON.stringify(found));
