import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningRelay } from '../../deploy/relay-process.ts';
import { freePorts, startRelay } from '../../deploy/relay-process.ts';

const PREPARE = join(import.meta.dirname, 'prepare.ts');

/** Two relays that hold the same large state; the first serves the app. */
export type Relays = { readonly url: string; stop(): Promise<void> };

type Ready = { readonly url: string; readonly addresses: readonly string[] };

/** Makes a state of so many accounts, and two processes that hold it. */
export async function startRelays(accounts: number, appFolder: string): Promise<Relays> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-resume-'));
  const relays: RunningRelay[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(relays.map((relay) => relay.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  const start = async (data: string, words: readonly string[]): Promise<Ready> => {
    // Tabs are told the address as it was given: one that says `any port` leads nowhere.
    const { port, peerPorts } = await freePorts(1);
    const relay = startRelay([
      ...['node', '--data', data, '--json', '--log', join(data, 'node.log')],
      ...['--port', String(port), '--listen', `/ip4/127.0.0.1/tcp/${peerPorts[0]}/ws`, ...words],
    ]);
    relays.push(relay);
    return relay.ready<Ready>();
  };
  try {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    await prepare(first, accounts);
    await cp(first, second, { recursive: true });
    const one = await start(first, ['--app', appFolder]);
    await start(second, ['--relay', one.addresses[0] ?? '']);
    // A page of a bare address could not hold keys.
    return { url: one.url.replace('127.0.0.1', 'localhost'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A process of its own: its memory goes with it. */
async function prepare(folder: string, accounts: number): Promise<void> {
  const words = [PREPARE, folder, String(accounts)];
  const [code] = await once(spawn(process.execPath, words, { stdio: 'inherit' }), 'exit');
  if (code !== 0) throw new Error(`the state could not be prepared: code ${code}`);
}
