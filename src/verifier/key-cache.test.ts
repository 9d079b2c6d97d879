import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecentlyUsed } from './key-cache.ts';

it("keeps what was used lately, never more than it may, and never another name's value", () => {
  fc.assert(
    fc.property(fc.array(fc.nat(12)), fc.integer({ min: 2, max: 9 }), (names, countMax) => {
      const cache = new RecentlyUsed<{ readonly of: number }>(countMax);
      const used: number[] = [];
      for (const number of names) {
        // As many different names as it keeps for certain were used since, or it is still there.
        const lately = new Set(used.slice(used.lastIndexOf(number) + 1));
        const isKept = used.includes(number) && lately.size < countMax >>> 1;
        let isMade = false;
        const value = cache.getOrMake(`name ${number}`, () => {
          isMade = true;
          return { of: number };
        });
        expect(value.of).toBe(number);
        if (isKept) expect(isMade).toBe(false);
        expect(cache.get(`name ${number}`)).toBe(value);
        expect(cache.count).toBeLessThanOrEqual(countMax);
        used.push(number);
      }
      cache.clear();
      expect(cache.count).toBe(0);
      for (const number of names) expect(cache.get(`name ${number}`)).toBeUndefined();
    }),
  );
});
