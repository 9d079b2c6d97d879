import type { Stream } from '@libp2p/interface';
import type { Bytes, Clock } from '../base/index.ts';
import { networkError } from './errors.ts';
import { FramedStream } from './framed-stream.ts';
import type { Frame } from './frames.ts';
import { FRAME_OVERHEAD_BYTES } from './frames.ts';
import type { NetworkLimits } from './limits.ts';
import { PENALTY_MALFORMED, PENALTY_OVERSIZE, RESPONSE_PIECE_BYTES } from './limits.ts';

type Dependencies = {
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly blame: (points: number, reason: string) => void;
  /** Called once when the stream is gone. */
  readonly onEnd: () => void;
};

type Pending = {
  total: number | undefined;
  received: number;
  /** Grows with what arrives: tiny pieces cost no more than large ones, nor does a lying head. */
  buffer: Bytes;
  readonly resolve: (response: Bytes) => void;
  readonly reject: (error: unknown) => void;
};

/** The asking side of one request stream: many questions at once, answers in any order. */
export class RequestClient {
  readonly #with: Dependencies;
  readonly #framed: FramedStream;
  readonly #pending = new Map<number, Pending>();
  readonly #pings = new Map<number, () => void>();
  #nextId = 1;
  #isRetiring = false;

  constructor(stream: Stream, dependencies: Dependencies) {
    this.#with = dependencies;
    this.#framed = new FramedStream(stream, {
      clock: dependencies.clock,
      frameBytesMax: FRAME_OVERHEAD_BYTES + RESPONSE_PIECE_BYTES,
      writeTimeoutMs: dependencies.limits.writeTimeoutMs,
      onFrame: (frame) => this.#onFrame(frame),
      onEnd: (error) => {
        if (error !== undefined) dependencies.blame(PENALTY_MALFORMED, error.code);
        for (const id of [...this.#pending.keys()]) this.#fail(id, networkError('peer-gone'));
        dependencies.onEnd();
      },
    });
  }

  get isOpen(): boolean {
    return this.#framed.isOpen && !this.#isRetiring;
  }

  /** Asks; rejects with the signal's reason when that fires, else as `Network.request` does. */
  ask(kind: number, body: Bytes, signal: AbortSignal): Promise<Bytes> {
    const id = this.#takeId();
    return new Promise((resolvePromise, rejectPromise) => {
      const onAbort = () => this.#giveUp(id, signal.reason);
      const settle = () => {
        signal.removeEventListener('abort', onAbort);
        if (this.#isRetiring && this.#pending.size === 0) this.#framed.abort('replaced');
      };
      this.#pending.set(id, {
        total: undefined,
        received: 0,
        buffer: new Uint8Array(0),
        resolve: (response) => {
          settle();
          resolvePromise(response);
        },
        reject: (error) => {
          settle();
          rejectPromise(error);
        },
      });
      signal.addEventListener('abort', onAbort);
      if (signal.aborted) onAbort();
      else if (!this.#framed.isOpen) this.#fail(id, networkError('peer-gone'));
      else {
        const frame = { type: 'request', id, kind, body } as const;
        this.#framed.send(frame).catch((error: unknown) => this.#fail(id, error));
      }
    });
  }

  /** Round trip in milliseconds; rejects with `request-timeout` or `peer-gone`. */
  ping(timeoutMs: number): Promise<number> {
    const { clock } = this.#with;
    const id = this.#takeId();
    const startedMs = clock.now();
    return new Promise((resolve, reject) => {
      const cancel = clock.after(timeoutMs, () => {
        this.#pings.delete(id);
        reject(networkError('request-timeout', { timeoutMs }));
      });
      this.#pings.set(id, () => {
        cancel();
        this.#pings.delete(id);
        resolve(Math.max(0, clock.now() - startedMs));
      });
      this.#framed.send({ type: 'ping', id }).catch((error: unknown) => {
        cancel();
        this.#pings.delete(id);
        reject(error);
      });
    });
  }

  /** Takes no new question and ends when the last one is answered: a better path is open. */
  retire(): void {
    this.#isRetiring = true;
    if (this.#pending.size === 0) this.#framed.abort('replaced');
  }

  close(): void {
    this.#framed.abort('closed');
  }

  #takeId(): number {
    const id = this.#nextId;
    this.#nextId = id === 0xffff_ffff ? 1 : id + 1;
    return id;
  }

  #onFrame(frame: Frame): void {
    if (frame.type === 'pong') {
      this.#pings.get(frame.id)?.();
      return;
    }
    if (frame.type === 'request' || frame.type === 'cancel' || frame.type === 'ping') {
      this.#broken('not an answer');
      return;
    }
    const pending = this.#pending.get(frame.id);
    if (pending === undefined) return; // Given up meanwhile: ordinary.
    if (frame.type === 'refuse') {
      this.#fail(frame.id, networkError('request-refused', { reason: frame.reason }));
    } else if (frame.type === 'head') this.#onHead(frame.id, pending, frame.length);
    else this.#onPiece(frame.id, pending, frame.body);
  }

  #onHead(id: number, pending: Pending, length: number): void {
    if (pending.total !== undefined) {
      this.#broken('two heads');
      return;
    }
    const { responseBytesMax } = this.#with.limits;
    if (length > responseBytesMax) {
      this.#with.blame(PENALTY_OVERSIZE, 'response too large');
      this.#giveUp(id, networkError('response-too-large', { length, responseBytesMax }));
      return;
    }
    pending.total = length;
    if (length === 0) this.#succeed(id, pending);
  }

  #onPiece(id: number, pending: Pending, body: Bytes): void {
    const { total, received: at, buffer } = pending;
    const received = at + body.length;
    if (total === undefined || received > total) {
      this.#broken('more than promised');
      return;
    }
    if (received > buffer.length) {
      pending.buffer = new Uint8Array(Math.min(total, Math.max(received, 2 * buffer.length)));
      pending.buffer.set(buffer.subarray(0, at));
    }
    pending.buffer.set(body, at);
    pending.received = received;
    if (received === total) this.#succeed(id, pending);
  }

  #succeed(id: number, pending: Pending): void {
    this.#pending.delete(id);
    // Full, and so exactly as long as promised.
    pending.resolve(pending.buffer);
  }

  #fail(id: number, error: unknown): void {
    const pending = this.#pending.get(id);
    this.#pending.delete(id);
    pending?.reject(error);
  }

  #giveUp(id: number, error: unknown): void {
    if (!this.#pending.has(id)) return;
    this.#fail(id, error);
    if (this.#framed.isOpen) this.#framed.send({ type: 'cancel', id }).catch(() => undefined);
  }

  #broken(reason: string): void {
    this.#with.blame(PENALTY_MALFORMED, reason);
    this.#framed.abort(reason);
  }
}
