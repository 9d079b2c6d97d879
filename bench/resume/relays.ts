import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const PREPARE = join(import.meta.dirname, 'prepare.ts');
const MAIN = join(import.meta.dirname, '..', '..', 'src', 'relay', 'main.ts');

/** Two relays that hold the same large state; the first serves the app. */
export type Relays = { readonly url: string; stop(): Promise<void> };

type Ready = { readonly kind: string; readonly url: string; readonly addresses: readonly string[] };

/** Makes a state of so many accounts, and two processes that hold it. */
export async function startRelays(accounts: number, appFolder: string): Promise<Relays> {
  const folder = await mkdtemp(join(tmpdir(), 'tabellion-resume-'));
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(children.map(end));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const [first, second] = [join(folder, 'first'), join(folder, 'second')];
    await finished(
      spawn(process.execPath, [PREPARE, first, String(accounts)], { stdio: 'inherit' }),
    );
    await cp(first, second, { recursive: true });
    const one = await start(children, first, ['--app', appFolder]);
    await start(children, second, ['--relay', one.addresses[0] ?? '']);
    // A page of a bare address could not hold keys.
    return { url: one.url.replace('127.0.0.1', 'localhost'), stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function start(
  children: ChildProcess[],
  data: string,
  words: readonly string[],
): Promise<Ready> {
  // Tabs are told the address as it was given: one that says `any port` leads nowhere.
  const listen = `/ip4/127.0.0.1/tcp/${await freePort()}/ws`;
  const child = spawn(
    process.execPath,
    [
      ...[MAIN, 'node', '--data', data, '--json', '--log', join(data, 'node.log')],
      ...['--port', '0', '--listen', listen, ...words],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  children.push(child);
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`a relay ended with code ${code}`)));
    createInterface({ input: child.stdout }).on('line', (line) => {
      const message = JSON.parse(line) as Ready; // A line of our own program.
      if (message.kind === 'ready') resolve(message);
    });
  });
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

function finished(child: ChildProcess): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`the state could not be prepared: code ${code}`));
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
