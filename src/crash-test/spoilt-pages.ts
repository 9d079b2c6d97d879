import type { Bytes } from '../base/index.ts';
import { equalBytes, formatHex } from '../base/index.ts';
import type { Ledger } from '../ledger/index.ts';
import type { LedgerStore } from '../node/index.ts';
import { openLedgerStore } from '../node/index.ts';
import { pageStoreKey } from '../state/index.ts';
import type { Entry, KeyValueStore, Space } from '../storage/index.ts';
import { LIST_LIMIT_MAX, MemoryStore, SPACES } from '../storage/index.ts';
import { expectThat } from './failure.ts';
import type { Random } from './random.ts';

/** A record of a page that a disk lost or changed. */
export type SpoiltPage = Entry & { readonly spoilt: Bytes | undefined };

type Ask = NonNullable<Parameters<typeof openLedgerStore>[0]['mend']>;

/** Where the depth of a page stands in its key; a list of pages has 255 there. */
const DEPTH_AT = 8;
const LAYOUT_DEPTH = 255;

/** Whether a record of `pages` is one of a page, not the list of all. */
export function isPageKey(key: Uint8Array): boolean {
  return key[DEPTH_AT] !== LAYOUT_DEPTH;
}

/**
 * Spoils every record of a page that is not spoilt yet: about half are lost, of the others one bit
 * is another.
 */
export async function spoilPages(
  store: KeyValueStore,
  random: Random,
  known: readonly SpoiltPage[],
): Promise<SpoiltPage[]> {
  const records = await all(store, 'pages');
  const names = new Set(known.map(({ key }) => formatHex(key)));
  return records
    .filter(({ key }) => isPageKey(key) && !names.has(formatHex(key)))
    .map(({ key, value }) => {
      const at = random.whole(0, value.length - 1);
      const bit = 1 << random.whole(0, 7);
      const changed = new Uint8Array(value.map((byte, here) => (here === at ? byte ^ bit : byte)));
      return { key, value, spoilt: random.next() < 0.5 ? undefined : changed };
    });
}

/** Those that are still as the disk left them, and those that are there again. */
export async function sortSpoilt(
  store: KeyValueStore,
  pages: readonly SpoiltPage[],
): Promise<{ readonly left: readonly SpoiltPage[]; readonly mended: readonly SpoiltPage[] }> {
  const left: SpoiltPage[] = [];
  const mended: SpoiltPage[] = [];
  for (const page of pages) {
    const value = await store.get('pages', page.key);
    const isLeft =
      value === undefined || (page.spoilt !== undefined && equalBytes(value, page.spoilt));
    (isLeft ? left : mended).push(page);
  }
  return { left, mended };
}

/** Somebody who has the pages of a dead store that are spoilt there, and gives no others. */
export async function openTwin(
  store: KeyValueStore,
  ledger: Ledger,
  pages: readonly SpoiltPage[],
): Promise<{ readonly mend: Ask; readonly twin: LedgerStore }> {
  const copy = new MemoryStore();
  for (const space of SPACES) {
    const puts = await all(store, space);
    const entries = puts.map(({ key, value }) => ({ kind: 'put', space, key, value }) as const);
    await copy.write(entries, 'strict');
  }
  const { left, mended } = await sortSpoilt(store, pages);
  const whole = left.map(
    ({ key, value }) => ({ kind: 'put', space: 'pages', key, value }) as const,
  );
  await copy.write(whole, 'strict');
  const twin = await openLedgerStore({ store: copy, ledger });
  const known = new Set(mended.map(({ key }) => formatHex(key.subarray(DEPTH_AT))));
  const mend: Ask = async ({ prefix, hash }) => {
    const name = formatHex(pageStoreKey({ prefix, generation: 0 }).subarray(DEPTH_AT));
    expectThat(!known.has(name), `the page ${formatHex(prefix)} was put back, and is spoilt`);
    return twin.subtree({ prefix, hash });
  };
  return { mend, twin };
}

async function all(store: KeyValueStore, space: Space): Promise<readonly Entry[]> {
  const entries = await store.list(space, { limit: LIST_LIMIT_MAX });
  expectThat(entries.length < LIST_LIMIT_MAX, `more records of ${space} than one list holds`);
  return entries;
}
