import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Server } from 'node:net';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Json } from '../src/base/index.ts';
import { isJsonObject } from '../src/base/index.ts';
import type { NetworkPorts } from '../src/relay/ports.ts';
import { networkPorts } from '../src/relay/ports.ts';

// Commands of the relay as processes of their own, for tests and benchmarks that need real ones.

/** How a process is started. */
export type RelayOptions = {
  /** Another program than the relay's, which says `{"kind":"ready"}` as the relay does. */
  readonly program?: string;
  /** Modules that are loaded before the program. */
  readonly imports?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: NodeJS.ProcessEnv;
  /**
   * How it says that it is ready: in a line of its output (the default; the command wants
   * `--json`), or over a channel, through which it can be told something as well.
   */
  readonly tells?: 'line' | 'channel';
  /** Keeps what it says on its standard error for {@link RunningRelay.complaints}. */
  readonly keepsComplaints?: boolean;
  /** A file of it may hold so many blocks of 512 bytes. */
  readonly fileBlocksMax?: number | undefined;
  readonly startTimeoutMs?: number;
  readonly stopTimeoutMs?: number;
};

/** How a process ended: by itself, or by a signal. */
export type Ending = { readonly code: number | null; readonly signal: NodeJS.Signals | null };

/** What comes first of a process. */
export type Outcome =
  | { readonly kind: 'ready'; readonly message: Json }
  | ({ readonly kind: 'ended' } & Ending)
  | { readonly kind: 'late' };

/** A process that was started. */
export type RunningRelay = {
  readonly pid: number;
  isAlive(): boolean;
  /** What comes first: it is ready, it ends, or its time is up; it goes on living then. */
  readonly outcome: Promise<Outcome>;
  /** What it says once it is ready; ends it, and rejects, when it does not become so in time. */
  ready<Message>(): Promise<Message>;
  readonly ended: Promise<Ending>;
  /** The newest of what it said on its standard error. */
  complaints(): string;
  /** Tells it something over its channel, if it still listens. */
  tell(message: object): void;
  /** Stands still, connections open; returns whether it was there to hear it. */
  pause(): boolean;
  resume(): void;
  /** Ends it as a loss of power would. */
  kill(): Promise<Ending>;
  /** Asks it to end, paused or not, and ends it hard when it does not within its time. */
  stop(): Promise<Ending>;
};

const MAIN = fileURLToPath(new URL('../src/relay/main.ts', import.meta.url));
/** A network of four on two cores that others use as well. */
const START_TIMEOUT_MS = 90_000;
/** A relay that cannot stop in order ends by itself after 20 seconds. */
const STOP_TIMEOUT_MS = 25_000;
const COMPLAINTS_MAX = 2_000;

/** All that run: none outlives the program that started it, unless that one is killed hard. */
const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) askToEnd(child);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void endBy(signal));
}

let isEnding = false;

/** A process that ends by a signal tells nobody of its exit: what it started is ended before. */
async function endBy(signal: NodeJS.Signals): Promise<void> {
  // Others who listen decide themselves when this process ends.
  if (process.listenerCount(signal) > 1) return;
  const children = [...running];
  // Who asks a second time waits for nobody.
  if (isEnding) for (const child of children) child.kill('SIGKILL');
  else {
    isEnding = true;
    for (const child of children) askToEnd(child);
    const timer = setTimeout(() => {
      for (const child of children) child.kill('SIGKILL');
    }, STOP_TIMEOUT_MS);
    await Promise.all(children.map((child) => running.has(child) && once(child, 'exit')));
    clearTimeout(timer);
  }
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}

/** Starts a command of the relay, such as `['node', '--data', FOLDER, '--json']`. */
export function startRelay(words: readonly string[], options: RelayOptions = {}): RunningRelay {
  const child = spawnRelay(words, options);
  running.add(child);
  let complaints = '';
  child.stderr?.on('data', (chunk) => {
    complaints = `${complaints}${String(chunk)}`.slice(-COMPLAINTS_MAX);
  });
  // Not `exit`: what it said last may still be on its way then.
  const ended = new Promise<Ending>((resolve) => {
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
    child.on('error', (error) => {
      if (child.pid !== undefined) return; // A signal or a word that did not arrive.
      complaints = String(error);
      running.delete(child);
      resolve({ code: null, signal: null });
    });
  });
  const outcome = outcomeOf(child, ended, options.startTimeoutMs ?? START_TIMEOUT_MS);
  const kill = (): Promise<Ending> => {
    child.kill('SIGKILL');
    return ended;
  };
  const stop = async (): Promise<Ending> => {
    askToEnd(child);
    const timer = setTimeout(kill, options.stopTimeoutMs ?? STOP_TIMEOUT_MS);
    const ending = await ended;
    clearTimeout(timer);
    return ending;
  };
  return {
    pid: child.pid ?? 0,
    isAlive: () => running.has(child),
    outcome,
    async ready<Message>() {
      const first = await outcome;
      // The caller names what its program says.
      if (first.kind === 'ready') return first.message as Message;
      await stop();
      const how = first.kind === 'late' ? 'was not ready in time' : `ended: ${describe(first)}`;
      throw new Error(`${words.slice(0, 1).join()} ${how}\n${complaints}`.trim());
    },
    ended,
    complaints: () => complaints,
    tell: (message) => void child.send(message, () => undefined),
    pause: () => child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill,
    stop,
  };
}

function spawnRelay(words: readonly string[], options: RelayOptions): ChildProcess {
  const { program = MAIN, imports = [], env, fileBlocksMax } = options;
  const command = [
    ...[process.execPath, '--disable-warning=ExperimentalWarning'],
    ...imports.flatMap((each) => ['--import', each]),
    ...[program, ...words],
  ];
  // The system's own limit: writes beyond it fail as those on a full disk do.
  const limit = fileBlocksMax === undefined ? '' : `ulimit -f ${fileBlocksMax} && `;
  const stderr = options.keepsComplaints === true ? 'pipe' : 'inherit';
  return spawn('/bin/sh', ['-c', `${limit}exec "$@"`, 'sh', ...command], {
    stdio:
      options.tells === 'channel'
        ? ['ignore', 'ignore', stderr, 'ipc']
        : ['ignore', 'pipe', stderr],
    env: { ...process.env, ...env },
  });
}

/** The signals find it paused or not; one that is gone hears neither. */
function askToEnd(child: ChildProcess): void {
  child.kill('SIGCONT');
  child.kill('SIGTERM');
}

function outcomeOf(
  child: ChildProcess,
  ended: Promise<Ending>,
  timeoutMs: number,
): Promise<Outcome> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve({ kind: 'late' }), timeoutMs);
    const settle = (outcome: Outcome): void => {
      clearTimeout(timer);
      resolve(outcome);
    };
    const hear = (message: Json): void => {
      if (isJsonObject(message) && message.kind === 'ready') settle({ kind: 'ready', message });
    };
    void ended.then((ending) => settle({ kind: 'ended', ...ending }));
    child.on('message', (message) => hear(message as Json)); // A channel of JSON.
    if (child.stdout === null) return;
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = parsedLine(line);
      if (message !== undefined) hear(message);
    });
  });
}

/** A line that is no JSON is for people. */
function parsedLine(line: string): Json | undefined {
  try {
    return JSON.parse(line) as Json; // What `JSON.parse` gives.
  } catch {
    return undefined;
  }
}

function describe({ code, signal }: Ending): string {
  return signal ?? `code ${code}`;
}

/** Below what systems give to outgoing connections, which would take a port between two runs. */
const PORTS = { least: 15_000, spread: 17_000 };
const ATTEMPTS_MAX = 100;
/** What was named once is not named again: it may not be listened to yet. */
const named = new Set<number>();

/**
 * Free ports for a local network of so many nodes, placed as `tabellion devnet --port PORT` places
 * them.
 */
export async function freePorts(nodes: number): Promise<NetworkPorts & { readonly port: number }> {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const port = PORTS.least + Math.floor(Math.random() * PORTS.spread);
    const places = networkPorts(port, nodes);
    const ports = [...places.rpcPorts, ...places.peerPorts];
    if (ports.some((each) => named.has(each))) continue;
    for (const each of ports) named.add(each);
    // All held at once: another process that looks meanwhile finds them taken.
    const held = await Promise.all(ports.map(hold));
    const servers = held.filter((server) => server !== undefined);
    await Promise.all(servers.map((server) => once(server.close(), 'close')));
    if (servers.length === ports.length) return { port, ...places };
  }
  throw new Error('no free ports');
}

function hold(port: number): Promise<Server | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
