import type { Clock } from '../base/index.ts';
import type { GossipVerdict } from '../network/index.ts';
import {
  ALLOWED_PEERS_MAX,
  JUDGED_AT_ONCE_MAX,
  USELESS_BURST,
  USELESS_PER_SECOND,
} from './limits.ts';

/** What a judged message was worth, in transactions. */
export type Judged = {
  readonly verdict: GossipVerdict;
  /** Those that the pool took. */
  readonly useful: number;
  /** Those whose judging cost us, and came to nothing. */
  readonly useless: number;
};

type Peer = {
  /** Below zero when what was on its way at once cost more than there was. */
  tokens: number;
  filledMs: number;
  /** Transactions being judged. */
  judging: number;
  /** Messages that wait for their turn, oldest first. */
  readonly waiting: { readonly count: number; readonly enter: () => void }[];
};

/**
 * What judging one peer's transactions may cost this node. Nobody is blamed for what it says: heads
 * and pools differ, so an honest node passes on what another refuses, and whoever sends two
 * versions of a payment to two nodes could else make each blame the other. A peer whose
 * transactions come to nothing is not read for a while, that is all.
 */
export class GossipAllowance {
  readonly #clock: Clock;
  /** Longest known first. */
  readonly #peers = new Map<string, Peer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Whether nothing of a peer is read now. */
  isSpent(peerId: string): boolean {
    const peer = this.#peers.get(peerId);
    return peer !== undefined && this.#refill(peer).tokens < 1;
  }

  /** Judges a message of `count` transactions when its turn comes, unless its peer is spent. */
  async judge(peerId: string, count: number, judge: () => Promise<Judged>): Promise<GossipVerdict> {
    const peer = this.#peerOf(peerId);
    const isBusy = peer.judging > 0 && peer.judging + count > JUDGED_AT_ONCE_MAX;
    if (isBusy || peer.waiting.length > 0) {
      // Whoever lets it enter counts it among those being judged.
      await new Promise<void>((enter) => peer.waiting.push({ count, enter }));
    } else {
      peer.judging += count;
    }
    try {
      if (this.#refill(peer).tokens < 1) return 'ignore';
      const { verdict, useful, useless } = await judge();
      peer.tokens = Math.min(USELESS_BURST, peer.tokens + useful - useless);
      return verdict;
    } finally {
      peer.judging -= count;
      this.#admitWaiting(peer);
    }
  }

  #admitWaiting(peer: Peer): void {
    for (;;) {
      const [next] = peer.waiting;
      if (next === undefined) return;
      if (peer.judging > 0 && peer.judging + next.count > JUDGED_AT_ONCE_MAX) return;
      peer.waiting.shift();
      peer.judging += next.count;
      next.enter();
    }
  }

  #peerOf(peerId: string): Peer {
    const known = this.#peers.get(peerId);
    if (known !== undefined) return known;
    const nowMs = this.#clock.now();
    const peer = { tokens: USELESS_BURST, filledMs: nowMs, judging: 0, waiting: [] };
    this.#peers.set(peerId, peer);
    if (this.#peers.size > ALLOWED_PEERS_MAX) {
      const [oldest] = this.#peers.keys();
      if (oldest !== undefined) this.#peers.delete(oldest);
    }
    return peer;
  }

  #refill(peer: Peer): Peer {
    const nowMs = this.#clock.now();
    // A clock set back gives nothing and takes nothing.
    const elapsedMs = Math.max(0, nowMs - peer.filledMs);
    peer.filledMs = nowMs;
    const filled = peer.tokens + (elapsedMs / 1_000) * USELESS_PER_SECOND;
    peer.tokens = Math.min(USELESS_BURST, filled);
    return peer;
  }
}
