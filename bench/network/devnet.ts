import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'relay', 'main.ts');

/** A new network in a folder of its own, gone with `stop`. */
export async function startDevnet(): Promise<Devnet> {
  const data = await mkdtemp(join(tmpdir(), 'tabellion-bench-'));
  const port = await freePorts();
  const child = spawn(
    process.execPath,
    [
      ...['--disable-warning=ExperimentalWarning', MAIN, 'devnet', '--json'],
      ...['--data', data, '--port', String(port), '--app', join(data, 'no-app')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...profiling() } },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await ended;
    await rm(data, { recursive: true, force: true });
  };
  const ready = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.includes('"kind":"ready"')) resolve();
    });
  });
  const isReady = await Promise.race([ready.then(() => true), ended.then(() => false)]);
  if (!isReady) throw new Error('the network did not start');
  const sockets = Array.from(
    { length: VALIDATORS },
    (_, index) => `ws://127.0.0.1:${port + index}/ws`,
  );
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

/** A port from which the ports of a network, for RPC and for peers, are free. */
async function freePorts(): Promise<number> {
  for (let attempt = 0; attempt < 50; attempt++) {
    const first = 20_000 + Math.floor(Math.random() * 10_000);
    const offsets = Array.from({ length: VALIDATORS }, (_, index) => [index, 100 + index]).flat();
    const free = await Promise.all(offsets.map((offset) => isFree(first + offset)));
    if (free.every(Boolean)) return first;
  }
  throw new Error('no free ports');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
