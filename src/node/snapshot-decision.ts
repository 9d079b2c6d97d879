import type { Clock } from '../base/index.ts';
import {
  SNAPSHOT_AGAIN_MS,
  SNAPSHOT_DECIDED_AGAIN_MS,
  SNAPSHOT_DECIDED_MS,
  SNAPSHOT_NEEDED_AGAIN_MS,
} from './limits.ts';

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
  begin(worthBlocks: number): void;
  /** Whether it is being decided has changed, or a snapshot ended. */
  onChanged(): void;
};

/** When a state is taken over, and when blocks are executed instead. */
export class SnapshotDecision {
  readonly #options: SnapshotDecisionOptions;
  /** Blocks wait until a told head is proven; absent when they do not. */
  #cancelWait: (() => void) | undefined;
  #cancelLook: () => void = () => undefined;
  #isOpen = false;
  /** No told head alone holds blocks back before this time. */
  #noWaitUntilMs = 0;
  /** No snapshot is looked for before this time: the last one came to nothing. */
  #noLookUntilMs = 0;

  constructor(options: SnapshotDecisionOptions) {
    this.#options = options;
  }

  start(): void {
    this.#isOpen = true;
    this.#noWaitUntilMs = 0;
    this.#noLookUntilMs = 0;
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

  /** Somebody tells a head so far above ours: whether it is true shows when it is proven. */
  told(lead: number): void {
    const { clock, worthBlocks, onChanged } = this.#options;
    const isOver = clock.now() < this.#noWaitUntilMs || this.isWaiting();
    if (lead < worthBlocks || isOver || !this.#mayLook()) return;
    this.#noWaitUntilMs = clock.now() + SNAPSHOT_DECIDED_AGAIN_MS;
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
    begin(worthBlocks);
    onChanged();
  }

  /** A snapshot was taken over, or came to nothing: then the next is looked for in a while. */
  ended(): void {
    const { clock, canReplay, onChanged } = this.#options;
    this.#cancelLook();
    if (this.#isOpen) {
      const waitMs = canReplay() ? SNAPSHOT_AGAIN_MS : SNAPSHOT_NEEDED_AGAIN_MS;
      this.#noLookUntilMs = clock.now() + waitMs;
      this.#cancelLook = clock.after(waitMs, () => this.look());
    }
    onChanged();
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
