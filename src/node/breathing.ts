import type { Clock } from '../base/index.ts';
import { ANSWER_SLICE_MS } from './limits.ts';

/**
 * Waits for a moment whenever work took its time since the last one: blocks that are at hand are
 * decoded and hashed without any wait, and others must have their turn.
 */
export function breathing(clock: Clock): () => Promise<void> {
  let fromMs: number = clock.now();
  return async () => {
    if (clock.now() - fromMs < ANSWER_SLICE_MS) return;
    await new Promise<void>((resolve) => {
      clock.after(0, resolve);
    });
    fromMs = clock.now();
  };
}
