import type { Bytes, Tracer } from '../../base/index.ts';
import { assert, errorToData, TabellionError } from '../../base/index.ts';
import type { Hash } from '../../crypto/index.ts';
import type { Header, Ledger, Membership, MissingKeys, StateChange } from '../../ledger/index.ts';
import { MissingKey } from '../../ledger/index.ts';
import type { Page, PageRecordForm, StateTree } from '../../state/index.ts';
import { deltaStoreKey, pageStoreKey, wholeOfDelta } from '../../state/index.ts';
import type { KeyValueStore, WriteOperation } from '../../storage/index.ts';
import type { LedgerCrashPoint, WriteName } from './crash-points.ts';
import type { Mending } from './mending.ts';

/** What every part of a ledger store works with. */
export type Core = {
  readonly store: KeyValueStore;
  readonly ledger: Ledger;
  readonly tracer: Tracer;
  readonly onCrashPoint: ((name: LedgerCrashPoint) => void | Promise<void>) | undefined;
  /** Gets damaged pages from elsewhere, where there is such a place. */
  readonly mending: Mending | undefined;
  /** How pages are written. */
  readonly pageRecords: PageRecordForm;
};

/** Writes under a name that tests can stop at, before and after. */
export async function writeNamed(
  core: Core,
  name: WriteName,
  operations: readonly WriteOperation[],
  durability: 'relaxed' | 'strict' = 'relaxed',
): Promise<void> {
  await core.onCrashPoint?.(`${name}-begun`);
  await core.store.write(operations, durability);
  await core.onCrashPoint?.(`${name}-done`);
}

/** The newest block and who decides the next one. */
export type HeadState = {
  readonly header: Header;
  readonly hash: Hash;
  readonly membership: Membership;
};

/**
 * Loads the pages that some keys need, of the head or of the version of a height. Rejects with
 * `page-corrupt` when one is lost or is not what the checkpoint wrote, and nobody gives it again.
 */
export async function loadPages(
  core: Core,
  tree: StateTree,
  keys: Iterable<Bytes>,
  height?: number,
): Promise<void> {
  const pages = tree.pagesNeeded(keys, height);
  // Older versions are for others to prove from: what they lack is not worth asking around.
  const mending = height === undefined ? core.mending : undefined;
  await insertPages(core, tree, pages, mending).catch((error: unknown) => {
    const isOlder = height !== undefined && height < tree.height;
    // Checkpoints write pages anew, and delete what only older versions have.
    if (!isOlder || errorToData(error).code !== 'page-corrupt') throw error;
    throw new TabellionError('version-unavailable', { height });
  });
}

/** The records of some pages of a tree; the second is of what changed since the first. */
export async function readPages(
  core: Core,
  pages: readonly Page[],
): Promise<{ readonly base: Bytes | undefined; readonly delta: Bytes | undefined }[]> {
  const keys: Bytes[] = [];
  // What is known of changes now, or where their record will be: it may be let go of meanwhile.
  const deltas: (Bytes | number | undefined)[] = [];
  for (const page of pages) {
    keys.push(pageStoreKey(page));
    const deltaKey = page.delta === undefined ? deltaStoreKey(page) : undefined;
    deltas.push(deltaKey === undefined ? page.delta : keys.push(deltaKey) - 1);
  }
  const values = await core.store.getMany('pages', keys);
  let place = 0;
  return deltas.map((delta) => {
    const base = values[place];
    const isRead = typeof delta === 'number';
    place += isRead ? 2 : 1;
    return { base, delta: isRead ? values[delta] : delta };
  });
}

/** Loads pages of a tree. Rejects as {@link loadPages}. */
export async function insertPages(
  core: Core,
  tree: StateTree,
  pages: readonly Page[],
  mending?: Mending,
): Promise<void> {
  if (pages.length === 0) return;
  const records = await readPages(core, pages);
  for (const [at, page] of pages.entries()) {
    if (page.whole !== undefined) continue; // Loaded meanwhile by somebody else.
    const { base, delta } = records[at] ?? {};
    const isMended = delta !== undefined && wholeOfDelta(delta) !== undefined;
    const isLost =
      (base === undefined && !isMended) || (delta === undefined && page.deltaGeneration !== 0);
    const inserted = isLost ? undefined : tree.insertStored(page, base ?? new Uint8Array(), delta);
    // Copied. Two megabytes a block, which the collector counts but does not hurry to let go of;
    // Node.js 20 cannot do it sooner.
    if (base !== undefined && 'transfer' in base.buffer) base.buffer.transfer(0);
    if (inserted?.ok === true) continue;
    if (await mending?.mend(core, tree, page)) continue;
    throw new TabellionError('page-corrupt', {
      prefix: page.prefixText,
      generation: page.generation,
      isLost,
    });
  }
}

/** Rounds of loading after which a reading that still misses keys is a bug. */
const LOADS_MAX = 100_000;

/** Runs a synchronous reading; when it misses keys, loads them and runs it again. */
export async function runLoading<Value>(
  read: () => Value,
  load: (keys: readonly Bytes[]) => Promise<void>,
): Promise<Exclude<Value, MissingKeys>> {
  for (let round = 0; round < LOADS_MAX; round++) {
    let keys: readonly Bytes[];
    try {
      const value = read();
      // The only shape that is not returned is the one just told apart.
      if (!isMissingKeys(value)) return value as Exclude<Value, MissingKeys>;
      keys = value.keys;
    } catch (error) {
      if (!(error instanceof MissingKey)) throw error;
      keys = [error.key];
    }
    await load(keys);
  }
  assert(false, 'a reading misses keys for ever');
}

function isMissingKeys(value: unknown): value is MissingKeys {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'missing-keys'
  );
}

/** The distinct keys of some changes. */
export function keysOf(changes: readonly StateChange[]): Bytes[] {
  return changes.map(({ key }) => key);
}
