import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { equalBytes } from '../base/index.ts';
import { attempt, MissingKey, Overlay, viewOfChanges } from './state.ts';

const key = fc.uint8Array({ minLength: 1, maxLength: 3 }).map((bytes) => new Uint8Array(bytes));
const value = fc.option(key, { nil: undefined });
const change = fc.record({ key, value });
const step = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), change }),
  fc.record({ kind: fc.constant('save' as const) }),
  fc.record({ kind: fc.constant('undo' as const) }),
);

type Model = Map<string, Uint8Array>;

function setModel(
  model: Model,
  { key: at, value: next }: { key: Uint8Array; value: Uint8Array | undefined },
): void {
  if (next === undefined) model.delete(at.join());
  else model.set(at.join(), next);
}

describe('an overlay', () => {
  it('reads, undoes and lists changes like a map that is copied at each savepoint', () => {
    fc.assert(
      fc.property(fc.array(change), fc.array(step), (base, steps) => {
        const start: Model = new Map();
        for (const each of base) setModel(start, each);
        const view = viewOfChanges(base);
        const overlay = new Overlay(view);
        let model = new Map(start);
        const saved: { readonly point: number; readonly model: Model }[] = [];
        for (const each of steps) {
          if (each.kind === 'set') {
            overlay.set(each.change.key, each.change.value);
            setModel(model, each.change);
          } else if (each.kind === 'save') {
            saved.push({ point: overlay.savepoint(), model: new Map(model) });
          } else {
            const last = saved.pop();
            if (last === undefined) continue;
            overlay.rollback(last.point);
            model = last.model;
          }
        }
        const changed = new Map(start);
        const changes = overlay.changes();
        for (const each of changes) {
          setModel(changed, each);
          const before = view.get(each.key);
          const isSame =
            before === undefined || each.value === undefined
              ? before === each.value
              : equalBytes(before, each.value);
          expect(isSame).toBe(false);
        }
        expect([...changed].sort()).toEqual([...model].sort());
        const order = changes.map((each) => String.fromCharCode(...each.key));
        expect(order).toEqual([...order].sort());
        for (const { key: at } of base) {
          expect(overlay.get(at)?.join()).toBe(model.get(at.join())?.join());
        }
      }),
    );
  });
});

describe('the changes of a block', () => {
  /** Changes `count` keys, written from last to first; all begin with the same bytes or none do. */
  function changedKeys(count: number, isAlike: boolean): string[] {
    const overlay = new Overlay(viewOfChanges([]));
    for (let number = count; number-- > 0; ) {
      const bytes = new Uint8Array(12).fill(7);
      new DataView(bytes.buffer).setUint32(isAlike ? 8 : 0, (number * 0x9e3779b1) >>> 0);
      overlay.set(bytes, Uint8Array.of(1));
    }
    return overlay.changes().map((each) => String.fromCharCode(...each.key));
  }

  it('are sorted by key, however many there are and however alike the keys are', () => {
    for (const isAlike of [false, true]) {
      for (const count of [0, 1, 2, 30, 8192, 8193]) {
        const keys = changedKeys(count, isAlike);
        expect(keys.length).toBe(count);
        expect(keys).toEqual([...keys].sort());
      }
    }
  });
});

describe('attempt', () => {
  it('turns a missing key into a value and lets every other failure pass', () => {
    const wanted = Uint8Array.of(1);
    const missing = attempt(() => {
      throw new MissingKey(wanted);
    });
    expect(missing).toEqual({ kind: 'missing-keys', keys: [wanted] });
    expect(attempt(() => 3)).toEqual({ kind: 'done', value: 3 });
    expect(() =>
      attempt(() => {
        throw new RangeError('a bug');
      }),
    ).toThrow(RangeError);
  });
});
