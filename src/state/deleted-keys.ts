import type { Bytes } from '../base/index.ts';
import { pathOfPrefix } from './inside.ts';
import type { Items } from './items.ts';
import { comparePaths, isBelow, pathOf } from './leaf.ts';

/** A key that a block deleted. */
export type DeletedKey = { readonly path: Bytes; readonly key: Bytes };

/** The keys that some changes took away. */
export function deletedBy(items: Items): DeletedKey[] {
  const deleted: DeletedKey[] = [];
  for (let place = 0; place < items.count; place++) {
    if (items.isPut[place] === 1 || items.previousChunks[place] === undefined) continue;
    deleted.push({ path: pathOf(items.chunk, items.ats[place] ?? 0), key: items.key(place) });
  }
  return deleted;
}

/** Of keys sorted by path, those below a prefix. */
export function keysBelow(sorted: readonly DeletedKey[], prefix: Uint8Array): Bytes[] {
  if (sorted.length === 0) return [];
  const least = pathOfPrefix(prefix);
  let low = 0;
  for (let high = sorted.length; low < high; ) {
    const middle = (low + high) >> 1;
    if (comparePaths(sorted[middle]?.path ?? least, 0, least, 0) < 0) low = middle + 1;
    else high = middle;
  }
  const keys: Bytes[] = [];
  for (let at = low; at < sorted.length; at++) {
    const { path, key } = sorted[at] as DeletedKey; // Inside the bounds.
    if (!isBelow(path, 0, prefix)) break;
    keys.push(key);
  }
  return keys;
}
