import { Worker } from 'node:worker_threads';
import type { MessageTarget, SignatureVerifier } from '../verifier/index.ts';
import { createPooledVerifier, verifierPortOf } from '../verifier/index.ts';

const THREAD = new URL('./verifier.thread.ts', import.meta.url);

/** Names of a browser's worker for the events of a thread. */
const EVENTS: { readonly [type: string]: string } = { close: 'exit' };

/** A thread of Node.js with the few members that it shares with a browser's `Worker`. */
function startThread(): MessageTarget {
  const worker = new Worker(THREAD);
  // It never keeps the process alive, and its failure is the pool's matter, not the process'.
  worker.unref();
  worker.on('error', () => undefined);
  const heard = new Map<(event: Event) => void, (data: unknown) => void>();
  return {
    postMessage: (message, transfer) =>
      worker.postMessage(message, transfer as unknown as ArrayBuffer[]), // Always of buffers here.
    addEventListener(type, listener) {
      const hear = (data: unknown) => listener({ data } as MessageEvent); // All that is looked at.
      heard.set(listener, hear);
      worker.on(EVENTS[type] ?? type, hear);
    },
    removeEventListener(type, listener) {
      const hear = heard.get(listener);
      if (hear !== undefined) worker.off(EVENTS[type] ?? type, hear);
    },
    terminate() {
      void worker.terminate();
    },
  };
}

/** Verifies on threads of their own, so that the node's thread is left to everything else. */
export function createThreadVerifier(threads: number): SignatureVerifier {
  const workers = Array.from({ length: threads }, () => verifierPortOf(startThread()));
  return createPooledVerifier({ workers });
}
