import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseEpoch, parseMarker } from './epochs.ts';

const storeId = fc
  .uint8Array({ minLength: 16, maxLength: 16 })
  .map((bytes) => Buffer.from(bytes).toString('hex'));
const marker = fc.record({
  storeId: fc.option(storeId, { nil: undefined }),
  isWitnessed: fc.boolean(),
});

describe('what the small database of a profile holds', () => {
  it('is taken as it was written', () => {
    fc.assert(
      fc.property(marker, (each) => {
        expect(parseMarker(each)).toEqual(each);
        expect(parseMarker(structuredClone(each))).toEqual(each);
      }),
    );
    expect(parseMarker(undefined)).toBeUndefined();
    fc.assert(
      fc.property(fc.maxSafeNat(), (epoch) => {
        expect(parseEpoch(epoch)).toBe(epoch);
      }),
    );
  });

  it('is no mark when it is anything else, whatever is wrong with it', () => {
    const names = fc.constantFrom('storeId', 'isWitnessed', 'other');
    fc.assert(
      fc.property(marker, names, fc.anything(), (each, name, value) => {
        const bent = { ...each, [name]: value };
        const parsed = parseMarker(bent);
        if (parsed !== 'spoilt') expect(parsed).toEqual(bent);
        expect(name === 'other' && parsed !== 'spoilt').toBe(false);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(parseMarker(value)).toBe(value === undefined ? undefined : 'spoilt');
      }),
    );
    for (const wrong of ['ab', 'A'.repeat(32), 7, null, ['a'.repeat(32)]]) {
      expect(parseMarker({ storeId: wrong, isWitnessed: true })).toBe('spoilt');
    }
  });

  it('is no epoch when it is no whole number: the next one is a number all the same', () => {
    for (const wrong of [Number.NaN, -1, 0.5, 1e300, Infinity, '7', null, undefined, {}, []]) {
      expect(parseEpoch(wrong)).toBe(0);
    }
  });
});
