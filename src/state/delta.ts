import type { Bytes } from '../base/index.ts';
import { compareBytes } from '../base/index.ts';
import { bytes, decode, encode, option, struct, union, vector } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec } from '../ledger/index.ts';
import {
  CHUNK_ENCODED_BYTES_MAX,
  DELTA_ENTRIES_MAX,
  STATE_KEY_BYTES_MAX,
  STATE_VALUE_BYTES_MAX,
} from './limits.ts';

/** What became of a key since its page was written: a leaf, or nothing. */
export type DeltaEntry = {
  readonly key: Bytes;
  readonly put: { readonly changedAt: Height; readonly value: Bytes } | undefined;
};

const entriesCodec = vector(
  struct('PageDeltaEntry', {
    key: bytes({ min: 1, max: STATE_KEY_BYTES_MAX }),
    put: option(
      struct('PageDeltaLeaf', {
        changedAt: heightCodec,
        value: bytes({ max: STATE_VALUE_BYTES_MAX }),
      }),
    ),
  }),
  { max: DELTA_ENTRIES_MAX },
);

/**
 * What became of a page since it was written: a record beside that of its leaves, replaced as a
 * whole by each checkpoint that finds more. `changes` are by key, each once. `whole` is the page's
 * bytes as they are now: peers gave them, since one of the two records was spoilt. The leaves'
 * record stays as it is, for earlier states of the page may stand on it too.
 */
const deltaCodec = union('PageDelta', {
  changes: struct('PageChanges', { entries: entriesCodec }),
  whole: struct('PageWhole', { page: bytes({ min: 1, max: CHUNK_ENCODED_BYTES_MAX }) }),
});

/** The record of a page whose leaves' record has everything. */
export const EMPTY_DELTA: Bytes = encode(deltaCodec, { kind: 'changes', entries: [] });

/** The record of a page that peers gave, in place of both that it had. */
export function wholeDelta(page: Bytes): Bytes {
  return encode(deltaCodec, { kind: 'whole', page });
}

/** The tag with which a record of a whole page begins. */
const WHOLE_TAG = 1;

/** The bytes of a page in a record that has all of it. */
export function wholeOfDelta(delta: Uint8Array): Bytes | undefined {
  // Asked for each page that is read: others are not decoded for it.
  if (delta[0] !== WHOLE_TAG) return undefined;
  const decoded = decode(deltaCodec, delta);
  return decoded.ok && decoded.value.kind === 'whole' ? decoded.value.page : undefined;
}

/** The entries of a record; `undefined` when it is not the one encoding of some, or has a page. */
export function decodeDelta(delta: Uint8Array): readonly DeltaEntry[] | undefined {
  const decoded = decode(deltaCodec, delta);
  if (!decoded.ok || decoded.value.kind !== 'changes') return undefined;
  const { entries } = decoded.value;
  for (let at = 1; at < entries.length; at++) {
    const [before, here] = [entries[at - 1], entries[at]];
    if (before !== undefined && here !== undefined && compareBytes(before.key, here.key) >= 0) {
      return undefined;
    }
  }
  return entries;
}

/** The record of what others say and, where these say something else, the newer ones. */
export function mergeDeltas(former: readonly DeltaEntry[], newer: readonly DeltaEntry[]): Bytes {
  // Of one key the last counts: sorting keeps the order of equals.
  const sorted = [...former, ...newer].sort((left, right) => compareBytes(left.key, right.key));
  const entries = sorted.filter((entry, at) => {
    const next = sorted[at + 1];
    return next === undefined || compareBytes(entry.key, next.key) !== 0;
  });
  return encode(deltaCodec, { kind: 'changes', entries });
}
