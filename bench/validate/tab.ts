import { loadFastHashing } from '../../src/crypto/index.ts';
import { IndexedDbStore } from '../../src/storage/indexed-db-store.ts';
import type { SignatureVerifier } from '../../src/verifier/index.ts';
import { createPooledVerifier, verifierPortOf } from '../../src/verifier/index.ts';
import type { Recorded } from './recorded.ts';
import { decodeRecorded } from './recorded.ts';
import type { RunTimes } from './run.ts';
import { runOnce } from './run.ts';

// What a tab's worker does; runs in Chromium by `openChromiumHome`.

/** As `workers/node.worker.ts` chooses it. */
const VERIFIERS_MAX = 4;

/** A pool of fresh workers, started: a node that syncs has run for a while. */
async function createVerifier(): Promise<SignatureVerifier> {
  const count = Math.max(1, Math.min(VERIFIERS_MAX, navigator.hardwareConcurrency - 1));
  const ports = Array.from({ length: count }, () =>
    verifierPortOf(
      // In one expression: that is how the bundler finds the worker.
      new Worker(new URL('../../workers/verifier.worker.ts', import.meta.url), { type: 'module' }),
    ),
  );
  const verifier = createPooledVerifier({ workers: ports });
  // As many as make a chunk for each worker; nobody has this key.
  const publicKey = new Uint8Array(33).fill(2);
  const claim = {
    algorithm: 'p256',
    publicKey,
    message: publicKey,
    signature: new Uint8Array(64).fill(1),
  } as const;
  await verifier.verify(new Array(16 * count).fill(claim));
  return verifier;
}

const files = new Map<string, Promise<Recorded>>();

function load(file: string): Promise<Recorded> {
  const known = files.get(file);
  if (known !== undefined) return known;
  const loading = fetch(`/files/${file}`).then(async (response) =>
    decodeRecorded(new Uint8Array(await response.arrayBuffer())),
  );
  files.set(file, loading);
  return loading;
}

let runs = 0;

/** One run with a fresh database and fresh verifiers. */
export async function run(file: string): Promise<RunTimes> {
  await loadFastHashing();
  const recorded = await load(file);
  const name = `validate-${++runs}`;
  const store = await IndexedDbStore.open(name, { epoch: 1 });
  const verifier = await createVerifier();
  const alone = await createVerifier();
  try {
    return await runOnce({ kind: 'tab', store, storeKind: 'indexeddb', verifier }, alone, recorded);
  } finally {
    await IndexedDbStore.destroy(name);
  }
}
