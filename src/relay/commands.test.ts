import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isAlive } from '../../deploy/processes.ts';
import { freePorts } from '../../deploy/relay-process.ts';
import type { JsonObject } from '../base/index.ts';
import { parseHex } from '../base/index.ts';
import { createClient, httpTransport, parseAddress } from '../sdk/index.ts';
import { createProgram } from './commands.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

let folder: string;
const running = new Set<ChildProcess>();
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tabellion-cli-'));
});
afterEach(() => {
  for (const child of running) child.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

type Ended = { readonly code: number | null; readonly out: string; readonly err: string };
type Command = { readonly child: ChildProcess; readonly ended: Promise<Ended>; out(): string };

function tabellion(...args: readonly string[]): Command {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += String(chunk);
  });
  child.stderr?.on('data', (chunk) => {
    err += String(chunk);
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => {
      running.delete(child);
      resolve({ code, out, err });
    });
  });
  return { child, ended, out: () => out };
}

/** Runs a short command in this process; `--json` makes its one line a value. */
async function json(...args: readonly string[]): Promise<JsonObject> {
  const write = process.stdout.write;
  let out = '';
  process.stdout.write = (chunk: string | Uint8Array) => {
    out += String(chunk);
    return true;
  };
  try {
    await createProgram().parseAsync([...args, '--json'], { from: 'user' });
  } finally {
    process.stdout.write = write;
  }
  return JSON.parse(out) as JsonObject; // Every command prints one object.
}

/** The failure that a process told on its standard error, as a value. */
async function failureOf(...args: readonly string[]): Promise<JsonObject> {
  const { code, err } = await tabellion(...args, '--json').ended;
  expect(code).toBe(1);
  return JSON.parse(err.trim().split('\n').at(-1) ?? '') as JsonObject; // One object a line.
}

/** Asks again and again, since another process does the work. */
async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 30_000;
  while (!(await condition())) {
    if (Date.now() > endMs) throw new Error(`not within 30 s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Waits for a line of output; rejects when the process ends without it. */
function untilSays(command: Command, pattern: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const line = command
        .out()
        .split('\n')
        .find((each) => pattern.test(each));
      if (line !== undefined) resolve(line);
    };
    command.child.stdout?.on('data', look);
    command.ended.then(({ err }) => reject(new Error(`ended: ${err}`)));
    look();
  });
}

describe('keys', () => {
  it('are made for their owner alone, shown without the secret, and never replaced', async () => {
    const file = join(folder, 'deep', 'ada.json');
    const made = await json('keys', 'create', file);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await json('keys', 'show', file)).toEqual(made);
    const { secretKey, publicKey } = JSON.parse(readFileSync(file, 'utf8'));
    expect(publicKey).toBe(made.publicKey);
    const shown = await tabellion('keys', 'show', file).ended;
    expect(shown).toMatchObject({ code: 0, err: '' });
    expect(shown.out).toContain(String(made.address));
    expect(shown.out).not.toContain(secretKey);
    await expect(json('keys', 'create', file)).rejects.toMatchObject({ code: 'file-exists' });
  });

  it('stay secret where an interrupted write left a file that all can read', async () => {
    const file = join(folder, 'ada.json');
    writeFileSync(`${file}.new`, 'half');
    chmodSync(`${file}.new`, 0o666);
    await json('keys', 'create', file, '--algorithm', 'p256');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('that are missing or spoilt are refused by name', async () => {
    const file = join(folder, 'none.json');
    await expect(json('keys', 'show', file)).rejects.toMatchObject({ code: 'key-file-missing' });
    writeFileSync(file, '{"algorithm":"ed25519"}');
    await expect(json('keys', 'show', file)).rejects.toMatchObject({ code: 'key-file-malformed' });
    writeFileSync(file, '{');
    await expect(json('keys', 'show', file)).rejects.toMatchObject({ code: 'file-malformed' });
  });
});

describe('genesis', () => {
  it('is made for given validators, shown, and checked', async () => {
    const key = await json('keys', 'create', join(folder, 'v.json'));
    const file = join(folder, 'genesis.json');
    const made = await json(
      ...['genesis', 'create', file, '--name', 'Village'],
      ...['--validator', `Oslo=${String(key.publicKey)}`],
    );
    expect(made).toMatchObject({ name: 'Village', validators: 1 });
    expect(await json('genesis', 'show', file)).toEqual(made);
    const { chainId } = made;
    expect(await json('genesis', 'check', file)).toEqual({ isValid: true, chainId });
    expect(await json('genesis', 'schema')).toMatchObject({ type: 'object' });
  });

  it('that no network can start from is refused with the place of the fault', async () => {
    const file = join(folder, 'genesis.json');
    await expect(json('genesis', 'show', file)).rejects.toMatchObject({ code: 'genesis-missing' });
    writeFileSync(file, '{"version":1}');
    await expect(json('genesis', 'check', file)).rejects.toMatchObject({ code: 'genesis-invalid' });
    await expect(
      json('genesis', 'create', file, '--name', 'x', '--validator', 'Oslo=12'),
    ).rejects.toMatchObject({ code: 'validator-key-malformed' });
  });
});

describe('a command that finds no node', () => {
  it('says so by its code, for people and programs', async () => {
    const { port } = await freePorts(1);
    const rpc = ['--rpc', `http://127.0.0.1:${port}/rpc`];
    await expect(json('status', ...rpc)).rejects.toMatchObject({ code: 'connection-failed' });
    const { code, err } = await tabellion('status', ...rpc).ended;
    expect(code).toBe(1);
    expect(err).toContain('Failed: connection-failed');
  });
});

describe('a local network', { timeout: 120_000 }, () => {
  type Devnet = Command & { readonly ready: JsonObject; readonly pids: readonly number[] };

  async function devnet(port: number, ...args: readonly string[]): Promise<Devnet> {
    const data = join(folder, 'net');
    const command = tabellion(
      ...['devnet', '--json', '--data', data, '--port', `${port}`],
      ...['--validators', '2', '--app', join(folder, 'no-app'), ...args],
    );
    const ready = JSON.parse(await untilSays(command, /"ready"/)) as JsonObject;
    return { ...command, ready, pids: ready.processes as number[] };
  }

  it('pays, stops at Ctrl-C, and goes on where it was', async () => {
    const { port } = await freePorts(4);
    const rpc = ['--rpc', `http://localhost:${port}/rpc`];
    const net = await devnet(port);
    const payer = await json('keys', 'create', join(folder, 'payer.json'));
    const payee = await json('keys', 'create', join(folder, 'payee.json'), '--algorithm', 'p256');
    const client = createClient(httpTransport(String(net.ready.rpc)));
    const address = parseAddress(String(payer.address));
    if (!address.ok) throw new Error(address.error.code);
    const { id } = await client.call('faucet.request', { address: address.value });
    await until('the coins came', async () => {
      const { stage } = await client.call('transaction.status', { id });
      return stage === 'final';
    });
    client.close();
    const send = (amount: string) =>
      json(
        ...['send', '--key', join(folder, 'payer.json'), '--to', String(payee.address)],
        ...['--amount', amount, ...rpc],
      );
    const sent = await send('1.5');
    expect(parseHex(String(sent.id)).ok).toBe(true);
    await expect(send('1000')).rejects.toMatchObject({ code: 'insufficient-balance' });
    const balance = async () =>
      (await json('status', '--address', String(payee.address), ...rpc)).balances;
    expect(await balance()).toEqual([{ symbol: 'TAB', amount: '1.5' }]);
    const before = await json('status', ...rpc);
    expect(before).toMatchObject({ network: 'Devnet', stage: 'following', peers: 1 });

    // Another one on the same ports is told at once which is taken.
    const other = await failureOf('devnet', '--data', join(folder, 'other'), '--port', `${port}`);
    expect(other).toMatchObject({ code: 'address-in-use', facts: { port } });

    // As a terminal and npm send it: twice within milliseconds.
    net.child.kill('SIGINT');
    net.child.kill('SIGINT');
    expect((await net.ended).code).toBe(0);
    expect(net.pids.filter(isAlive)).toEqual([]);

    const again = await devnet(port);
    expect(again.ready.chainId).toBe(net.ready.chainId);
    expect(Number((await json('status', ...rpc)).height)).toBeGreaterThanOrEqual(
      Number(before.height),
    );
    expect(await balance()).toEqual([{ symbol: 'TAB', amount: '1.5' }]);

    // Killed without a word: its validators notice, and leave nothing behind.
    again.child.kill('SIGKILL');
    await until('its validators are gone', () => !again.pids.some(isAlive));

    const fresh = await devnet(port, '--reset');
    expect(fresh.ready.chainId).not.toBe(net.ready.chainId);
    fresh.child.kill('SIGTERM');
    expect((await fresh.ended).code).toBe(0);
  });

  it('stopped while it starts leaves no process and is no failure', async () => {
    const { port } = await freePorts(4);
    const command = tabellion('devnet', '--data', join(folder, 'net'), '--port', String(port));
    await untilSays(command, /Data/);
    command.child.kill('SIGINT');
    expect(await command.ended).toMatchObject({ code: 0, err: '' });
  });

  it('never deletes what is not its own', async () => {
    const data = join(folder, 'documents');
    mkdirSync(data);
    writeFileSync(join(data, 'thesis.txt'), 'years of work');
    const { port } = await freePorts(4);
    for (const reset of [[], ['--reset']]) {
      const failure = await failureOf('devnet', '--data', data, '--port', `${port}`, ...reset);
      expect(failure).toMatchObject({ code: 'folder-not-ours' });
    }
    expect(existsSync(join(data, 'thesis.txt'))).toBe(true);
  });

  it('refuses to change its number of validators', async () => {
    const net = await devnet((await freePorts(4)).port);
    net.child.kill('SIGTERM');
    await net.ended;
    const failure = await failureOf('devnet', '--data', join(folder, 'net'), '--validators', '3');
    expect(failure).toMatchObject({ code: 'validators-differ' });
  });
});

describe('a node of its own', { timeout: 60_000 }, () => {
  it('needs a genesis document once, keeps it, and refuses another', async () => {
    const data = join(folder, 'node');
    const port = ['--port', '0', '--listen', '/ip4/127.0.0.1/tcp/0/ws'];
    const bare = await failureOf('node', '--data', data, ...port);
    expect(bare).toMatchObject({ code: 'genesis-missing' });
    const key = await json('keys', 'create', join(data, 'validator.key.json'));
    const files = ['one', 'two'].map((name) => join(folder, `${name}.json`));
    for (const [at, file] of files.entries()) {
      await json(
        ...['genesis', 'create', file, '--name', `net ${at}`],
        ...['--validator', String(key.publicKey)],
      );
    }
    const [first = '', second = ''] = files;
    const node = tabellion('node', '--json', '--data', data, '--genesis', first, ...port);
    const ready = JSON.parse(await untilSays(node, /"ready"/)) as JsonObject;
    const busy = await failureOf('node', '--data', data, ...port);
    expect(busy).toMatchObject({ code: 'store-in-use' });
    const health = await fetch(new URL('/healthz', String(ready.url)));
    expect(await health.json()).toMatchObject({ facts: { stage: 'following' } });
    const metrics = await (await fetch(new URL('/metrics', String(ready.url)))).text();
    expect(metrics).toMatch(/^tabellion_head_height [0-9]+$/m);
    expect(metrics).toMatch(/^tabellion_mode\{mode="archive"\} 1$/m);
    node.child.kill('SIGTERM');
    expect((await node.ended).code).toBe(0);
    const strange = await failureOf('node', '--data', data, '--genesis', second, ...port);
    expect(strange).toMatchObject({ code: 'genesis-differs' });
    // Who decides must execute.
    const light = await failureOf('node', '--data', data, '--mode', 'light', ...port);
    expect(light).toMatchObject({ code: 'not-permitted', facts: { reason: 'validator' } });
    // An archive lets go of nothing.
    const alone = await failureOf('node', '--data', data, '--keep-blocks', '100', ...port);
    expect(alone).toMatchObject({ code: 'keep-blocks-needs-full' });
    for (const [checkpoint, code] of [
      ['48,211', 'checkpoint-malformed'],
      [`0:${'00'.repeat(32)}`, 'checkpoint-wrong-network'],
    ] as const) {
      const named = ['--checkpoint', checkpoint, '--mode', 'archive'];
      const refused = await failureOf('node', '--data', data, ...named, ...port);
      expect(refused).toMatchObject({ code });
    }
    // And it must know who signed.
    const trusting = ['--replay-trusting-checkpoint', '--mode', 'archive'];
    const blind = await failureOf('node', '--data', data, ...trusting, ...port);
    expect(blind).toMatchObject({ code: 'not-permitted', facts: { reason: 'validator' } });
    const short = ['--mode', 'full', '--keep-blocks', '100'];
    const pruned = tabellion('node', '--json', '--data', data, ...short, ...port);
    const again = JSON.parse(await untilSays(pruned, /"ready"/)) as JsonObject;
    const shown = await (await fetch(new URL('/metrics', String(again.url)))).text();
    expect(shown).toMatch(/^tabellion_mode\{mode="full"\} 1$/m);
    pruned.child.kill('SIGTERM');
    expect((await pruned.ended).code).toBe(0);
  });

  it('says which socket it cannot have', async () => {
    const data = join(folder, 'node');
    const key = await json('keys', 'create', join(data, 'validator.key.json'));
    const genesis = join(folder, 'genesis.json');
    await json(
      ...['genesis', 'create', genesis, '--name', 'net'],
      ...['--validator', String(key.publicKey)],
    );
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => {
        const address = taken.address();
        resolve(address === null || typeof address === 'string' ? 0 : address.port);
      });
    });
    const args = ['node', '--data', data, '--genesis', genesis];
    const peers = ['--listen', `/ip4/127.0.0.1/tcp/${port}/ws`, '--port', '0'];
    expect(await failureOf(...args, ...peers)).toMatchObject({ code: 'address-in-use' });
    const rpc = ['--listen', '/ip4/127.0.0.1/tcp/0/ws', '--port', `${port}`];
    expect(await failureOf(...args, ...rpc)).toMatchObject({ code: 'address-in-use' });
    taken.close();
  });
});
