/** One measured figure; what `--json` writes is a list of these. */
export type Figure = {
  readonly bench: string;
  readonly home: 'node' | 'tab';
  readonly metric: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  /** What others reach, measured in the same run. */
  readonly reference?: { readonly name: string; readonly median: number };
  /** `median` divided by the reference's. */
  readonly ratio?: number;
};

/** Measures, and returns figures under its own name. */
export type Bench = (name: string) => Promise<readonly Figure[]> | readonly Figure[];

/** Median, least and greatest of samples; at least one is needed. */
export function summarize(samples: readonly number[]): {
  readonly median: number;
  readonly min: number;
  readonly max: number;
} {
  const sorted = [...samples].sort((left, right) => left - right);
  const middle = (sorted.length - 1) / 2;
  const [low, high] = [sorted[Math.floor(middle)], sorted[Math.ceil(middle)]];
  const [min, max] = [sorted[0], sorted.at(-1)];
  if (low === undefined || high === undefined || min === undefined || max === undefined) {
    throw new RangeError('no samples');
  }
  return { median: (low + high) / 2, min, max };
}

/** How often per second something happens `count` times in each run; the first run is not kept. */
export function ratePerSecond(runs: number, count: number, run: () => void): readonly number[] {
  const samples: number[] = [];
  for (let at = 0; at <= runs; at++) {
    const startedMs = performance.now();
    run();
    if (at > 0) samples.push((count * 1000) / (performance.now() - startedMs));
  }
  return samples;
}

/** A figure with its reference, and how many times the one is the other. */
export function comparedWith(
  figure: Omit<Figure, 'reference' | 'ratio'>,
  reference: { readonly name: string; readonly median: number },
): Figure {
  return { ...figure, reference, ratio: figure.median / reference.median };
}
