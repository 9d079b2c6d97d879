import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createPace } from './pace.ts';

const INTERVAL_MS = 100;

describe('a pace', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('draws the first call at once and many after it as one', () => {
    const draw = vi.fn();
    const pace = createPace(draw, INTERVAL_MS);
    pace.ask();
    expect(draw).toHaveBeenCalledTimes(1);
    for (let call = 0; call < 500; call++) pace.ask();
    expect(draw).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(INTERVAL_MS);
    expect(draw).toHaveBeenCalledTimes(2);
    vi.advanceTimersByTime(10 * INTERVAL_MS);
    expect(draw).toHaveBeenCalledTimes(2);
  });

  it('keeps the interval however long the calls go on', () => {
    const draw = vi.fn();
    const pace = createPace(draw, INTERVAL_MS);
    for (let ms = 0; ms < 1000; ms++) {
      pace.ask();
      vi.advanceTimersByTime(1);
    }
    expect(draw).toHaveBeenCalledTimes(11); // At 0, 100, … and 1,000 ms.
  });

  it('draws at once again after a rest', () => {
    const draw = vi.fn();
    const pace = createPace(draw, INTERVAL_MS);
    pace.ask();
    vi.advanceTimersByTime(INTERVAL_MS);
    pace.ask();
    expect(draw).toHaveBeenCalledTimes(2);
  });

  it('draws nothing after it was stopped', () => {
    const draw = vi.fn();
    const pace = createPace(draw, INTERVAL_MS);
    pace.ask();
    pace.ask();
    pace.stop();
    pace.stop();
    vi.advanceTimersByTime(10 * INTERVAL_MS);
    expect(draw).toHaveBeenCalledTimes(1);
  });
});
