import process from 'node:process';
import { setInterval } from 'node:timers';
import { workerData } from 'node:worker_threads';
import { keepSeed } from './seeds.ts';
import type { Watch } from './watchdog.ts';

/** How long one execution may go on before nobody expects its end. */
const STUCK_MS = 60_000;
const LOOK_EVERY_MS = 1_000;

// What `Watchdog` hands over.
const { memory, headWords, target, seed } = workerData as Watch;
const words = new Int32Array(memory, 0, headWords);
let count = -1;
let sinceMs = performance.now();

setInterval(() => {
  const now = Atomics.load(words, 0);
  if (now !== count) {
    count = now;
    sinceMs = performance.now();
    return;
  }
  if (performance.now() - sinceMs < STUCK_MS) return;
  const bytes = new Uint8Array(memory, 4 * headWords).slice(0, words[2]);
  const input = words[1] === 1 ? new TextDecoder().decode(bytes) : new Uint8Array(bytes);
  const message = `an execution does not end (${count} begun, seed ${seed})`;
  const path = keepSeed({ target, kind: 'slow', message, input, isAlone: true });
  process.stderr.write(`${target}: ${message}\n  ${path}\n`);
  process.kill(process.pid, 'SIGKILL');
}, LOOK_EVERY_MS);
