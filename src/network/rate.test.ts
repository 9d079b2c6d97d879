import { describe, expect, it } from 'vitest';
import { TokenBucket } from './rate.ts';

describe('TokenBucket', () => {
  it('gives its burst at once, then only what time brings', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 3 }, 0);
    expect([1, 1, 1, 1].map((count) => bucket.take(count, 0))).toEqual([true, true, true, false]);
    expect(bucket.take(1, 99)).toBe(false);
    expect(bucket.take(1, 100)).toBe(true);
    expect(bucket.take(3, 10_000)).toBe(true);
    expect(bucket.take(1, 10_000)).toBe(false);
  });

  it('takes nothing when there is not enough', () => {
    const bucket = new TokenBucket({ perSecond: 1, burst: 5 }, 0);
    expect(bucket.take(6, 0)).toBe(false);
    expect(bucket.take(5, 0)).toBe(true);
  });

  it('gains nothing from a clock set back', () => {
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, 1_000);
    expect(bucket.take(1, 1_000)).toBe(true);
    expect(bucket.take(1, 0)).toBe(false);
    expect(bucket.take(1, 50)).toBe(false);
  });
});
