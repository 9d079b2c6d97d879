import type { Height } from '../ledger/index.ts';
import { UNSIGNED_RANGES_MAX } from './limits.ts';

/** Heights, both included. */
export type Range = { readonly from: Height; readonly to: Height };

export function isIn(range: Range | undefined, height: number): boolean {
  return range !== undefined && range.from <= height && height <= range.to;
}

/** What of some ranges is not above a height. */
export function cutAll(ranges: readonly Range[], top: number): readonly Range[] {
  return ranges
    .filter(({ from }) => from <= top)
    .map(({ from, to }) => ({ from, to: Math.min(to, top) as Height })); // Of two heights.
}

/** Adds a range above all others, or what of it is above them. */
export function withRange(ranges: readonly Range[], added: Range): readonly Range[] {
  const last = ranges.at(-1);
  const isGoingOn = last !== undefined && last.to + 1 >= added.from;
  const all = isGoingOn
    ? [...ranges.slice(0, -1), { from: last.from, to: added.to }]
    : [...ranges, added];
  const [first, second, ...others] = all;
  if (all.length <= UNSIGNED_RANGES_MAX || first === undefined || second === undefined) return all;
  // Too many: what was checked between the two oldest counts as unchecked.
  return [{ from: first.from, to: second.to }, ...others];
}
