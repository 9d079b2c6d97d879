import { decode } from '../../codec/index.ts';
import type { Height, Ledger } from '../../ledger/index.ts';
import type { KeyValueStore } from '../../storage/index.ts';
import {
  CHECKPOINT_KEY,
  checkpointRecordCodec,
  FORMAT_KEY,
  orderedKey,
  unseal,
} from './records.ts';
import { membershipKey } from './snapshot-records.ts';

/**
 * Takes the newest blocks back, so that a store opens at `head`: what its journal holds above that
 * height goes in one write. The store must be closed.
 *
 * @returns Whether that was possible; otherwise nothing has changed. A state that was written back
 *   above that height has no way back, nor is there a head without its record; and of a store that
 *   is being wiped nobody knows what is gone.
 */
export async function cutLedger(
  store: KeyValueStore,
  ledger: Ledger,
  head: Height,
): Promise<boolean> {
  // A wipe deletes this first.
  if ((await store.get('meta', FORMAT_KEY)) === undefined) return false;
  const sealed = await store.get('meta', CHECKPOINT_KEY);
  if (sealed !== undefined) {
    const payload = unseal(ledger.suite, sealed);
    const record = payload === undefined ? undefined : decode(checkpointRecordCodec, payload);
    if (record?.ok !== true || record.value.height > head) return false;
    if (record.value.height < head && !(await isInJournal(store, head))) return false;
  } else if (!(await isInJournal(store, head))) return false;
  const end = Number.MAX_SAFE_INTEGER;
  await store.write(
    [
      { kind: 'delete-range', space: 'journal', from: orderedKey(head + 1), to: orderedKey(end) },
      // The head itself says who decides the height above it.
      {
        kind: 'delete-range',
        space: 'meta',
        from: membershipKey(head + 2),
        to: membershipKey(end),
      },
    ],
    'strict',
  );
  return true;
}

async function isInJournal(store: KeyValueStore, height: Height): Promise<boolean> {
  return (await store.get('journal', orderedKey(height))) !== undefined;
}
