import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { assert, silentTracer, systemClock } from '../../src/base/index.ts';
import { decode } from '../../src/codec/index.ts';
import { loadFastHashing } from '../../src/crypto/index.ts';
import { protocol } from '../../src/ledger/index.ts';
import { TabellionNode } from '../../src/node/index.ts';
import { LevelDbStore } from '../../src/storage/level-db-store.ts';
import { createWebCryptoVerifier } from '../../src/verifier/index.ts';
import { openLoopbackRelay } from '../chain/loopback-relay.ts';
import { CACHE_BYTES_MAX, DATABASE, GENESIS_FILE } from './plan.ts';

// A process: `relay.ts FOLDER`. A node over a prepared store, as a relay runs it; says its
// address when it is ready, and ends with SIGTERM.

await loadFastHashing();
const folder = process.argv[2];
assert(folder !== undefined, 'which folder?');
const genesis = decode(protocol.genesisCodec, await readFile(join(folder, GENESIS_FILE)));
assert(genesis.ok, 'written by `prepare.ts`');
const store = await LevelDbStore.open(join(folder, DATABASE));
const verifier = createWebCryptoVerifier({ concurrency: 64 });
const node = TabellionNode.create(
  {
    kind: 'relay',
    store,
    storeKind: 'leveldb',
    verifier,
    openNetwork: async (handlers, chainId) => {
      const network = await openLoopbackRelay({ chainId, agent: 'snapshot-sync' }, handlers);
      const ready = { kind: 'ready', address: network.addresses()[0] };
      process.stdout.write(`${JSON.stringify(ready)}\n`);
      return network;
    },
    clock: systemClock,
    tracer: silentTracer,
  },
  { genesis: genesis.value, cacheBytesMax: CACHE_BYTES_MAX, version: 'bench', relays: [] },
);
await node.start();
process.once('SIGTERM', () => {
  const stop = async () => {
    await node.stop();
    await store.close();
    await verifier.stop();
  };
  stop().then(
    () => process.exit(0),
    () => process.exit(1),
  );
});
