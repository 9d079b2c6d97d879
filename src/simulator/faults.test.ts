import { describe, expect, it } from 'vitest';
import { PAPER_LABELS } from '../consensus/index.ts';
import type { Scenario } from './scenario.ts';
import { FAULTS, scenarioOf } from './scenario.ts';
import { simulate } from './simulate.ts';

const SEEDS = 300;
const PART = 50;

// Every change runs these; `npm run simulate -- --seeds 1..20000 --summary` runs many more.
const reached = new Set<string>();
const totals = { lost: 0, crashes: 0, wipes: 0, evidence: 0, refused: 0 };
const plots = new Map<Scenario['plot'], number>();

function runPart(first: number): void {
  for (let seed = first; seed < first + PART; seed++) {
    const scenario = scenarioOf(seed, FAULTS);
    const onLabel = (label: string) => reached.add(label);
    const { verdict, stats } = simulate(seed, scenario, { onLabel });
    expect({ seed, verdict }).toEqual({ seed, verdict: { kind: 'passed' } });
    for (const name of ['lost', 'crashes', 'wipes', 'evidence', 'refused'] as const) {
      totals[name] += stats[name];
    }
    plots.set(scenario.plot, (plots.get(scenario.plot) ?? 0) + 1);
  }
}

describe('under all faults agreement, validity, honesty and the bound of finality hold', () => {
  for (let first = 1; first <= SEEDS; first += PART) {
    it(`for seeds ${first} to ${first + PART - 1}`, () => runPart(first));
  }

  // A run without mischief would prove little.
  it('and there was enough of everything', () => {
    expect(totals.lost).toBeGreaterThan(50_000);
    expect(totals.crashes).toBeGreaterThan(500);
    expect(totals.wipes).toBeGreaterThan(20);
    expect(totals.evidence).toBeGreaterThan(1_000);
    expect(totals.refused).toBeGreaterThan(1_000);
    expect(PAPER_LABELS.filter((label) => !reached.has(label))).toEqual([]);
    for (const plot of ['none', 'betray', 'betray-after-restart', 'revive', 'lag'] as const) {
      expect(plots.get(plot), plot).toBeGreaterThanOrEqual(5);
    }
  });
});
