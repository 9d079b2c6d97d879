import type { Bytes } from '../../base/index.ts';
import { concatBytes } from '../../base/index.ts';
import type { Entry, KeyValueStore, WriteOperation } from '../../storage/index.ts';
import { SWEEP_RECORDS_PER_STEP } from './limits.ts';
import { CHECKPOINT_KEY, FORMAT_KEY, GARBAGE_KEY } from './records.ts';
import {
  ANCHOR_KEY,
  HAVE_KEY,
  HISTORY_KEY,
  MANIFEST_KEY,
  membershipKey,
  SNAPSHOTS_KEY,
  SWEEP_KEY,
  WRITER_KEY,
} from './snapshot-records.ts';

/** Records of space `meta` that belong to the ledger; all others are kept. */
const LEDGER_RECORDS = [
  FORMAT_KEY,
  CHECKPOINT_KEY,
  GARBAGE_KEY,
  ANCHOR_KEY,
  SNAPSHOTS_KEY,
  WRITER_KEY,
  MANIFEST_KEY,
  HAVE_KEY,
  HISTORY_KEY,
  SWEEP_KEY,
];

/**
 * Deletes what a store holds of the ledger, so that it opens at genesis and the chain can be asked
 * of peers again. What only this node knows stays: its votes and the marks of how far it signed,
 * evidence, identity, peers. So a validator signs nothing that it could have signed before.
 */
export async function wipeLedger(store: KeyValueStore): Promise<void> {
  const gone = LEDGER_RECORDS.map(
    (key): WriteOperation => ({ kind: 'delete', space: 'meta', key }),
  );
  const from = membershipKey(0);
  const to = membershipKey(Number.MAX_SAFE_INTEGER);
  // The format first: a wipe that was broken off is found as a store of which a part is gone.
  await store.write([...gone, { kind: 'delete-range', space: 'meta', from, to }], 'strict');
  for (const space of ['journal', 'blocks', 'pages', 'index'] as const) {
    // From where the last step ended: LevelDB steps over each deleted record before the first.
    for (let from: Bytes | undefined = Uint8Array.of(0); from !== undefined; ) {
      const entries: Entry[] = await store.list(space, { from, limit: SWEEP_RECORDS_PER_STEP });
      const deletes = entries.map(({ key }): WriteOperation => ({ kind: 'delete', space, key }));
      await store.write(deletes, 'relaxed');
      const last = entries.at(-1);
      from = last && concatBytes(last.key, Uint8Array.of(0)); // The least key above it.
    }
  }
}
