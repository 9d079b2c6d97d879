import { formatHex } from '../src/base/index.ts';
import { createMempool, selectForBlock, step } from '../src/mempool/index.ts';
import { amount, draft, height, sequence } from '../src/mempool/testing/draft.ts';
import type { Bench } from './bench.ts';
import { comparedWith, ratePerSecond, summarize } from './bench.ts';

const COUNT = 20_000;
const SELECTED = 2000;

/**
 * Admissions into an empty pool until it is full, and selection of a large block from it. The
 * references do the least that could be called the same: a map by id, and a sort of all by fee.
 */
const bench: Bench = (name) => {
  const transactions = Array.from({ length: COUNT }, (_, at) => ({
    ...draft({ from: `sender ${at % 5000}`, sequence: Math.floor(at / 5000) }),
    feeMax: amount(BigInt(1 + ((at * 7919) % 1000))),
  }));
  const fill = () => {
    const state = createMempool<string>(height(0));
    for (const transaction of transactions) {
      step(state, { kind: 'transaction-verified', transaction, accountSequence: sequence(0) });
    }
    return state;
  };
  const full = fill();
  const limits = {
    height: height(1),
    transactionsMax: SELECTED,
    bytesMax: 2 ** 31,
    gasMax: 2 ** 52,
  };
  const keep = () => {
    const kept = new Map<string, unknown>();
    for (const transaction of transactions) kept.set(formatHex(transaction.id), transaction);
  };
  const sort = () =>
    [...transactions].sort((left, right) => Number(right.feeMax - left.feeMax)).slice(0, SELECTED);
  const median = (runs: number, count: number, run: () => void) =>
    summarize(ratePerSecond(runs, count, run)).median;
  const common = { bench: name, home: 'node', unit: 'transactions/s' } as const;
  return [
    comparedWith(
      {
        ...{ ...common, metric: 'admissions-per-second' },
        ...summarize(ratePerSecond(10, COUNT, fill)),
      },
      { name: 'a map by id', median: median(10, COUNT, keep) },
    ),
    comparedWith(
      {
        ...{ ...common, metric: 'selections-per-second' },
        ...summarize(ratePerSecond(20, SELECTED, () => selectForBlock(full, limits))),
      },
      { name: 'a sort by fee', median: median(20, SELECTED, sort) },
    ),
  ];
};

export default bench;
