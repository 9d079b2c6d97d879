import type { Bytes, Clock } from '../base/index.ts';
import { TabellionError } from '../base/index.ts';
import { TokenBucket } from '../network/index.ts';
import {
  ANSWER_UNITS_BURST,
  ANSWER_UNITS_PER_SECOND,
  ANSWERED_AT_ONCE_MAX,
  ANSWERED_PEERS_MAX,
  ANSWERED_PER_PEER_MAX,
} from './limits.ts';

type Peer = {
  readonly units: TokenBucket;
  /** Answers being made. */
  running: number;
  /** Questions that wait for their turn, oldest first. */
  readonly waiting: (() => void)[];
};

/**
 * What answering one peer's questions may cost this node. A few are answered at once, peers in
 * turn, each as often as what it asks for costs. Nobody is blamed: honest peers come to the bound
 * too, when this node alone serves what they lack, and ask another or later.
 */
export class AnswerTurns {
  readonly #clock: Clock;
  /** Longest known first. */
  readonly #peers = new Map<string, Peer>();
  /** Peers that wait, in turn. */
  readonly #queue = new Set<Peer>();
  #running = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes what a question costs; throws `request-refused` when its asker has not so much left. */
  charge(peerId: string, units: number): void {
    if (this.#peerOf(peerId).units.take(units, this.#clock.now())) return;
    throw new TabellionError('request-refused', { reason: 'busy' });
  }

  /** Makes an answer when it is its asker's turn, unless nobody waits for it any more. */
  async run(
    { peerId, signal }: { readonly peerId: string; readonly signal?: AbortSignal | undefined },
    work: () => Promise<Bytes>,
  ): Promise<Bytes> {
    const peer = this.#peerOf(peerId);
    // Whoever lets it enter counts it among those that run.
    if (this.#hasRoom(peer)) this.#enter(peer);
    else {
      await new Promise<void>((resolve) => {
        peer.waiting.push(resolve);
        this.#queue.add(peer);
      });
    }
    try {
      if (signal?.aborted) throw new TabellionError('aborted');
      return await work();
    } finally {
      peer.running -= 1;
      this.#running -= 1;
      this.#letIn();
    }
  }

  #hasRoom(peer: Peer): boolean {
    return peer.running < ANSWERED_PER_PEER_MAX && this.#running < ANSWERED_AT_ONCE_MAX;
  }

  #enter(peer: Peer): void {
    peer.running += 1;
    this.#running += 1;
  }

  #letIn(): void {
    for (const peer of this.#queue) {
      if (!this.#hasRoom(peer)) continue;
      this.#queue.delete(peer);
      const enter = peer.waiting.shift();
      if (enter === undefined) continue;
      // Behind all others.
      if (peer.waiting.length > 0) this.#queue.add(peer);
      this.#enter(peer);
      enter();
    }
  }

  #peerOf(peerId: string): Peer {
    const known = this.#peers.get(peerId);
    if (known !== undefined) return known;
    const limit = { perSecond: ANSWER_UNITS_PER_SECOND, burst: ANSWER_UNITS_BURST };
    const units = new TokenBucket(limit, this.#clock.now());
    const peer: Peer = { units, running: 0, waiting: [] };
    this.#peers.set(peerId, peer);
    for (const [oldest, { running, waiting }] of this.#peers) {
      if (this.#peers.size <= ANSWERED_PEERS_MAX) break;
      // Whoever is waited for keeps its place in both.
      if (running === 0 && waiting.length === 0 && oldest !== peerId) this.#peers.delete(oldest);
    }
    return peer;
  }
}
