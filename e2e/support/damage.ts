import type { Page } from '@playwright/test';
import { damageDatabase, recordsOf } from '../../src/crash-test/tab-database.ts';
import type { Entry, Space } from '../../src/storage/index.ts';

/** A byte string of which one bit of one byte is another. */
function flipped(value: Uint8Array, at: number): Uint8Array {
  return value.map((byte, here) => (here === at ? byte ^ 1 : byte));
}

/**
 * Changes one bit of each record of a space that is chosen, or deletes it, by a page of the app's
 * origin on which no node runs.
 *
 * @param choose Chooses among all records of the space.
 * @param at Which byte is changed; without it the records are lost.
 * @returns How many were chosen.
 */
export async function damageRecords(
  page: Page,
  space: Space,
  choose: (records: readonly Entry[]) => readonly Entry[],
  at: ((value: Uint8Array) => number) | undefined,
): Promise<number> {
  const chosen = choose(await recordsOf(page, space));
  const damaged = chosen.map(({ key, value }) => {
    return { key, value: at === undefined ? undefined : flipped(value, at(value)) };
  });
  await damageDatabase(page, space, damaged);
  return chosen.length;
}
