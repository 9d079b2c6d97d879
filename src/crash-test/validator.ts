import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ending, RunningRelay } from '../../deploy/relay-process.ts';
import { freePorts, startRelay } from '../../deploy/relay-process.ts';
import type { Client } from '../sdk/index.ts';
import { createClient, httpTransport } from '../sdk/index.ts';
import { Broken } from './failure.ts';

/** Modules loaded into a relay's process before its own program: it forgets its votes … */
export const FORGETFUL = new URL('./testing/forgetful.ts', import.meta.url).href;
/** … or keeps, and takes over, a snapshot every few blocks. */
export const SHORT_INTERVALS = new URL('./testing/short-intervals.ts', import.meta.url).href;

/** A command that runs longer will not end by itself. */
const COMMAND_MS_MAX = 60_000;

/** Runs a command of the relay to its end. */
export async function runCommand(words: readonly string[], crashPoint: string): Promise<Ending> {
  const env = { TABELLION_CRASH_POINT: crashPoint };
  const command = startRelay(words, { env, keepsComplaints: true });
  // One that does not pass its point would go on for ever.
  const timer = setTimeout(() => void command.stop(), COMMAND_MS_MAX);
  const ending = await command.ended;
  clearTimeout(timer);
  return ending;
}

/** A node of the plan of a local network. */
export type PlannedNode = {
  readonly rpcPort: number;
  readonly listen: string;
  readonly peerId: string;
};

/** A process of `tabellion node` with a data folder of its own, killed and started again. */
export class RelayProcess {
  readonly folder: string;
  readonly client: Client;
  /** Where it serves its interfaces and, perhaps, the app. */
  readonly url: string;
  /** Where peers dial it, with its peer id. */
  readonly peerAddress: string;
  readonly #app: string | undefined;
  readonly #imports: readonly string[];
  #isPaused = false;
  #running: RunningRelay | undefined;

  constructor(
    folder: string,
    node: PlannedNode,
    options: { readonly app?: string | undefined; readonly imports?: readonly string[] } = {},
  ) {
    this.folder = folder;
    this.url = `http://127.0.0.1:${node.rpcPort}`;
    this.client = createClient(httpTransport(`${this.url}/rpc`));
    this.peerAddress = `${node.listen}/p2p/${node.peerId}`;
    this.#app = options.app;
    this.#imports = options.imports ?? [];
  }

  get database(): string {
    return join(this.folder, 'database');
  }

  get isAlive(): boolean {
    return this.#running?.isAlive() ?? false;
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
    const relay = startRelay(
      [
        ...['node', '--data', this.folder, '--json', '--log', join(this.folder, 'node.log')],
        ...(this.#app === undefined ? [] : ['--app', this.#app]),
      ],
      {
        tells: 'channel',
        env: { TABELLION_CRASH_POINT: crashPoint },
        imports: this.#imports,
        keepsComplaints: true,
        fileBlocksMax,
      },
    );
    this.#isPaused = false;
    this.#running = relay;
    const first = await relay.outcome;
    if (first.kind === 'late') throw new Broken('did not start in time');
    if (first.kind === 'ready') {
      const { height } = first.message as { readonly height: number }; // As `ready` has it.
      return height;
    }
    if (first.signal === 'SIGKILL') return first;
    const complaints = relay.complaints();
    const [, code] = /"kind":"failed","code":"([a-z-]+)"/.exec(complaints) ?? [];
    throw new Broken(`did not open: ${complaints.trim()}`, code);
  }

  /** Starts it without a crash point that it could pass before it is ready. */
  async open(): Promise<number> {
    const height = await this.start();
    if (typeof height === 'number') return height;
    throw new Broken('was killed by somebody else');
  }

  /** From now on it ends where it passes `name` for the `count`-th time. */
  arm(name: string, count: number): void {
    this.#running?.tell({ crashPoint: `${name}:${count}` });
  }

  kill(): void {
    void this.#running?.kill();
  }

  /** Stands still, as a machine that swaps: connections stay open, and nobody answers. */
  pause(): void {
    this.#isPaused = this.#running?.pause() ?? false;
  }

  resume(): void {
    if (this.#isPaused) this.#running?.resume();
    this.#isPaused = false;
  }

  /** How it ended, once it has; one that never started ended well. */
  async ended(): Promise<Ending> {
    return (await this.#running?.ended) ?? { code: 0, signal: null };
  }

  async stop(): Promise<void> {
    await this.#running?.kill();
    this.client.close();
  }
}

/**
 * The plan of a local network, made by the relay's own command, on free ports.
 *
 * @param others Nodes beside the validators for which ports are found as well.
 */
export async function planNetwork(
  data: string,
  { validators = 4, others = 0 } = {},
): Promise<{ readonly nodes: readonly PlannedNode[] }> {
  const { port } = await freePorts(validators + others);
  const count = String(validators);
  // Ended as soon as the plan is there: each process is started, and killed, by itself.
  const words = ['devnet', '--data', data, '--port', String(port), '--validators', count];
  await runCommand(words, 'plan-done:1');
  const plan = JSON.parse(await readFile(join(data, 'devnet.json'), 'utf8'));
  for (const index of plan.nodes.keys()) {
    const folder = join(data, `node-${index + 1}`);
    // Without room for pages a checkpoint is due every few blocks.
    await change(join(folder, 'node.json'), (settings) => {
      settings.cacheMegabytes = 0;
    });
    // Somebody pays all the time, for as many rounds as are asked for.
    await change(join(folder, 'genesis.json'), ({ modules }) => {
      modules.faucet.amount = String(Number(modules.faucet.amount) * 1_000);
    });
  }
  return plan;
}

/** Changes a JSON file that the relay wrote. */
// biome-ignore lint/suspicious/noExplicitAny: whoever changes it knows what is in it.
async function change(path: string, edit: (content: any) => void): Promise<void> {
  const content = JSON.parse(await readFile(path, 'utf8'));
  edit(content);
  await writeFile(path, JSON.stringify(content));
}
