import type { AgreementRules } from '../consensus/index.ts';
import type { Fault } from './scenario.ts';
import { scenarioOf } from './scenario.ts';
import { simulate } from './simulate.ts';
import type { ViolationCode } from './violation.ts';

/** One rule broken on purpose. A simulator that passes it would prove nothing. */
export type Mutant = { readonly name: string; readonly rules: Partial<AgreementRules> };

export const MUTANTS: readonly Mutant[] = [
  { name: 'quorum of 1/2', rules: { hasQuorum: (power, total) => 2n * power > total } },
  { name: 'quorum of 1/3', rules: { hasQuorum: (power, total) => 3n * power > total } },
  { name: 'precommit without lock', rules: { locks: false } },
  { name: 'lock lost with its round', rules: { keepsLock: false } },
  { name: 'fresh block against the lock', rules: { acceptsFresh: ({ isValid }) => isValid } },
  {
    name: 'invalid blocks accepted',
    rules: { acceptsFresh: () => true, acceptsJustified: () => true, needsValidity: false },
  },
  { name: 'valid round not proved', rules: { needsJustification: false } },
  { name: 'valid value forgotten', rules: { keepsValidValue: false } },
  { name: 'vote sent before it is durable', rules: { writesFirst: false } },
  { name: 'log ignored after a crash', rules: { recovers: false } },
  { name: 'lost messages not asked for', rules: { asksAgain: false } },
];

/** How soon a mutant was noticed. */
export type MutantReport = {
  readonly name: string;
  /** Seeds run until the first violation, or all of them. */
  readonly seeds: number;
  readonly caughtBy: ViolationCode | undefined;
};

/** Runs seeds from 1 on until one of them shows that the rule is broken. */
export function huntMutant(
  mutant: Mutant,
  faults: readonly Fault[],
  seedsMax: number,
): MutantReport {
  const { name, rules } = mutant;
  for (let seed = 1; seed <= seedsMax; seed++) {
    const { verdict } = simulate(seed, scenarioOf(seed, faults), { rules });
    if (verdict.kind === 'violated') return { name, seeds: seed, caughtBy: verdict.code };
  }
  return { name, seeds: seedsMax, caughtBy: undefined };
}
