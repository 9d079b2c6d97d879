import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts, startRelay } from '../../deploy/relay-process.ts';
import type { KeyPair } from '../../src/crypto/index.ts';
import { loadKey } from '../../src/relay/key-files.ts';
import { nodeFiles } from '../../src/relay/layout.ts';

/** Four validators as `npm start` runs them: a process each, on this machine. */
export type Devnet = {
  /** WebSocket addresses of the validators' RPC. */
  readonly sockets: readonly string[];
  readonly faucet: KeyPair;
  /** What each validator tells of itself so far. */
  counters(): Promise<readonly Counters[]>;
  stop(): Promise<void>;
};

export type Counters = {
  /** Processor time used. */
  readonly processorMs: number;
  readonly blocks: number;
  /** Rounds that these blocks took, one each at best. */
  readonly rounds: number;
};

const VALIDATORS = 4;

/** A new network in a folder of its own, gone with `stop`. */
export async function startDevnet(): Promise<Devnet> {
  const data = await mkdtemp(join(tmpdir(), 'tabellion-bench-'));
  const { port, rpcPorts } = await freePorts(VALIDATORS);
  const words = [
    ...['devnet', '--json', '--validators', String(VALIDATORS)],
    ...['--data', data, '--port', String(port), '--app', join(data, 'no-app')],
  ];
  const devnet = startRelay(words, { env: profiling() });
  const stop = async (): Promise<void> => {
    await devnet.stop();
    await rm(data, { recursive: true, force: true });
  };
  await devnet.ready().catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  const sockets = rpcPorts.map((rpcPort) => `ws://127.0.0.1:${rpcPort}/ws`);
  const faucet = await loadKey(nodeFiles(join(data, 'node-1')).faucetKey);
  const counters = () => Promise.all(sockets.map(countersOf));
  return { sockets, faucet, counters, stop };
}

async function countersOf(socket: string): Promise<Counters> {
  const answer = await fetch(socket.replace('ws://', 'http://').replace('/ws', '/metrics'));
  const text = await answer.text();
  const counter = (name: string) =>
    Number(new RegExp(`^tabellion_${name}_total (.*)$`, 'm').exec(text)?.[1]);
  return {
    processorMs: 1000 * counter('process_cpu_seconds'),
    blocks: counter('blocks_committed'),
    rounds: counter('consensus_rounds'),
  };
}

/** With `TABELLION_BENCH_PROFILE=FOLDER` each validator leaves a CPU profile there. */
function profiling(): NodeJS.ProcessEnv {
  const folder = process.env.TABELLION_BENCH_PROFILE;
  if (folder === undefined) return {};
  return { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` };
}
