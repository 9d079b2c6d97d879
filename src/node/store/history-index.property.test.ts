import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Bytes } from '../../base/index.ts';
import { compareBytes, concatBytes, defined } from '../../base/index.ts';
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

function isBefore(left: Place, right: Place): boolean {
  if (left.height !== right.height) return left.height < right.height;
  return left.index < right.index;
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

it('finds the places of a name, newest first, before and after a part of them is written', async () => {
  const textOf = ({ kind, name }: Omit<Entry, 'place'>) => `${kind} ${name.subarray(0, 8)}`;
  await fc.assert(
    fc.asyncProperty(chains, fc.nat(8), async (chain, frozenBlocks) => {
      const store = new MemoryStore();
      const index = new HistoryIndex(store, []);
      const expected = new Map<string, Entry[]>();
      const checkAll = async () => {
        for (const entries of expected.values()) {
          const { kind, name } = defined(entries[0], 'no name without entries');
          const found = await index.find(kind, name, { before: undefined, limit: 1000 });
          expect(found).toEqual(entries.map(({ place }) => place).reverse());
          const { place } = defined(entries[entries.length >> 1], 'inside');
          const earlier = await index.find(kind, name, { before: place, limit: 2 });
          expect(earlier).toEqual(found.filter((each) => isBefore(each, place)).slice(0, 2));
        }
      };
      let height = 0;
      for (const [block, { step, names }] of chain.entries()) {
        height += step;
        for (const [at, { kind, name }] of names.entries()) {
          const entry = { kind, name, place: { height: height as Height, index: at } };
          index.add(kind, name, entry.place);
          const key = textOf(entry);
          expected.set(key, [...(expected.get(key) ?? []), entry]);
        }
        if (block % 2 === 0) await checkAll();
        if (block !== frozenBlocks) continue;
        const bound = (height - step) as Height; // All but the newest block.
        const change = await index.writeSegments(bound, 0, async (operations) => {
          await store.write(
            operations.map(({ key, value }) => ({ kind: 'put', space: 'index', key, value })),
            'relaxed',
          );
        });
        index.adopt(change, bound);
        await checkAll();
      }
      await checkAll();
    }),
  );
});
