import { assert, defined, equalBytes } from '../../src/base/index.ts';
import { encode } from '../../src/codec/index.ts';
import type { CommitCertificate, Header, Ledger } from '../../src/ledger/index.ts';
import type { TrustedBlock } from '../../src/light/index.ts';
import { openLedgerStore } from '../../src/node/index.ts';
import type { StateTree } from '../../src/state/index.ts';
import { joinPages, manifestCodec, manifestOfPages } from '../../src/state/index.ts';
import { LevelDbStore } from '../../src/storage/level-db-store.ts';

/** What a fresh node knows when it takes over a snapshot. */
export type SnapshotSource = {
  readonly ledger: Ledger;
  readonly trusted: TrustedBlock;
  /** The state that the trusted header binds. */
  readonly tree: StateTree;
  /** With both, the node may offer the snapshot to others. */
  readonly certificate?: CommitCertificate;
  readonly parent?: Header;
};

const CHUNKS_PER_PUT = 64;

/**
 * Writes the store of a node that has just taken over a snapshot.
 *
 * @param path The folder of the database.
 * @returns The number of the snapshot's chunks.
 */
export async function writeSnapshotStore(path: string, source: SnapshotSource): Promise<number> {
  const { ledger, tree, trusted, ...rest } = source;
  const plan = tree.planCheckpoint(1);
  const { root, manifest, chunks } = manifestOfPages(ledger.suite, plan.pages);
  assert(equalBytes(root, trusted.header.stateRoot), 'the header binds this state');
  const database = await LevelDbStore.open(path);
  const store = await openLedgerStore({ store: database, ledger });
  const writer = await store.beginSnapshot({
    trusted,
    manifest: encode(manifestCodec, manifest),
    ...rest,
  });
  for (let from = 0; from < chunks.length; from += CHUNKS_PER_PUT) {
    const batch = chunks.slice(from, from + CHUNKS_PER_PUT).map(({ pages }, at) => {
      const bytes = joinPages(pages.map((page) => plan.encode(page).value));
      const record = writer.verify(from + at, defined(bytes, 'encoded a moment ago'));
      assert(record.ok, 'they are the chunks of the manifest');
      return { index: from + at, bytes: record.value };
    });
    await writer.put(batch);
  }
  await writer.finish();
  await store.adoptSnapshot(writer);
  const isOffered = source.certificate !== undefined && source.parent !== undefined;
  assert(!isOffered || store.snapshots().length === 1, 'others may fetch it');
  await store.close();
  await database.close();
  return chunks.length;
}
