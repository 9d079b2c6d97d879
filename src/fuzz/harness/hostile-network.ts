import type { Bytes, Clock } from '../../base/index.ts';
import { TabellionError } from '../../base/index.ts';
import type { Network, NetworkHandlers, PeerView, RequestKind } from '../../network/index.ts';
import { SCORE_MAX } from '../../network/index.ts';

/** How long a hostile peer takes to answer. */
const LATENCY_MS = 1;

/** What a peer answers; absent: it is gone. */
export type HostileAnswer = (
  kind: RequestKind,
  body: Bytes,
  peerId: string,
) => Bytes | undefined | Promise<Bytes | undefined>;

/** A network of peers that one program plays, which may be banned. */
export class HostileNetwork implements Network {
  readonly peerId = 'me';
  readonly #clock: Clock;
  readonly #answer: HostileAnswer;
  readonly #scores = new Map<string, number>();
  #handlers: NetworkHandlers | undefined;

  constructor(clock: Clock, answer: HostileAnswer) {
    this.#clock = clock;
    this.#answer = answer;
  }

  open(handlers: NetworkHandlers): void {
    this.#handlers = handlers;
  }

  join(peerId: string): void {
    this.#scores.set(peerId, SCORE_MAX);
    this.#handlers?.onEvent({ kind: 'peer-connected', peerId });
  }

  leave(peerId: string): void {
    if (!this.#scores.delete(peerId)) return;
    this.#handlers?.onEvent({ kind: 'peer-disconnected', peerId });
  }

  peers(): readonly PeerView[] {
    return [...this.#scores].map(([peerId, score]) => ({
      ...{ peerId, score, addresses: [], transport: 'websocket', direction: 'outbound' },
      ...{ voice: peerId, latencyMs: 1, agent: 'x', connectedSinceMs: 0 },
    }));
  }

  request(peerId: string, kind: RequestKind, body: Uint8Array): Promise<Bytes> {
    return new Promise((resolve, reject) => {
      this.#clock.after(LATENCY_MS, () => {
        const settle = (bytes: Bytes | undefined): void => {
          if (bytes === undefined) reject(new TabellionError('peer-gone'));
          else resolve(new Uint8Array(bytes));
        };
        const isThere = this.#scores.has(peerId);
        const answer = isThere ? this.#answer(kind, new Uint8Array(body), peerId) : undefined;
        if (answer instanceof Promise) answer.then(settle, reject);
        else settle(answer);
      });
    });
  }

  penalize(peerId: string, points: number): void {
    const score = (this.#scores.get(peerId) ?? 0) - points;
    if (score > 0) this.#scores.set(peerId, score);
    else this.#clock.after(0, () => this.leave(peerId));
  }

  addresses(): readonly string[] {
    return [];
  }

  async publish(): Promise<void> {}
  async addRelay(): Promise<void> {}
  async stop(): Promise<void> {}
}
