import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import { compareBytes, concatBytes } from '../../base/index.ts';
import type { Height } from '../../ledger/index.ts';
import { MemoryStore } from '../../storage/index.ts';
import type { IndexKind, Place } from './history-index.ts';
import { HistoryIndex } from './history-index.ts';

type Entry = { readonly kind: IndexKind; readonly name: Bytes; readonly place: Place };

const KINDS = ['transaction', 'block', 'account'] as const;

/** An entry as its comment in `history-index.ts` says it, written here once more. */
function encodeEntry({ kind, name, place }: Entry): Bytes {
  const entry = new Uint8Array(17);
  entry[0] = 1 + KINDS.indexOf(kind);
  entry.set(name.subarray(0, 8), 1);
  const view = new DataView(entry.buffer);
  view.setBigUint64(9, (BigInt(place.height) << 16n) | BigInt(place.index));
  return entry;
}

// Few names, some of them alike in their first bytes, so that many places share one.
const named = fc.record({
  kind: fc.constantFrom(...KINDS),
  name: fc
    .tuple(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.constantFrom(0, 9, 0xff))
    .map(([first, last]) => Uint8Array.of(first, 0, 0xff, 0x80, 0, 0, 1, last, 5, 6)),
});
/** Blocks, ascending, far apart: what each one adds. */
const chains = fc.array(
  fc.record({ step: fc.integer({ min: 1, max: 2 ** 40 }), names: fc.array(named) }),
  {
    maxLength: 8,
  },
);

it('writes entries in the order of their bytes, up to a height', async () => {
  await fc.assert(
    fc.asyncProperty(chains, fc.nat(8), async (chain, frozenBlocks) => {
      const index = new HistoryIndex(new MemoryStore(), []);
      const entries: Entry[] = [];
      let height = 0;
      let bound = 0;
      for (const [block, { step, names }] of chain.entries()) {
        height += step;
        if (block < frozenBlocks) bound = height;
        for (const [at, { kind, name }] of names.entries()) {
          const place = { height: height as Height, index: at };
          index.add(kind, name, place);
          entries.push({ kind, name, place });
        }
      }
      const written: Bytes[] = [];
      await index.writeSegments(bound as Height, 0, async (operations) => {
        written.push(...operations.map(({ value }) => value));
      });
      const expected = entries
        .filter(({ place }) => place.height <= bound)
        .map(encodeEntry)
        .sort(compareBytes);
      expect(concatBytes(...written)).toEqual(concatBytes(...expected));
    }),
  );
});
