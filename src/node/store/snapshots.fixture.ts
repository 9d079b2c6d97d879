import { assert, defined } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import type { RecordedChain } from './chain.fixture.ts';
import type { LedgerStore } from './ledger-store.ts';
import type { SnapshotWriter } from './snapshot-writer.ts';
import type { LedgerStoreOptions, SnapshotRequest } from './types.ts';

/** Small pages, and a snapshot at every eighth height. */
export const SNAPSHOT_OPTIONS = {
  pageBytesMax: 600,
  pageRecords: 'image',
  checkpointEveryBlocks: 5,
  versionsKept: 8,
  cacheBytesMax: 0,
  snapshotEveryBlocks: 8,
} as const satisfies LedgerStoreOptions;

/** What a light client would say of a recorded height, and the manifest that a server has. */
export async function snapshotRequest(
  chain: RecordedChain,
  from: LedgerStore,
  height: number,
): Promise<SnapshotRequest> {
  const blockAt = (at: number) => defined(chain.blocks[at - 1], 'a height of the chain').block;
  const { block, hash } = blockAt(height);
  const { header } = block;
  const { membership } = chain.ledger.genesis;
  const manifest = await from.snapshotManifest(header.stateRoot);
  assert(manifest !== undefined, 'the snapshot is kept');
  const trusted = { header, hash, membership, nextMembership: membership };
  const certificate = chain.blocks[height - 1]?.certificate;
  const parent = blockAt((height - 1) as Height).block.header;
  return { trusted, manifest, certificate, parent };
}

/** Fetches what a writer lacks, `count` chunks at most. */
export async function fetchChunks(
  writer: SnapshotWriter,
  from: LedgerStore,
  count = Number.POSITIVE_INFINITY,
): Promise<void> {
  const { stateRoot } = writer.anchor.header;
  let left = count;
  for (const [index, { prefix }] of writer.plans.entries()) {
    if (writer.have().has(index) || left-- <= 0) continue;
    const bytes = await from.snapshotChunk(stateRoot, prefix);
    assert(bytes !== undefined, 'every chunk is served');
    const record = writer.verify(index, bytes);
    assert(record.ok, 'they are honest');
    await writer.put([{ index, bytes: record.value }]);
  }
}

/** Takes over the snapshot of a height. */
export async function takeOver(
  chain: RecordedChain,
  to: LedgerStore,
  from: LedgerStore,
  height: number,
): Promise<void> {
  const writer = await to.beginSnapshot(await snapshotRequest(chain, from, height));
  await fetchChunks(writer, from);
  await writer.finish();
  await to.adoptSnapshot(writer);
}
