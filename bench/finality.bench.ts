import { defined } from '../src/base/index.ts';
import type { Bench } from './bench.ts';
import { comparedWith, summarize } from './bench.ts';
import { startDevnet } from './network/devnet.ts';
import { fundedPayers, networkFacts } from './network/payers.ts';
import { RpcSocket } from './network/socket.ts';

const SAMPLES = 60;
const PAYERS = 8;
/** Long enough that nothing of the payment before is still under way. */
const PAUSE_MS = 150;

/**
 * One payment at a time on an idle network of four validators, from its submission by RPC to the
 * news of its finality over the same socket; each validator is asked in its turn. The reference is
 * the least that a call to the same validators takes: a question that needs no work.
 */
const bench: Bench = async (name) => {
  const devnet = await startDevnet();
  try {
    const sockets = await Promise.all(devnet.sockets.map((url) => RpcSocket.open(url)));
    const first = defined(sockets[0], 'a network has validators');
    const facts = await networkFacts(first);
    const payers = await fundedPayers(first, facts, { faucet: devnet.faucet, count: PAYERS });
    const samples: number[] = [];
    const questions: number[] = [];
    for (let at = 0; at < SAMPLES; at++) {
      const payer = defined(payers[at % PAYERS], 'as many as were asked for');
      const socket = defined(sockets[at % sockets.length], 'one a validator');
      const { id, hex } = payer.pay(1 + Math.floor(at / PAYERS), [
        { recipient: payer.address, amount: 1n },
      ]);
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const end = await socket.subscribe('transaction', { id }, ({ stage, code }) => {
        if (stage === 'final') resolve();
        if (stage === 'failed' || stage === 'expired') reject(new Error(`${id}: ${code}`));
      });
      const startedMs = performance.now();
      await socket.call('transaction.submit', { bytes: hex });
      await promise;
      samples.push(performance.now() - startedMs);
      await end();
      const askedMs = performance.now();
      await socket.call('chain.info', {});
      questions.push(performance.now() - askedMs);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    for (const socket of sockets) socket.close();
    const sorted = [...samples].sort((left, right) => left - right);
    const p95 = defined(sorted[Math.ceil(0.95 * sorted.length) - 1], 'there are samples');
    const common = { bench: name, home: 'node', unit: 'ms' } as const;
    const reference = { name: 'chain.info', median: summarize(questions).median };
    return [
      comparedWith({ ...common, metric: 'submit-to-final', ...summarize(samples) }, reference),
      // One percentile of one series: there is no range of it.
      comparedWith(
        { ...common, metric: 'submit-to-final-p95', median: p95, min: p95, max: p95 },
        reference,
      ),
    ];
  } finally {
    await devnet.stop();
  }
};

export default bench;
