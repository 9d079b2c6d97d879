import type { Mutant } from './mutants.ts';
import type { Fault } from './scenario.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulate.ts';
import type { ViolationCode } from './violation.ts';

/** How soon a mutant was noticed. */
export type Hunt = {
  /** Seeds run until the first violation, or all of them. */
  readonly seeds: number;
  /** The seed that showed it, and by what; undefined when none did. */
  readonly caught: { readonly seed: number; readonly code: ViolationCode } | undefined;
};

/** Runs seeds from `first` on until one of them shows that the rule is broken. */
export function huntMutant(
  { mutation }: Mutant,
  faults: readonly Fault[],
  range: { readonly first: number; readonly seedsMax: number },
): Hunt {
  const { first, seedsMax } = range;
  for (let seeds = 1; seeds <= seedsMax; seeds++) {
    const seed = first + seeds - 1;
    const { verdict } = simulate(seed, scenarioOf(seed, faults), mutation);
    if (verdict.kind === 'violated') return { seeds, caught: { seed, code: verdict.code } };
  }
  return { seeds: seedsMax, caught: undefined };
}
