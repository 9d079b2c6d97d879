import { createMempool, selectForBlock, step } from '../src/mempool/index.ts';
import { amount, draft, height, sequence } from '../src/mempool/testing/draft.ts';
import type { Bench } from './bench.ts';
import { ratePerSecond, summarize } from './bench.ts';

const COUNT = 20_000;
const SELECTED = 2000;

/** Admissions into an empty pool until it is full, and selection of a large block from it. */
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
  const unit = 'transactions/s';
  const home = 'node';
  return [
    {
      ...{ bench: name, home, metric: 'admissions-per-second', unit },
      ...summarize(ratePerSecond(10, COUNT, fill)),
    },
    {
      ...{ bench: name, home, metric: 'selections-per-second', unit },
      ...summarize(ratePerSecond(20, SELECTED, () => selectForBlock(full, limits))),
    },
  ];
};

export default bench;
