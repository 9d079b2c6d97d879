import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LevelDbStore } from '../../src/storage/level-db-store.ts';
import { createWebCryptoVerifier } from '../../src/verifier/index.ts';
import type { Recorded } from './recorded.ts';
import { answersOf, validateOnce, verifyOnce } from './run.ts';

/** Milliseconds of one run in this process: the whole pipeline, then the signatures alone. */
export type RunTimes = { readonly wholeMs: number; readonly signaturesMs: number };

/** As a relay does it: LevelDB in a fresh folder, WebCrypto on its thread pool. */
export async function runInNode(recorded: Recorded): Promise<RunTimes> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-validate-'));
  const store = await LevelDbStore.open(join(folder, 'store'));
  const verifier = createWebCryptoVerifier({ concurrency: 64 });
  const alone = createWebCryptoVerifier({ concurrency: 64 });
  try {
    const home = { kind: 'relay', store, storeKind: 'leveldb', verifier } as const;
    const wholeMs = await validateOnce(home, recorded, answersOf(recorded));
    return { wholeMs, signaturesMs: await verifyOnce(alone, recorded) };
  } finally {
    await store.close();
    await verifier.stop();
    await alone.stop();
    await rm(folder, { recursive: true, force: true });
  }
}
