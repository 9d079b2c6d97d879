import { assert } from './assert.ts';
import type { Brand } from './brand.ts';

/** Milliseconds since 1970-01-01T00:00:00Z, a whole number. */
export type TimestampMs = Brand<number, 'TimestampMs'>;

/** Makes a {@link TimestampMs}; the number must be a safe whole number, not negative. */
export function timestampMs(value: number): TimestampMs {
  assert(Number.isSafeInteger(value) && value >= 0, `not a timestamp: ${value}`);
  return value as TimestampMs; // The assertion above is what the brand stands for.
}

/** Where IO rooms learn the time and wait; the simulator gives its own. */
export interface Clock {
  /** Wall clock. */
  now(): TimestampMs;
  /** Calls back once after `delayMs`; the returned function cancels. */
  after(delayMs: number, callback: () => void): () => void;
}

/** The clock of the platform. */
export const systemClock: Clock = {
  now: () => timestampMs(Date.now()),
  after(delayMs, callback) {
    const handle = setTimeout(callback, delayMs);
    return () => clearTimeout(handle);
  },
};
