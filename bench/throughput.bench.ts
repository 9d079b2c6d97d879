import { assert, defined } from '../src/base/index.ts';
import type { Bench, Figure } from './bench.ts';
import { summarize } from './bench.ts';
import type { Counters } from './network/devnet.ts';
import { startDevnet } from './network/devnet.ts';
import { mineEthereum } from './network/ethereum.ts';
import type { LoadResult } from './network/load.ts';
import { runLoad } from './network/load.ts';
import { fundedPayers, networkFacts } from './network/payers.ts';
import { RpcSocket } from './network/socket.ts';

/** Measured seconds; a shorter run for a first look: `TABELLION_BENCH_SECONDS=15`. */
const SECONDS = Number(process.env.TABELLION_BENCH_SECONDS ?? 60);
const WARM_UP_SECONDS = 10;
const SLICE_MS = 5_000;
/** Accounts with four payments on their way each: what waits while a block is decided. */
const PAYERS = 768;
/** A node answers so many calls of one socket at once that each account needs its share. */
const SOCKETS_PER_VALIDATOR = 4;
/** What is signed ahead lasts for this rate. */
const RATE_MAX = 4_000;
/** Transfers that the reference mines; enough for a steady rate. */
const REFERENCE_TRANSFERS = Math.max(1_200, 50 * SECONDS);

type Moment = { readonly processorMs: number; readonly counters: readonly Counters[] };

/** Four validators under a closed loop of payments by RPC; load and network share this machine. */
const bench: Bench = async (name) => {
  assert(SECONDS >= 5 && SECONDS <= 3_600, 'TABELLION_BENCH_SECONDS is 5 to 3600');
  const { result, moments } = await measure();
  const reference = {
    name: 'EthereumJS VM, one process, no network',
    median: summarize(await mineEthereum(REFERENCE_TRANSFERS)).median,
  };
  return figuresOf(name, result, moments, reference);
};

async function measure(): Promise<{ readonly result: LoadResult; readonly moments: Moment[] }> {
  const devnet = await startDevnet();
  try {
    const urls = Array.from({ length: SOCKETS_PER_VALIDATOR }, () => devnet.sockets).flat();
    const sockets = await Promise.all(urls.map((url) => RpcSocket.open(url)));
    const first = defined(sockets[0], 'a network has validators');
    const facts = await networkFacts(first);
    const payers = await fundedPayers(first, facts, { faucet: devnet.faucet, count: PAYERS });
    const moments: Moment[] = [];
    const result = await runLoad(sockets, payers, {
      warmUpMs: 1_000 * WARM_UP_SECONDS,
      durationMs: 1_000 * SECONDS,
      signedPerPayer: Math.ceil(((SECONDS + WARM_UP_SECONDS) * RATE_MAX) / PAYERS),
      onMoment: async () => {
        const { user, system } = process.cpuUsage();
        moments.push({ processorMs: (user + system) / 1_000, counters: await devnet.counters() });
      },
    });
    for (const socket of sockets) socket.close();
    return { result, moments };
  } finally {
    await devnet.stop();
  }
}

function figuresOf(
  name: string,
  result: LoadResult,
  moments: readonly Moment[],
  reference: Required<Figure>['reference'],
): readonly Figure[] {
  const { submitted, verdicts, finalAtMs, latenciesMs } = result;
  const judged = [...verdicts.values()].reduce((sum, count) => sum + count, 0);
  assert(judged === submitted, 'every submitted transaction has a verdict');
  const told = [...verdicts].map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  console.log(`${name}: ${submitted} submitted, and so ended: ${told}`);
  const common = { bench: name, home: 'node' } as const;
  const rates = summarize(ratesOf(finalAtMs));
  return [
    {
      ...{ ...common, metric: 'final-transactions-per-second', unit: 'transactions/s', ...rates },
      ...{ reference, ratio: rates.median / reference.median },
    },
    { ...common, metric: 'submit-to-final-under-load', unit: 'ms', ...summarize(latenciesMs) },
    ...costsOf(common, finalAtMs.length, moments),
  ];
}

/** Finals a second in each slice of the measured time. */
function ratesOf(finalAtMs: readonly number[]): number[] {
  const counts = new Array<number>(Math.floor((1_000 * SECONDS) / SLICE_MS)).fill(0);
  for (const atMs of finalAtMs) {
    const slice = Math.floor(atMs / SLICE_MS);
    if (slice < counts.length) counts[slice] = (counts[slice] ?? 0) + 1;
  }
  return counts.map((count) => (1_000 * count) / SLICE_MS);
}

/** What a final transaction costs the processors, and what a block takes. */
function costsOf(
  common: { readonly bench: string; readonly home: 'node' },
  finals: number,
  moments: readonly Moment[],
): readonly Figure[] {
  const [begin, end] = moments;
  if (begin === undefined || end === undefined) throw new Error('measured twice');
  const used = (key: keyof Counters) =>
    end.counters.map((each, at) => each[key] - (begin.counters[at]?.[key] ?? 0));
  const validators = used('processorMs').map((ms) => ms / finals);
  const all = used('processorMs').reduce(
    (sum, ms) => sum + ms,
    end.processorMs - begin.processorMs,
  );
  const blocks = used('blocks');
  const rounds = used('rounds').map((count, at) => count / (blocks[at] ?? 1));
  const of = (metric: string, unit: string, samples: readonly number[]): Figure => ({
    ...{ ...common, metric, unit, ...summarize(samples) },
  });
  return [
    of('processor-time-per-transaction', 'ms', [all / finals]),
    of('processor-time-per-transaction-and-validator', 'ms', validators),
    of(
      'transactions-per-block',
      'transactions',
      blocks.map((count) => finals / count),
    ),
    of('rounds-per-block', 'rounds', rounds),
  ];
}

export default bench;
