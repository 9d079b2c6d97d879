import { SCORE_MAX } from './limits.ts';

type ScoreEntry = { lost: number; atMs: number };

/**
 * Scores of peers: 1000 for one never blamed, less for the blamed, coming back with time. Only
 * blamed peers take memory, at most `max`; beyond, the one blamed longest ago is forgiven.
 */
export class PeerScores {
  readonly #entries = new Map<string, ScoreEntry>();
  readonly #recoveryPerSecond: number;
  readonly #max: number;

  constructor(options: { readonly recoveryPerSecond: number; readonly max: number }) {
    this.#recoveryPerSecond = options.recoveryPerSecond;
    this.#max = options.max;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** 0 to 1000. */
  scoreOf(peerId: string, nowMs: number): number {
    return Math.round(SCORE_MAX - this.#lost(peerId, nowMs));
  }

  /** Takes points; returns the new score. At 0 the caller bans, and calls {@link forget}. */
  blame(peerId: string, points: number, nowMs: number): number {
    const lost = Math.min(SCORE_MAX, this.#lost(peerId, nowMs) + Math.max(0, points));
    this.#entries.delete(peerId);
    this.#entries.set(peerId, { lost, atMs: nowMs });
    if (this.#entries.size > this.#max) {
      for (const oldest of this.#entries.keys()) {
        this.#entries.delete(oldest);
        break;
      }
    }
    return Math.round(SCORE_MAX - lost);
  }

  forget(peerId: string): void {
    this.#entries.delete(peerId);
  }

  #lost(peerId: string, nowMs: number): number {
    const entry = this.#entries.get(peerId);
    if (entry === undefined) return 0;
    const recovered = (Math.max(0, nowMs - entry.atMs) / 1000) * this.#recoveryPerSecond;
    const lost = Math.max(0, entry.lost - recovered);
    if (lost === 0) this.#entries.delete(peerId);
    return lost;
  }
}
