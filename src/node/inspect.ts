import { TabellionError } from '../base/index.ts';
import { decode } from '../codec/index.ts';
import { consensusCodecsOf } from '../consensus/index.ts';
import type { Evidence, Ledger, Vote } from '../ledger/index.ts';
import type { KeyValueStore } from '../storage/index.ts';
import { LIST_LIMIT_MAX } from '../storage/index.ts';
import { EvidenceStore } from './evidence-store.ts';
import { walRecordCodec } from './messages.ts';

/** A vote of a log, and whether this node signed it or heard it. */
export type LoggedVote = { readonly vote: Vote; readonly isOwn: boolean };

/**
 * The votes in a store's log, of every height it holds, of a node that does not run. Rejects with
 * `wal-corrupt`: what cannot be read could hold any vote.
 */
export async function votesLogged(store: KeyValueStore, ledger: Ledger): Promise<LoggedVote[]> {
  const { walEntry } = consensusCodecsOf(ledger.codecs.block);
  const records = await store.list('wal', { limit: LIST_LIMIT_MAX });
  return records.flatMap(({ value }) => {
    const record = decode(walRecordCodec, value);
    const entry = record.ok ? decode(walEntry, record.value.entry) : record;
    if (!entry.ok) throw new TabellionError('wal-corrupt');
    const { kind } = entry.value;
    if (kind !== 'vote-signed' && kind !== 'vote-received') return [];
    return [{ vote: entry.value.vote.vote, isOwn: kind === 'vote-signed' }];
  });
}

/** Proofs in a store that members voted twice. */
export function evidenceStored(store: KeyValueStore): Promise<readonly Evidence[]> {
  return new EvidenceStore(store).list();
}
