import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Height, Round } from '../../ledger/index.ts';
import { membershipOf } from '../testing/committee.ts';
import { rotatingLeader } from './rotating.ts';

const leadersOf = (powers: readonly bigint[], first: number, count: number) => {
  const membership = membershipOf(...powers);
  return Array.from({ length: count }, (_, at) => {
    const turn = { height: (first + at) as Height, round: 0 as Round }; // In range.
    return rotatingLeader.leaderOf(membership, turn);
  });
};

const shares = (leaders: readonly (number | undefined)[], members: number) =>
  Array.from({ length: members }, (_, member) => leaders.filter((each) => each === member).length);

const powersArbitrary = fc.array(fc.bigInt({ min: 1n, max: 60n }), { minLength: 1, maxLength: 12 });

describe('rotating leader', () => {
  it('equal members take turns, each once a cycle', () => {
    const leaders = leadersOf([5n, 5n, 5n, 5n], 1, 8);
    expect(leaders).toEqual([3, 2, 1, 0, 3, 2, 1, 0]);
  });

  it('over one cycle each member leads exactly as often as its power', () => {
    fc.assert(
      fc.property(powersArbitrary, fc.nat({ max: 1_000_000 }), (powers, first) => {
        const cycle = powers.reduce((sum, power) => sum + power, 0n);
        const leaders = leadersOf(powers, first, Number(cycle));
        expect(shares(leaders, powers.length)).toEqual(powers.map(Number));
      }),
    );
  });

  it('in any span the share of a member is off by a few turns at most', () => {
    fc.assert(
      fc.property(
        powersArbitrary,
        fc.nat(),
        fc.integer({ min: 1, max: 200 }),
        (powers, first, n) => {
          const total = Number(powers.reduce((sum, power) => sum + power, 0n));
          const counts = shares(leadersOf(powers, first, n), powers.length);
          powers.forEach((power, member) => {
            const fair = (n * Number(power)) / total;
            expect(Math.abs((counts[member] ?? 0) - fair)).toBeLessThan(5);
          });
        },
      ),
    );
  });

  it('the next round of a height has another leader than a silent one', () => {
    const membership = membershipOf(3n, 3n, 2n, 3n, 1n);
    for (let height = 1; height < 200; height++) {
      for (let round = 0; round < 5; round++) {
        const turn = { height: height as Height, round: round as Round }; // In range.
        const next = { ...turn, round: (round + 1) as Round }; // In range.
        const leaders = [turn, next].map((each) => rotatingLeader.leaderOf(membership, each));
        expect(leaders[0]).not.toBe(leaders[1]);
      }
    }
  });

  it('a member with less than 1/3 of the power does not lead twice running', () => {
    fc.assert(
      fc.property(powersArbitrary, fc.nat(), (powers, first) => {
        const total = powers.reduce((sum, power) => sum + power, 0n);
        const leaders = leadersOf(powers, first, 100);
        leaders.forEach((leader, at) => {
          if (at === 0 || leader !== leaders[at - 1]) return;
          expect(3n * (powers[leader ?? -1] ?? 0n)).toBeGreaterThanOrEqual(total);
        });
      }),
    );
  });

  it('powers up to 2^64 and one member alone work', () => {
    const huge = 2n ** 64n - 1n;
    const counts = shares(leadersOf([huge, huge - 1n, huge - 2n], 0, 300), 3);
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThan(5);
    expect(leadersOf([7n], 0, 3)).toEqual([0, 0, 0]);
  });
});
