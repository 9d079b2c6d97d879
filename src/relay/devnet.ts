import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Json } from '../base/index.ts';
import { isJsonObject, TabellionError } from '../base/index.ts';
import type { DevnetPlan } from './devnet-plan.ts';
import {
  createDevnetPlan,
  loadDevnetPlan,
  movePlan,
  portsOf,
  removeDevnet,
} from './devnet-plan.ts';
import type { Output } from './output.ts';
import { assertPortsFree } from './ports.ts';

/** Choices of `tabellion devnet`. */
export type DevnetOptions = {
  readonly data: string;
  /** Port of the app and first RPC; the others follow it. */
  readonly port: number;
  /** How many; absent: as many as the data folder holds, four in a new one. */
  readonly validators: number | undefined;
  /** Deletes what an earlier run left. */
  readonly mustReset: boolean;
  readonly appFolder: string;
  readonly output: Output;
  /** Whether failures are told as JSON. */
  readonly isJson: boolean;
};

/** A validator's process, and what it said of itself when it was ready. */
type Child = { readonly process: ChildProcess; readonly index: number };

const MAIN_FILE = fileURLToPath(new URL('./main.ts', import.meta.url));
const VALIDATORS_DEFAULT = 4;
/** Longest start of one node that is still normal on two slow cores. */
const START_TIMEOUT_MS = 60_000;
/** After this a process that does not stop is killed; its store survives that. */
const STOP_TIMEOUT_MS = 8_000;

/**
 * Runs a local network: one process per validator, all of them relays that browsers reach, the
 * first serving the app. Settles after `signal` and once every process has ended.
 */
export async function runDevnet(options: DevnetOptions, signal: AbortSignal): Promise<void> {
  const { output } = options;
  if (options.mustReset) await removeDevnet(options.data);
  const plan = await preparePlan(options);
  // One clear refusal instead of one a process.
  await assertPortsFree(portsOf(plan));
  output.say(`Network "${plan.name}" of ${plan.nodes.length} validators`);
  output.say(`Data    ${options.data}`);

  const children: Child[] = [];
  const stopAll = async () => {
    await Promise.all(children.map(stopChild));
  };
  try {
    const started = await Promise.all(
      plan.nodes.map(async (node, index) => {
        const child = startChild(options, plan, index);
        children.push(child);
        await untilReady(child, signal);
        output.say(
          `  ✓ validator ${index + 1} (process ${child.process.pid ?? 0}) · ${node.listen}`,
        );
        return child;
      }),
    );
    announce(options, plan, started);
    await untilStopped(children, options, signal);
  } catch (error) {
    // Stopped while it was starting: that is no failure.
    if (!signal.aborted) throw error;
  } finally {
    await stopAll();
  }
  output.say('Stopped. The next start goes on from here.');
}

async function preparePlan(options: DevnetOptions): Promise<DevnetPlan> {
  const existing = await loadDevnetPlan(options.data);
  const { data, port, validators } = options;
  if (existing === undefined) {
    return createDevnetPlan({ data, port, validators: validators ?? VALIDATORS_DEFAULT });
  }
  if (validators !== undefined && existing.nodes.length !== validators) {
    throw new TabellionError('validators-differ', {
      found: existing.nodes.length,
      wanted: validators,
      hint: 'use --reset to begin a new network',
    });
  }
  if (existing.port === options.port) return existing;
  return movePlan(options.data, existing, options.port);
}

function startChild(options: DevnetOptions, plan: DevnetPlan, index: number): Child {
  const folder = join(options.data, `node-${index + 1}`);
  const child = spawn(
    process.execPath,
    [
      '--disable-warning=ExperimentalWarning',
      MAIN_FILE,
      'node',
      '--data',
      folder,
      '--log',
      join(folder, 'node.log'),
      // Its failures go to our standard error in our own form.
      ...(options.isJson ? ['--json'] : []),
      ...(plan.nodes[index]?.servesApp === true && existsSync(options.appFolder)
        ? ['--app', options.appFolder]
        : []),
    ],
    // Its own group: a Ctrl-C reaches this process, which stops the others in order.
    { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], detached: true },
  );
  return { process: child, index };
}

function untilReady(child: Child, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (error?: Error) => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
      child.process.off('message', onMessage);
      child.process.off('exit', onExit);
      if (error === undefined) resolve();
      else reject(error);
    };
    const onMessage = (message: unknown) => {
      // Messages come from our own `node` command, which sends JSON.
      const json = message as Json;
      if (isJsonObject(json) && json.kind === 'ready') settle();
    };
    const onExit = (exitCode: number | null) =>
      settle(new TabellionError('node-did-not-start', { node: child.index + 1, exitCode }));
    const onAbort = () => settle(new TabellionError('aborted'));
    const timer = setTimeout(
      () => settle(new TabellionError('node-start-timeout', { node: child.index + 1 })),
      START_TIMEOUT_MS,
    );
    child.process.on('message', onMessage);
    child.process.on('exit', onExit);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}

function announce(options: DevnetOptions, plan: DevnetPlan, children: readonly Child[]): void {
  const origin = `http://localhost:${plan.port}`;
  options.output.result(
    [
      '',
      `  Open    ${origin}`,
      `  RPC     ${origin}/rpc  (WebSocket ${origin.replace('http', 'ws')}/ws)`,
      `  Metrics ${origin}/metrics`,
      '  Stop    Ctrl-C',
      '',
    ].join('\n'),
    {
      kind: 'ready',
      url: origin,
      rpc: `${origin}/rpc`,
      chainId: plan.chainId,
      processes: children.map((child) => child.process.pid ?? 0),
    },
  );
}

/** Waits for the signal to stop, or until nothing is left; says when a validator ends by itself. */
function untilStopped(
  children: Child[],
  options: DevnetOptions,
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    let running = children.length;
    for (const child of children) {
      child.process.once('exit', (exitCode, killedBy) => {
        running--;
        if (signal.aborted) return;
        const how = killedBy ?? `code ${exitCode ?? 0}`;
        const rest = running === 0 ? 'it was the last' : 'the others go on';
        options.output.say(`  ! validator ${child.index + 1} ended (${how}); ${rest}`);
        if (running === 0) resolve();
      });
    }
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function stopChild(child: Child): Promise<void> {
  const { process: running } = child;
  if (running.exitCode !== null || running.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => running.kill('SIGKILL'), STOP_TIMEOUT_MS);
    running.once('exit', () => {
      clearTimeout(timer);
      resolve();
    });
    running.kill('SIGTERM');
  });
}
