import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { createInterface } from 'node:readline';

const MAIN_FILE = new URL('../../src/relay/main.ts', import.meta.url).pathname;
const START_TIMEOUT_MS = 60_000;
/** The built app; another folder than `dist` by the environment, for builds side by side. */
const APP_FOLDER = resolvePath(process.env['APP_FOLDER'] ?? 'dist');

/** A local network of real processes, as `npm start` runs it. */
export type Network = {
  readonly url: string;
  readonly rpc: string;
  readonly chainId: string;
  readonly data: string;
  /** RPC address of validator `index`. */
  rpcOf(index: number): string;
  /** Ends validator `index` (0 is the one that serves the app) as a crash would. */
  kill(index: number): Promise<void>;
  /** Starts it again on its old data. */
  restart(index: number): Promise<void>;
  /** Stops validator `index` from running, as a machine too busy would; connections stay open. */
  freeze(index: number): void;
  thaw(index: number): void;
  /** Starts a further relay, no validator, that knows nobody; it serves the app as well. */
  addRelay(): Promise<AddedRelay>;
  stop(): Promise<void>;
};

export type AddedRelay = {
  readonly url: string;
  /** Multiaddr that others reach it by. */
  readonly address: string;
  stop(): Promise<void>;
};

type Plan = { readonly nodes: readonly { readonly rpcPort: number }[] };
type Ready = {
  readonly url: string;
  readonly rpc: string;
  readonly chainId: string;
  readonly processes: readonly number[];
  /** Said by single nodes. */
  readonly peerId?: string;
};

/** Starts a network on free ports with data of its own, or on `data` of an earlier one. */
export async function startNetwork(
  options: { readonly data?: string; readonly port?: number; readonly appFolder?: string } = {},
): Promise<Network> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'tabellion-e2e-')));
  const port = options.port ?? (await findPort());
  const app = options.appFolder ?? APP_FOLDER;
  const devnet = spawn(
    process.execPath,
    [MAIN_FILE, 'devnet', '--data', data, '--port', String(port), '--app', app, '--json'],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const ready = await untilReady(devnet).catch(async (error: unknown) => {
    await end(devnet);
    if (options.data === undefined) await rm(data, { recursive: true, force: true });
    throw error;
  });
  const pids = [...ready.processes];
  const plan = JSON.parse(await readFile(join(data, 'devnet.json'), 'utf8')) as Plan; // Our own.
  const restarted = new Map<number, ChildProcess>();

  function pidOf(index: number): number {
    const pid = pids[index];
    if (pid === undefined) throw new Error(`no validator ${index}`);
    return pid;
  }

  async function kill(index: number): Promise<void> {
    const pid = pidOf(index);
    process.kill(pid, 'SIGKILL');
    while (isAlive(pid)) await new Promise((resolve) => setImmediate(resolve));
    restarted.delete(index);
  }

  return {
    url: ready.url,
    rpc: ready.rpc,
    chainId: ready.chainId,
    data,
    rpcOf: (index) => `http://127.0.0.1:${plan.nodes[index]?.rpcPort ?? 0}/rpc`,
    kill,
    async restart(index) {
      const child = spawn(
        process.execPath,
        [
          ...[MAIN_FILE, 'node', '--data', join(data, `node-${index + 1}`), '--json'],
          ...['--log', join(data, `node-${index + 1}`, 'node.log')],
          ...(index === 0 ? ['--app', app] : []),
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      );
      await untilReady(child);
      pids[index] = child.pid ?? 0;
      restarted.set(index, child);
    },
    freeze: (index) => void process.kill(pidOf(index), 'SIGSTOP'),
    thaw: (index) => void process.kill(pidOf(index), 'SIGCONT'),
    addRelay: () => addRelay(join(data, 'node-1', 'genesis.json'), app),
    async stop() {
      // A frozen process would not hear that it has to end.
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGCONT');
      await Promise.all([...restarted.values(), devnet].map((child) => end(child)));
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}

async function addRelay(genesis: string, app: string): Promise<AddedRelay> {
  const data = await mkdtemp(join(tmpdir(), 'tabellion-relay-'));
  const port = await findPort();
  const listen = `/ip4/127.0.0.1/tcp/${port + 1}/ws`;
  const child = spawn(
    process.execPath,
    [
      ...[MAIN_FILE, 'node', '--data', data, '--genesis', genesis, '--json'],
      ...['--port', String(port), '--listen', listen, '--app', app],
      ...['--log', join(data, 'node.log')],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const { peerId } = await untilReady(child);
  return {
    // A page of a bare address could not hold keys.
    url: `http://localhost:${port}`,
    address: `${listen}/p2p/${peerId}`,
    async stop() {
      await end(child);
      await rm(data, { recursive: true, force: true });
    },
  };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function untilReady(child: ChildProcess): Promise<Ready> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('did not start in time')), START_TIMEOUT_MS);
    child.once('exit', (code) => reject(new Error(`ended with code ${code} before it was ready`)));
    if (child.stdout === null) throw new Error('no standard output');
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as { readonly kind?: string } & Ready; // Our own output.
      if (message.kind !== 'ready') return;
      clearTimeout(timer);
      child.removeAllListeners('exit');
      resolve(message);
    });
  });
}

function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    child.once('exit', () => resolve());
    child.kill('SIGINT');
  });
}

/** A port whose 16 successors are, in all likelihood, free as well. */
function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port > 65_000 ? port - 1000 : port));
    });
  });
}
