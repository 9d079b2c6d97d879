import type { Bytes } from '../base/index.ts';
import { assert } from '../base/index.ts';
import type { Hash } from '../crypto/index.ts';
import type { Height } from '../ledger/index.ts';
import { encodePage } from './compact.ts';
import { encodeImage } from './image.ts';
import type { Page } from './nodes.ts';
import { memoryOf } from './nodes.ts';
import type { StoredName } from './page.ts';
import { deltaStoreKey, encodeLayout, pageStoreKey, prefixText } from './page.ts';
import { deltaOf } from './paginate.ts';
import type { CheckpointPlan, PageRecordForm } from './types.ts';

/**
 * What a checkpoint writes.
 *
 * @param parts.gone Pages of the checkpoint before that are not of the head any more.
 */
export function planOf(parts: {
  readonly head: { readonly height: number; readonly hash: Hash };
  readonly pages: readonly Page[];
  readonly generation: number;
  readonly written: readonly Page[];
  readonly gone: readonly StoredName[];
  readonly form: PageRecordForm;
}): CheckpointPlan {
  const { head, pages, generation, written, gone, form } = parts;
  const byPrefix = new Map(written.map((page) => [page.prefixText, page]));
  return {
    height: head.height as Height, // Given as one.
    root: head.hash,
    generation,
    pages,
    written,
    replacedKeys: gone.flatMap((page) => keysGone(page, byPrefix.get(prefixText(page.prefix)))),
    fullLayout: () => encodeLayout({ pages, removed: [] }),
    layoutChange: () => {
      const removed = gone.filter((page) => !byPrefix.has(prefixText(page.prefix)));
      return encodeLayout({ pages: written, removed });
    },
    encode: (page) => encodeOne(page, form),
  };
}

function encodeOne(
  page: Page,
  form: PageRecordForm,
): { readonly key: Bytes; readonly value: Bytes } {
  const key = deltaStoreKey(page);
  if (key === undefined) {
    const { root } = page;
    assert(root?.isWhole === true, 'an unwritten page is in memory');
    const value = form === 'image' ? encodeImage(root) : encodePage(root);
    return { key: pageStoreKey(page), value };
  }
  return { key, value: deltaOf(page) };
}

/** What the store calls a page. */
export function nameOf({ prefix, generation, deltaGeneration }: Page): StoredName {
  return { prefix, generation, deltaGeneration };
}

/** The records of a page that the one in its place does not need. */
function keysGone(page: StoredName, successor: Page | undefined): Bytes[] {
  const delta = deltaStoreKey(page);
  const keys = delta === undefined ? [] : [delta];
  if (successor?.generation !== page.generation) keys.push(pageStoreKey(page));
  return keys;
}

/** Memory of what is only there until a checkpoint is complete; of changes, about. */
export function unwrittenBytesOf(page: Page): number {
  const bytes = memoryOf(page);
  return page.deltaGeneration === 0 ? bytes : Math.min(bytes, CHANGED_PAGE_BYTES);
}

/** Measured: the branches above one changed leaf of a page, with what stands beside it. */
const CHANGED_PAGE_BYTES = 2048;
