import { openChromiumHome } from '../deploy/chromium-home.ts';
import type { Bench, Figure } from './bench.ts';
import { comparedWith } from './bench.ts';
import { CACHE_BYTES_MAX, FIRST_BLOCKS, MORE_BLOCKS } from './memory/plan.ts';
import { recordChain } from './memory/record.ts';
import { openWorkerInspector } from './memory/worker-inspector.ts';

/** Blocks between two looks. */
const STEP_BLOCKS = 100;

/**
 * What the worker of a tab's node holds after 10,000 accounts and 100 blocks, and after 1,000 more
 * blocks: the objects of JavaScript and all buffers, after a collection.
 */
const bench: Bench = async (name) => {
  const files = recordChain();
  const home = await openChromiumHome({
    entry: new URL('./memory/tab.ts', import.meta.url),
    files,
  });
  try {
    const inspector = await openWorkerInspector(home.context, home.page);
    const sizes = new Map<number, number>();
    for (let height = FIRST_BLOCKS; height <= FIRST_BLOCKS + MORE_BLOCKS; height += STEP_BLOCKS) {
      await home.call('syncTo', height);
      const { heapBytes, bufferBytes } = await inspector.usedBytes();
      sizes.set(height, (heapBytes + bufferBytes) / 1e6);
    }
    const cache = { name: 'configured cache', median: CACHE_BYTES_MAX / 1e6 };
    const figure = (metric: string, size: number): Figure => {
      const range = { median: size, min: size, max: size };
      return comparedWith({ bench: name, home: 'tab', metric, unit: 'MB', ...range }, cache);
    };
    const [first = 0, last = 0] = [sizes.get(FIRST_BLOCKS), sizes.get(FIRST_BLOCKS + MORE_BLOCKS)];
    return [
      figure(`heap-after-${FIRST_BLOCKS}-blocks`, first),
      figure(`heap-after-${FIRST_BLOCKS + MORE_BLOCKS}-blocks`, last),
      figure('heap-highest', Math.max(...sizes.values())),
      figure('growth', Math.max(0, last - first)),
    ];
  } finally {
    await home.close();
  }
};

export default bench;
