import type { Fault } from './scenario.ts';
import { scenarioOf } from './scenario.ts';
import type { SimulationReport } from './simulate.ts';
import { simulate } from './simulate.ts';

/**
 * Runs every seed of a range, one after the other. Plain data in and out, so that a worker of a
 * browser can be asked for the same range and must give the same reports.
 */
export function simulateRange(
  first: number,
  last: number,
  faults: readonly Fault[],
): readonly SimulationReport[] {
  const reports: SimulationReport[] = [];
  for (let seed = first; seed <= last; seed++) {
    reports.push(simulate(seed, scenarioOf(seed, faults)));
  }
  return reports;
}
