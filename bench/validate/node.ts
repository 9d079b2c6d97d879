import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lowerPoolPriority } from '../../src/relay/pool-priority.ts';
import { VERIFICATIONS_AT_ONCE } from '../../src/relay/start-node.ts';
import { LevelDbStore } from '../../src/storage/level-db-store.ts';
import { createWebCryptoVerifier } from '../../src/verifier/index.ts';
import type { Recorded } from './recorded.ts';
import type { RunTimes } from './run.ts';
import { runOnce } from './run.ts';

/**
 * As a relay does it: LevelDB in a fresh folder, WebCrypto on its thread pool, which gives way to
 * the node's thread (also while the signatures alone are verified).
 */
export async function runInNode(recorded: Recorded): Promise<RunTimes> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-validate-'));
  const store = await LevelDbStore.open(join(folder, 'store'));
  await lowerPoolPriority();
  const concurrency = VERIFICATIONS_AT_ONCE.relay;
  const verifier = createWebCryptoVerifier({ concurrency });
  const alone = createWebCryptoVerifier({ concurrency });
  try {
    return await runOnce({ kind: 'relay', store, storeKind: 'leveldb', verifier }, alone, recorded);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
