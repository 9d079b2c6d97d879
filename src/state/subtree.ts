import type { Bytes } from '../base/index.ts';
import { equalBytes } from '../base/index.ts';
import type { Hash, HashSuite } from '../crypto/index.ts';
import { encodeSubtree as encode } from './compact.ts';
import { nodeInside, pathOfPrefix } from './inside.ts';
import { CHUNK_BYTES_MAX } from './limits.ts';
import type { Page, Ref, Table } from './nodes.ts';
import {
  BRANCH,
  bitmapOf,
  childHash,
  childOf,
  childPlace,
  INSIDE,
  PAGE,
  totalsOf,
} from './nodes.ts';
import { buildPage, pagesBelow } from './page.ts';

/** What stands at a place of a tree: the leaves below it, where it is the subtree that is wanted. */
export type FoundSubtree =
  /** Encoded as a page of its prefix. */
  | { readonly kind: 'found'; readonly bytes: Bytes }
  /** These must be in memory first. */
  | { readonly kind: 'unloaded'; readonly pages: readonly Page[] }
  /** Another subtree stands there, or nothing, or more than anybody has as one page. */
  | { readonly kind: 'other' };

/** A subtree by its place, one nibble a byte, and what it must be. */
export type WantedSubtree = { readonly prefix: Uint8Array; readonly hash: Hash };

const OTHER: FoundSubtree = { kind: 'other' };

/** Looks for a subtree in a version of a tree, or below a node of it that stands at a depth. */
export function findSubtree(
  tree: { readonly table: Table; readonly root: Ref; readonly hash: Hash },
  wanted: WantedSubtree,
  depthOfRoot = 0,
): FoundSubtree {
  const { table: outer } = tree;
  const path = pathOfPrefix(wanted.prefix);
  let page: Page | undefined;
  let { table, root: ref, hash } = tree;
  for (let depth = depthOfRoot; ; depth++) {
    // A single leaf stands higher than its page's prefix is long.
    if (equalBytes(hash, wanted.hash)) {
      return encodeSubtree(table, ref, { page, prefix: wanted.prefix.subarray(0, depth) });
    }
    if (depth >= wanted.prefix.length) return OTHER;
    if (ref.kind === PAGE || ref.kind === INSIDE) {
      if (ref.chunk < 0) page = outer.page(ref.chunk);
      if (page === undefined) return OTHER; // Never: it is inside of one.
      const inside = nodeInside(page, ref, path, depth);
      if (inside === undefined) return { kind: 'unloaded', pages: [page] };
      ({ table, ref } = inside);
    }
    if (ref.kind !== BRANCH) return OTHER;
    const chunk = table.chunk(ref.chunk);
    const bitmap = bitmapOf(chunk, ref.at);
    const nibble = wanted.prefix[depth] ?? 0;
    if ((bitmap & (1 << nibble)) === 0) return OTHER;
    hash = childHash(chunk, ref.at, childPlace(bitmap, nibble));
    ref = childOf(table, ref, nibble);
  }
}

/** @param where The page that the table is of, and the prefix of the subtree. */
function encodeSubtree(
  table: Table,
  ref: Ref,
  where: { readonly page: Page | undefined; readonly prefix: Uint8Array },
): FoundSubtree {
  const { page, prefix } = where;
  let [from, node] = [table, ref];
  if (ref.kind === INSIDE) {
    const owner = ref.chunk < 0 ? table.page(ref.chunk) : page;
    const inside = owner && nodeInside(owner, ref, pathOfPrefix(prefix), prefix.length);
    if (inside === undefined) return owner ? { kind: 'unloaded', pages: [owner] } : OTHER;
    ({ table: from, ref: node } = inside);
  }
  const { weight, count } = totalsOf(from, node);
  if (count === 0 || (weight > CHUNK_BYTES_MAX && count > 1)) return OTHER;
  const pages = pagesBelow(from, node, page).filter(({ whole }) => whole === undefined);
  if (pages.length > 0) return { kind: 'unloaded', pages };
  return { kind: 'found', bytes: encode(from, node, prefix, page) };
}

/** Looks for a subtree among the leaves of a chunk above it; `undefined` where it is not there. */
export function subtreeOfChunk(
  suite: HashSuite,
  chunk: { readonly prefix: Uint8Array; readonly bytes: Uint8Array },
  wanted: WantedSubtree,
): Bytes | undefined {
  const built = buildPage(chunk.prefix, { base: chunk.bytes, isOwn: false }, suite);
  if (built === undefined) return undefined;
  const found = findSubtree(built, wanted, chunk.prefix.length);
  return found.kind === 'found' ? found.bytes : undefined;
}
