import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync, gzipSync } from 'node:zlib';
import { formatHex } from '../../base/index.ts';
import { toJson } from '../../codec/index.ts';
import { protocol } from '../../ledger/ledger.ts';
import { MemoryStore } from '../../storage/index.ts';
import { recordChain } from './chain.fixture.ts';
import { openLedgerStore } from './ledger-store.ts';
import { STORE_FORMAT } from './limits.ts';
import { fetchChunks, snapshotRequest, takeOver } from './snapshots.fixture.ts';

/*
 * Adds what this code writes to the stores that every later one must be able to open:
 * `node src/node/store/write-old-stores.fixture.ts`, before the format becomes another. Those of
 * formats 1 and 2 were written by the code of their time.
 */

const FILE = new URL('./vectors/old-stores.vectors.json.gz', import.meta.url);
const HEAD = 22;
const HEIGHTS = 24;
const options = {
  pageBytesMax: 600,
  checkpointEveryBlocks: 5,
  versionsKept: 8,
  cacheBytesMax: 0,
  snapshotEveryBlocks: 8,
};

const chain = recordChain(HEIGHTS);
const { ledger } = chain;

/** Every byte string once: the same blocks are in all stores. */
const values: string[] = [];
const places = new Map<string, number>();
function placeOf(value: Uint8Array): number {
  const text = formatHex(value);
  const known = places.get(text);
  if (known !== undefined) return known;
  places.set(text, values.length);
  return values.push(text) - 1;
}

async function recordsOf(store: MemoryStore) {
  const records: [string, string, number][] = [];
  for (const space of ['meta', 'journal', 'blocks', 'pages', 'index'] as const) {
    for (const { key, value } of await store.list(space, { limit: 10_000 })) {
      records.push([space, formatHex(key), placeOf(value)]);
    }
  }
  return records;
}

/** A store that executed its blocks since genesis, and let go of old ones. */
async function executed(kind: object): Promise<MemoryStore> {
  const store = new MemoryStore();
  const ledgerStore = await openLedgerStore({ store, ledger, options: { ...options, ...kind } });
  ledgerStore.setRetention({ kind: 'recent', blocks: 6 });
  for (const request of chain.blocks.slice(0, HEAD)) await ledgerStore.commit(request);
  await ledgerStore.close();
  return store.crash();
}

/** One that took over the state of height 16, followed, and has fetched that of 24. */
async function takenOver(kind: object): Promise<MemoryStore> {
  const all = { ...options, snapshotsKept: 3, ...kind };
  const from = await openLedgerStore({ store: new MemoryStore(), ledger, options: all });
  for (const request of chain.blocks) await from.commit(request);
  await from.checkpoint();
  const store = new MemoryStore();
  const ledgerStore = await openLedgerStore({ store, ledger, options: all });
  await takeOver(chain, ledgerStore, from, 16);
  for (const request of chain.blocks.slice(16, HEAD)) await ledgerStore.commit(request);
  const request = await snapshotRequest(chain, from, HEIGHTS);
  await fetchChunks(await ledgerStore.beginSnapshot(request), from);
  await ledgerStore.close();
  return store.crash();
}

// Before format 3 there was one form of pages.
const FORMS = STORE_FORMAT < 3 ? ['leaves'] : ['leaves', 'image'];
const stores: object[] = [];
if (existsSync(FILE)) {
  const former = JSON.parse(gunzipSync(readFileSync(FILE)).toString());
  for (const value of former.values) places.set(value, values.push(value) - 1);
  // Those of its own format are written anew.
  stores.push(...former.stores.filter((each: { format: number }) => each.format < STORE_FORMAT));
}
for (const pageRecords of FORMS) {
  const kind = STORE_FORMAT < 3 ? {} : { pageRecords };
  const about = { format: STORE_FORMAT, pageRecords };
  stores.push({ ...about, origin: 'executed', records: await recordsOf(await executed(kind)) });
  stores.push({ ...about, origin: 'taken over', records: await recordsOf(await takenOver(kind)) });
}
const genesis = toJson(protocol.genesisCodec, ledger.genesis.document);
const blocks = chain.blocks.map(({ blockBytes }) => placeOf(blockBytes));
const text = JSON.stringify({ genesis, head: HEAD, blocks, values, stores });
writeFileSync(FILE, gzipSync(text, { level: 9 }));
