import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { guilloche, INK_COUNT } from './guilloche.ts';

const bytes = fc.uint8Array({ minLength: 0, maxLength: 64 });

describe('guilloche', () => {
  it('draws the same figure for the same bytes', () => {
    fc.assert(
      fc.property(bytes, (seed) => {
        expect(guilloche(seed, 'full')).toEqual(guilloche(seed.slice(), 'full'));
      }),
      { numRuns: 30 },
    );
  });
  it('stays inside its box and on its list of inks, whatever the bytes', () => {
    fc.assert(
      fc.property(bytes, fc.constantFrom('full' as const, 'small' as const), (seed, detail) => {
        const { paths, ink } = guilloche(seed, detail);
        expect(ink).toBeGreaterThanOrEqual(0);
        expect(ink).toBeLessThan(INK_COUNT);
        for (const { d } of paths) {
          expect(d).toMatch(/^M[\d. L]+Z$/);
          for (const number of d.match(/\d+\.\d/g) ?? []) {
            expect(Number(number)).toBeLessThanOrEqual(100);
          }
        }
      }),
      { numRuns: 60 },
    );
  });
  it('differs where one of the first bytes differs', () => {
    // A star of many corners, so that each step between its corners draws another one.
    const left = new Uint8Array(32);
    left[5] = 4;
    for (let at = 0; at < 8; at++) {
      const right = left.slice();
      right[at] = (left[at] ?? 0) + 37;
      expect(guilloche(right, 'full'), `byte ${at}`).not.toEqual(guilloche(left, 'full'));
    }
  });
});
