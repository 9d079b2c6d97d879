import { parentPort } from 'node:worker_threads';
import type { MessageTarget } from '../verifier/index.ts';
import { createNativeVerifier, serveVerifier, verifierPortOf } from '../verifier/index.ts';
import { nativeSignatures } from './native-signatures.ts';

// The line to whoever started this thread is a `MessagePort` as in browsers, under a type of its
// own; on the main thread there is none, and nothing to do.
if (parentPort !== null) {
  const line = parentPort as unknown as MessageTarget;
  serveVerifier(verifierPortOf(line), createNativeVerifier(nativeSignatures));
}
