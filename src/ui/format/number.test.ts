import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatBytes, formatMemory, formatPercent, plural } from './number.ts';

describe('formatBytes', () => {
  it('keeps at most one fraction digit', () => {
    expect(formatBytes(0, 'en')).toBe('0 B');
    expect(formatBytes(999, 'en')).toBe('999 B');
    expect(formatBytes(1540, 'en')).toBe('1.5 KB');
    expect(formatBytes(58_000_000, 'en')).toBe('58 MB');
    expect(formatBytes(999_900, 'en')).toBe('1 MB');
    expect(formatBytes(4e15, 'en')).toBe('4,000 TB');
  });
});

describe('formatMemory', () => {
  it('names powers of two by the figure that was chosen', () => {
    expect(formatMemory(32 * 1024 * 1024, 'en')).toBe('32 MiB');
    expect(formatMemory(1024 * 1024 * 1024, 'en')).toBe('1,024 MiB');
  });
});

describe('formatPercent', () => {
  it('is never 100 while anything is missing', () => {
    fc.assert(
      fc.property(fc.nat(), fc.integer({ min: 1 }), (done, missing) => {
        const percent = formatPercent(done, done + missing);
        expect(percent).toBeGreaterThanOrEqual(0);
        expect(percent).toBeLessThanOrEqual(99);
      }),
    );
  });
  it('is 100 when everything is done', () => expect(formatPercent(7, 7)).toBe(100));
  it('is 0 when there is nothing to do or less than nothing done', () => {
    expect(formatPercent(0, 0)).toBe(0);
    expect(formatPercent(-3, 10)).toBe(0);
  });
});

describe('plural', () => {
  it('knows one from many', () => {
    expect(plural(1, 'peer')).toBe('1 peer');
    expect(plural(0, 'peer')).toBe('0 peers');
  });
});
