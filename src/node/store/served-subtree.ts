import type { Bytes } from '../../base/index.ts';
import { errorToData } from '../../base/index.ts';
import type { StateTree, WantedSubtree } from '../../state/index.ts';
import type { Core } from './core.ts';
import { insertPages } from './core.ts';
import type { KeptSnapshots } from './kept-snapshots.ts';
import { SUBTREE_PAGES_READ_MAX } from './limits.ts';

/**
 * A subtree of any state that is kept here, versions or snapshots, encoded as a page; `undefined`
 * when none has it, or when pages of it are damaged here too.
 */
export async function servedSubtree(
  core: Core,
  parts: { readonly tree: StateTree; readonly snapshots: KeptSnapshots },
  wanted: WantedSubtree,
): Promise<Bytes | undefined> {
  const { tree, snapshots } = parts;
  let left = SUBTREE_PAGES_READ_MAX;
  for (const height of tree.heights().reverse()) {
    while (left > 0) {
      const found = tree.subtree(height, wanted);
      if (found.kind === 'found') return found.bytes;
      if (found.kind === 'other') break;
      left -= found.pages.length;
      if (!(await areLoaded(insertPages(core, tree, found.pages)))) break;
    }
  }
  return snapshots.subtree(wanted);
}

async function areLoaded(loading: Promise<void>): Promise<boolean> {
  try {
    await loading;
    return true;
  } catch (error) {
    if (errorToData(error).code === 'page-corrupt') return false;
    throw error;
  }
}
