import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareBytes } from '../base/index.ts';
import { encode, fixedBytes, struct, u8, u64 } from '../codec/index.ts';
import { Overlay, viewOfChanges } from './state.ts';
import { createTable } from './table.ts';

const keyCodec = struct('Key', { account: fixedBytes(32), asset: fixedBytes(32) });
const table = createTable({ module: 9, table: 1 }, keyCodec, u64);
const other = createTable({ module: 9, table: 2 }, u8, u64);

/** Keys by number; the same object each time, or an equal one. */
const kept = Array.from({ length: 8 }, (_, number) => createKey(number));
function createKey(number: number) {
  return { account: new Uint8Array(32).fill(number), asset: new Uint8Array(32) };
}

const keyNumber = fc.integer({ min: 0, max: 7 });
const step = fc.oneof(
  fc.record({
    kind: fc.constant('set' as const),
    key: keyNumber,
    isFresh: fc.boolean(),
    value: fc.bigInt({ min: 0n, max: 3n }),
  }),
  fc.record({ kind: fc.constant('delete' as const), key: keyNumber, isFresh: fc.boolean() }),
  fc.record({ kind: fc.constant('save' as const) }),
  fc.record({ kind: fc.constant('rollback' as const) }),
);

describe('a table on an overlay', () => {
  it('holds what a map would, and its changes are the bytes of the difference', () => {
    const property = fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      // The even keys are in the state from the start.
      const start = [0, 2, 4, 6].map((number) => ({
        key: table.keyOf(createKey(number)),
        value: encode(u64, 1n),
      }));
      const state = new Overlay(viewOfChanges(start));
      let model = new Map<number, bigint>([0, 2, 4, 6].map((number) => [number, 1n]));
      const before = new Map(model);
      let saved = { point: state.savepoint(), model: new Map(model) };
      for (const each of steps) {
        if (each.kind === 'save') saved = { point: state.savepoint(), model: new Map(model) };
        if (each.kind === 'rollback') {
          state.rollback(saved.point);
          model = new Map(saved.model);
        }
        if (each.kind === 'set' || each.kind === 'delete') {
          const key = each.isFresh ? createKey(each.key) : (kept[each.key] ?? createKey(each.key));
          if (each.kind === 'set') {
            table.set(state, key, each.value);
            other.set(state, each.key, each.value);
            model.set(each.key, each.value);
          } else {
            table.delete(state, key);
            other.delete(state, each.key);
            model.delete(each.key);
          }
          expect(other.get(state, each.key)).toBe(model.get(each.key));
        }
        for (let number = 0; number < 8; number++) {
          expect(table.get(state, kept[number] ?? createKey(number))).toBe(model.get(number));
        }
      }
      const expected = [];
      for (let number = 0; number < 8; number++) {
        const value = model.get(number);
        if (value === before.get(number)) continue;
        const encoded = value === undefined ? undefined : encode(u64, value);
        expected.push({ key: table.keyOf(createKey(number)), value: encoded });
      }
      const changes = state.changes().filter(({ key }) => key[1] === 1);
      expect(changes).toEqual(expected.sort((left, right) => compareBytes(left.key, right.key)));
      for (const { key, value } of changes) expect(state.get(key)).toEqual(value);
    });
    fc.assert(property, { numRuns: 200 });
  });
});
