import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Client } from '../sdk/index.ts';
import { createClient, httpTransport } from '../sdk/index.ts';
import { Broken } from './failure.ts';

const MAIN_FILE = fileURLToPath(new URL('../relay/main.ts', import.meta.url));
const FORGETFUL = new URL('./testing/forgetful.ts', import.meta.url).href;
const START_TIMEOUT_MS = 60_000;

/** How a process ended: by itself, or by a kill. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** A command that runs longer will not end by itself. */
const COMMAND_MS_MAX = 60_000;

/** Runs a command of the relay to its end. */
export function runCommand(words: readonly string[], crashPoint?: string): Promise<Ending> {
  const child = spawnRelay(words, crashPoint, ['ignore', 'ignore', 'ignore']);
  // One that does not pass its point would go on for ever.
  const timer = setTimeout(() => child.kill('SIGTERM'), COMMAND_MS_MAX);
  return new Promise((resolve) => {
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal });
    });
  });
}

/** A node of the plan of a local network. */
export type PlannedNode = {
  readonly rpcPort: number;
  readonly listen: string;
  readonly peerId: string;
};

type SpawnOptions = {
  /** A file of it may hold so many blocks of 512 bytes. */
  readonly fileBlocksMax?: number | undefined;
  readonly isForgetful?: boolean;
};

/** Starts a command of the relay. */
function spawnRelay(
  words: readonly string[],
  crashPoint: string | undefined,
  stdio: ('ignore' | 'pipe' | 'ipc')[],
  { fileBlocksMax, isForgetful = false }: SpawnOptions = {},
): ChildProcess {
  const program = [
    ...[process.execPath, '--disable-warning=ExperimentalWarning'],
    ...(isForgetful ? ['--import', FORGETFUL] : []),
    ...[MAIN_FILE, ...words],
  ];
  // The system's own limit: writes beyond it fail as those on a full disk do.
  const limit = fileBlocksMax === undefined ? '' : `ulimit -f ${fileBlocksMax} && `;
  return spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...program], {
    stdio,
    env: {
      ...process.env,
      ...(crashPoint === undefined ? {} : { TABELLION_CRASH_POINT: crashPoint }),
    },
  });
}

/** A process of `tabellion node` with a data folder of its own, killed and started again. */
export class RelayProcess {
  readonly folder: string;
  readonly client: Client;
  /** Where peers dial it, with its peer id. */
  readonly peerAddress: string;
  readonly #app: string | undefined;
  readonly #isForgetful: boolean;
  #isPaused = false;
  #child: ChildProcess | undefined;
  #ended: Promise<Ending> = Promise.resolve({ code: 0, signal: null });

  constructor(
    folder: string,
    node: PlannedNode,
    options: { readonly app?: string | undefined; readonly isForgetful?: boolean } = {},
  ) {
    this.folder = folder;
    this.client = createClient(httpTransport(`http://127.0.0.1:${node.rpcPort}/rpc`));
    this.peerAddress = `${node.listen}/p2p/${node.peerId}`;
    this.#app = options.app;
    this.#isForgetful = options.isForgetful ?? false;
  }

  get database(): string {
    return join(this.folder, 'database');
  }

  get isAlive(): boolean {
    return this.#child !== undefined;
  }

  /** Whether it lives and is not paused. */
  get isAnswering(): boolean {
    return this.isAlive && !this.#isPaused;
  }

  /**
   * Starts it, and returns the height it opened at, or how it ended before it was ready.
   *
   * @param crashPoint Where it ends; by default where {@link RelayProcess.arm} says later.
   * @param fileBlocksMax Blocks of 512 bytes that a file of it may hold.
   */
  async start(crashPoint = 'parent', fileBlocksMax?: number): Promise<number | Ending> {
    const child = spawnRelay(
      [
        ...['node', '--data', this.folder, '--json', '--log', join(this.folder, 'node.log')],
        ...(this.#app === undefined ? [] : ['--app', this.#app]),
      ],
      crashPoint,
      ['ignore', 'ignore', 'pipe', 'ipc'],
      { fileBlocksMax, isForgetful: this.#isForgetful },
    );
    this.#isPaused = false;
    this.#child = child;
    let words = '';
    child.stderr?.on('data', (chunk) => {
      words = `${words}${String(chunk)}`.slice(-2_000);
    });
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        if (this.#child === child) this.#child = undefined;
        resolve({ code, signal });
      });
    });
    const ready = new Promise<number>((resolve) => {
      child.on('message', (message) => {
        // Our own command says `ready` with its height.
        const { kind, height } = message as { readonly kind?: string; readonly height?: number };
        if (kind === 'ready') resolve(height ?? 0);
      });
    });
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Broken('did not start in time')), START_TIMEOUT_MS);
    });
    try {
      const first = await Promise.race([ready, this.#ended, late]);
      if (typeof first === 'number' || first.signal === 'SIGKILL') return first;
      const [, code] = /"kind":"failed","code":"([a-z-]+)"/.exec(words) ?? [];
      throw new Broken(`did not open: ${words.trim()}`, code);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Starts it without a crash point that it could pass before it is ready. */
  async open(): Promise<number> {
    const height = await this.start();
    if (typeof height === 'number') return height;
    throw new Broken('was killed by somebody else');
  }

  /** From now on it ends where it passes `name` for the `count`-th time. */
  arm(name: string, count: number): void {
    this.#child?.send({ crashPoint: `${name}:${count}` }, () => undefined);
  }

  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  /** Stands still, as a machine that swaps: connections stay open, and nobody answers. */
  pause(): void {
    this.#isPaused = this.#child?.kill('SIGSTOP') ?? false;
  }

  resume(): void {
    if (this.#isPaused) this.#child?.kill('SIGCONT');
    this.#isPaused = false;
  }

  ended(): Promise<Ending> {
    return this.#ended;
  }

  async stop(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#ended;
    this.client.close();
  }
}

/** The plan of a local network, made by the relay's own command, on free ports. */
export async function planNetwork(
  data: string,
): Promise<{ readonly chainId: string; readonly nodes: readonly PlannedNode[] }> {
  const port = await findPort();
  // Ended as soon as the plan is there: each process is started, and killed, by itself.
  await runCommand(['devnet', '--data', data, '--port', String(port)], 'plan-done:1');
  const plan = JSON.parse(await readFile(join(data, 'devnet.json'), 'utf8'));
  for (const index of plan.nodes.keys()) {
    const path = join(data, `node-${index + 1}`, 'node.json');
    const settings = JSON.parse(await readFile(path, 'utf8'));
    // Without room for pages a checkpoint is due every few blocks.
    await writeFile(path, JSON.stringify({ ...settings, cacheMegabytes: 0 }));
  }
  return plan;
}

/** A port whose neighbours are, in all likelihood, free as well. */
export function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port > 65_000 ? port - 1_000 : port));
    });
  });
}
