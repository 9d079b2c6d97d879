import { describe, expect, it } from 'vitest';
import { formatAge, formatClock, formatDay, formatDuration, formatEta } from './time.ts';

const NOON = new Date(2031, 4, 12, 12, 0, 0).getTime();

describe('formatAge', () => {
  it('uses the fewest words', () => {
    expect(formatAge(400)).toBe('now');
    expect(formatAge(59_999)).toBe('59 s');
    expect(formatAge(60_000)).toBe('1 min');
    expect(formatAge(3 * 3_600_000)).toBe('3 h');
    expect(formatAge(72 * 3_600_000)).toBe('3 d');
  });
  it('never goes below now, whatever the clock does', () => {
    expect(formatAge(-5000)).toBe('now');
  });
});

describe('formatEta and formatDuration', () => {
  it('round as honest estimates do', () => {
    expect(formatEta(100)).toBe('~1 s');
    expect(formatEta(39_600)).toBe('~40 s');
    expect(formatEta(170_000)).toBe('~3 min');
  });
  it('tell milliseconds where they matter', () => {
    expect(formatDuration(340)).toBe('340 ms');
    expect(formatDuration(1240)).toBe('1.2 s');
    expect(formatDuration(12_000)).toBe('12 s');
  });
});

describe('formatDay and formatClock', () => {
  it('name today and yesterday', () => {
    expect(formatDay(NOON - 3_600_000, NOON, 'en')).toBe('Today');
    expect(formatDay(NOON - 86_400_000, NOON, 'en')).toBe('Yesterday');
    expect(formatDay(NOON - 3 * 86_400_000, NOON, 'en')).toBe('May 9, 2031');
  });
  it('add the date on other days only', () => {
    expect(formatClock(NOON, NOON, 'en-GB')).toBe('12:00');
    expect(formatClock(NOON - 86_400_000, NOON, 'en-GB')).toContain('11 May');
  });
});
