import { describe, expect, it } from 'vitest';
import { describeAddressError, describeError } from './errors.ts';

describe('describeError', () => {
  it('is neutral about a closed prompt', () => {
    expect(describeError({ code: 'prompt-cancelled' }).title).toBe('Nothing was signed');
  });
  it('shows a code that it does not know', () => {
    const words = describeError({ code: 'brand-new-code' });
    expect(words.title).toBe('Brand new code');
    expect(words.advice).toContain('brand-new-code');
  });
});

describe('describeAddressError', () => {
  it('counts characters from one, as people do', () => {
    const error = { code: 'address-character-invalid', position: 4 };
    expect(describeAddressError(error)).toContain('Character 5');
  });
});
