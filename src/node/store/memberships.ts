import type { Height, Membership } from '../../ledger/index.ts';
import type { WriteOperation } from '../../storage/index.ts';
import type { Core } from './core.ts';
import { parseHeightKey } from './records.ts';
import { membershipKey, membershipRecordCodec, opened, sealed } from './snapshot-records.ts';

/** Notes who decides from a height on; part of the write that makes it so. */
export function membershipPut(core: Core, height: number, membership: Membership): WriteOperation {
  const value = sealed(core.ledger.suite, membershipRecordCodec, membership);
  return { kind: 'put', space: 'meta', key: membershipKey(height), value };
}

/**
 * Who decides a height: each change is noted, and who decided an adopted block. `undefined` below
 * that block, and where the record is spoilt.
 */
export async function membershipOf(
  core: Core,
  height: number,
  anchorHeight: number | undefined,
): Promise<Membership | undefined> {
  if (anchorHeight !== undefined && height < anchorHeight) return undefined;
  const range = { from: membershipKey(0), to: membershipKey(height + 1), reverse: true, limit: 1 };
  const [entry] = await core.store.list('meta', range);
  if (entry === undefined) return core.ledger.genesis.membership; // It never changed.
  const record = opened(core.ledger.suite, membershipRecordCodec, entry.value);
  return record === 'spoilt' ? undefined : record;
}

/** Changes told at once. */
const CHANGES_MAX = 128;

/** See `LedgerStore.membershipChanges`. */
export async function membershipChangesOf(
  core: Core,
  from: number,
  to: number,
): Promise<readonly Height[]> {
  const range = { from: membershipKey(from), to: membershipKey(to), limit: CHANGES_MAX };
  const entries = await core.store.list('meta', range);
  const heights = entries.map(({ key }) => parseHeightKey(key.subarray(-8)));
  return heights.filter((height) => height !== undefined);
}
