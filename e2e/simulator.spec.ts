import { expect, test } from '@playwright/test';
import { openChromiumHome } from '../deploy/chromium-home.ts';
import type { SimulationReport } from '../src/simulator/index.ts';
import { FAULTS, simulateRange } from '../src/simulator/index.ts';

const SEEDS = [1, 20] as const;

test('a worker of Chromium and Node.js simulate the same history from the same seed', async () => {
  const home = await openChromiumHome({
    entry: new URL('../src/simulator/range.ts', import.meta.url),
  });
  try {
    const there = await home.call<SimulationReport[]>('simulateRange', ...SEEDS, FAULTS);
    const here = simulateRange(...SEEDS, FAULTS);
    expect(there.map(({ traceHash }) => traceHash)).toEqual(here.map(({ traceHash }) => traceHash));
    expect(there).toEqual(here);
    expect(new Set(here.map(({ traceHash }) => traceHash)).size).toBe(here.length);
  } finally {
    await home.close();
  }
});
