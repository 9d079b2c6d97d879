/** Between two drawings of what the node tells. */
export const DRAW_INTERVAL_MS = 100;

/** Calls for a drawing, that come as fast as they like. */
export type Pace = {
  /** Draws at once when the last time is long enough ago, else as soon as it is. */
  ask(): void;
  /** Draws no more; may be called twice. */
  stop(): void;
};

/**
 * Draws no more often than every `intervalMs`, and always once more after the last call: while a
 * node reads blocks it tells of hundreds a second, and nobody reads so fast.
 */
export function createPace(draw: () => void, intervalMs: number): Pace {
  let lastMs = Number.NEGATIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = () => {
    timer = undefined;
    lastMs = performance.now();
    draw();
  };
  return {
    ask() {
      if (timer !== undefined) return;
      const waitMs = lastMs + intervalMs - performance.now();
      // A timer even for a short wait, not a frame: a hidden page has no frames.
      if (waitMs > 0) timer = setTimeout(run, waitMs);
      else run();
    },
    stop() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
