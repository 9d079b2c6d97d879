import type { Stream } from '@libp2p/interface';
import type { Bytes, Clock } from '../base/index.ts';
import { errorToData } from '../base/index.ts';
import { FramedStream } from './framed-stream.ts';
import type { Frame, Refusal } from './frames.ts';
import { FRAME_OVERHEAD_BYTES } from './frames.ts';
import type { NetworkLimits } from './limits.ts';
import {
  PENALTY_FLOOD,
  PENALTY_MALFORMED,
  PENALTY_OVERSIZE,
  RESPONSE_PIECE_BYTES,
} from './limits.ts';
import type { TokenBucket } from './rate.ts';

/** What the answers to all peers, or to one, hold in memory. */
export type Load = { held: number; inFlight: number };

/** What is counted for one peer over all its streams, so that another stream buys nothing. */
export type AskerState = Load & { readonly rate: TokenBucket };

type Dependencies = {
  readonly limits: NetworkLimits;
  readonly clock: Clock;
  readonly asker: AskerState;
  readonly all: Load;
  readonly blame: (points: number, reason: string) => void;
  /** Answers; undefined for a kind that this node does not know. */
  readonly answer: (kind: number, body: Bytes, signal: AbortSignal) => Promise<Bytes> | undefined;
  readonly onFailure: (kind: number, error: unknown) => void;
  readonly onEnd: () => void;
};

/** The answering side of one request stream. */
export class RequestServer {
  readonly #with: Dependencies;
  readonly #framed: FramedStream;
  readonly #active = new Map<number, AbortController>();
  #pongsWaiting = 0;

  constructor(stream: Stream, dependencies: Dependencies) {
    this.#with = dependencies;
    this.#framed = new FramedStream(stream, {
      clock: dependencies.clock,
      frameBytesMax: FRAME_OVERHEAD_BYTES + dependencies.limits.requestBytesMax,
      writeTimeoutMs: dependencies.limits.writeTimeoutMs,
      onFrame: (frame) => this.#onFrame(frame),
      onEnd: (error) => {
        for (const id of [...this.#active.keys()]) this.#cancel(id);
        if (error !== undefined) {
          const isLong = error.code === 'frame-too-large';
          dependencies.blame(isLong ? PENALTY_OVERSIZE : PENALTY_MALFORMED, error.code);
        }
        dependencies.onEnd();
      },
    });
  }

  close(): void {
    this.#framed.abort('closed');
  }

  #onFrame(frame: Frame): void {
    if (frame.type === 'request') this.#onRequest(frame.id, frame.kind, frame.body);
    else if (frame.type === 'cancel') this.#cancel(frame.id);
    else if (frame.type === 'ping') this.#onPing(frame.id);
    else {
      this.#with.blame(PENALTY_MALFORMED, 'not a question');
      this.#framed.abort('not a question');
    }
  }

  #cancel(id: number): void {
    const controller = this.#active.get(id);
    this.#active.delete(id);
    controller?.abort();
  }

  #onPing(id: number): void {
    // Pings of a peer that reads no pong would pile up: a few are enough for anybody.
    if (this.#pongsWaiting >= 4) return;
    this.#pongsWaiting += 1;
    const done = () => {
      this.#pongsWaiting -= 1;
    };
    this.#framed.send({ type: 'pong', id }).then(done, done);
  }

  #onRequest(id: number, kind: number, body: Bytes): void {
    const { asker, all, limits, clock, blame } = this.#with;
    if (this.#active.has(id)) {
      blame(PENALTY_MALFORMED, 'id used twice');
      this.#framed.abort('id used twice');
      return;
    }
    if (!asker.rate.take(1, clock.now())) {
      blame(PENALTY_FLOOD, 'requests: flood');
      this.#refuse(id, 'busy');
      return;
    }
    const isCrowded =
      asker.inFlight >= limits.requestsPerPeerMax || all.inFlight >= limits.requestsInAllMax;
    if (isCrowded) {
      this.#refuse(id, 'busy');
      return;
    }
    const controller = new AbortController();
    const answering = this.#with.answer(kind, body, controller.signal);
    if (answering === undefined) {
      this.#refuse(id, 'unknown-kind');
      return;
    }
    this.#active.set(id, controller);
    asker.inFlight += 1;
    all.inFlight += 1;
    answering
      .then((response) => this.#respond(id, response, controller.signal))
      .catch((error: unknown) => {
        if (this.#active.get(id) !== controller) return;
        if (isBusy(error)) return this.#refuse(id, 'busy');
        this.#with.onFailure(kind, error);
        this.#refuse(id, 'failed');
      })
      .finally(() => {
        // Of a cancelled one the number may name another question by now.
        if (this.#active.get(id) === controller) this.#active.delete(id);
        asker.inFlight -= 1;
        all.inFlight -= 1;
      });
  }

  async #respond(id: number, response: Uint8Array, cancelled: AbortSignal): Promise<void> {
    const { asker, all, limits } = this.#with;
    const { length } = response;
    if (length > limits.responseBytesMax) {
      this.#refuse(id, 'too-large');
      return;
    }
    const isCrowded =
      asker.held + length > limits.responseBytesPerPeerMax ||
      all.held + length > limits.responseBytesHeldMax;
    if (isCrowded) {
      this.#refuse(id, 'busy');
      return;
    }
    asker.held += length;
    all.held += length;
    try {
      if (cancelled.aborted) return;
      await this.#framed.send({ type: 'head', id, length });
      for (let at = 0; at < length; at += RESPONSE_PIECE_BYTES) {
        if (cancelled.aborted) return; // Cancelled, or the stream ended.
        const body = new Uint8Array(response.subarray(at, at + RESPONSE_PIECE_BYTES));
        await this.#framed.send({ type: 'piece', id, body });
      }
    } catch {
      // The stream ended while writing: its end was reported, and there is nobody to refuse.
    } finally {
      asker.held -= length;
      all.held -= length;
    }
  }

  #refuse(id: number, reason: Refusal): void {
    this.#framed.send({ type: 'refuse', id, reason }).catch(() => undefined);
  }
}

/** Whether an answer was refused because its asker has had its share for now. */
function isBusy(error: unknown): boolean {
  const { code, facts } = errorToData(error);
  return code === 'request-refused' && facts.reason === 'busy';
}
