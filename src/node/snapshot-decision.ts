import type { Clock } from '../base/index.ts';
import { SNAPSHOT_AGAIN_MS, SNAPSHOT_DECIDED_MS, SNAPSHOT_NEEDED_AGAIN_MS } from './limits.ts';

/** How a way to a snapshot ended; `unsure` when somebody may yet tell of one. */
export type SnapshotEnd = 'nothing' | 'unsure' | 'other';

export type SnapshotDecisionOptions = {
  readonly clock: Clock;
  /** Blocks by which a snapshot must be above our head to be less work than executing them. */
  readonly worthBlocks: number;
  /** By how much the newest proven block is above our head. */
  lead(): number;
  /** Whether this node takes over states at all, and none is being taken over. */
  mayBegin(): boolean;
  /** Whether somebody serves the blocks above our head. */
  canReplay(): boolean;
  begin(): void;
  /** Whether it is being decided has changed, or a snapshot ended. */
  onChanged(): void;
};

/** Times in a row that a snapshot is looked for again soon. */
const UNSURE_SOON_MAX = 3;

/** When a state is taken over, and when blocks are executed instead. */
export class SnapshotDecision {
  readonly #options: SnapshotDecisionOptions;
  /** Blocks wait until a told head is proven; absent when they do not. */
  #cancelWait: (() => void) | undefined;
  #cancelLook: () => void = () => undefined;
  #isOpen = false;
  /** Whether a told head alone held blocks back: it does so once after each start. */
  #hasWaited = false;
  /** No snapshot is looked for before this time: the last one came to nothing. */
  #noLookUntilMs = 0;
  /** Whether that was because nobody offered one. */
  #isOfferMissing = false;
  /** Times in a row that somebody might have told of one, and did not. */
  #unsure = 0;

  constructor(options: SnapshotDecisionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isOpen = true;
    this.#hasWaited = false;
    this.#noLookUntilMs = 0;
    this.#isOfferMissing = false;
    this.#unsure = 0;
  }

  stop(): void {
    this.#isOpen = false;
    this.#endWait();
    this.#cancelLook();
  }

  /** Whether nobody should be asked for blocks: a snapshot may be less work. */
  isWaiting(): boolean {
    return this.#cancelWait !== undefined;
  }

  /**
   * Somebody tells a head so far above ours: whether it is true shows when it is proven. A liar can
   * hold blocks back no second time.
   */
  told(lead: number): void {
    const { clock, worthBlocks, onChanged } = this.#options;
    if (lead < worthBlocks || this.#hasWaited || !this.#mayLook()) return;
    this.#hasWaited = true;
    this.#cancelWait = clock.after(SNAPSHOT_DECIDED_MS, () => {
      this.#endWait();
      onChanged();
    });
    onChanged();
    this.look();
  }

  /** Begins as soon as a block so far above ours is proven that a snapshot is worth it. */
  look(): void {
    const { worthBlocks, lead, begin, onChanged } = this.#options;
    if (lead() < worthBlocks || !this.#mayLook()) return;
    this.#endWait();
    begin();
    onChanged();
  }

  /** Somebody offers a snapshot that would be worth it: none has to be waited for any more. */
  offered(): void {
    if (this.#isOfferMissing) this.#lookAgain();
  }

  /** A snapshot was taken over, or came to nothing: then the next is looked for in a while. */
  ended(end: SnapshotEnd): void {
    const { clock, canReplay, onChanged } = this.#options;
    this.#cancelLook();
    this.#isOfferMissing = end !== 'other';
    if (this.#isOpen) {
      this.#unsure = end === 'unsure' ? this.#unsure + 1 : 0;
      // Who offers what nobody proves shall not hold up the blocks for ever.
      const isSoon = (end === 'unsure' && this.#unsure <= UNSURE_SOON_MAX) || !canReplay();
      const waitMs = isSoon ? SNAPSHOT_NEEDED_AGAIN_MS : SNAPSHOT_AGAIN_MS;
      this.#noLookUntilMs = clock.now() + waitMs;
      this.#cancelLook = clock.after(waitMs, () => this.#lookAgain());
    }
    onChanged();
  }

  /** Timers may fire a moment before the clock shows their time. */
  #lookAgain(): void {
    this.#noLookUntilMs = 0;
    this.look();
  }

  #mayLook(): boolean {
    const { clock, mayBegin } = this.#options;
    return this.#isOpen && clock.now() >= this.#noLookUntilMs && mayBegin();
  }

  #endWait(): void {
    this.#cancelWait?.();
    this.#cancelWait = undefined;
  }
}
