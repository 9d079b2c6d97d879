import { formatHeight } from '../format/number.ts';
import type { Chapter } from './history.ts';
import { namedByOf } from './history.ts';

/** Where a list goes on below what it shows. */
type Next = { readonly height: number; readonly index: number };

/**
 * From where on nothing is missing; a history that begins somewhere says where, and one that has
 * more below says so. What peers left out nobody proves: several that agree are worth more than
 * one, as few as named any part of it.
 */
export function completenessOf(chapters: readonly Chapter[], next: Next | undefined): string {
  const from = chapters.at(-1)?.completeFrom;
  if (from === undefined) {
    const namedBy = namedByOf(chapters) ?? 1;
    if (namedBy === 1) return 'Told by one peer alone: nobody can say whether it is complete.';
    return next === undefined
      ? `Complete, as ${namedBy} peers agree; nobody can prove that nothing is missing.`
      : `${namedBy} peers agree on these; older ones are not listed yet.`;
  }
  if (next !== undefined) {
    // Of a block in the middle of which the list ends, some are below.
    const listed = Math.max(from, next.index === 0 ? next.height : next.height + 1);
    return `Complete from block ${formatHeight(listed)} on; older ones are not listed yet.`;
  }
  if (from === 0) return 'Complete since genesis.';
  return `Complete from block ${formatHeight(from)} on. What happened before is not known here.`;
}
