import { parentPort, workerData } from 'node:worker_threads';
import { referenceUpdateMs } from './reference.ts';

// A thread of its own, for a heap of its own.

// Given by `state.bench.ts`.
const { keys, rounds } = workerData as { readonly keys: number; readonly rounds: number };
parentPort?.postMessage(await referenceUpdateMs(keys, rounds));
