export type { Mutant, MutantReport } from './mutants.ts';
export { huntMutant, MUTANTS } from './mutants.ts';
export type { Fault, Role, Scenario } from './scenario.ts';
export { FAULTS, scenarioOf } from './scenario.ts';
export type { SimulationReport, Verdict } from './simulate.ts';
export { simulate } from './simulate.ts';
export type { ViolationCode } from './violation.ts';
export type { SimulationStats } from './world.ts';
