import { describe, expect, it } from 'vitest';
import { parameterText } from './parameter.ts';

describe('parameterText', () => {
  it('says in words what is empty or a switch, and groups digits', () => {
    expect(parameterText(null, 'en')).toBe('None');
    expect(parameterText([], 'en')).toBe('None');
    expect(parameterText(true, 'en')).toBe('Yes');
    expect(parameterText(50_000_000, 'en')).toBe('50,000,000');
    expect(parameterText('340282366920938463463374607431768211455', 'en')).toBe(
      '340,282,366,920,938,463,463,374,607,431,768,211,455',
    );
    expect(parameterText('tab1qq', 'en')).toBe('tab1qq');
  });
  it('leaves to others what has an inside', () => {
    expect(parameterText([1], 'en')).toBeUndefined();
    expect(parameterText({ a: 1 }, 'en')).toBeUndefined();
  });
});
