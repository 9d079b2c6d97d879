import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from '@playwright/test';

const MAIN = new URL('../src/consistency/main.ts', import.meta.url).pathname;

test('clients of four validators are told nothing wrong, while one after another is killed', async () => {
  const flags = ['--seconds', '6', '--seed', '4', '--clients', '4', '--faults', 'kill'];
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
  }
  try {
    const [code] = (await once(child, 'exit')) as [number | null]; // What `exit` tells.
    expect(code, said).toBe(0);
  } finally {
    // A test that ran out of time ends its network as well.
    child.kill('SIGTERM');
  }
  expect(said).toMatch(/faults: [1-9]\d* × kill/);
  expect(said).toMatch(/\b[1-9]\d* blocks with [1-9]\d* transactions/);
  expect(said).toMatch(/\d+ passed, 0 failed\n$/);
});
