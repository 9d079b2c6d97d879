import type { Bytes } from '../base/index.ts';
import { compareBytes } from '../base/index.ts';
import { bytes, decode, encode, option, struct, vector } from '../codec/index.ts';
import type { Height } from '../ledger/index.ts';
import { heightCodec } from '../ledger/index.ts';
import { DELTA_ENTRIES_MAX, STATE_KEY_BYTES_MAX, STATE_VALUE_BYTES_MAX } from './limits.ts';

/** What became of a key since its page was written: a leaf, or nothing. */
export type DeltaEntry = {
  readonly key: Bytes;
  readonly put: { readonly changedAt: Height; readonly value: Bytes } | undefined;
};

/**
 * What changed in a page since it was written: a record beside that of its leaves, replaced as a
 * whole by each checkpoint that finds more. By key, each once.
 */
const deltaCodec = struct('PageDelta', {
  entries: vector(
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
  ),
});

/** The record of a page whose leaves' record has everything. */
export const EMPTY_DELTA: Bytes = encode(deltaCodec, { entries: [] });

/** The entries of a record; `undefined` when it is not the one encoding of some. */
export function decodeDelta(delta: Uint8Array): readonly DeltaEntry[] | undefined {
  const decoded = decode(deltaCodec, delta);
  if (!decoded.ok) return undefined;
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
  return encode(deltaCodec, { entries });
}
