import type { Clock } from '../base/index.ts';
import { systemClock, TabellionError } from '../base/index.ts';
import { encode } from '../codec/index.ts';
import type { SignatureClaim } from '../crypto/index.ts';
import { precheckClaim } from '../crypto/index.ts';
import {
  CHUNK_CLAIMS_MAX,
  CHUNK_CLAIMS_MIN,
  PORT_MESSAGE_BYTES_MAX,
  REPLY_TIMEOUT_MS,
} from './limits.ts';
import type { VerifierMessage, VerifierPort } from './port.ts';
import { chunkCodec } from './port.ts';
import type { SignatureVerifier } from './types.ts';
import { createWebCryptoVerifier } from './web-crypto-verifier.ts';

export type PooledVerifierOptions = {
  /** Lines to workers that serve `serveVerifier`; the pool owns and closes them. */
  readonly workers: readonly VerifierPort[];
  /** Verifies here what no worker can; the pool stops it. Default: WebCrypto on this thread. */
  readonly local?: SignatureVerifier;
  readonly clock?: Clock;
  readonly replyTimeoutMs?: number;
};

type Verdicts = readonly boolean[];

/** A chunk that a worker has, and how to hand back its verdicts. */
type Job = {
  readonly claims: readonly SignatureClaim[];
  readonly resolve: (verdicts: Verdicts | undefined) => void;
  readonly cancelTimeout: () => void;
};

/** One worker as the pool sees it. */
class Member {
  readonly jobs = new Map<number, Job>();
  readonly #port: VerifierPort;
  isAlive = true;
  /** Claims sent and not answered. */
  load = 0;

  constructor(port: VerifierPort) {
    this.#port = port;
    port.listen(
      (message) => this.#receive(message),
      () => this.fail(),
    );
  }

  /** Verdicts of the worker, or `undefined` when it failed first. */
  ask(id: number, claims: readonly SignatureClaim[], limit: Limit): Promise<Verdicts | undefined> {
    return new Promise((resolve) => {
      const cancelTimeout = limit.clock.after(limit.replyTimeoutMs, () => this.fail());
      this.jobs.set(id, { claims, resolve, cancelTimeout });
      this.load += claims.length;
      try {
        this.#port.send({ kind: 'verify', id, claims: encode(chunkCodec, claims) });
      } catch {
        this.fail(); // The line is closed.
      }
    });
  }

  #receive(message: VerifierMessage): void {
    const job = message.kind === 'verdicts' ? this.jobs.get(message.id) : undefined;
    if (message.kind !== 'verdicts' || job === undefined) return;
    if (message.verdicts.length !== job.claims.length) {
      this.fail();
      return;
    }
    this.jobs.delete(message.id);
    this.load -= job.claims.length;
    job.cancelTimeout();
    job.resolve(Array.from(message.verdicts, (verdict) => verdict === 1));
  }

  /** Gives up this worker: whoever waits for it goes on without it. */
  fail(): void {
    if (!this.isAlive) return;
    this.isAlive = false;
    this.#port.close();
    for (const job of this.jobs.values()) {
      job.cancelTimeout();
      job.resolve(undefined);
    }
    this.jobs.clear();
    this.load = 0;
  }
}

type Limit = { readonly clock: Clock; readonly replyTimeoutMs: number };

function chunksOf(indexes: readonly number[], workers: number): number[][] {
  const even = Math.ceil(indexes.length / Math.max(1, workers));
  const size = Math.min(CHUNK_CLAIMS_MAX, Math.max(CHUNK_CLAIMS_MIN, even));
  const chunks: number[][] = [];
  for (let at = 0; at < indexes.length; at += size) chunks.push(indexes.slice(at, at + size));
  return chunks;
}

function refuseAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw new TabellionError('aborted');
}

/**
 * Spreads batches over workers, each chunk to the least busy one. A worker that crashes, stays
 * silent or answers nonsense is given up; its chunks are verified on this thread instead.
 */
export function createPooledVerifier(options: PooledVerifierOptions): SignatureVerifier {
  const local = options.local ?? createWebCryptoVerifier();
  const limit: Limit = {
    clock: options.clock ?? systemClock,
    replyTimeoutMs: options.replyTimeoutMs ?? REPLY_TIMEOUT_MS,
  };
  const members = options.workers.map((port) => new Member(port));
  let nextId = 0;
  let isStopped = false;

  function leastBusy(): Member | undefined {
    let best: Member | undefined;
    for (const member of members) {
      if (member.isAlive && (best === undefined || member.load < best.load)) best = member;
    }
    return best;
  }

  async function verifyChunk(
    claims: readonly SignatureClaim[],
    signal: AbortSignal | undefined,
  ): Promise<Verdicts> {
    const verdicts = await leastBusy()?.ask(nextId++, claims, limit);
    return verdicts ?? local.verify(claims, signal);
  }

  return {
    async verify(claims, signal) {
      if (isStopped) throw new TabellionError('verifier-stopped');
      refuseAborted(signal);
      const verdicts = new Array<boolean>(claims.length).fill(false);
      const travelling: number[] = [];
      const staying: number[] = [];
      for (const [index, claim] of claims.entries()) {
        if (!precheckClaim(claim)) continue; // Decided: the lengths of the others are known now.
        (claim.message.length > PORT_MESSAGE_BYTES_MAX ? staying : travelling).push(index);
      }
      const alive = members.filter((member) => member.isAlive).length;
      const chunks = chunksOf(travelling, alive);
      if (staying.length > 0) chunks.push(staying);
      await Promise.all(
        chunks.map(async (indexes) => {
          // Every index is a place in `claims`.
          const chunk = indexes.map((index) => claims[index] as SignatureClaim);
          const answers =
            indexes === staying
              ? await local.verify(chunk, signal)
              : await verifyChunk(chunk, signal);
          for (const [at, index] of indexes.entries()) verdicts[index] = answers[at] === true;
        }),
      );
      refuseAborted(signal);
      return verdicts;
    },
    async stop() {
      isStopped = true;
      for (const member of members) member.fail();
      await local.stop();
    },
  };
}
