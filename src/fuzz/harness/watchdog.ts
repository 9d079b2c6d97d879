import { Worker } from 'node:worker_threads';
import { encodeUtf8 } from '../../base/index.ts';
import type { Input } from './types.ts';

/** Longest input that is told whole; of longer ones the beginning. */
const INPUT_BYTES_MAX = 64 * 1024;
/** Count of executions u32, kind of the input u32, its length u32; then its bytes. */
const HEAD_WORDS = 3;

/** What the watching thread is given when it starts. */
export type Watch = {
  readonly memory: SharedArrayBuffer;
  readonly headWords: number;
  readonly target: string;
  readonly seed: number;
};

/**
 * Sees from another thread when one execution never ends: keeps its input, says so, and ends the
 * program, which could not do so by itself any more.
 */
export class Watchdog {
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #worker: Worker;

  constructor(target: string, seed: number) {
    const memory = new SharedArrayBuffer(4 * HEAD_WORDS + INPUT_BYTES_MAX);
    this.#words = new Int32Array(memory, 0, HEAD_WORDS);
    this.#bytes = new Uint8Array(memory, 4 * HEAD_WORDS);
    const watch: Watch = { memory, headWords: HEAD_WORDS, target, seed };
    this.#worker = new Worker(new URL('./watchdog.worker.ts', import.meta.url), {
      workerData: watch,
    });
    this.#worker.unref();
  }

  /** An execution begins. */
  begin(input: Input): void {
    const isText = typeof input === 'string';
    const bytes = isText ? encodeUtf8(input) : input;
    const length = Math.min(bytes.length, INPUT_BYTES_MAX);
    this.#bytes.set(length === bytes.length ? bytes : bytes.subarray(0, length));
    this.#words[1] = isText ? 1 : 0;
    this.#words[2] = length;
    Atomics.add(this.#words, 0, 1);
  }

  async stop(): Promise<void> {
    await this.#worker.terminate();
  }
}
