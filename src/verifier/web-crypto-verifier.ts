import { TabellionError } from '../base/index.ts';
import type { SignatureClaim } from '../crypto/index.ts';
import { precheckClaim, verifySignature } from '../crypto/index.ts';
import type { SubtleVerify } from './engine.ts';
import { createEngine } from './engine.ts';
import { CACHED_KEYS_MAX, CONCURRENCY_DEFAULT } from './limits.ts';
import type { SignatureVerifier } from './types.ts';

export type WebCryptoVerifierOptions = {
  /** Verifications given to the engine at once, over all batches: so many, down to a half. */
  readonly concurrency?: number;
  readonly cachedKeysMax?: number;
  /** Default: the platform's own; without any, the reference does the work. */
  readonly subtle?: SubtleVerify | undefined;
};

/** Claims of one call, and what is known of them. */
type Batch = {
  readonly claims: readonly SignatureClaim[];
  readonly verdicts: boolean[];
  readonly resolve: (verdicts: boolean[]) => void;
  /** Next claim to look at. */
  next: number;
  /** Claims given to the engine and not answered. */
  pending: number;
  isSettled: boolean;
};

/**
 * Verifies with WebCrypto, in Node.js (where its thread pool uses every core) and in workers
 * (where each worker is one core). Batches are served in turn of arrival.
 */
export function createWebCryptoVerifier(options: WebCryptoVerifierOptions = {}): SignatureVerifier {
  const { concurrency = CONCURRENCY_DEFAULT, cachedKeysMax = CACHED_KEYS_MAX } = options;
  const subtle = 'subtle' in options ? options.subtle : globalThis.crypto?.subtle;
  // Pages without a secure context have no `subtle`, whatever its declared type says.
  const engine = subtle === undefined ? undefined : createEngine(subtle, cachedKeysMax);
  const batches: Batch[] = [];
  /**
   * The engine gets more when it has this many left, so as many again in a row. One at a time, as
   * each is answered, wakes a thread of Node.js's pool for each of them once the pool has little
   * to do: the dearest part of handing over a claim.
   */
  const refillAt = Math.floor(concurrency / 2);
  let inFlight = 0;
  let isStopped = false;
  const idleWaiters: (() => void)[] = [];

  function answer(batch: Batch, index: number, verdict: boolean): void {
    inFlight--;
    batch.pending--;
    batch.verdicts[index] = verdict;
    settleIfDone(batch);
    if (inFlight <= refillAt) pump();
  }

  function settleIfDone(batch: Batch): void {
    if (batch.isSettled || batch.pending > 0 || batch.next < batch.claims.length) return;
    batch.isSettled = true;
    batch.resolve(batch.verdicts);
  }

  /** Looks at the next claim of a batch; most bad ones end here. */
  function begin(batch: Batch): void {
    const index = batch.next++;
    const claim = batch.claims[index];
    if (claim === undefined || !precheckClaim(claim)) return;
    if (engine === undefined) {
      batch.verdicts[index] = verifySignature(claim);
      return;
    }
    inFlight++;
    batch.pending++;
    // The engine answers every claim: its own failures end in the reference.
    engine.verify(claim, (verdict) => answer(batch, index, verdict));
  }

  function pump(): void {
    while (inFlight < concurrency) {
      const batch = batches[0];
      if (batch === undefined) break;
      if (batch.isSettled || batch.next >= batch.claims.length) {
        batches.shift();
        settleIfDone(batch);
        continue;
      }
      begin(batch);
    }
    if (inFlight > 0 || batches.length > 0) return;
    for (const resolve of idleWaiters.splice(0)) resolve();
  }

  return {
    async verify(claims, signal) {
      if (isStopped) throw new TabellionError('verifier-stopped');
      if (signal?.aborted === true) throw new TabellionError('aborted');
      if (claims.length === 0) return [];
      return new Promise<boolean[]>((resolve, reject) => {
        const verdicts = new Array<boolean>(claims.length).fill(false);
        const abort = () => {
          batch.isSettled = true; // What is in flight ends unheard.
          reject(new TabellionError('aborted'));
          pump();
        };
        const settle = (value: boolean[]) => {
          signal?.removeEventListener('abort', abort);
          resolve(value);
        };
        const batch: Batch = {
          claims,
          verdicts,
          resolve: settle,
          next: 0,
          pending: 0,
          isSettled: false,
        };
        signal?.addEventListener('abort', abort, { once: true });
        batches.push(batch);
        pump();
      });
    },
    async stop() {
      isStopped = true;
      if (inFlight > 0 || batches.length > 0) {
        await new Promise<void>((resolve) => idleWaiters.push(resolve));
      }
      engine?.clear();
    },
  };
}
