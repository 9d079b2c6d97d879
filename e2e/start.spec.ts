import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from '@playwright/test';
import { isAlive } from '../deploy/processes.ts';
import { freePorts } from '../deploy/relay-process.ts';
import type { Address } from '../src/sdk/index.ts';
import { formatAddress } from '../src/sdk/index.ts';

const START = new URL('../deploy/start.mjs', import.meta.url).pathname;

/** `npm start` as a person runs it: what it says, and how it ends. */
type Run = {
  readonly lines: readonly string[];
  /** Of the validators. */
  readonly pids: readonly number[];
  readonly port: number;
  /** Ctrl-C. */
  stop(): Promise<number | null>;
};

let data = '';
let port = 0;
let running: ChildProcess | undefined;

test.describe.configure({ mode: 'serial' });

test.beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'tabellion-start-'));
  ({ port } = await freePorts(4));
});

test.afterAll(async () => {
  if (running?.exitCode === null) {
    running.kill('SIGINT');
    await once(running, 'exit');
  }
  await rm(data, { recursive: true, force: true });
});

/** Starts, and waits for the line that says how to stop: it is the last of the announcement. */
async function start(...options: readonly string[]): Promise<Run> {
  const app = process.env.APP_FOLDER;
  const extra = app === undefined ? [] : ['--app', app];
  const child = spawn(
    process.execPath,
    [START, '--data', data, '--port', String(port), ...extra, ...options],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  );
  running = child;
  const lines: string[] = [];
  const reader = createInterface({ input: child.stdout });
  child.stderr.on('data', (chunk: Buffer) => lines.push(String(chunk)));
  await new Promise<void>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${lines.join('\n')}`)));
    reader.on('line', (line) => {
      lines.push(line);
      if (line.includes('Ctrl-C')) resolve();
    });
  });
  return {
    lines,
    pids: lines.flatMap((line) => {
      const found = /\(process (\d+)\)/.exec(line);
      return found === null ? [] : [Number(found[1])];
    }),
    port,
    async stop() {
      child.kill('SIGINT');
      const [code] = (await once(child, 'exit')) as [number | null]; // What `exit` tells.
      return code;
    },
  };
}

type Status = { readonly head: { readonly height: number; readonly hash: string } };

async function ask<Answer>(rpc: string, method: string, params = {}): Promise<Answer> {
  const response = await fetch(rpc, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  const answer = (await response.json()) as { readonly result: Answer }; // JSON-RPC 2.0.
  return answer.result;
}

test('the first start makes a network of four processes and says where it is', async () => {
  const run = await start();
  const text = run.lines.join('\n');
  const origin = `http://localhost:${run.port}`;
  expect(text).toContain('of 4 validators');
  expect(text).toContain(`Data    ${data}`);
  expect(text).toContain(`Open    ${origin}`);
  expect(text).toContain(`RPC     ${origin}/rpc`);
  expect(text).toContain('Stop    Ctrl-C');
  expect(new Set(run.pids).size).toBe(4);
  expect(run.pids.every(isAlive)).toBe(true);

  const page = await fetch(origin, { headers: { accept: 'text/html' } });
  expect(page.status).toBe(200);
  expect(await page.text()).toContain('<div id="root">');
  // Somebody gets coins, so a block comes at once.
  const { chainId } = await ask<{ readonly chainId: string }>(`${origin}/rpc`, 'chain.info');
  const address = formatAddress(new Uint8Array(32).fill(7) as Address); // Any 32 bytes.
  await ask(`${origin}/rpc`, 'faucet.request', { address });
  await expect
    .poll(async () => (await ask<Status>(`${origin}/rpc`, 'node.status')).head.height, {
      timeout: 60_000,
    })
    .toBeGreaterThanOrEqual(1);
  const before = await ask<Status>(`${origin}/rpc`, 'node.status');

  expect(await run.stop()).toBe(0);
  expect(run.pids.filter(isAlive)).toEqual([]);
  expect(run.lines.join('\n')).toContain('The next start goes on from here.');

  // Other ports, the same folder: the same chain goes on.
  ({ port } = await freePorts(4));
  const again = await start();
  const moved = `http://localhost:${port}/rpc`;
  expect((await ask<{ readonly chainId: string }>(moved, 'chain.info')).chainId).toBe(chainId);
  const kept = await ask<Status>(moved, 'node.status');
  expect(kept.head.height).toBeGreaterThanOrEqual(before.head.height);
  const block = await ask<{ readonly hash: string }>(moved, 'block.get', {
    height: before.head.height,
  });
  expect(block.hash).toBe(before.head.hash);
  expect(await again.stop()).toBe(0);
  expect(again.pids.filter(isAlive)).toEqual([]);
});

test('another size is refused in words, --reset begins a new network', async () => {
  const first = await start('--reset', '--validators', '2');
  expect(first.pids).toHaveLength(2);
  const rpc = `http://localhost:${port}/rpc`;
  const { chainId } = await ask<{ readonly chainId: string }>(rpc, 'chain.info');
  expect(await first.stop()).toBe(0);

  await expect(start('--validators', '3')).rejects.toThrow(/Use --reset/);

  const second = await start('--reset', '--validators', '2');
  const fresh = await ask<{ readonly chainId: string }>(rpc, 'chain.info');
  expect(fresh.chainId).not.toBe(chainId);
  expect(await second.stop()).toBe(0);

  // Without a number the network goes on as it is.
  const third = await start();
  expect(third.pids).toHaveLength(2);
  expect((await ask<{ readonly chainId: string }>(rpc, 'chain.info')).chainId).toBe(fresh.chainId);
  expect(await third.stop()).toBe(0);
});

test('a port that is taken is said in words, and nothing stays behind', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  try {
    await expect(start('--validators', '2')).rejects.toThrow(/--port/);
  } finally {
    await new Promise((resolve) => server.close(resolve));
  }
});
