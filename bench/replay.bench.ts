import { openChromiumHome } from '../deploy/chromium-home.ts';
import { loadFastHashing } from '../src/crypto/index.ts';
import type { Bench, Figure } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import { runInNode } from './validate/node.ts';
import { recordChain } from './validate/record.ts';
import { encodeRecorded, TRANSFERS } from './validate/recorded.ts';
import type { RunTimes } from './validate/run.ts';

const RUNS = 9;
const FILE = 'p256';

const rateOf = ({ wholeMs }: RunTimes): number => (TRANSFERS * 1000) / wholeMs;

/**
 * The same blocks replayed from genesis by a tab and by a relay's process on this machine: turn and
 * turn about, so that whatever else runs here slows both alike.
 */
const bench: Bench = async (name) => {
  await loadFastHashing();
  const recorded = recordChain('p256');
  const tab = await openChromiumHome({
    entry: new URL('./validate/tab.ts', import.meta.url),
    files: new Map([[FILE, encodeRecorded(recorded)]]),
  });
  const rates: { readonly tab: number; readonly node: number }[] = [];
  // The first of each compiles, and is not kept.
  for (let at = 0; at <= RUNS; at++) {
    const inTab = rateOf(await tab.call<RunTimes>('run', FILE));
    const inNode = rateOf(await runInNode(recorded));
    if (at > 0) rates.push({ tab: inTab, node: inNode });
  }
  await tab.close();
  const node = summarize(rates.map((rate) => rate.node));
  const reference = { name: 'Node.js', median: node.median };
  const unit = 'transactions/s';
  const figures: Figure[] = [
    comparedWith(
      {
        ...{ bench: name, home: 'tab', metric: 'transactions-per-second', unit },
        ...summarize(rates.map((rate) => rate.tab)),
      },
      reference,
    ),
    { bench: name, home: 'node', metric: 'transactions-per-second', unit, ...node },
    {
      ...{ bench: name, home: 'tab', metric: 'tab-share-of-node', unit: 'times' },
      ...summarize(rates.map((rate) => rate.tab / rate.node)),
    },
  ];
  return figures;
};

export default bench;
