import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve as resolvePath } from 'node:path';
import { isAlive, killProcess } from '../../deploy/processes.ts';
import type { RunningRelay } from '../../deploy/relay-process.ts';
import { freePorts, startRelay } from '../../deploy/relay-process.ts';

/** As many as a new network has by itself. */
const VALIDATORS = 4;
/** The built app; another folder than `dist` by the environment, for builds side by side. */
const APP_FOLDER = resolvePath(process.env.APP_FOLDER ?? 'dist');

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
};

/** Starts a network on free ports with data of its own, or on `data` of an earlier one. */
export async function startNetwork(
  options: { readonly data?: string; readonly port?: number; readonly appFolder?: string } = {},
): Promise<Network> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'tabellion-e2e-')));
  const port = options.port ?? (await freePorts(VALIDATORS)).port;
  const app = options.appFolder ?? APP_FOLDER;
  const devnet = startRelay([
    ...['devnet', '--data', data, '--port', String(port), '--app', app, '--json'],
  ]);
  const ready = await devnet.ready<Ready>().catch(async (error: unknown) => {
    if (options.data === undefined) await rm(data, { recursive: true, force: true });
    throw error;
  });
  const pids = [...ready.processes];
  const plan = JSON.parse(await readFile(join(data, 'devnet.json'), 'utf8')) as Plan; // Our own.
  const restarted = new Map<number, RunningRelay>();

  function pidOf(index: number): number {
    const pid = pids[index];
    if (pid === undefined) throw new Error(`no validator ${index}`);
    return pid;
  }

  async function kill(index: number): Promise<void> {
    await (restarted.get(index)?.kill() ?? killProcess(pidOf(index)));
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
      const folder = join(data, `node-${index + 1}`);
      const relay = startRelay([
        ...['node', '--data', folder, '--json', '--log', join(folder, 'node.log')],
        ...(index === 0 ? ['--app', app] : []),
      ]);
      restarted.set(index, relay);
      await relay.ready();
      pids[index] = relay.pid;
    },
    freeze: (index) => void process.kill(pidOf(index), 'SIGSTOP'),
    thaw: (index) => void process.kill(pidOf(index), 'SIGCONT'),
    addRelay: () => addRelay(join(data, 'node-1', 'genesis.json'), app),
    async stop() {
      // A frozen process would not hear that it has to end.
      for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGCONT');
      await Promise.all([...restarted.values(), devnet].map((relay) => relay.stop()));
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}

async function addRelay(genesis: string, app: string): Promise<AddedRelay> {
  const data = await mkdtemp(join(tmpdir(), 'tabellion-relay-'));
  const { port, peerPorts } = await freePorts(1);
  const listen = `/ip4/127.0.0.1/tcp/${peerPorts[0]}/ws`;
  const relay = startRelay([
    ...['node', '--data', data, '--genesis', genesis, '--json'],
    ...['--port', String(port), '--listen', listen, '--app', app],
    ...['--log', join(data, 'node.log')],
  ]);
  const { peerId } = await relay.ready<{ readonly peerId: string }>();
  return {
    // A page of a bare address could not hold keys.
    url: `http://localhost:${port}`,
    address: `${listen}/p2p/${peerId}`,
    async stop() {
      await relay.stop();
      await rm(data, { recursive: true, force: true });
    },
  };
}
