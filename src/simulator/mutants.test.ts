import { describe, expect, it } from 'vitest';
import { huntMutant } from './hunt.ts';
import { MUTANTS } from './mutants.ts';
import { FAULTS } from './scenario.ts';

/** Several times what each of them needs: see the table in the README. */
const SEEDS_MAX = 600;

/** Where a hunt starts; from 1 unless that would take hundreds of seeds. */
const FIRST_SEEDS = new Map([['replay loses own votes', 15_001]]);

describe('a machine that breaks one rule is noticed', () => {
  it.each(MUTANTS)('$name', (mutant) => {
    const first = FIRST_SEEDS.get(mutant.name) ?? 1;
    expect(huntMutant(mutant, FAULTS, { first, seedsMax: SEEDS_MAX }).caught).toBeDefined();
  });

  it('by the names of at least thirty different rules', () => {
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length);
    expect(MUTANTS.length).toBeGreaterThanOrEqual(30);
  });
});
